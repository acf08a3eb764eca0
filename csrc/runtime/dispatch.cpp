#include "dispatch.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <stdexcept>

#include "variables.hpp"

namespace numloss {

namespace baseline {
const KernelTable& table();
}
#ifdef NUMLOSS_HAS_v3
namespace v3 {
const KernelTable& table();
}
#endif
#ifdef NUMLOSS_HAS_v4
namespace v4 {
const KernelTable& table();
}
#endif

namespace {

// The names of the sets, better ones last, whether this build and this CPU have them or not: a
// variable that is the same on many hosts may name any.
constexpr const char* kNames[] = {"baseline", "v3", "v4"};

// A set of this build.
struct Choice {
  const char* name;
  const KernelTable& (*table)();
  bool (*usable)();
};

constexpr Choice kChoices[] = {
    {"baseline", baseline::table, [] { return true; }},
#ifdef NUMLOSS_HAS_v3
    {"v3", v3::table, [] { return bool(__builtin_cpu_supports("x86-64-v3")); }},
#endif
#ifdef NUMLOSS_HAS_v4
    {"v4", v4::table, [] { return bool(__builtin_cpu_supports("x86-64-v4")); }},
#endif
};

std::string join(const std::vector<std::string>& names, const char* before = "") {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + (before + name);
  return text;
}

// Where a name stands among kNames, their number if it is none of them.
std::ptrdiff_t rank(const std::string& name) {
  return std::find(std::begin(kNames), std::end(kNames), name) - std::begin(kNames);
}

const KernelTable& choose(const std::string& wanted) {
  const bool up_to = wanted.starts_with("<=");
  const std::string name = up_to ? trimmed(wanted.substr(2)) : wanted;
  const KernelTable* best = nullptr;
  for (const Choice& choice : kChoices) {
    const bool fits = up_to ? rank(choice.name) <= rank(name) : choice.name == name;
    if (fits && choice.usable()) best = &choice.table();
  }
  if (best != nullptr && rank(name) < std::ssize(kNames)) return *best;
  throw std::invalid_argument("NUMLOSS_ISA must be one of " + join(usable_isas()) +
                              " on this CPU, or " +
                              join({std::begin(kNames), std::end(kNames)}, "<=") +
                              " for the best up to that one, got '" + wanted + "'");
}

}  // namespace

std::atomic<const KernelTable*> chosen_kernels{nullptr};

std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const Choice& choice : kChoices) {
    if (choice.usable()) names.emplace_back(choice.name);
  }
  return names;
}

void select_isa(const std::string& name) { chosen_kernels = &choose(name); }

const KernelTable& choose_kernels() {
  const std::string wanted = variable("NUMLOSS_ISA");
  const KernelTable& table = choose(wanted.empty() ? usable_isas().back() : wanted);
  chosen_kernels = &table;
  return table;
}

bool fetches_elements_ahead() {
#ifdef __x86_64__
  // Zen 4 is AMD's first with AVX-512.
  static const bool fetches = __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
  return fetches;
#else
  return false;
#endif
}

bool has_hardware_fma() {
#ifdef __x86_64__
  return std::string(kernels().isa) != "baseline";
#else
  return true;
#endif
}

}  // namespace numloss
