// Which instruction set serves this process.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "table.hpp"

namespace numloss {

// Null until somebody asks for kernels.
extern std::atomic<const KernelTable*> chosen_kernels;
const KernelTable& choose_kernels();

// The kernels in use: those of the best set this CPU has, unless NUMLOSS_ISA names another. "v3"
// there is that set, "<=v3" the best usable one up to it. Throws std::invalid_argument, naming the
// choices, if the set is unknown or this CPU does not have it. A small call asks ten times: a call
// of a function each time would be a thirtieth of it.
inline const KernelTable& kernels() {
  const KernelTable* table = chosen_kernels.load(std::memory_order_relaxed);
  return table != nullptr ? *table : choose_kernels();
}

// Names of the sets that this CPU can run, the best last.
std::vector<std::string> usable_isas();

// Switches to another set, named as in NUMLOSS_ISA. For tests: no call may be under way.
void select_isa(const std::string& name);

// Whether this CPU fetches the lines of several long arrays in time, unasked. Zen 4 does: there
// asking makes elementwise losses beyond the caches 20 to 40 % slower. Zen 3 and Intel do not.
bool fetches_elements_ahead();

// Whether the set in use computes fma in hardware; without, exp-bound losses are far slower.
bool has_hardware_fma();

}  // namespace numloss
