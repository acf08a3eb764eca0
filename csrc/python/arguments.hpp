// The arguments of a call: found by place and name, converted where they are not arrays and numbers
// already, and laid out as the checks take them.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "../checks/request.hpp"
#include "dlpack.hpp"
#include "loss.hpp"
#include "numpy.hpp"

namespace numloss {
namespace {

// Text that calls bring, interned at import so that comparing it is comparing addresses.
struct Words {
  PyObject *weight, *reduction, *denominator, *out, *dtype, *mean, *sum, *none, *count;
  PyObject *allow_negative_weight, *reduce_axis, *keepdims;
};
Words words;

void intern_words() {
  const auto intern = [](const char* text) { return PyUnicode_InternFromString(text); };
  words = {intern("weight"),      intern("reduction"),
           intern("denominator"), intern("out"),
           intern("dtype"),       intern("mean"),
           intern("sum"),         intern("none"),
           intern("count"),       intern("allow_negative_weight"),
           intern("reduce_axis"), intern("keepdims")};
}

// Of interned text the address, of other text the characters.
bool is_word(PyObject* x, PyObject* word) {
  if (x == word) return true;
  return PyUnicode_CheckExact(x) && PyUnicode_Compare(x, word) == 0;
}

// A function of the Python modules that convert arguments and raise.
template <class... T>
py::object ask_python(const char* module, const char* function, T&&... args) {
  return py::module_::import(module).attr(function)(std::forward<T>(args)...);
}
constexpr const char* kConvert = "numloss._convert";
constexpr const char* kRaise = "numloss._raise";

// A number that Python hands in where arrays are taken.
union Scalar {
  double real;
  int64_t integer;
  uint8_t boolean;
};

class Arguments {
 public:
  Arguments(const LossObject& owner, unsigned mode) : owner_(owner), loss_(*owner.loss) {
    request.mode = is_mode(mode) ? mode : unsigned(kValue);
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  Request request;
  PyObject* out = Py_None;
  bool several_axes = false;  // hold the classes, or whatever a row's numbers are

  // Finds the arguments. False: there are too many or too few, or one of an unknown name.
  bool find(PyObject* const* args, Py_ssize_t count, PyObject* names) {
    if (count > owner_.input_count) return false;
    for (Py_ssize_t i = 0; i < count; ++i) given_[owner_.roles[i]] = args[i];
    const Py_ssize_t named = names != nullptr ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < named; ++i) {
      if (!take(PyTuple_GET_ITEM(names, i), args[count + i])) return false;
    }
    if (given_[kAside] == Py_None && loss_.aside_by_element) given_[kAside] = nullptr;
    for (int i = 0; i < owner_.input_count; ++i) {
      const int role = owner_.roles[i];
      if (given_[role] == nullptr && role != kAside) return false;
    }
    return true;
  }

  // Converts them, which may run any code, and then looks at the arrays. False: `fault` is set.
  bool read(Fault& fault) {
    if (has_parameters_) convert_parameters();
    for (int role = 0; role < kValues; ++role) {
      if (given_[role] != nullptr) convert(role);
    }
    convert_options();
    convert_place(out);
    for (int role = 0; role < kValues; ++role) {
      if (given_[role] != nullptr) request.inputs[role] = look_at(given_[role], role);
    }
    if (!has_parameters_) {
      request.plan = &default_plan(loss_);
      return true;
    }
    for (int i = 0; i < loss_.parameter_count(); ++i) {
      if (arrays_given_[i] != nullptr) {
        settings_[i].array = look_at(arrays_given_[i], kValues + i);
      }
    }
    request.plan = &plan_;
    return make_plan(loss_, settings_, plan_, fault);
  }

  // The array of NumPy's that a place of `out` is or stands for; null: a tuple.
  PyObject* memory_of(PyObject* place) const {
    if (is_array(place)) return place;
    for (const Lent& lent : lent_) {
      if (lent.place == place) return lent.memory.ptr();
    }
    return nullptr;
  }

