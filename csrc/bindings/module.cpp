// The extension module numloss._core: a constant set of functions over a loss index. They compute
// with the arguments as they are, or return NotImplemented where something must first be converted
// or refused, which is the Python layer's part; None where a target lies outside the loss's domain.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../runtime/dispatch.hpp"
#include "../runtime/float_environment.hpp"
#include "../runtime/thread_limit.hpp"
#include "dlpack.hpp"
#include "request.hpp"

namespace py = pybind11;

namespace numloss {
namespace {

py::object not_implemented() { return py::reinterpret_borrow<py::object>(Py_NotImplemented); }

// The keywords that every loss takes.
struct Keywords {
  py::handle weight = Py_None, out = Py_None;
  py::handle reduction, denominator;  // null: the default
  // False: there is one that no loss takes.
  bool read(const py::dict& given) {
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(given.ptr(), &at, &key, &value);) {
      if (is_text(key, "weight"))
        weight = value;
      else if (is_text(key, "reduction"))
        reduction = value;
      else if (is_text(key, "denominator"))
        denominator = value;
      else if (is_text(key, "out"))
        out = value;
      else
        return false;
    }
    return true;
  }
};

// `dtype`, that of the results, is None where the arguments are the user's own; else the Python
// layer has converted and checked them.
py::object elementwise(int loss, unsigned mode, py::handle prediction, py::handle target,
                       py::tuple parameters, py::dict call, py::handle dtype) {
  Keywords keywords;
  if (!keywords.read(call)) return not_implemented();
  Request request(loss, mode, parameters);
  const bool fit = request.set_reduction(keywords.reduction, keywords.denominator) &&
                   request.set_prediction(prediction, -1, dtype) &&
                   request.set_target(target, -1, !dtype.is_none()) &&
                   request.set_weight(keywords.weight) &&
                   request.set_outputs(keywords.out, !dtype.is_none());
  return fit ? request.run() : not_implemented();
}

// A Python integer of 64 bits. False: something else.
bool to_integer(py::handle x, int64_t& value) {
  if (PyBool_Check(x.ptr()) || !PyIndex_Check(x.ptr())) return false;
  value = PyNumber_AsSsize_t(x.ptr(), PyExc_OverflowError);
  if (value != -1 || PyErr_Occurred() == nullptr) return true;
  PyErr_Clear();
  return false;
}

// Per-class numbers that the Python layer has checked, or null.
const double* numbers(py::handle x, int64_t count) {
  if (x.is_none()) return nullptr;
  const py::array array = as_array(x);
  if (!is_array(x) || !py::isinstance<py::array_t<double>>(array) || array.size() != count ||
      !(array.flags() & py::array::c_style)) {
    throw std::invalid_argument("class numbers must be a contiguous float64 array of that size");
  }
  return static_cast<const double*>(array.data());
}

// A pair from the Python layer: a C x C table of float64, rows of any stride, and a factor per row.
void set_label_table(const py::tuple& pair, Task& task) {
  const py::array table = pair[0].cast<py::array>();
  if (!py::isinstance<py::array_t<double>>(table) || table.ndim() != 2 ||
      table.shape(0) != task.classes || table.shape(1) != task.classes ||
      (task.classes > 1 && table.strides(1) != sizeof(double))) {
    throw std::invalid_argument("a label table must be float64, one row of C classes per class");
  }
  task.label_table = static_cast<const double*>(table.data());
  task.label_stride = table.strides(0) / py::ssize_t(sizeof(double));
  task.label_scale = numbers(pair[1], task.classes);
}

// Row sums of probabilities may be off by what their type rounds away.
double tolerance(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBfloat16 ? 2e-2 : 1e-3;
}

// `loss` serves integer labels, `soft_loss` distributions (and labels that become ones, by
// smoothing or a table); -1 where there is none.
py::object rowwise(int loss, int soft_loss, unsigned mode, py::handle prediction, py::handle target,
                   py::tuple parameters, py::handle axis_object, py::handle ignore_object,
                   double label_smoothing, py::handle class_weight, py::handle label_factor,
                   py::handle label_table, py::dict call, py::handle dtype) {
  Keywords keywords;
  if (!keywords.read(call)) return not_implemented();
  Request request(loss, mode, parameters);
  Task& task = request.task;
  int64_t wide_axis = 0;
  if (!is_array(prediction) || !to_integer(axis_object, wide_axis) ||
      !to_integer(ignore_object, task.ignore_index)) {
    return not_implemented();
  }
  const int64_t ndim = as_array(prediction).ndim();
  if (wide_axis < 0) wide_axis += ndim;
  if (wide_axis < 0 || wide_axis >= ndim) return not_implemented();
  const int axis = int(wide_axis);
  if (!request.set_reduction(keywords.reduction, keywords.denominator) ||
      !request.set_prediction(prediction, axis, dtype) || task.classes == 0) {
    return not_implemented();
  }
  Operand probe;
  if (!attach(target, probe)) return not_implemented();
  const bool labels = !is_real(probe.dtype) && probe.dtype != DType::kBool;
  task.target_kind = labels ? Target::kLabel : Target::kDistribution;
  const bool soft = !labels || is_positive(label_smoothing) || !label_table.is_none();
  task.loss = soft ? soft_loss : loss;
  if (task.loss < 0 || probe.dtype == DType::kBool) return not_implemented();
  if (!request.set_target(target, labels ? -1 : axis, !dtype.is_none()) ||
      !request.set_weight(keywords.weight) ||
      !request.set_outputs(keywords.out, !dtype.is_none())) {
    return not_implemented();
  }
  task.label_smoothing = label_smoothing;
  task.class_weight = numbers(class_weight, task.classes);
  task.label_factor = numbers(label_factor, task.classes);
  if (!label_table.is_none()) set_label_table(py::reinterpret_borrow<py::tuple>(label_table), task);
  task.distribution_tolerance = tolerance(task.target.dtype);
  return request.run();
}

double tolerance_of(const py::array& target) {
  return tolerance(type_of(target.dtype()).value_or(DType::kFloat64));
}

py::dict losses() {
  py::dict result;
  const KernelTable& table = kernels();
  for (int i = 0; i < table.losses; ++i) {
    result[table.loss[i].name] = py::make_tuple(i, table.loss[i].rowwise);
  }
  return result;
}

// Names of the kernels' elementary functions.
std::vector<std::string> functions() {
  const KernelTable& table = kernels();
  std::vector<std::string> names;
  for (int i = 0; i < table.functions; ++i) names.emplace_back(table.function[i].name);
  return names;
}

template <class T>
py::array apply_as(void (*function)(const T*, T*, int64_t), const py::array& x) {
  py::array_t<T> result(x.size());
  function(static_cast<const T*>(x.data()), result.mutable_data(), x.size());
  return result;
}

// One of them over a contiguous array: for the checks of accuracy.
py::array apply(const std::string& name, const py::array& x) {
  const FloatEnvironment ieee;
  const bool is_float = py::isinstance<py::array_t<float>>(x);
  if ((!is_float && !py::isinstance<py::array_t<double>>(x)) ||
      (x.flags() & py::array::c_style) == 0) {
    throw std::invalid_argument("apply takes a contiguous array of float32 or float64");
  }
  const KernelTable& table = kernels();
  for (int i = 0; i < table.functions; ++i) {
    const MathInfo& function = table.function[i];
    if (name != function.name) continue;
    return is_float ? apply_as(function.float32, x) : apply_as(function.float64, x);
  }
  throw std::invalid_argument("no function named " + name);
}

thread_local int ieee_depth = 0;
thread_local std::optional<FloatEnvironment> ieee_environment;

// The environment of the kernels for what Python and NumPy compute on this thread, from the
// outermost enter to its exit.
void enter_ieee() {
  if (ieee_depth++ == 0) ieee_environment.emplace();
}

void exit_ieee(const py::args&) {
  if (--ieee_depth == 0) ieee_environment.reset();
}

py::dict config() {
  py::dict result;
  result["version"] = NUMLOSS_VERSION;
  result["isa"] = kernels().isa;
  result["isas"] = usable_isas();
  result["hardware_fma"] = has_hardware_fma();
  result["threads"] = num_threads();
#if defined(__clang__)
  result["compiler"] = "clang " __clang_version__;
#else
  result["compiler"] = "gcc " __VERSION__;
#endif
  return result;
}

}  // namespace
}  // namespace numloss

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
  using namespace numloss;
  // A faulty environment variable fails the import, not some later call.
  kernels();
  check_thread_variable();
  // What is looked up once is looked up now: a fork in the middle, while another thread calls for
  // the first time, would leave the child waiting for a thread that it does not have.
  Request::scalar(0);
  m.attr("VALUE") = unsigned(kValue);
  m.attr("GRADIENT") = unsigned(kGradient);
  m.attr("HESSIAN") = unsigned(kHessian);
  m.attr("TOTALS") = kTotals;
  m.attr("version") = NUMLOSS_VERSION;
  const auto users_own = py::arg("dtype") = py::none();
  m.def("elementwise", elementwise, py::arg("loss"), py::arg("mode"), py::arg("prediction"),
        py::arg("target"), py::arg("parameters"), py::arg("call"), users_own);
  m.def("rowwise", rowwise, py::arg("loss"), py::arg("soft_loss"), py::arg("mode"),
        py::arg("prediction"), py::arg("target"), py::arg("parameters"), py::arg("axis"),
        py::arg("ignore_index"), py::arg("label_smoothing"), py::arg("class_weight"),
        py::arg("label_factor"), py::arg("label_table"), py::arg("call"), users_own);
  m.def("tolerance", tolerance_of);
  m.def("losses", losses);
  m.def("functions", functions);
  m.def("apply", apply);
  m.def("config", config);
  m.def("select_isa", select_isa);
  m.def("num_threads", num_threads);
  m.def("set_num_threads", set_num_threads);
  m.def("set_thread_override", set_thread_override);
  m.def("enter_ieee", enter_ieee);
  m.def("exit_ieee", exit_ieee);
  m.def("cgroup_cpus", cgroup_cpus, py::arg("root") = "/");
  m.def("from_dlpack", from_dlpack);
}
