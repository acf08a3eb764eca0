// NumPy's arrays and types as the checks see them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <optional>
#include <string_view>

#include "../checks/array.hpp"

namespace numloss {

namespace py = pybind11;

inline py::object borrowed(PyObject* object) { return py::reinterpret_borrow<py::object>(object); }

// Takes over what an API function returned; throws the exception that it set instead.
inline py::object owned(PyObject* object) {
  if (object == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(object);
}

inline const py::detail::npy_api& numpy() { return py::detail::npy_api::get(); }

// An array of NumPy's own class, of which nothing can be lost by reading its memory.
inline bool is_array(PyObject* x) { return Py_TYPE(x) == numpy().PyArray_Type_; }

// Numbers of types from here on belong to packages that register their own with NumPy.
inline constexpr int kFirstRegistered = 256;

// bfloat16 is a type that ml_dtypes registers: known by its name alone. Without a call of Python's,
// which could let other code change the arrays that are being read.
inline bool is_bfloat(const py::dtype& dtype) {
  const auto* proxy = py::detail::array_descriptor_proxy(dtype.ptr());
  const std::string_view path = reinterpret_cast<PyTypeObject*>(proxy->typeobj)->tp_name;
  return dtype.itemsize() == 2 && path.substr(path.rfind('.') + 1) == "bfloat16";
}

template <class T>
constexpr DType integer_type() {
  constexpr bool kSigned = T(-1) < T(0);
  switch (sizeof(T)) {
    case 2: return kSigned ? DType::kInt16 : DType::kUint16;
    case 4: return kSigned ? DType::kInt32 : DType::kUint32;
    default: return kSigned ? DType::kInt64 : DType::kUint64;
  }
}

// Null: a type that the kernels do not read.
inline std::optional<DType> type_of(const py::dtype& dtype) {
  using Number = py::detail::npy_api;
  constexpr int kHalf = 23;  // NPY_HALF
  switch (dtype.num()) {
    case Number::NPY_FLOAT_: return DType::kFloat32;
    case Number::NPY_DOUBLE_: return DType::kFloat64;
    case kHalf: return DType::kFloat16;
    case Number::NPY_BOOL_: return DType::kBool;
    case Number::NPY_BYTE_: return DType::kInt8;
    case Number::NPY_UBYTE_: return DType::kUint8;
    case Number::NPY_SHORT_: return integer_type<short>();
    case Number::NPY_USHORT_: return integer_type<unsigned short>();
    case Number::NPY_INT_: return integer_type<int>();
    case Number::NPY_UINT_: return integer_type<unsigned>();
    case Number::NPY_LONG_: return integer_type<long>();
    case Number::NPY_ULONG_: return integer_type<unsigned long>();
    case Number::NPY_LONGLONG_: return integer_type<long long>();
    case Number::NPY_ULONGLONG_: return integer_type<unsigned long long>();
  }
  if (dtype.num() >= kFirstRegistered && is_bfloat(dtype)) return DType::kBfloat16;
  return {};
}

inline py::dtype dtype_of(PyObject* array) {
  return py::reinterpret_borrow<py::dtype>(py::detail::array_proxy(array)->descr);
}

inline bool is_readable(PyObject* x) { return is_array(x) && type_of(dtype_of(x)).has_value(); }

inline bool is_writeable(PyObject* array) {
  return (py::detail::array_proxy(array)->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_) != 0;
}

// The memory of an array, or of one of a subclass. False: a type that the kernels do not read.
inline bool view(PyObject* x, Array& array) {
  const auto* proxy = py::detail::array_proxy(x);
  const py::dtype dtype = dtype_of(x);
  const std::optional<DType> known = type_of(dtype);
  static_assert(sizeof(py::ssize_t) == sizeof(int64_t));
  array.data = proxy->data;
  array.dtype = known.value_or(DType::kFloat64);
  array.swapped = dtype.byteorder() == '>';
  array.writeable = is_writeable(x);
  array.ndim = proxy->nd;
  array.shape = reinterpret_cast<const int64_t*>(proxy->dimensions);
  array.strides = reinterpret_cast<const int64_t*>(proxy->strides);
  return known.has_value();
}

}  // namespace numloss
