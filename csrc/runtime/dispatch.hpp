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

// The kernels in use: the best set this CPU has, or the one NUMLOSS_ISA names. Throws
// std::invalid_argument, naming the choices, if that one is unknown or unsupported. A small call
// asks ten times: a call of a function each time would be a thirtieth of it.
inline const KernelTable& kernels() {
  const KernelTable* table = chosen_kernels.load(std::memory_order_relaxed);
  return table != nullptr ? *table : choose_kernels();
}

// Names of the sets that this CPU can run, the best last.
std::vector<std::string> usable_isas();

// Switches to another usable set. For tests: no call may be under way.
void select_isa(const std::string& name);

// Whether the set in use computes fma in hardware; without, exp-bound losses are far slower.
bool has_hardware_fma();

}  // namespace numloss
