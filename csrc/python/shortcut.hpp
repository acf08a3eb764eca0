// The way from Python to compute() without pybind11's dispatcher, which would cost as much as the
// kernels do on 64 numbers.
#pragma once

#include <structmember.h>

#include <new>
#include <stdexcept>
#include <vector>

#include "compute.hpp"

namespace numloss {
namespace {

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

// compute(plan, mode, prediction, target, call, dtype=None), for the Python layer: asked from
// elementwise or rowwise, which a definition has called, which a method of the loss has called.
PyObject* compute_entry(PyObject*, PyObject* const* args, Py_ssize_t n) {
  return guarded([&]() -> py::object {
    if (n < 5 || n > 6 || !PyDict_Check(args[4])) {
      throw py::type_error("compute takes a plan, a mode, two arrays, a dict and perhaps a dtype");
    }
    Arguments given{.prediction = args[2], .target = args[3], .frames = 4};
    if (n == 6) given.dtype = args[5];
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(args[4], &at, &name, &value);) {
      if (!given.take(name, value)) return not_implemented();
    }
    return compute(args[0], unsigned(integer_of(args[1])), given);
  });
}

PyMethodDef kComputeEntry = {
    "compute", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(compute_entry)),
    METH_FASTCALL, nullptr};

// A method of a loss, with a way of its own for the most frequent call: two arrays as they are, and
// no parameter of the loss. By the loss's `_plan` that goes straight to the kernels. Every other
// call goes to the method as it is written in Python, and so does what they refuse: messages are
// made there alone.
struct Shortcut {
  PyObject head;
  vectorcallfunc call;
  unsigned mode;
  PyObject* method;
  PyObject* attributes;  // of functools.update_wrapper: __doc__, __wrapped__ and so on
};

// "_plan" and "_define", interned at import.
PyObject *plan_name = nullptr, *define_name = nullptr;

// Of booleans a definition may make something of its own, as those of the hinge losses do.
bool is_boolean(py::handle array) { return type_of(as_array(array).dtype()) == DType::kBool; }

py::object attribute(py::handle object, PyObject* name) {
  const auto found = py::reinterpret_steal<py::object>(PyObject_GenericGetAttr(object.ptr(), name));
  if (!found) throw py::error_already_set();
  return found;
}

// The plan that the loss's definition makes of the keywords; None where it takes others, or none of
// them.
py::object plan_of(PyObject* const* args, Py_ssize_t n, PyObject* names) {
  constexpr long kPlan = 0;  // the mode
  const auto mode = py::reinterpret_steal<py::object>(PyLong_FromLong(kPlan));
  std::vector<PyObject*> arguments(args, args + n + PyTuple_GET_SIZE(names));
  arguments[0] = mode.ptr();
  const py::object define = attribute(args[0], define_name);
  const auto plan = py::reinterpret_steal<py::object>(
      PyObject_Vectorcall(define.ptr(), arguments.data(), size_t(n), names));
  if (plan) return plan;
  // What Python says of a call counts the mode; the method knows better.
  if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
  PyErr_Clear();
  return py::none();
}

py::object straight(const Shortcut& self, PyObject* const* args, Py_ssize_t n, PyObject* names) {
  if (n != 3 || !is_array(args[1]) || !is_array(args[2]) || is_boolean(args[2])) {
    return not_implemented();
  }
  Arguments given{.prediction = args[1], .target = args[2], .frames = 1};
  bool has_parameters = false;
  const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    has_parameters |= !given.take(PyTuple_GET_ITEM(names, i), args[n + i]);
  }
  py::object plan = attribute(args[0], plan_name);
  if (has_parameters && !plan.is_none()) plan = plan_of(args, n, names);
  return plan.is_none() ? not_implemented() : compute(plan, self.mode, given);
}

PyObject* shortcut_call(PyObject* object, PyObject* const* args, size_t flagged, PyObject* names) {
  const Shortcut& self = *reinterpret_cast<Shortcut*>(object);
  PyObject* result =
      guarded([&] { return straight(self, args, PyVectorcall_NARGS(flagged), names); });
  if (result != Py_NotImplemented && result != Py_None) return result;
  Py_DECREF(result);
  return PyObject_Vectorcall(self.method, args, flagged, names);
}

PyObject* shortcut_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  unsigned mode;
  PyObject* method;
  static const char* names[] = {"mode", "method", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "IO", const_cast<char**>(names), &mode,
                                   &method)) {
    return nullptr;
  }
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  auto* self = reinterpret_cast<Shortcut*>(object);
  self->call = shortcut_call;
  self->mode = mode;
  self->method = Py_NewRef(method);
  return object;
}

int shortcut_traverse(PyObject* object, visitproc visit, void* arg) {
  auto* self = reinterpret_cast<Shortcut*>(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->method);
  Py_VISIT(self->attributes);
  return 0;
}

int shortcut_clear(PyObject* object) {
  auto* self = reinterpret_cast<Shortcut*>(object);
  Py_CLEAR(self->method);
  Py_CLEAR(self->attributes);
  return 0;
}

void shortcut_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  shortcut_clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* shortcut_get(PyObject* object, PyObject* instance, PyObject*) {
  if (instance == nullptr) return Py_NewRef(object);
  return PyMethod_New(object, instance);
}

PyMemberDef shortcut_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Shortcut, call), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Shortcut, attributes), READONLY, nullptr},
    {},
};

PyGetSetDef shortcut_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {},
};

PyType_Slot shortcut_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(shortcut_new)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_traverse, reinterpret_cast<void*>(shortcut_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(shortcut_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(shortcut_dealloc)},
    {Py_tp_descr_get, reinterpret_cast<void*>(shortcut_get)},
    {Py_tp_members, shortcut_members},
    {Py_tp_getset, shortcut_getset},
    {},
};

PyType_Spec shortcut_spec = {"numloss._core.Shortcut", sizeof(Shortcut), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                                 Py_TPFLAGS_METHOD_DESCRIPTOR,
                             shortcut_slots};

}  // namespace
}  // namespace numloss
