// numloss.threads(n), as it holds where Python calls from.
#pragma once

#include <pybind11/pybind11.h>

#include "../runtime/thread_limit.hpp"

namespace numloss {

// The context variable that numloss.threads sets: a number of threads, 0 if nothing is set. Made at
// import, and kept until the process ends.
inline PyObject* thread_variable = nullptr;

inline void make_thread_variable(pybind11::module_& module) {
  thread_variable = PyContextVar_New("numloss.threads", pybind11::int_(0).ptr());
  if (thread_variable == nullptr) throw pybind11::error_already_set();
  module.attr("thread_variable") = pybind11::handle(thread_variable);
}

// Its value in the current context; 10 ns, so calls that cannot leave their thread do not ask.
inline int threads_of_context() {
  PyObject* value = nullptr;
  if (PyContextVar_Get(thread_variable, nullptr, &value) < 0) throw pybind11::error_already_set();
  const auto number = pybind11::reinterpret_steal<pybind11::object>(value);
  const long n = PyLong_AsLong(number.ptr());
  if (n == -1 && PyErr_Occurred()) throw pybind11::error_already_set();
  return int(n);
}

inline int num_threads_of_context() {
  const ThreadOverride override(threads_of_context());
  return num_threads();
}

}  // namespace numloss
