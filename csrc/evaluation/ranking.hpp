// How well scores rank positive examples above negative ones, from the counts that two columns keep
// of them.
#pragma once

#include <cstdint>
#include <vector>

namespace numloss {

// Examples whose scores lie in one bin. Those of one value are ties; of others any order is
// possible.
struct Cell {
  uint64_t positives = 0, negatives = 0;
  bool ties = false;
};

// Bounds between which the area under the ROC curve and the average precision lie: they are equal
// where no cell leaves an order open. NaN where there are none of a kind.
struct Ranking {
  double auc_low, auc_high;
  double precision_low, precision_high;  // average precision
};

// Of cells from the lowest scores to the highest.
Ranking ranking_of(const std::vector<Cell>& cells);

}  // namespace numloss
