// The class EvaluationState of the extension module.
#pragma once

#include <pybind11/pybind11.h>

namespace numloss {

void add_evaluation(pybind11::module_& module);

}  // namespace numloss
