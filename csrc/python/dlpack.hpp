// Import of the one DLPack type that NumPy itself cannot take: bfloat16.
#pragma once

#include <pybind11/numpy.h>

namespace numloss {

// The tensor of a DLPack capsule (named "dltensor", unversioned) on the CPU as an array of the
// given 2-byte dtype over the same memory, which the array keeps alive. Throws
// std::invalid_argument for any other type or device.
pybind11::array from_dlpack(const pybind11::capsule& capsule, const pybind11::dtype& dtype);

}  // namespace numloss
