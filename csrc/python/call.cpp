// A call of a loss: from its arguments through the checks and the runtime to its results.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>

#include "../runtime/float_environment.hpp"
#include "arguments.hpp"
#include "thread_context.hpp"

namespace numloss {
namespace {

// Work below this many picoseconds keeps the GIL: giving it up and taking it back costs as much.
constexpr int64_t kHoldGil = 5'000'000;
// That is less without a look.
constexpr int64_t kFewExamples = 64, kFewClasses = 16;

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

// Calls f and turns its exceptions into Python's, as pybind11 does.
template <class F>
PyObject* guarded(F f) {
  try {
    return f().release().ptr();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const py::builtin_exception& error) {
    error.set_error();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::invalid_argument& error) {
    PyErr_SetString(PyExc_ValueError, error.what());
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

// numpy.float64, a Python float by layout: its constructor would cost more than the kernel.
py::object float64(double x) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
  const py::object& type_object =
      storage
          .call_once_and_store_result([] { return py::module_::import("numpy").attr("float64"); })
          .get_stored();
  auto* type = reinterpret_cast<PyTypeObject*>(type_object.ptr());
  if (type->tp_basicsize != sizeof(PyFloatObject)) return type_object(x);
  const py::object result = owned(type->tp_alloc(type, 0));
  reinterpret_cast<PyFloatObject*>(result.ptr())->ob_fval = x;
  return result;
}

py::object pair(py::handle first, py::handle second) {
  return owned(PyTuple_Pack(2, first.ptr(), second.ptr()));
}

class CallOfLoss {
 public:
  CallOfLoss(const LossObject& owner, unsigned mode)
      : owner_(owner), mode_(mode), arguments_(owner, mode) {
    if (mode == kExamples) arguments_.request.reduction = Reduction::kNone;
  }

  py::object run(PyObject* const* args, Py_ssize_t count, PyObject* names) {
    Result result;
    if (!arguments_.find(args, count, names)) refuse_arguments(count, names);
    if (arguments_.several_axes) return make_axes_one(args, count, names);
    if (!arguments_.read(fault_)) refuse();
    if (is_mode(mode_) && arguments_.out == Py_None && run_handful(result)) return results(result);
    if (!prepare(arguments_.request, prepared_, fault_)) refuse();
    if (mode_ == kOutline) return outline();
    if (mode_ == kExamples) {
      set_examples();
    } else {
      set_outputs();
      if (prepared_.by_slices) take_slices(prepared_, slices_);
    }
    result = compute_and_warn();
    if (result.bad) {
      explain_bad(arguments_.request, result, fault_);
      refuse();
    }
    return results(result);
  }

 private:
  // A call with a tuple for the axis: Python joins these axes of the arrays, and calls again.
  py::object make_axes_one(PyObject* const* args, Py_ssize_t count, PyObject* names) {
    py::tuple inputs(count);
    for (Py_ssize_t i = 0; i < count; ++i) inputs[size_t(i)] = py::handle(args[i]);
    py::dict named;
    const Py_ssize_t others = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < others; ++i) {
      named[py::handle(PyTuple_GET_ITEM(names, i))] = py::handle(args[count + i]);
    }
    return ask_python("numloss._axes", "call",
                      py::handle(reinterpret_cast<PyObject*>(const_cast<LossObject*>(&owner_))),
                      mode_, inputs, named);
  }

  [[noreturn]] void refuse_arguments(Py_ssize_t count, PyObject* names) {
    ask_python(kRaise, "arguments",
               py::handle(reinterpret_cast<PyObject*>(const_cast<LossObject*>(&owner_))), count,
               names == nullptr ? py::tuple() : py::reinterpret_borrow<py::tuple>(names));
    throw std::logic_error("arguments were refused for no reason");
  }

  // Python raises what the fault says, in the words of NumPy. `culprit`: the object at fault.
  [[noreturn]] void refuse(PyObject* culprit = nullptr) {
    const Fault& f = fault_;
    py::tuple index(f.index_ndim);
    for (int d = 0; d < f.index_ndim; ++d) index[size_t(d)] = f.index[d];
    if (culprit == nullptr) culprit = arguments_.culprit(f.argument);
    PyObject* const prediction = arguments_.input(kHeads);
    PyObject* const target = arguments_.input(kTarget);
    ask_python(kRaise, "fault", name_of(f.code), f.is_type, f.argument, f.needed, f.got, index,
               py::handle(culprit), py::handle(prediction != nullptr ? prediction : Py_None),
               py::handle(target != nullptr ? target : Py_None), prepared_.axis,
               owner_.loss->takes_labels(), owner_.loss->takes_distributions());
    throw std::logic_error(f.needed);
  }

  Roles derivatives() const {
    const Roles none{0};
    return (mode_ & kGradient ? roles(kGradients, heads()) : none) |
           (mode_ & kHessian ? roles(kHessians, heads()) : none);
  }

  // Computes a call of few plain numbers, whose derivatives go to new arrays. False: it is none, or
  // something is wrong with it.
  bool run_handful(Result& result) {
    const Request& request = arguments_.request;
    HandfulCall handful;
    if (!make_handful(request, handful)) return false;
    const Array& p = *request.inputs[kHeads];
    for (const int role : derivatives()) {
      const py::dtype dtype = arguments_.result_dtype(p.dtype);
      outputs_[role - kValues] =
          p.ndim == 1 ? py::array(dtype, p.shape[0])
                      : py::array(dtype, py::array::ShapeContainer{p.shape[0], p.shape[1]});
      Array& array = arrays_[role - kValues];
      view(outputs_[role - kValues].ptr(), array);
      if (!add_output(request, role, array, handful)) return false;
    }
    return numloss::run(handful, result);
  }

  int heads() const { return owner_.loss->head_count(); }
  Roles extras() const { return arguments_.request.plan->extras; }

  // The roles of the arrays among the results, in their order; those of a derivative by several
  // heads follow each other.
  struct Place {
    int role, count;
  };

  static constexpr int kMostPlaces = 3 + kExtras.count();

  // Whether the value is an array.
  bool has_values() const {
    return prepared_.call.reduction == Reduction::kNone || prepared_.by_slices;
  }

  int places(Place* place) const {
    int n = 0;
    if (has_values() && (mode_ & kValue)) place[n++] = {kValues, 1};
    if (mode_ & kGradient) place[n++] = {kGradients, heads()};
    if (mode_ & kHessian) place[n++] = {kHessians, heads()};
    for (const int role : extras()) place[n++] = {role, 1};
    return n;
  }

  // The type of the results, the axis of the classes, the inputs that there are gradients by.
  py::object outline() {
    py::tuple names(heads());
    for (int h = 0; h < heads(); ++h) names[size_t(h)] = input_name(*owner_.loss, kHeads + h);
    return py::make_tuple(result_dtype(), prepared_.axis, names);
  }

  void set_outputs() {
    Place place[kMostPlaces];
    const int n = places(place);
    PyObject* given[kMostPlaces];
    std::fill_n(given, n, Py_None);
    if (arguments_.out != Py_None) sort_outputs(arguments_.out, place, n, given);
    for (int i = 0; i < n; ++i) {
      PyObject* const buffer = given[i];
      const bool several = place[i].count > 1;
      if (several && buffer != Py_None &&
          (!PyTuple_Check(buffer) || PyTuple_GET_SIZE(buffer) != place[i].count)) {
        fault_.set(FaultCode::kOutput, "out",
                   "must have a tuple of %d places, one for each input with a gradient",
                   place[i].count);
        fault_.came("%s", Py_TYPE(buffer)->tp_name);
        refuse(buffer);
      }
      for (int h = 0; h < place[i].count; ++h) {
        set_output(place[i].role + h,
                   several && buffer != Py_None ? PyTuple_GET_ITEM(buffer, h) : buffer);
      }
    }
  }

  void set_examples() {
    prepared_.call.task.unweighted_values = true;
    set_output(kValues, Py_None);
    set_output(kWeights, Py_None);
  }

  // A lone array is for the gradient where there is one, else for the first array.
  void sort_outputs(PyObject* out, const Place* place, int n, PyObject** given) {
    if (n == 0) {
      fault_.set(FaultCode::kOutput, "out",
                 "needs an array among the results: use reduction='none' or a gradient");
      refuse(out);
    }
    const bool is_the_place = n == 1 && place[0].count > 1 && PyTuple_Check(out) &&
                              PyTuple_GET_SIZE(out) == place[0].count;
    if (is_the_place) {
      given[0] = out;
    } else if (PyTuple_Check(out)) {
      if (PyTuple_GET_SIZE(out) != n) {
        fault_.set(FaultCode::kOutput, "out",
                   "must have as many places as there are arrays among the results, %d", n);
        fault_.came("%d", int(PyTuple_GET_SIZE(out)));
        refuse(out);
      }
      for (int i = 0; i < n; ++i) given[i] = PyTuple_GET_ITEM(out, i);
    } else {
      given[n > 1 && place[1].role == kGradients ? 1 : 0] = out;
    }
  }

  void set_output(int role, PyObject* given) {
    Array& array = arrays_[role - kValues];
    py::object& kept = outputs_[role - kValues];
    if (given == Py_None) {
      kept = allocate(role);
      if (role == kValues) made_value_ = true;
      view(kept.ptr(), array);
      add_fresh_output(prepared_, role, array);
      seen_[role] = &array;
      return;
    }
    // Buffers are written where they lie, and come back as the objects that they are.
    kept = borrowed(given);
    PyObject* const memory = arguments_.memory_of(given);
    if (memory == nullptr) {
      fault_.set(FaultCode::kOutput, "out", "must have one array for each result");
      fault_.is_type = true;
      fault_.came("a %s in the place of one", Py_TYPE(given)->tp_name);
      refuse(given);
    }
    if (!view(memory, array)) {
      array.writeable = true;
      array.swapped = true;  // no type of results
    }
    if (!add_output(arguments_.request, prepared_, role, array, seen_, fault_)) refuse(memory);
    seen_[role] = &array;
  }

  // An array for a result, its axes in memory in the order of the prediction's.
  py::object allocate(int role) {
    const bool is_wide = role == kWeights || prepared_.is_of_slices(role);
    const py::dtype dtype = is_wide              ? py::dtype::of<double>()
                            : role == kPredicted ? py::dtype::of<int64_t>()
                                                 : result_dtype();
    int64_t shape[kMaxDims];
    prepared_.output_shape(role, shape);
    const int ndim = prepared_.output_ndim(role);
    const std::vector<py::ssize_t> lengths(shape, shape + ndim);
    const Array& p = *arguments_.request.inputs[kHeads];
    if (ndim != p.ndim || is_in_order(p)) return py::array(dtype, lengths);
    int order[kMaxDims];
    for (int d = 0; d < ndim; ++d) order[d] = d;
    std::sort(order, order + ndim, [&p](int a, int b) {
      const int64_t first = std::abs(p.strides[a]), second = std::abs(p.strides[b]);
      return first != second ? first > second : a < b;
    });
    std::vector<py::ssize_t> strides(lengths.size());
    py::ssize_t stride = dtype.itemsize();
    for (int i = ndim - 1; i >= 0; --i) {
      strides[size_t(order[i])] = stride;
      stride *= std::max<py::ssize_t>(1, lengths[size_t(order[i])]);
    }
    return py::array(dtype, lengths, strides);
  }

  static bool is_in_order(const Array& array) {
    int64_t step = item_size(array.dtype);
    for (int d = array.ndim - 1; d >= 0; --d) {
      if (array.shape[d] == 0) return true;
      if (array.shape[d] > 1 && array.strides[d] != step) return false;
      step *= array.shape[d];
    }
    return true;
  }

  const py::dtype& result_dtype() {
    if (!dtype_) dtype_ = arguments_.result_dtype(prepared_.result);
    return static_cast<const py::dtype&>(dtype_);
  }

  Result compute_once() {
    const Task& task = prepared_.call.task;
    const bool tiny = task.size <= kFewExamples && task.classes <= kFewClasses;
    if (tiny || estimated_cost(task) < kHoldGil) return run_call();
    const ThreadOverride override(threads_of_context());
    return without_gil([this] { return run_call(); });
  }

  Result run_call() {
    return prepared_.by_slices ? numloss::run(prepared_.call, slices_)
                               : numloss::run(prepared_.call);
  }

  Result compute_and_warn() {
    Result result = compute_once();
    if (!result.empty) return result;
    constexpr Py_ssize_t kCaller = 1;  // the line of the user's that a warning belongs to
    if (PyErr_WarnEx(PyExc_RuntimeWarning, "mean of a loss over no examples: the result is nan",
                     kCaller) < 0) {
      throw py::error_already_set();
    }
    // Nothing has been written before the warning, which may be an exception, or run code that
    // changes the arguments.
    prepared_.call.empty_is_known = true;
    return compute_once();
  }

  py::object derivative(int role) const {
    const py::object* const first = &outputs_[role - kValues];
    if (heads() == 1) return *first;
    py::tuple all(heads());
    for (int h = 0; h < heads(); ++h) all[size_t(h)] = first[h];
    return all;
  }

  py::object results(const Result& result) const {
    if (mode_ == kExamples) return pair(outputs_[0], outputs_[kWeights - kValues]);
    const py::object usual = results_of_mode(result);
    if (extras().bits == 0) return usual;
    py::list all;
    if (py::isinstance<py::tuple>(usual)) {
      for (const py::handle each : usual) all.append(each);
    } else {
      all.append(usual);
    }
    for (const int role : extras()) all.append(outputs_[role - kValues]);
    return py::tuple(all);
  }

  // Whether all axes were reduced, and no place was given for the number that is left.
  bool is_number() const {
    return prepared_.by_slices && (mode_ & kValue) != 0 && arrays_[0].ndim == 0 && made_value_;
  }
  double number_of_slice() const { return *reinterpret_cast<const double*>(arrays_[0].data); }

  py::object results_of_mode(const Result& result) const {
    if (mode_ & kHessian) return pair(derivative(kGradients), derivative(kHessians));
    if (mode_ == kGradient) return derivative(kGradients);
    const py::object value = is_number()    ? float64(number_of_slice())
                             : has_values() ? outputs_[0]
                                            : float64(result.value);
    return mode_ == kValue ? value : pair(value, derivative(kGradients));
  }

  const LossObject& owner_;
  const unsigned mode_;
  Arguments arguments_;
  Fault fault_;
  Prepared prepared_;
  Slices slices_;  // where there are some
  bool made_value_ = false;
  py::object dtype_;
  py::object outputs_[kRoles - kValues];
  Array arrays_[kRoles - kValues];
  const Array* seen_[kRoles];  // the outputs that have been taken, by role
};

}  // namespace

namespace {

// Not inlined, so that no arithmetic leaves the environment it is called in.
[[gnu::noinline]] PyObject* compute_in_environment(const LossObject& loss, unsigned mode,
                                                   PyObject* const* args, Py_ssize_t count,
                                                   PyObject* names) {
  return guarded([&] { return CallOfLoss(loss, mode).run(args, count, names); });
}

}  // namespace

PyObject* compute(const LossObject& loss, unsigned mode, PyObject* const* args, Py_ssize_t count,
                  PyObject* names) {
  // Conversions and messages, too, mean the same whatever the caller's arithmetic does.
  const FloatEnvironment ieee;
  return compute_in_environment(loss, mode, args, count, names);
}

void prepare_calls() {
  intern_words();
  default_plan(kLosses[0]);
  float64(0);
}

}  // namespace numloss