  // What an input was given as, or has become; null: there is none.
  PyObject* input(int role) const { return given_[role]; }
  // The object behind a name in a fault; None where it is of no use.
  PyObject* culprit(const char* name) const {
    for (int role = 0; role < kValues; ++role) {
      if (given_[role] != nullptr && std::strcmp(input_name(loss_, role), name) == 0) {
        return given_[role];
      }
    }
    const int parameter = find_parameter(loss_, name);
    if (parameter >= 0 && parameters_[parameter] != nullptr) return parameters_[parameter];
    return std::strcmp(name, "denominator") == 0 && denominator_ != nullptr ? denominator_
                                                                            : Py_None;
  }

  // NumPy's type for the results.
  py::dtype result_dtype(DType result) const {
    if (dtype_) return py::reinterpret_borrow<py::dtype>(dtype_);
    for (int role = 0; role < kWeight; ++role) {
      if (given_[role] == nullptr || types_[role]) continue;
      const py::dtype dtype = dtype_of(given_[role]);
      if (type_of(dtype) != result) continue;
      if (dtype.byteorder() != '>') return dtype;
      return py::reinterpret_borrow<py::dtype>(py::object(dtype.attr("newbyteorder")("=")));
    }
    return result == DType::kFloat32 ? py::dtype::of<float>() : py::dtype::of<double>();
  }

 private:
  bool take(PyObject* name, PyObject* value) {
    if (is_word(name, words.out)) {
      out = value;
      return true;
    }
    if (!loss_.is_penalty()) {
      if (is_word(name, words.weight)) {
        given_[kWeight] = value == Py_None ? nullptr : value;
        return true;
      }
      if (is_word(name, words.reduction)) return reduction_ = value, true;
      if (is_word(name, words.denominator)) return denominator_ = value, true;
      if (is_word(name, words.dtype)) {
        dtype_given_ = value == Py_None ? nullptr : value;
        return true;
      }
    }
    for (int i = 0; i < loss_.parameter_count(); ++i) {
      if (!is_word(name, owner_.parameter_names[i])) continue;
      parameters_[i] = value;
      several_axes =
          several_axes || (loss_.parameters[i].use == Use::kAxis && PyTuple_Check(value));
      return has_parameters_ = true;
    }
    for (int i = 0; i < owner_.input_count; ++i) {
      if (!is_word(name, owner_.input_names[i])) continue;
      PyObject*& place = given_[owner_.roles[i]];
      if (place != nullptr) return false;
      place = value;
      return true;
    }
    return loss_.has_target() && take_rare(name, value);
  }

  // Keywords that few calls have, which are looked for last.
  bool take_rare(PyObject* name, PyObject* value) {
    PyObject** const place = is_word(name, words.allow_negative_weight) ? &negative_weight_
                             : is_word(name, words.reduce_axis)         ? &reduce_axis_
                             : is_word(name, words.keepdims)            ? &keepdims_
                                                                        : nullptr;
    if (place == nullptr) return false;
    *place = value;
    return true;
  }

  PyObject* keep(py::object object) {
    kept_.push_back(std::move(object));
    return kept_.back().ptr();
  }

  void convert_parameters() {
    for (int i = 0; i < loss_.parameter_count(); ++i) {
      settings_[i] = {};
      arrays_given_[i] = nullptr;
      if (parameters_[i] != nullptr) convert_parameter(i);
    }
  }

