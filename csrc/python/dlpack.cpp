#include "dlpack.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "lent.hpp"

namespace py = pybind11;

namespace numloss {
namespace {

// The C ABI of DLPack 1.x (dmlc.github.io/dlpack), and the unversioned tensor from before it.
struct DlVersion {
  uint32_t major, minor;
};
struct DlDevice {
  int32_t type, id;
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
struct DlUnversioned {
  DlTensor tensor;
  void* context;
  void (*deleter)(DlUnversioned*);
};
struct DlVersioned {
  DlVersion version;
  void* context;
  void (*deleter)(DlVersioned*);
  uint64_t flags;
  DlTensor tensor;
};
struct DlExchangeHeader {
  DlVersion version;
  const DlExchangeHeader* earlier;
};
// The functions beyond are not used: to borrow a tensor without owning it would be cheaper, but
// another thread may take away its memory while a call runs without the GIL.
struct DlExchange {
  DlExchangeHeader header;
  void (*allocate)();
  int (*export_tensor)(void* object, DlVersioned** tensor);
};

constexpr uint32_t kMajor = 1;
constexpr uint64_t kReadOnly = 1;

// A tensor that has been handed over, until its deleter is called; it may have none.
template <class Managed>
struct Delete {
  void operator()(Managed* managed) const {
    if (managed->deleter != nullptr) managed->deleter(managed);
  }
};
template <class Managed>
using Owned = std::unique_ptr<Managed, Delete<Managed>>;

constexpr const char* kDevices[] = {"",
                                    "CPU",
                                    "CUDA",
                                    "CUDA host memory",
                                    "OpenCL",
                                    "",
                                    "",
                                    "Vulkan",
                                    "Metal",
                                    "VPI",
                                    "ROCm",
                                    "ROCm host memory",
                                    "an extension",
                                    "CUDA managed memory",
                                    "oneAPI",
                                    "WebGPU",
                                    "Hexagon",
                                    "MAIA",
                                    "Trainium"};

std::string text_of(DlDevice device) {
  const bool known = device.type > 0 && size_t(device.type) < std::size(kDevices) &&
                     *kDevices[device.type] != '\0';
  const std::string name =
      known ? kDevices[device.type] : "an unknown device (" + std::to_string(device.type) + ")";
  return name + ":" + std::to_string(device.id);
}

// Memory that the processor reads like any other, that of pinned tensors among it.
bool is_of_cpu(DlDevice device) {
  constexpr int32_t kCpu = 1, kCudaHost = 3, kRocmHost = 11;
  return device.type == kCpu || device.type == kCudaHost || device.type == kRocmHost;
}

struct KnownType {
  uint8_t code, bits;
  DType dtype;
};
constexpr uint8_t kInt = 0, kUint = 1, kFloat = 2, kBfloat = 4, kBool = 6;
constexpr KnownType kKnownTypes[] = {
    {kFloat, 32, DType::kFloat32}, {kFloat, 64, DType::kFloat64},   {kFloat, 16, DType::kFloat16},
    {kInt, 64, DType::kInt64},     {kBfloat, 16, DType::kBfloat16}, {kBool, 8, DType::kBool},
    {kInt, 8, DType::kInt8},       {kInt, 16, DType::kInt16},       {kInt, 32, DType::kInt32},
    {kUint, 8, DType::kUint8},     {kUint, 16, DType::kUint16},     {kUint, 32, DType::kUint32},
    {kUint, 64, DType::kUint64}};

std::string text_of(DlType type) {
  constexpr const char* kNames[] = {"int", "uint", "float", "handle", "bfloat", "complex", "bool"};
  std::string name = type.code < std::size(kNames)
                         ? kNames[type.code] + std::to_string(type.bits)
                         : "a type of " + std::to_string(type.bits) + " bits (DLPack's code " +
                               std::to_string(type.code) + ")";
  return type.lanes == 1 ? name : name + " in vectors of " + std::to_string(type.lanes);
}

DType type_of(DlType type) {
  for (const KnownType& known : kKnownTypes) {
    if (type.code == known.code && type.bits == known.bits && type.lanes == 1) return known.dtype;
  }
  throw Unusable("must hold real numbers of at most 64 bits, got a tensor of " + text_of(type));
}

// Strides in bytes, in `bytes`; null: none are given.
const int64_t* strides_of(const DlTensor& tensor, int64_t item, int64_t* bytes) {
  if (tensor.strides == nullptr || tensor.ndim < 0 || tensor.ndim > kMaxDims) return nullptr;
  for (int32_t d = 0; d < tensor.ndim; ++d) {
    if (__builtin_mul_overflow(tensor.strides[d], item, &bytes[d])) {
      throw Unusable("must have strides that stay within memory");
    }
  }
  return bytes;
}

char* first_element(const DlTensor& tensor) {
  uintptr_t first = 0;
  if (tensor.data == nullptr) return nullptr;
  if (__builtin_add_overflow(uintptr_t(tensor.data), tensor.byte_offset, &first)) {
    throw Unusable("must begin within memory");
  }
  return reinterpret_cast<char*>(first);
}

template <class Managed>
py::array array_of(Owned<Managed> managed, bool writeable) {
  const DlTensor& tensor = managed->tensor;
  if (!is_of_cpu(tensor.device)) {
    throw Unusable("must lie in memory of the CPU, got a tensor on " + text_of(tensor.device));
  }
  int64_t strides[kMaxDims];
  Array memory = {};
  memory.dtype = type_of(tensor.dtype);
  memory.data = first_element(tensor);
  memory.writeable = writeable;
  memory.ndim = tensor.ndim;
  memory.shape = tensor.shape;
  memory.strides = strides_of(tensor, item_size(memory.dtype), strides);
  const py::capsule owner(managed.get(),
                          [](void* pointer) { Delete<Managed>()(static_cast<Managed*>(pointer)); });
  managed.release();
  return lent_array(memory, owner);
}

// Of another major version only where the deleter stands is known.
py::array array_of(Owned<DlVersioned> managed) {
  const DlVersion version = managed->version;
  if (version.major != kMajor) {
    throw Unusable("must be a tensor of DLPack 1.x, got version " + std::to_string(version.major) +
                   "." + std::to_string(version.minor));
  }
  const bool writeable = (managed->flags & kReadOnly) == 0;
  return array_of(std::move(managed), writeable);
}

// What a capsule of this name holds, which is ours from here on: its new name says so to its own
// destructor. Null: it has another name.
template <class Managed>
Owned<Managed> take(const py::capsule& capsule, const char* name, const char* used) {
  if (!PyCapsule_IsValid(capsule.ptr(), name)) return nullptr;
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (PyCapsule_SetName(capsule.ptr(), used) != 0) throw py::error_already_set();
  return Owned<Managed>(managed);
}

// What a tensor of torch's is besides its numbers, and its table does not say.
enum Aside : int { kRecordsGradients, kIsNegated, kAsides };
constexpr const char* kAsideNames[kAsides] = {"requires_grad", "is_neg"};

// The table of a type, and the names that the type has for what the table leaves out. All of them
// live as long as the process. A place is filled before its type is set, and never again.
struct Exporter {
  std::atomic<PyTypeObject*> type;
  const DlExchange* table;
  PyObject* asides[kAsides];  // null: there is nothing of the kind
};
constexpr int kMostExporters = 8;
constexpr int kMostEarlier = 16;
Exporter exporters[kMostExporters];
std::atomic<int> exporter_count = 0;

const Exporter* find_exporter(PyTypeObject* type) {
  for (const Exporter& exporter : exporters) {
    PyTypeObject* const known = exporter.type.load(std::memory_order_acquire);
    if (known == nullptr) return nullptr;
    if (known == type) return &exporter;
  }
  return nullptr;
}

// Whether a tensor is its numbers alone. False may be an exception as well.
bool is_plain(const Exporter& exporter, PyObject* tensor) {
  const auto is_false = [](PyObject* answer) {
    Py_XDECREF(answer);
    return answer == Py_False;
  };
  PyObject* const records = exporter.asides[kRecordsGradients];
  PyObject* const negated = exporter.asides[kIsNegated];
  return (records == nullptr || is_false(PyObject_GetAttr(tensor, records))) &&
         (negated == nullptr || is_false(PyObject_CallMethodNoArgs(tensor, negated)));
}

// The table of version 1 among those that a capsule offers; null: there is none.
const DlExchange* usable_table(const py::object& capsule) {
  constexpr const char* kName = "dlpack_exchange_api";
  if (!PyCapsule_IsValid(capsule.ptr(), kName)) return nullptr;
  const auto* header =
      static_cast<const DlExchangeHeader*>(PyCapsule_GetPointer(capsule.ptr(), kName));
  // A chain that leads back into itself has no table.
  for (int i = 0; header != nullptr && header->version.major != kMajor; ++i) {
    header = i < kMostEarlier ? header->earlier : nullptr;
  }
  const auto* table = reinterpret_cast<const DlExchange*>(header);
  return table != nullptr && table->export_tensor != nullptr ? table : nullptr;
}

}  // namespace

py::array from_dlpack(const py::capsule& capsule) {
  if (auto managed = take<DlVersioned>(capsule, "dltensor_versioned", "used_dltensor_versioned")) {
    return array_of(std::move(managed));
  }
  if (auto managed = take<DlUnversioned>(capsule, "dltensor", "used_dltensor")) {
    return array_of(std::move(managed), false);
  }
  const char* const name = PyCapsule_GetName(capsule.ptr());
  throw Unusable(std::string("must give a DLPack capsule that nobody has used, got '") +
                 (name != nullptr ? name : "") + "'");
}

void remember_exchange(const py::type& type, const py::object& offered) {
  const DlExchange* const table = usable_table(offered);
  auto* const key = reinterpret_cast<PyTypeObject*>(type.ptr());
  if (table == nullptr || find_exporter(key) != nullptr) return;
  if (exporter_count.load() >= kMostExporters) return;  // Python asks further types
  const int place = exporter_count.fetch_add(1);
  if (place >= kMostExporters) return;
  Exporter& exporter = exporters[place];
  type.inc_ref();
  exporter.table = table;
  for (int i = 0; i < kAsides; ++i) {
    if (py::hasattr(type, kAsideNames[i])) {
      exporter.asides[i] = PyUnicode_InternFromString(kAsideNames[i]);
    }
  }
  exporter.type.store(key, std::memory_order_release);
}

py::object from_exchange(PyObject* tensor) {
  const Exporter* const exporter = find_exporter(Py_TYPE(tensor));
  if (exporter == nullptr) return {};
  DlVersioned* managed = nullptr;
  if (!is_plain(*exporter, tensor) || exporter->table->export_tensor(tensor, &managed) != 0 ||
      managed == nullptr) {
    PyErr_Clear();
    return {};
  }
  try {
    return array_of(Owned<DlVersioned>(managed));
  } catch (const Unusable&) {
  } catch (const py::error_already_set&) {  // ml_dtypes is missing
  }
  return {};
}

}  // namespace numloss
