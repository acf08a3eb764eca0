// Which instruction set serves this process.
#pragma once

#include <string>
#include <vector>

#include "table.hpp"

namespace numloss {

// The kernels in use: the best set this CPU has, or the one NUMLOSS_ISA names. Throws
// std::invalid_argument, naming the choices, if that one is unknown or unsupported.
const KernelTable& kernels();

// Names of the sets that this CPU can run, the best last.
std::vector<std::string> usable_isas();

// Switches to another usable set. For tests: no call may be under way.
void select_isa(const std::string& name);

// Whether the set in use computes fma in hardware; without, exp-bound losses are far slower.
bool has_hardware_fma();

}  // namespace numloss
