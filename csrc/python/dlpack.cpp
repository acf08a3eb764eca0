#include "dlpack.hpp"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "../runtime/table.hpp"

namespace py = pybind11;

namespace numloss {
namespace {

// The C ABI of DLPack 0.x, which every producer still offers (dmlc.github.io/dlpack).
struct DlDevice {
  int32_t type;
  int32_t id;
};
struct DlType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DlTensor {
  void* data;
  DlDevice device;
  int32_t ndim;
  DlType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: C order
  uint64_t byte_offset;
};
struct DlManagedTensor {
  DlTensor tensor;
  void* context;
  void (*deleter)(DlManagedTensor*);
};

constexpr int32_t kCpu = 1;
constexpr uint8_t kBfloatCode = 4;
constexpr py::ssize_t kItemsize = 2;

// What an exporter says of its tensor, which need not be so.
std::vector<py::ssize_t> shape_of(const DlTensor& tensor) {
  if (tensor.ndim < 0 || tensor.ndim > kMaxDims || (tensor.ndim > 0 && tensor.shape == nullptr)) {
    throw std::invalid_argument("not of a number of axes that NumPy has");
  }
  std::vector<py::ssize_t> shape(tensor.shape, tensor.shape + tensor.ndim);
  py::ssize_t bytes = kItemsize;
  for (const py::ssize_t n : shape) {
    if (n < 0 || __builtin_mul_overflow(bytes, std::max<py::ssize_t>(n, 1), &bytes)) {
      throw std::invalid_argument("of a shape that no memory holds");
    }
  }
  const bool empty = std::count(shape.begin(), shape.end(), 0) > 0;
  if (tensor.data == nullptr && !empty) throw std::invalid_argument("without memory");
  return shape;
}

// In bytes; none for C order.
std::vector<py::ssize_t> strides_of(const DlTensor& tensor) {
  std::vector<py::ssize_t> strides;
  for (int32_t d = 0; tensor.strides != nullptr && d < tensor.ndim; ++d) {
    py::ssize_t stride;
    if (__builtin_mul_overflow(tensor.strides[d], kItemsize, &stride)) {
      throw std::invalid_argument("with strides beyond the address space");
    }
    strides.push_back(stride);
  }
  return strides;
}

}  // namespace

py::array from_dlpack(const py::capsule& capsule, const py::dtype& dtype) {
  auto* managed = static_cast<DlManagedTensor*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor"));
  if (managed == nullptr) throw py::error_already_set();
  const DlTensor& tensor = managed->tensor;
  if (tensor.device.type != kCpu) throw std::invalid_argument("not in the memory of the CPU");
  if (tensor.dtype.code != kBfloatCode || tensor.dtype.bits != 16 || tensor.dtype.lanes != 1) {
    throw std::invalid_argument("not of type bfloat16");
  }
  const std::vector<py::ssize_t> shape = shape_of(tensor), strides = strides_of(tensor);
  // The capsule is ours from here on: its name says so to its own destructor.
  PyCapsule_SetName(capsule.ptr(), "used_dltensor");
  const py::capsule owner(managed, [](void* pointer) {
    auto* tensor_to_free = static_cast<DlManagedTensor*>(pointer);
    if (tensor_to_free->deleter != nullptr) tensor_to_free->deleter(tensor_to_free);
  });
  return py::array(dtype, shape, strides, static_cast<char*>(tensor.data) + tensor.byte_offset,
                   owner);
}

}  // namespace numloss
