#include "ranking.hpp"

#include <algorithm>
#include <limits>

#include "fixed.hpp"

namespace numloss {
namespace {

// Positives of a cell that are taken one by one or in so many runs, of which the first one's
// precision is the lowest.
constexpr uint64_t kRuns = 64;

struct Bounds {
  double low = 0, high = 0;
};

double share(uint64_t right, uint64_t wrong) {
  return double(right) / (double(right) + double(wrong));
}

// At most the sum over i = 1..n of (before + i) / (before + i + wrong), which grows with i.
double lowest_precisions(uint64_t n, uint64_t before, uint64_t wrong) {
  double sum = 0;
  for (uint64_t run = 0, done = 0; done < n; ++run) {
    const uint64_t end = n <= kRuns ? done + 1 : uint64_t(Uint128(n) * (run + 1) / kRuns);
    sum += double(end - done) * share(before + done + 1, wrong);
    done = end;
  }
  return sum;
}

}  // namespace

Ranking ranking_of(const std::vector<Cell>& cells) {
  // Twice the pairs in which the positive example has the higher score; a tie is half a pair.
  Uint128 won_low = 0, won_high = 0;
  Bounds precision;
  uint64_t positives = 0, negatives = 0;  // with higher scores than the cell's
  for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) {
    const uint64_t p = cell->positives, n = cell->negatives;
    const Uint128 above = Uint128(positives) * n * 2, inside = Uint128(p) * n;
    won_low += above + (cell->ties ? inside : 0);
    won_high += above + (cell->ties ? inside : 2 * inside);
    if (p != 0) {
      // Positive examples that tie have the precision of the last of them: no order is better than
      // all of them side by side before the negative ones, and none worse than one by one behind.
      const double tied = double(p) * share(positives + p, negatives + n);
      precision.low += cell->ties ? tied : lowest_precisions(p, positives, negatives + n);
      precision.high += cell->ties ? tied : double(p) * share(positives + p, negatives);
    }
    positives += p;
    negatives += n;
  }
  const double none = std::numeric_limits<double>::quiet_NaN();
  Ranking found{none, none, none, none};
  if (positives != 0) {
    found.precision_low = precision.low / double(positives);
    found.precision_high = std::min(1.0, precision.high / double(positives));
  }
  if (positives != 0 && negatives != 0) {
    const double pairs = 2.0 * double(positives) * double(negatives);
    found.auc_low = double(won_low) / pairs;
    found.auc_high = double(won_high) / pairs;
  }
  return found;
}

}  // namespace numloss
