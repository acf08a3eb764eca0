// From what a loss is to the kernels, and the arguments of a call, to its result.
#pragma once

#include "request.hpp"

namespace numloss {
namespace {

py::object not_implemented() { return py::reinterpret_borrow<py::object>(Py_NotImplemented); }

// What a call hands to compute(), beside what the loss is.
struct Arguments {
  py::handle prediction, target;
  py::handle weight = Py_None, out = Py_None;
  py::handle reduction = {}, denominator = {};  // null: the default
  // That of the results where the Python layer has converted and checked the arguments, which are
  // the user's own otherwise.
  py::handle dtype = Py_None;
  int frames = 0;  // of Python's, from here to the user's line

  bool checked() const { return !dtype.is_none(); }

  // One of the keywords that every loss takes. False: there is none of that name.
  bool take(py::handle name, py::handle value) {
    if (is_text(name, "out"))
      out = value;
    else if (is_text(name, "reduction"))
      reduction = value;
    else if (is_text(name, "weight"))
      weight = value;
    else if (is_text(name, "denominator"))
      denominator = value;
    else
      return false;
    return true;
  }
};

// Numbers that the Python layer made.
int integer_of(py::handle x) {
  const long value = PyLong_AsLong(x.ptr());
  if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
  return int(value);
}

double number_of(py::handle x) {
  const double value = PyFloat_AsDouble(x.ptr());
  if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
  return value;
}

py::object elementwise(py::handle plan, unsigned mode, const Arguments& given) {
  Request request(integer_of(PyTuple_GET_ITEM(plan.ptr(), 0)), mode,
                  PyTuple_GET_ITEM(plan.ptr(), 1));
  const bool fit = request.set_reduction(given.reduction, given.denominator) &&
                   request.set_prediction(given.prediction, -1, given.dtype) &&
                   request.set_target(given.target, -1, given.checked()) &&
                   request.set_weight(given.weight) &&
                   request.set_outputs(given.out, given.checked());
  return fit ? request.run(given.frames) : not_implemented();
}

// A Python integer of 64 bits. False: something else.
bool to_integer(py::handle x, int64_t& value) {
  if (PyLong_CheckExact(x.ptr())) {
    int overflow = 0;
    value = PyLong_AsLongLongAndOverflow(x.ptr(), &overflow);
    return overflow == 0;
  }
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
void set_label_table(py::handle pair, Task& task) {
  const py::array table = as_array(PyTuple_GET_ITEM(pair.ptr(), 0));
  if (!py::isinstance<py::array_t<double>>(table) || table.ndim() != 2 ||
      table.shape(0) != task.classes || table.shape(1) != task.classes ||
      (task.classes > 1 && table.strides(1) != py::ssize_t(sizeof(double)))) {
    throw std::invalid_argument("a label table must be float64, one row of C classes per class");
  }
  task.label_table = static_cast<const double*>(table.data());
  task.label_stride = table.strides(0) / py::ssize_t(sizeof(double));
  task.label_scale = numbers(PyTuple_GET_ITEM(pair.ptr(), 1), task.classes);
}

// Row sums of probabilities may be off by what their type rounds away.
double tolerance(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBfloat16 ? 2e-2 : 1e-3;
}

// The axis of classes counted from the first, -1 where there is none.
int axis_of(const py::array& prediction, int64_t axis) {
  const int64_t ndim = prediction.ndim();
  if (axis < 0) axis += ndim;
  return axis >= 0 && axis < ndim ? int(axis) : -1;
}

// What depends on the number of classes, (class_weight, label_factor, label_table) or None: what
// makes it is asked for it, the plan being that of any number. Null: there are no classes.
py::object per_class(py::handle given, const py::array& prediction, int64_t wide_axis) {
  if (given.is_none() || PyTuple_Check(given.ptr()))
    return py::reinterpret_borrow<py::object>(given);
  const int axis = axis_of(prediction, wide_axis);
  if (axis < 0 || prediction.shape(axis) == 0) return {};
  const auto classes =
      py::reinterpret_steal<py::object>(PyLong_FromSsize_t(prediction.shape(axis)));
  if (!classes) throw py::error_already_set();
  const auto made =
      py::reinterpret_steal<py::object>(PyObject_CallOneArg(given.ptr(), classes.ptr()));
  if (!made) throw py::error_already_set();
  return made;
}

void set_per_class(py::handle parts, Task& task) {
  if (parts.is_none()) return;
  if (!PyTuple_Check(parts.ptr()) || PyTuple_GET_SIZE(parts.ptr()) != 3) {
    throw std::invalid_argument("what depends on the classes must be a triple");
  }
  task.class_weight = numbers(PyTuple_GET_ITEM(parts.ptr(), 0), task.classes);
  task.label_factor = numbers(PyTuple_GET_ITEM(parts.ptr(), 1), task.classes);
  const py::handle table = PyTuple_GET_ITEM(parts.ptr(), 2);
  if (!table.is_none()) set_label_table(table, task);
}

// `loss` serves integer labels, `soft_loss` distributions (and labels that become ones, by
// smoothing or a table); -1 where there is none.
py::object rowwise(py::handle plan, unsigned mode, const Arguments& given) {
  const auto item = [plan](Py_ssize_t i) { return py::handle(PyTuple_GET_ITEM(plan.ptr(), i)); };
  const int loss = integer_of(item(0)), soft_loss = integer_of(item(1));
  Request request(loss, mode, item(2));
  Task& task = request.task;
  int64_t wide_axis = 0;
  if (!is_array(given.prediction) || !is_array(given.target) || !to_integer(item(3), wide_axis) ||
      !to_integer(item(4), task.ignore_index)) {
    return not_implemented();
  }
  task.label_smoothing = number_of(item(5));
  // Making it may run code that changes the arrays, which are read afterwards.
  const py::object parts = per_class(item(6), as_array(given.prediction), wide_axis);
  const int axis = axis_of(as_array(given.prediction), wide_axis);
  if (!parts || axis < 0 || !request.set_reduction(given.reduction, given.denominator) ||
      !request.set_prediction(given.prediction, axis, given.dtype) || task.classes == 0) {
    return not_implemented();
  }
  set_per_class(parts, task);
  Operand probe;
  if (!attach(given.target, probe) || probe.dtype == DType::kBool) return not_implemented();
  const bool labels = !is_real(probe.dtype);
  // Labels alone have a row in the table.
  if (!labels && task.label_table != nullptr) return not_implemented();
  task.target_kind = labels ? Target::kLabel : Target::kDistribution;
  const bool soft = !labels || is_positive(task.label_smoothing) || task.label_table != nullptr;
  task.loss = soft ? soft_loss : loss;
  if (task.loss < 0 || !request.set_target(given.target, labels ? -1 : axis, given.checked()) ||
      !request.set_weight(given.weight) || !request.set_outputs(given.out, given.checked())) {
    return not_implemented();
  }
  task.distribution_tolerance = tolerance(task[kTarget].dtype);
  return request.run(given.frames);
}

// Computes with the arguments as they are, or returns NotImplemented where something must first be
// converted or refused, which is the Python layer's part; None where a target lies outside the
// loss's domain. `plan` is what a definition makes of its loss's parameters: of a loss whose every
// element is an example (loss, parameters), of one over classes (loss, soft_loss, parameters, axis,
// ignore_index, label_smoothing, per_class).
py::object compute(py::handle plan, unsigned mode, const Arguments& given) {
  const Py_ssize_t length = PyTuple_Check(plan.ptr()) ? PyTuple_GET_SIZE(plan.ptr()) : 0;
  if (length == 2) return elementwise(plan, mode, given);
  if (length == 7) return rowwise(plan, mode, given);
  throw py::type_error("a plan is a tuple of 2 or 7");
}

}  // namespace
}  // namespace numloss
