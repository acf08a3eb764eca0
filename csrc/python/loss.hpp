// The Python types Loss and Method: objects that are called like functions, without pybind11's
// dispatcher, which would cost as much as the kernels do on 64 numbers.
#pragma once

#include <pybind11/pybind11.h>

#include "../checks/losses.hpp"

namespace numloss {

inline constexpr int kMethods = 5;
// Modes beside those of the kernels: the examples' values and weights, apart from each other; and
// what a call would give, without computing anything.
inline constexpr unsigned kExamples = 8, kOutline = 16;

struct LossObject {
  PyObject head;
  vectorcallfunc call;
  const Loss* loss;
  PyObject* attributes;  // __name__, __doc__ and so on, from the declaration in Python
  PyObject* weak_references;
  PyObject* methods[kMethods];
  int input_count;
  int roles[kMaxHeads + 2];  // of the inputs, in the order of the arguments
  PyObject* input_names[kMaxHeads + 2];
  PyObject* parameter_names[kMaxSettings];
};

// Adds both types to the module.
void add_loss_types(pybind11::module_& module);

// Computes what `mode` asks for with the arguments of a vector call; null: an exception is set.
PyObject* compute(const LossObject& loss, unsigned mode, PyObject* const* args, Py_ssize_t count,
                  PyObject* names);

// Looks up once what calls need: a fork in the middle of looking up would leave the child waiting.
void prepare_calls();

}  // namespace numloss
