#include "loss.hpp"

#include <structmember.h>

#include <cmath>
#include <stdexcept>

#include "../runtime/table.hpp"

namespace numloss {
namespace {

namespace py = pybind11;

// A method of one loss: loss.grad and so on.
struct MethodObject {
  PyObject head;
  vectorcallfunc call;
  unsigned mode;
  LossObject* owner;
  PyObject* name;
};

struct MethodInfo {
  const char* name;
  unsigned mode;
};
constexpr MethodInfo kMethodInfo[kMethods] = {{"grad", kGradient},
                                              {"value_and_grad", kValue | kGradient},
                                              {"grad_and_hess", kGradient | kHessian},
                                              {"_examples", kExamples},
                                              {"_outline", kOutline}};

LossObject& as_loss(PyObject* object) { return *reinterpret_cast<LossObject*>(object); }
MethodObject& as_method(PyObject* object) { return *reinterpret_cast<MethodObject*>(object); }

PyTypeObject* method_type = nullptr;

// What Python makes of the declaration of a loss: its signature, its text.
PyObject* ask_declaration(const char* function, PyObject* object, const char* method = nullptr) {
  PyObject* module = PyImport_ImportModule("numloss._loss");
  if (module == nullptr) return nullptr;
  PyObject* result = method == nullptr
                         ? PyObject_CallMethod(module, function, "O", object)
                         : PyObject_CallMethod(module, function, "Os", object, method);
  Py_DECREF(module);
  return result;
}

PyObject* call_value(PyObject* object, PyObject* const* args, size_t flagged, PyObject* names) {
  return compute(as_loss(object), kValue, args, PyVectorcall_NARGS(flagged), names);
}

PyObject* call_method(PyObject* object, PyObject* const* args, size_t flagged, PyObject* names) {
  const MethodObject& method = as_method(object);
  return compute(*method.owner, method.mode, args, PyVectorcall_NARGS(flagged), names);
}

PyObject* make_method(LossObject& owner, const MethodInfo& info) {
  PyObject* object = method_type->tp_alloc(method_type, 0);
  if (object == nullptr) return nullptr;
  MethodObject& method = as_method(object);
  method.call = call_method;
  method.mode = info.mode;
  method.owner = reinterpret_cast<LossObject*>(Py_NewRef(reinterpret_cast<PyObject*>(&owner)));
  method.name = PyUnicode_InternFromString(info.name);
  return object;
}

bool fill(LossObject& self, const Loss& loss) {
  self.loss = &loss;
  self.call = call_value;
  self.input_count = input_order(loss, self.roles);
  for (int i = 0; i < self.input_count; ++i) {
    self.input_names[i] = PyUnicode_InternFromString(input_name(loss, self.roles[i]));
    if (self.input_names[i] == nullptr) return false;
  }
  for (int i = 0; i < loss.parameter_count(); ++i) {
    self.parameter_names[i] = PyUnicode_InternFromString(loss.parameters[i].name);
    if (self.parameter_names[i] == nullptr) return false;
  }
  for (int i = 0; i < kMethods; ++i) {
    self.methods[i] = make_method(self, kMethodInfo[i]);
    if (self.methods[i] == nullptr) return false;
  }
  return true;
}

PyObject* loss_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  const char* name;
  static const char* names[] = {"name", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "s", const_cast<char**>(names), &name)) {
    return nullptr;
  }
  const Loss* loss = find_loss(name);
  if (loss == nullptr) return PyErr_Format(PyExc_LookupError, "no loss is named '%s'", name);
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  if (!fill(as_loss(object), *loss)) {
    Py_DECREF(object);
    return nullptr;
  }
  return object;
}

int loss_traverse(PyObject* object, visitproc visit, void* arg) {
  LossObject& self = as_loss(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self.attributes);
  for (PyObject* method : self.methods) Py_VISIT(method);
  return 0;
}

int loss_clear(PyObject* object) {
  LossObject& self = as_loss(object);
  Py_CLEAR(self.attributes);
  for (PyObject*& method : self.methods) Py_CLEAR(method);
  return 0;
}

