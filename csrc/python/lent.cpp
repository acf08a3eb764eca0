#include "lent.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "numpy.hpp"

namespace numloss {
namespace {

// Bytes from one element to the next along each axis of an array in C order.
std::vector<int64_t> strides_in_order(const Array& memory) {
  std::vector<int64_t> strides(size_t(memory.ndim));
  int64_t step = item_size(memory.dtype);
  for (int d = memory.ndim - 1; d >= 0; --d) {
    strides[size_t(d)] = step;
    if (__builtin_mul_overflow(step, std::max<int64_t>(memory.shape[d], 1), &step)) {
      throw Unusable("must have elements that can be counted");
    }
  }
  return strides;
}

void forbid_writing(const py::array& array) {
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
}

// Looked up once, for as long as the process lives.
py::dtype bfloat_type() {
  static std::atomic<PyObject*> known = nullptr;
  PyObject* type = known.load(std::memory_order_acquire);
  if (type == nullptr) {
    type = py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16")).release().ptr();
    known.store(type, std::memory_order_release);
  }
  return py::reinterpret_borrow<py::dtype>(type);
}

}  // namespace

py::dtype numpy_type(DType dtype) {
  using Number = py::detail::npy_api;
  constexpr int kHalf = 23;  // NPY_HALF
  constexpr int kNumbers[] = {Number::NPY_FLOAT_,
                              Number::NPY_DOUBLE_,
                              kHalf,
                              0,
                              Number::NPY_BOOL_,
                              Number::NPY_INT8_,
                              Number::NPY_INT16_,
                              Number::NPY_INT32_,
                              Number::NPY_INT64_,
                              Number::NPY_UINT8_,
                              Number::NPY_UINT16_,
                              Number::NPY_UINT32_,
                              Number::NPY_UINT64_};
  return dtype == DType::kBfloat16 ? bfloat_type() : py::dtype(kNumbers[size_t(dtype)]);
}

py::array lent_array(const Array& memory, const py::capsule& owner) {
  Array checked = memory;
  std::vector<int64_t> in_order;
  if (memory.strides == nullptr && memory.ndim > 0 && memory.ndim <= kMaxDims &&
      memory.shape != nullptr) {
    in_order = strides_in_order(memory);
    checked.strides = in_order.data();
  }
  if (const char* flaw = flaw_of(checked)) throw Unusable(flaw);
  const std::vector<py::ssize_t> shape(memory.shape, memory.shape + memory.ndim);
  const std::vector<py::ssize_t> strides(checked.strides, checked.strides + memory.ndim);
  const py::array array(numpy_type(memory.dtype), shape, strides, memory.data, owner);
  if (!memory.writeable) forbid_writing(array);
  return array;
}

}  // namespace numloss
