// Memory that another library lends, as an array of NumPy's.
#pragma once

#include <pybind11/numpy.h>

#include <stdexcept>
#include <string>

#include "../checks/array.hpp"

namespace numloss {

// What is wrong with something that another library gave: "must...", as a fault says it.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The array over `memory`, whose strides may be null: its elements then lie in C order. It keeps
// `owner` alive. Throws Unusable where no array can be as `memory` is described.
pybind11::array lent_array(const Array& memory, const pybind11::capsule& owner);

// NumPy's type; that of bfloat16 is imported from ml_dtypes.
pybind11::dtype numpy_type(DType dtype);

}  // namespace numloss