void loss_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  LossObject& self = as_loss(object);
  PyObject_GC_UnTrack(object);
  if (self.weak_references != nullptr) PyObject_ClearWeakRefs(object);
  loss_clear(object);
  for (PyObject*& name : self.input_names) Py_CLEAR(name);
  for (PyObject*& name : self.parameter_names) Py_CLEAR(name);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* loss_repr(PyObject* object) { return ask_declaration("represent", object); }

PyObject* loss_signature(PyObject* object, void*) { return ask_declaration("signature", object); }

PyObject* loss_rowwise(PyObject* object, void*) {
  return PyBool_FromLong(as_loss(object).loss->has_classes());
}

// What a target may be, in a word or two.
const char* name_of_domain(const Loss& loss) {
  switch (loss.form) {
    case Form::kPenalty: return "none";
    case Form::kLabels: return "labels";
    case Form::kDistributions: return "probabilities";
    case Form::kEither: return "labels or probabilities";
    case Form::kLists: return loss.aside == nullptr ? "relevances" : "times";
    case Form::kThresholds: return "ordered labels";
    case Form::kSequences: return "sequences";
    case Form::kVectors: return "vectors";
    case Form::kTriplets: return "none";
    case Form::kPairs:
    case Form::kSets:
    case Form::kRows:
    case Form::kElements: break;
  }
  switch (loss.target) {
    case Domain::kAny: return "real";
    case Domain::kUnit: return "unit interval";
    case Domain::kSigned: return "signs";
    case Domain::kPositive: return "positive";
    case Domain::kAboveMinusOne: return "above -1";
    case Domain::kNonnegative: return "nonnegative";
    case Domain::kBooleans: return "booleans";
  }
  return "";
}

PyObject* loss_domain(PyObject* object, void*) {
  return PyUnicode_FromString(name_of_domain(*as_loss(object).loss));
}

// What a prediction must be above.
PyObject* loss_prediction_above(PyObject* object, void*) {
  switch (as_loss(object).loss->usual_prediction()) {
    case Domain::kPositive: return PyFloat_FromDouble(0);
    case Domain::kAboveMinusOne: return PyFloat_FromDouble(-1);
    default: return PyFloat_FromDouble(-INFINITY);
  }
}

PyObject* loss_heads(PyObject* object, void*) {
  const LossObject& self = as_loss(object);
  const int count = self.loss->head_count();
  PyObject* heads = PyTuple_New(count);
  for (int i = 0, h = 0; heads != nullptr && i < self.input_count; ++i) {
    if (self.roles[i] < kHeads + count)
      PyTuple_SET_ITEM(heads, h++, Py_NewRef(self.input_names[i]));
  }
  return heads;
}

PyObject* loss_method(PyObject* object, void* index) {
  return Py_NewRef(as_loss(object).methods[reinterpret_cast<intptr_t>(index)]);
}

PyObject* loss_reduce(PyObject* object, PyObject*) {
  return PyObject_GetAttrString(object, "__name__");
}

void* index_of(intptr_t i) { return reinterpret_cast<void*>(i); }

PyGetSetDef loss_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"__signature__", loss_signature, nullptr, nullptr, nullptr},
    {"rowwise", loss_rowwise, nullptr, "Whether the prediction has an axis of classes.", nullptr},
    {"heads", loss_heads, nullptr, "Names of the inputs with gradients, in order.", nullptr},
    {"domain", loss_domain, nullptr, "What a target may be.", nullptr},
    {"prediction_above", loss_prediction_above, nullptr, "What a prediction must be above.",
     nullptr},
    {"grad", loss_method, nullptr, "The gradient of the reduced value.", index_of(0)},
    {"value_and_grad", loss_method, nullptr, "Value and gradient from one pass.", index_of(1)},
    {"grad_and_hess", loss_method, nullptr, "Gradient and diagonal of the Hessian.", index_of(2)},
    {"_examples", loss_method, nullptr, "Value and weight of each example.", index_of(3)},
    {"_outline", loss_method, nullptr,
     "Type of the results, axis of the classes, inputs with gradients.", index_of(4)},
    {},
};

PyMemberDef loss_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(LossObject, call), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(LossObject, attributes), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(LossObject, weak_references), READONLY, nullptr},
    {},
};

