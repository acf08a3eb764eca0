#include "dispatch.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

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

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

const KernelTable& choose(const std::string& wanted) {
  for (const Choice& choice : kChoices) {
    if (wanted == choice.name && choice.usable()) return choice.table();
  }
  throw std::invalid_argument("NUMLOSS_ISA must be one of " + join(usable_isas()) +
                              " on this CPU, got '" + wanted + "'");
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
  const char* wanted = std::getenv("NUMLOSS_ISA");
  const KernelTable& table =
      choose(wanted != nullptr && *wanted != '\0' ? wanted : usable_isas().back());
  chosen_kernels = &table;
  return table;
}

bool has_hardware_fma() {
#ifdef __x86_64__
  return std::string(kernels().isa) != "baseline";
#else
  return true;
#endif
}

}  // namespace numloss