  void convert_parameter(int i) {
    const Parameter& parameter = loss_.parameters[i];
    PyObject* const value = parameters_[i];
    Setting& setting = settings_[i];
    setting.given = true;
    setting.is_none = parameter.optional && value == Py_None;
    if (setting.is_none) return;
    if (parameter.takes_number() && !(parameter.takes_array() && has_elements(value))) {
      setting.number =
          PyFloat_CheckExact(value)
              ? PyFloat_AS_DOUBLE(value)
              : ask_python(kConvert, "number", parameter.name, py::handle(value)).cast<double>();
    } else if (parameter.takes_switch()) {
      setting.number = to_switch(parameter.name, value);
    } else if (parameter.takes_integer()) {
      setting.integer = to_integer(parameter.name, value);
    } else if (parameter.choices != nullptr &&
               (PyUnicode_Check(value) || !parameter.takes_array())) {
      setting.number = choice(parameter, value);
    } else {
      arrays_given_[i] = as_array(parameter.name, value, kValues + i);
    }
  }

  // Whether it holds several numbers, as lists and arrays do but for those without axes.
  static bool has_elements(PyObject* value) {
    const Py_ssize_t length = PyObject_Length(value);
    if (length < 0) PyErr_Clear();
    return length >= 0 && !PyUnicode_Check(value);
  }

  static bool to_switch(const char* name, PyObject* value) {
    if (value == Py_True || value == Py_False) return value == Py_True;
    return ask_python(kConvert, "switch", name, py::handle(value)).cast<bool>();
  }

  static int64_t to_integer(const char* name, PyObject* value) {
    if (PyLong_CheckExact(value)) {
      int overflow = 0;
      const int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
      if (overflow == 0) return number;
    }
    return ask_python(kConvert, "integer", name, py::handle(value)).cast<int64_t>();
  }

  static int choice(const Parameter& parameter, PyObject* value) {
    int count = 0;
    for (; parameter.choices[count] != nullptr; ++count) {
      if (PyUnicode_CheckExact(value) &&
          PyUnicode_CompareWithASCIIString(value, parameter.choices[count]) == 0) {
        return count;
      }
    }
    py::tuple choices(count);
    for (int i = 0; i < count; ++i) choices[size_t(i)] = parameter.choices[i];
    return ask_python(kConvert, "choice", parameter.name, py::handle(value), choices).cast<int>();
  }

  // An array, or a number of Python's own, which is noted at its place.
  PyObject* as_array(const char* name, PyObject* value, int place) {
    if (is_readable(value)) return value;
    Scalar& scalar = scalars_[place];
    std::optional<DType>& type = types_[place];
    if (PyFloat_CheckExact(value)) {
      scalar.real = PyFloat_AS_DOUBLE(value);
      type = DType::kFloat64;
      return value;
    }
    if (PyBool_Check(value)) {
      scalar.boolean = value == Py_True;
      type = DType::kBool;
      return value;
    }
    if (PyLong_CheckExact(value)) {
      int overflow = 0;
      scalar.integer = PyLong_AsLongLongAndOverflow(value, &overflow);
      type = DType::kInt64;
      if (overflow == 0) return value;
    }
    type.reset();
    if (py::object array = from_exchange(value)) return keep(std::move(array));
    // An integer beyond int64, a list, a tensor, a data frame...
    return keep(ask_python(kConvert, "array", name, py::handle(value)));
  }

  // Finds the memory of what is no array of NumPy's among the places of `out`, which may be a tuple
  // of tuples.
  void convert_place(PyObject* place, int depth = 0) {
    if (place == Py_None || is_array(place)) return;
    if (PyTuple_Check(place) && depth < 2) {
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(place); ++i) {
        convert_place(PyTuple_GET_ITEM(place, i), depth + 1);
      }
      return;
    }
    py::object memory = from_exchange(place);
    if (!memory || !is_writeable(memory.ptr())) {
      memory = ask_python(kConvert, "output", py::handle(place));
    }
    lent_.push_back({place, std::move(memory)});
  }

  void convert(int role) {
    PyObject* const given = given_[role];
    given_[role] = as_array(input_name(loss_, role), given, role);
    if (role != kTarget) return;
    request.weak_target =
        types_[role].has_value() || (PyFloat_Check(given) && !is_numpy_scalar(given));
  }

  // NumPy's numbers have a type of their own, which promotes; some are floats of Python's as well.
  static bool is_numpy_scalar(PyObject* x) {
    return PyObject_IsInstance(x, py::module_::import("numpy").attr("generic").ptr()) == 1;
  }