PyMethodDef loss_methods[] = {
    {"__reduce__", loss_reduce, METH_NOARGS, nullptr},
    // numloss.Loss[...] for type checkers.
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
    {},
};

PyType_Slot loss_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(loss_new)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_traverse, reinterpret_cast<void*>(loss_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(loss_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(loss_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(loss_repr)},
    {Py_tp_getset, loss_getset},
    {Py_tp_members, loss_members},
    {Py_tp_methods, loss_methods},
    {},
};

PyType_Spec loss_spec = {"numloss.Loss", sizeof(LossObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                         loss_slots};

int method_traverse(PyObject* object, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(reinterpret_cast<PyObject*>(as_method(object).owner));
  return 0;
}

int method_clear(PyObject* object) {
  Py_CLEAR(as_method(object).owner);
  return 0;
}

void method_dealloc(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  method_clear(object);
  Py_CLEAR(as_method(object).name);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* owner_of(PyObject* object) {
  return reinterpret_cast<PyObject*>(as_method(object).owner);
}

PyObject* method_repr(PyObject* object) {
  return PyUnicode_FromFormat("<%U of %R>", as_method(object).name, owner_of(object));
}

PyObject* method_name(PyObject* object, void*) { return Py_NewRef(as_method(object).name); }
PyObject* method_self(PyObject* object, void*) { return Py_NewRef(owner_of(object)); }

PyObject* method_qualified_name(PyObject* object, void*) {
  PyObject* owner = PyObject_GetAttrString(owner_of(object), "__name__");
  if (owner == nullptr) return nullptr;
  PyObject* name = PyUnicode_FromFormat("%U.%U", owner, as_method(object).name);
  Py_DECREF(owner);
  return name;
}

PyObject* method_module(PyObject* object, void*) {
  return PyObject_GetAttrString(owner_of(object), "__module__");
}

PyObject* method_signature(PyObject* object, void*) {
  return ask_declaration("signature", owner_of(object));
}

PyObject* method_doc(PyObject* object, void*) {
  return ask_declaration("text_of_method", owner_of(object),
                         PyUnicode_AsUTF8(as_method(object).name));
}

PyObject* method_reduce(PyObject* object, PyObject*) {
  PyObject* get_attribute = PyMapping_GetItemString(PyEval_GetBuiltins(), "getattr");
  if (get_attribute == nullptr) return nullptr;
  return Py_BuildValue("N(OO)", get_attribute, owner_of(object), as_method(object).name);
}

PyGetSetDef method_getset[] = {
    {"__name__", method_name, nullptr, nullptr, nullptr},
    {"__qualname__", method_qualified_name, nullptr, nullptr, nullptr},
    {"__module__", method_module, nullptr, nullptr, nullptr},
    {"__self__", method_self, nullptr, nullptr, nullptr},
    {"__doc__", method_doc, nullptr, nullptr, nullptr},
    {"__signature__", method_signature, nullptr, nullptr, nullptr},
    {},
};

PyMemberDef method_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(MethodObject, call), READONLY, nullptr},
    {},
};

PyMethodDef method_methods[] = {
    {"__reduce__", method_reduce, METH_NOARGS, nullptr},
    {},
};

PyType_Slot method_slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_traverse, reinterpret_cast<void*>(method_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(method_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(method_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(method_repr)},
    {Py_tp_getset, method_getset},
    {Py_tp_members, method_members},
    {Py_tp_methods, method_methods},
    {},
};

PyType_Spec method_spec = {"numloss._core.Method", sizeof(MethodObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                               Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           method_slots};

PyObject* new_type(PyType_Spec* spec) {
  PyObject* type = PyType_FromSpec(spec);
  if (type == nullptr) throw py::error_already_set();
  return type;
}

}  // namespace

void add_loss_types(py::module_& module) {
  method_type = reinterpret_cast<PyTypeObject*>(new_type(&method_spec));
  module.attr("Method") =
      py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(method_type));
  module.attr("Loss") = py::reinterpret_steal<py::object>(new_type(&loss_spec));
}

}  // namespace numloss
