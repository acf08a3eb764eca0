// One call on its way from Python to the runtime: arguments read where they lie, results made.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string_view>
#include <vector>

#include "../runtime/run.hpp"

namespace numloss {
namespace {

namespace py = pybind11;

// A mode of the bindings: the sums that a mean is made of.
constexpr unsigned kTotals = 8;
// Work below this many picoseconds keeps the GIL: giving it up and taking it back costs as much.
constexpr int64_t kHoldGil = 5'000'000;
// That is less without a look.
constexpr int64_t kFewExamples = 64, kFewClasses = 16;

bool is_array(py::handle x) { return Py_TYPE(x.ptr()) == py::detail::npy_api::get().PyArray_Type_; }

py::array as_array(py::handle x) { return py::reinterpret_borrow<py::array>(x); }

bool is_text(py::handle x, const char* text) {
  return PyUnicode_Check(x.ptr()) && PyUnicode_CompareWithASCIIString(x.ptr(), text) == 0;
}

// Numbers of types from here on belong to packages that register their own with NumPy.
constexpr int kFirstRegistered = 256;

// bfloat16 is a type that ml_dtypes registers: known by its name alone. Without a call of Python's,
// which could let other code change the arrays that are being read.
bool is_bfloat(const py::dtype& dtype) {
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

std::optional<DType> type_of(const py::dtype& dtype) {
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

bool is_real(DType dtype) { return dtype <= DType::kBfloat16; }

// Whether x > 0, even where the caller's environment takes subnormal numbers for 0.
bool is_positive(double x) { return std::bit_cast<int64_t>(x) > 0; }

// An array as the kernels see it, strides aside. False: not one that they can read.
bool attach(py::handle x, Operand& operand) {
  if (!is_array(x)) return false;
  const py::array array = as_array(x);
  const py::dtype dtype = array.dtype();
  const std::optional<DType> known = type_of(dtype);
  if (!known) return false;
  operand.data = static_cast<char*>(const_cast<void*>(array.data()));
  operand.dtype = *known;
  operand.swapped = dtype.byteorder() == '>';
  return true;
}

// Strides over the examples: every axis but `axis` (-1: every axis). A 0-d array is the same for
// all examples. False: another shape.
bool spread(const py::array& array, int axis, const Task& task, Operand& operand) {
  const int ndim = int(array.ndim());
  if (ndim == 0 && axis < 0) {
    std::fill_n(operand.strides, task.ndim, 0);
    return true;
  }
  if (ndim != task.ndim + (axis >= 0 ? 1 : 0)) return false;
  for (int d = 0, e = 0; d < ndim; ++d) {
    if (d == axis) {
      if (array.shape(d) != task.classes) return false;
      operand.class_stride = array.strides(d);
      continue;
    }
    if (array.shape(d) != task.shape[e]) return false;
    operand.strides[e++] = array.strides(d);
  }
  return true;
}

void set_shape(const py::array& prediction, int axis, Task& task) {
  task.size = 1;
  for (int d = 0; d < int(prediction.ndim()); ++d) {
    if (d == axis) {
      task.classes = prediction.shape(d);
    } else {
      task.shape[task.ndim++] = prediction.shape(d);
      task.size *= prediction.shape(d);
    }
  }
}

// First and last byte of an array, as addresses; empty: both 0.
struct Extent {
  uintptr_t first = 0, last = 0;
  explicit Extent(const py::array& array) {
    if (array.size() == 0) return;
    first = last = reinterpret_cast<uintptr_t>(array.data());
    for (py::ssize_t d = 0; d < array.ndim(); ++d) {
      const py::ssize_t span = array.strides(d) * (array.shape(d) - 1);
      if (span < 0) {
        first -= uintptr_t(-span);
      } else {
        last += uintptr_t(span);
      }
    }
    last += uintptr_t(array.itemsize() - 1);
  }
  bool meets(const Extent& other) const {
    const bool both = last != 0 && other.last != 0;
    return both && first <= other.last && other.first <= last;
  }
};

// Then each element has memory of its own; of other layouts the Python layer makes sure.
bool is_contiguous(const py::array& array) {
  return (array.flags() & (py::array::c_style | py::array::f_style)) != 0;
}

bool same_memory(const py::array& a, const py::array& b) {
  if (a.data() != b.data() || a.itemsize() != b.itemsize()) return false;
  for (py::ssize_t d = 0; d < a.ndim(); ++d) {
    if (a.strides(d) != b.strides(d)) return false;
  }
  return true;
}

// Work with the GIL given up. An interpreter that shuts down ends a thread that wants the GIL back,
// before Python 3.14 by unwinding its stack: a destructor that waits for the GIL, as pybind11's
// does, would abort the process, and others would touch objects that are gone. Such a thread stays
// here.
template <class Work>
auto without_gil(Work work) {
  PyThreadState* state = PyEval_SaveThread();
  std::exception_ptr failure;
  decltype(work()) result;
  try {
    result = work();
  } catch (...) {
    failure = std::current_exception();
  }
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    for (;;) pause();
  }
  if (failure) std::rethrow_exception(failure);
  return result;
}

// One call on its way from Python to the runtime.
class Request {
 public:
  Call call;
  Task& task = call.task;

  Request(int loss, unsigned mode, py::handle parameters) : totals_(mode == kTotals) {
    task.loss = loss;
    task.mode = totals_ ? unsigned(kValue) : mode;
    const py::ssize_t n = PyTuple_GET_SIZE(parameters.ptr());
    for (py::ssize_t i = 0; i < n && i < kMaxParameters; ++i) {
      task.parameters[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(parameters.ptr(), i));
    }
    if (PyErr_Occurred()) throw py::error_already_set();
  }

  bool set_reduction(py::handle reduction, py::handle denominator) {
    if (totals_ || (reduction && is_text(reduction, "sum")))
      call.reduction = Reduction::kSum;
    else if (!reduction || is_text(reduction, "mean"))
      call.reduction = Reduction::kMean;
    else if (is_text(reduction, "none"))
      call.reduction = Reduction::kNone;
    else
      return false;
    if (!denominator || is_text(denominator, "weight")) return true;
    if (call.reduction != Reduction::kMean) return false;
    if (is_text(denominator, "count")) {
      call.denominator = Denominator::kCount;
      return true;
    }
    if (!PyFloat_CheckExact(denominator.ptr())) return false;
    call.denominator = Denominator::kNumber;
    call.number = PyFloat_AS_DOUBLE(denominator.ptr());
    return is_positive(call.number) && std::isfinite(call.number);
  }

  bool set_prediction(py::handle prediction, int axis, py::handle dtype) {
    if (!attach(prediction, task.add(kHeads))) return false;
    prediction_ = as_array(prediction);
    axis_ = axis;
    set_shape(prediction_, axis, task);
    spread(prediction_, axis, task, task[kHeads]);
    if (!dtype.is_none()) {
      dtype_ = py::reinterpret_borrow<py::dtype>(dtype);
    } else {
      if (!is_real(task[kHeads].dtype) || task[kHeads].swapped) return false;
      dtype_ = prediction_.dtype();
    }
    const std::optional<DType> result = type_of(dtype_);
    if (!result) return false;
    result_type_ = *result;
    task.in_float64 = result_type_ == DType::kFloat64;
    return true;
  }

  // A target of a float type other than the result's needs the Python layer to name that type.
  bool set_target(py::handle target, int axis, bool promoted) {
    if (!attach(target, task.add(kTarget))) return false;
    target_ = as_array(target);
    const DType dtype = task[kTarget].dtype;
    const bool fits = promoted || !is_real(dtype) || dtype == result_type_;
    return fits && spread(target_, axis, task, task[kTarget]);
  }

  bool set_weight(py::handle weight) {
    if (weight.is_none()) return true;
    if (!attach(weight, task.add(kWeight))) return false;
    weight_ = as_array(weight);
    return spread(weight_, -1, task, task[kWeight]);
  }

  // `out`: None, an array, or a tuple with an array or None for each array among the results.
  bool set_outputs(py::handle out, bool checked) {
    int outputs[2];
    int n = 0;
    const bool values = call.reduction == Reduction::kNone && (task.mode & kValue);
    if (values) outputs[n++] = kValues;
    if (task.mode & kGradient) outputs[n++] = kGradients;
    if (task.mode & kHessian) outputs[n++] = kHessians;
    const bool several = PyTuple_Check(out.ptr());
    if (several && PyTuple_GET_SIZE(out.ptr()) != n) return false;
    for (int i = 0; i < n; ++i) {
      py::handle given = several ? py::handle(PyTuple_GET_ITEM(out.ptr(), i)) : out;
      // A lone array is for the derivative, which comes last but for the Hessian.
      const int lone = n == 2 && values ? 1 : 0;
      if (!several && i != lone) given = Py_None;
      const int axis = outputs[i] == kValues ? -1 : axis_;
      if (!set_output(given, axis, outputs[i], outputs_[i])) return false;
      if (!given.is_none()) {
        call.outputs_are_ours = false;
        if (!checked && !(is_contiguous(outputs_[i]) && is_apart(outputs_[i], i))) return false;
      }
    }
    return n > 0 || out.is_none();
  }

  // `frames`: Python's, from here to the user's line, where a warning belongs.
  py::object run(int frames) {
    Result result = compute();
    if (result.empty) {
      if (PyErr_WarnEx(PyExc_RuntimeWarning, "mean of a loss over no examples: the result is nan",
                       frames) < 0) {
        throw py::error_already_set();
      }
      // Nothing has been written before the warning, which may be an exception, or run code that
      // changes the arguments.
      call.empty_is_known = true;
      result = compute();
    }
    return result.bad ? py::none() : results(result);
  }

  static py::object scalar(double x) {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
    const py::object& float64 =
        storage
            .call_once_and_store_result([] { return py::module_::import("numpy").attr("float64"); })
            .get_stored();
    // A numpy.float64 is a Python float by layout; its constructor would cost more than the kernel.
    auto* type = reinterpret_cast<PyTypeObject*>(float64.ptr());
    if (type->tp_basicsize != sizeof(PyFloatObject)) return float64(x);
    const py::object result = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
    if (!result) throw py::error_already_set();
    reinterpret_cast<PyFloatObject*>(result.ptr())->ob_fval = x;
    return result;
  }

 private:
  Result compute() {
    const bool tiny = task.size <= kFewExamples && task.classes <= kFewClasses;
    if (tiny || estimated_cost(task) < kHoldGil) return numloss::run(call);
    return without_gil([this] { return numloss::run(call); });
  }

  bool set_output(py::handle given, int axis, int role, py::array& array) {
    if (given.is_none()) {
      array = allocate(axis);
    } else {
      if (!is_array(given)) return false;
      array = as_array(given);
      if (!array.writeable() || array.dtype().not_equal(dtype_)) return false;
      if (task.ndim > 0 && array.ndim() == 0) return false;
    }
    Operand& operand = task.add(role);
    return attach(array, operand) && spread(array, axis, task, operand);
  }

  // An array for a result, its axes in memory in the order of the prediction's.
  py::array allocate(int axis) const {
    const bool rows = axis < 0 && axis_ >= 0;  // values of a rowwise loss: no class axis
    std::vector<py::ssize_t> shape, order;
    for (py::ssize_t d = 0; d < prediction_.ndim(); ++d) {
      if (rows && d == axis_) continue;
      shape.push_back(prediction_.shape(d));
    }
    if (rows || (prediction_.flags() & py::array::c_style)) return py::array(dtype_, shape);
    for (py::ssize_t d = 0; d < prediction_.ndim(); ++d) order.push_back(d);
    std::sort(order.begin(), order.end(), [this](py::ssize_t a, py::ssize_t b) {
      const py::ssize_t first = std::abs(prediction_.strides(a));
      const py::ssize_t second = std::abs(prediction_.strides(b));
      return first != second ? first > second : a < b;
    });
    std::vector<py::ssize_t> strides(shape.size());
    py::ssize_t stride = dtype_.itemsize();
    for (auto d = order.rbegin(); d != order.rend(); ++d) {
      strides[size_t(*d)] = stride;
      stride *= std::max<py::ssize_t>(1, shape[size_t(*d)]);
    }
    return py::array(dtype_, shape, strides);
  }

  // Whether nothing but the prediction itself lies where output i is written.
  bool is_apart(const py::array& output, int i) const {
    const Extent extent(output);
    const bool in_place = same_memory(output, prediction_) && axis_of(i) == axis_;
    if (!in_place && extent.meets(Extent(prediction_))) return false;
    if (extent.meets(Extent(target_))) return false;
    if (task.has(kWeight) && extent.meets(Extent(weight_))) return false;
    return i == 0 || !extent.meets(Extent(outputs_[0]));
  }

  int axis_of(int output) const { return output == 0 && task.has(kValues) ? -1 : axis_; }

  py::object results(const Result& result) const {
    if (totals_) return py::make_tuple(result.value, result.weight, result.count);
    if (task.mode & kHessian) return pair(outputs_[0], outputs_[1]);
    if (call.reduction == Reduction::kNone) {
      if (task.mode == (kValue | kGradient)) return pair(outputs_[0], outputs_[1]);
      return outputs_[0];
    }
    if (task.mode == kGradient) return outputs_[0];
    const py::object value = scalar(result.value);
    if (task.mode == kValue) return value;
    return pair(value, outputs_[0]);
  }

  static py::object pair(py::handle first, py::handle second) {
    PyObject* result = PyTuple_Pack(2, first.ptr(), second.ptr());
    if (result == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(result);
  }

  int axis_ = -1;
  bool totals_;
  DType result_type_ = DType::kFloat64;
  py::dtype dtype_{py::reinterpret_borrow<py::dtype>(py::handle())};
  py::array prediction_ = no_array(), target_ = no_array(), weight_ = no_array();
  py::array outputs_[2] = {no_array(), no_array()};

  static py::array no_array() { return py::reinterpret_borrow<py::array>(py::handle()); }
};

}  // namespace
}  // namespace numloss
