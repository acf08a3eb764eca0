// The losses of groups in their order: each value while a group has few, then a histogram whose
// bins are shares of an octave. Which of the two, and how fine, depends on the number of groups and
// on that of the values alone, never on how they came.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <type_traits>
#include <vector>

#include "pages.hpp"

namespace numloss {

// How the values of a group are held where there are so many groups.
struct Resolution {
  uint32_t most_exact;  // values that are kept as they are
  int coarser;          // bins to an octave: 512 >> coarser
};

inline constexpr int kFineBits = 9;  // 512 bins to an octave, at most 2^-10 off
inline constexpr int kMantissaDrop = 52 - kFineBits;
inline constexpr int64_t kFewGroups = 1024;  // with all 512 bins

// A million groups with a histogram each take some 0.6 GB with 8 bins to an octave.
inline constexpr Resolution resolution(int64_t groups) {
  if (groups <= kFewGroups) return {4096, 0};
  if (groups <= 1 << 14) return {64, 2};
  if (groups <= 1 << 17) return {64, 4};
  return {64, 6};
}

// The bin of a magnitude. Bin 0 holds 0 and the numbers below every other bin.
inline int32_t bin_of(double magnitude, int coarser) {
  return int32_t(std::bit_cast<uint64_t>(magnitude) >> (kMantissaDrop + coarser));
}
// The bin of a number, in the order of the numbers: those below 0 count down from -1.
inline int32_t ordered_bin_of(double value, int coarser) {
  const int32_t bin = bin_of(__builtin_fabs(value), coarser);
  return bin == 0 ? 0 : value < 0 ? -1 - bin : bin;
}
// The value that stands for a bin: its middle; 0 for the first, infinity for the last.
inline double middle_of(int32_t bin, int coarser) {
  const int drop = kMantissaDrop + coarser;
  const uint64_t low = uint64_t(bin) << drop;
  const bool ends = bin == 0 || low >> 52 == 0x7ff;
  return std::bit_cast<double>(low + (ends ? 0 : uint64_t(1) << (drop - 1)));
}

// Arrays of values, whose lengths are powers of two from kShortest on; one that is given back is
// used again.
template <class T>
class Lists {
 public:
  static constexpr int kShortest = 8;

  T* at(uint32_t place) { return values_.data() + size_t(place) * kShortest; }
  const T* at(uint32_t place) const { return values_.data() + size_t(place) * kShortest; }
  // The place of a list with room for kShortest << level values.
  uint32_t take(int level);
  void give_back(uint32_t place, int level) { free_[level].push_back(place); }
  size_t bytes() const { return size_t(used_) * kShortest * sizeof(T); }

 private:
  static constexpr int kLevels = 10;  // the longest has kShortest << 9 values

  Pages<T> values_;
  uint32_t used_ = 0;  // in units of kShortest
  std::vector<uint32_t> free_[kLevels];
};

// In the place of the value that all numbers of a bin have, where they differ.
inline constexpr double kSeveral = std::numeric_limits<double>::quiet_NaN();
inline double joined(double one, double other) { return one == other ? one : kSeveral; }

// Counts by bin; where ties are wanted, of each bin also whether all of its numbers are one value.
class Histogram {
 public:
  // Bins of one sign, side by side, `first` that of count[1]; count[0] is for zeros of that sign,
  // which lie in no range of bins.
  struct Side {
    int32_t first = 1;
    std::vector<uint32_t> count;
    std::vector<double> only;  // of each count, if ties are wanted
  };

  explicit Histogram(int coarser, bool ties = false) : coarser_(coarser), ties_(ties) {}

  int coarser() const { return coarser_; }
  void add(double value) {
    const int32_t bin = bin_of(__builtin_fabs(value), coarser_);
    if (value > 0 && holds(sides_[0], bin) && held_ < UINT32_MAX && !ties_) [[likely]] {
      ++sides_[0].count[size_t(bin - sides_[0].first + 1)];
      ++held_;
    } else {
      add_bin(ordered_bin_of(value, coarser_), 1, value);
    }
  }
  // n finite values, `smallest` and `largest` the magnitudes among them but for zeros; `negative`:
  // whether one may be below 0.
  template <class T>
  void add(const T* x, int n, double smallest, double largest, bool negative);
  // Asks for the bin of a value that will be added.
  void prefetch(double value) const {
    const Side& side = sides_[0];
    __builtin_prefetch(side.count.data() + (bin_of(__builtin_fabs(value), coarser_) - side.first),
                       1);
  }
  void add_bin(int32_t ordered, uint64_t count, double only = kSeveral);
  // Calls f(bin, count), or f(bin, count, only), for bins that are not empty, in the order of their
  // values: the bins of numbers below 0 count down from -1.
  template <class F>
  void each(F&& f) const;
  void coarsen(int coarser);
  size_t bytes() const;

 private:
  static constexpr int kWidest = 64;  // octaves held side by side

  static bool holds(const Side& side, int32_t bin) {
    return bin >= side.first && bin - side.first < int32_t(side.count.size()) - 1;
  }
  // Makes room for these bins. False: they lie too far apart.
  bool widen(Side& side, int32_t first, int32_t last);
  void spill();
  struct Rare {
    uint64_t count = 0;
    double only = kSeveral;
    void add(uint64_t more, double value) {
      only = count == 0 ? value : joined(only, value);
      count += more;
    }
  };

  int coarser_;
  bool ties_;
  bool zeros_alone_ = true;       // in the bin 0
  Side sides_[2];                 // of numbers above 0, and below
  uint64_t zeros_ = 0;            // in the bin 0, beside count[0] of both sides
  uint64_t held_ = 0;             // counted in the sides, each of whose counts is below 2^32
  std::map<int32_t, Rare> rare_;  // what the sides have no room for
};

template <class F>
void Histogram::each(F&& f) const {
  const auto call = [&](int32_t ordered, uint64_t count, double only) {
    if constexpr (std::is_invocable_v<F, int32_t, uint64_t, double>) {
      f(ordered, count, only);
    } else {
      f(ordered, count);
    }
  };
  auto rare = rare_.begin();
  const auto emit = [&](int32_t ordered, uint64_t count, double only) {
    for (; rare != rare_.end() && rare->first < ordered; ++rare) {
      call(rare->first, rare->second.count, rare->second.only);
    }
    if (rare != rare_.end() && rare->first == ordered) {
      count += rare->second.count;
      only = joined(only, (rare++)->second.only);
    }
    call(ordered, count, only);
  };
  const auto only_of = [&](const Side& side, int i) { return ties_ ? side.only[i] : kSeveral; };
  const Side &above = sides_[0], &below = sides_[1];
  for (int i = int(below.count.size()) - 1; i > 0; --i) {
    if (below.count[i] != 0) emit(-(below.first + i), below.count[i], only_of(below, i));
  }
  uint64_t zeros = zeros_;
  for (const Side& side : sides_) zeros += side.count.empty() ? 0 : side.count[0];
  if (zeros != 0) emit(0, zeros, zeros_alone_ ? 0 : kSeveral);
  for (int i = 1; i < int(above.count.size()); ++i) {
    if (above.count[i] != 0) emit(above.first + i - 1, above.count[i], only_of(above, i));
  }
  for (; rare != rare_.end(); ++rare) call(rare->first, rare->second.count, rare->second.only);
}

}  // namespace numloss