  void convert_options() {
    if (reduction_ != nullptr) {
      request.reduction = is_word(reduction_, words.mean)   ? Reduction::kMean
                          : is_word(reduction_, words.sum)  ? Reduction::kSum
                          : is_word(reduction_, words.none) ? Reduction::kNone
                                                            : ask_reduction();
    }
    if (denominator_ != nullptr && !is_word(denominator_, words.weight)) {
      if (is_word(denominator_, words.count)) {
        request.denominator = Denominator::kCount;
      } else {
        const py::object number = ask_python(kConvert, "denominator", py::handle(denominator_));
        if (PyUnicode_Check(number.ptr())) {
          request.denominator =
              is_word(number.ptr(), words.count) ? Denominator::kCount : Denominator::kWeight;
        } else {
          request.denominator = Denominator::kNumber;
          request.number = number.cast<double>();
        }
      }
    }
    if (negative_weight_ != nullptr) {
      request.negative_weights = to_switch("allow_negative_weight", negative_weight_);
    }
    if (keepdims_ != nullptr) {
      request.by_slices = request.keeps_axes = to_switch("keepdims", keepdims_);
    }
    if (reduce_axis_ != nullptr && reduce_axis_ != Py_None) convert_reduced_axes();
    if (dtype_given_ != nullptr) {
      dtype_ = ask_python(kConvert, "dtype", py::handle(dtype_given_));
      request.sets_dtype = true;
      request.dtype = type_of(py::reinterpret_borrow<py::dtype>(dtype_)).value_or(DType::kFloat64);
    }
  }

  void convert_reduced_axes() {
    const py::object given = ask_python(kConvert, "axes", "reduce_axis", py::handle(reduce_axis_));
    for (const py::handle axis : given) reduced_axes_.push_back(axis.cast<int64_t>());
    request.by_slices = true;
    request.reduce_count = int(reduced_axes_.size());
    reduced_axes_.push_back(0);  // even of no axes there is an array
    request.reduce_axis = reduced_axes_.data();
  }

  Reduction ask_reduction() const {
    const int chosen = ask_python(kConvert, "choice", "reduction", py::handle(reduction_),
                                  py::make_tuple("mean", "sum", "none"))
                           .cast<int>();
    return Reduction(chosen);
  }

  // Shape and strides are read once all conversions are over.
  const Array* look_at(PyObject* value, int place) {
    Array& seen = arrays_[place];
    if (!types_[place]) {
      if (!view(value, seen))
        throw py::type_error("an argument changed its type while it was read");
      return &seen;
    }
    seen = {reinterpret_cast<char*>(&scalars_[place]),
            *types_[place],
            false,
            false,
            0,
            nullptr,
            nullptr};
    return &seen;
  }

  static constexpr int kPlaces = kValues + kMaxSettings;

  const LossObject& owner_;
  const Loss& loss_;
  PyObject* given_[kValues] = {};
  PyObject* parameters_[kMaxSettings] = {};
  bool has_parameters_ = false;
  PyObject *reduction_ = nullptr, *denominator_ = nullptr, *dtype_given_ = nullptr;
  PyObject *negative_weight_ = nullptr, *reduce_axis_ = nullptr, *keepdims_ = nullptr;
  std::vector<int64_t> reduced_axes_;
  py::object dtype_;
  Plan plan_;
  Setting settings_[kMaxSettings];        // where there are parameters
  PyObject* arrays_given_[kMaxSettings];  // the same
  Array arrays_[kPlaces];
  std::optional<DType> types_[kPlaces];  // of numbers of Python's own
  Scalar scalars_[kPlaces];
  std::vector<py::object> kept_;
  struct Lent {
    PyObject* place;
    py::object memory;
  };
  std::vector<Lent> lent_;  // among the places of `out`
};

}  // namespace
}  // namespace numloss
