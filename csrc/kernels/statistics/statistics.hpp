// The sums of an evaluation, as statistics.cpp compiles them for each instruction set.
#pragma once

#include "../../runtime/table.hpp"

namespace numloss::NUMLOSS_ISA {

extern const Statistics kStatistics;

}  // namespace numloss::NUMLOSS_ISA
