// Tensors of other libraries as arrays of NumPy's over the same memory, by DLPack.
#pragma once

#include <pybind11/numpy.h>

namespace numloss {

// The tensor of a capsule that `__dlpack__` returned, versioned or not. An unversioned one cannot
// say that its memory must not be written: its array is read-only. Throws Unusable.
pybind11::array from_dlpack(const pybind11::capsule& capsule);

// Remembers how a type exports its tensors without Python: the table in its attribute
// `__dlpack_c_exchange_api__`. What is no table of DLPack 1.x is left alone.
void remember_exchange(const pybind11::type& type, const pybind11::object& table);

// The array of a tensor whose type has such a table. Null: it has none, or the tensor is one that
// only Python can tell about: `_convert` takes it, or says why not.
pybind11::object from_exchange(PyObject* tensor);

}  // namespace numloss
