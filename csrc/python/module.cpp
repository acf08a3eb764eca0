// The extension module numloss._core: a constant set of functions, whatever losses there are.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../runtime/dispatch.hpp"
#include "../runtime/float_environment.hpp"
#include "../runtime/parallel.hpp"
#include "../runtime/system/system.hpp"
#include "../runtime/thread_limit.hpp"
#include "arrow.hpp"
#include "dlpack.hpp"
#include "evaluation.hpp"
#include "lent.hpp"
#include "loss.hpp"
#include "thread_context.hpp"

namespace py = pybind11;

namespace numloss {
namespace {

// What every loss takes, for the tests that hold Python's declarations to it: for each loss its
// inputs, its parameters and their defaults.
py::dict losses() {
  py::dict result;
  for (int i = 0; i < kLossCount; ++i) {
    const Loss& loss = kLosses[i];
    py::list inputs;
    int roles[kMaxHeads + 2];
    const int count = input_order(loss, roles);
    for (int k = 0; k < count; ++k) inputs.append(input_name(loss, roles[k]));
    py::dict parameters;
    for (int k = 0; k < loss.parameter_count(); ++k) {
      const Parameter& parameter = loss.parameters[k];
      py::object standard = py::none();
      if (parameter.takes_number() && !parameter.standard_is_none)
        standard = py::float_(parameter.standard);
      if (parameter.takes_integer()) standard = py::int_(int64_t(parameter.standard));
      if (parameter.takes_switch()) standard = py::bool_(parameter.standard != 0);
      if (parameter.choices != nullptr)
        standard = py::str(parameter.choices[int(parameter.standard)]);
      parameters[parameter.name] = standard;
    }
    result[loss.name] = py::make_tuple(inputs, parameters);
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

std::string last_words;

// What the process says on standard error, before it ends with code 1, when an exception of C++
// finds no handler: some damaged files make Arrow throw where Python does not expect it.
void end_on_abort(const std::string& text) {
  last_words = text;
  std::set_terminate([] {
    std::fputs(last_words.c_str(), stderr);
    std::_Exit(1);
  });
}

py::dict config() {
  py::dict result;
  result["version"] = NUMLOSS_VERSION;
  result["isa"] = kernels().isa;
  result["isas"] = usable_isas();
  result["hardware_fma"] = has_hardware_fma();
  result["threads"] = num_threads_of_context();
  result["threading"] = threading();
  result["threadings"] = threadings();
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
  threading();
  // What is looked up once is looked up now: a fork in the middle, while another thread calls for
  // the first time, would leave the child waiting for a thread that it does not have.
  prepare_calls();
  m.attr("version") = NUMLOSS_VERSION;
  m.attr("MOST_THREADS") = kMostThreads;
  add_loss_types(m);
  add_evaluation(m);
  m.def("losses", losses);
  m.def("functions", functions);
  m.def("apply", apply);
  m.def("config", config);
  m.def("select_isa", select_isa);
  make_thread_variable(m);
  m.def("num_threads", num_threads_of_context);
  m.def("set_num_threads", set_num_threads);
  m.def("enter_ieee", enter_ieee);
  m.def("exit_ieee", exit_ieee);
  m.def("cgroup_cpus", system::cgroup_cpus, py::arg("root") = "/");
  py::register_exception<Unusable>(m, "UnusableError");
  m.def("from_dlpack", from_dlpack);
  m.def("remember_exchange", remember_exchange);
  m.def("from_exchange", [](const py::object& tensor) -> py::object {
    py::object array = from_exchange(tensor.ptr());
    return array ? array : py::none();
  });
  m.def("from_arrow_array", from_arrow_array);
  m.def("from_arrow_stream", from_arrow_stream);
  m.def("end_on_abort", end_on_abort);
}
