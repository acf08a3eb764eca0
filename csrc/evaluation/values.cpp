#include "values.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>

namespace numloss {

template <class T>
uint32_t Lists<T>::take(int level) {
  std::vector<uint32_t>& free = free_[level];
  if (!free.empty()) {
    const uint32_t place = free.back();
    free.pop_back();
    return place;
  }
  const uint32_t place = used_;
  if (place > UINT32_MAX - (uint32_t(1) << level)) throw std::bad_alloc();
  used_ += uint32_t(1) << level;
  values_.reserve(size_t(used_) * kShortest);
  return place;
}

template class Lists<float>;
template class Lists<double>;

void Histogram::add_bin(int32_t ordered, uint64_t count, double only) {
  if (ordered == 0) {
    zeros_ += count;
    zeros_alone_ = zeros_alone_ && only == 0;
    return;
  }
  Side& side = sides_[ordered < 0 ? 1 : 0];
  const int32_t bin = ordered < 0 ? -1 - ordered : ordered;
  if (count > UINT32_MAX || held_ + count > UINT32_MAX || !widen(side, bin, bin)) {
    rare_[ordered].add(count, only);
    return;
  }
  held_ += count;
  const auto at = size_t(bin - side.first + 1);
  if (ties_) side.only[at] = side.count[at] == 0 ? only : joined(side.only[at], only);
  side.count[at] += uint32_t(count);
}

bool Histogram::widen(Side& side, int32_t first, int32_t last) {
  if (holds(side, first) && holds(side, last)) return true;
  // Whole octaves, but for the bin 0, which has a place of its own.
  const int32_t octave = (1 << kFineBits) >> coarser_;
  int32_t begin = std::max(first & -octave, 1), end = (last & -octave) + octave;
  const auto held = std::max(int32_t(side.count.size()) - 1, 0);
  if (held > 0) {
    begin = std::min(begin, side.first);
    end = std::max(end, side.first + held);
  }
  if (end - begin > kWidest * octave) return false;
  const auto widened = [&]<class Value>(std::vector<Value>& values) {
    std::vector<Value> wider(size_t(end - begin) + 1, Value(0));
    if (held > 0) {
      wider[0] = values[0];
      std::copy_n(values.begin() + 1, held, wider.begin() + 1 + (side.first - begin));
    }
    values = std::move(wider);
  };
  widened(side.count);
  if (ties_) widened(side.only);
  side.first = begin;
  return true;
}

// Empties the sides, lest a count exceed 32 bits.
void Histogram::spill() {
  std::map<int32_t, Rare> all;
  each([&](int32_t ordered, uint64_t count, double only) {
    all.emplace_hint(all.end(), ordered, Rare{count, only});
  });
  zeros_ = 0;
  if (const auto zeros = all.find(0); zeros != all.end()) {
    zeros_ = zeros->second.count;
    all.erase(zeros);
  }
  rare_ = std::move(all);
  for (Side& side : sides_) std::fill(side.count.begin(), side.count.end(), 0);
  held_ = 0;
}

void Histogram::coarsen(int coarser) {
  Histogram coarse(coarser, ties_);
  const int shift = coarser - coarser_;
  each([&](int32_t ordered, uint64_t count, double only) {
    const int32_t bin = (ordered < 0 ? -1 - ordered : ordered) >> shift;
    coarse.add_bin(bin == 0 ? 0 : ordered < 0 ? -1 - bin : bin, count, only);
  });
  *this = std::move(coarse);
}

size_t Histogram::bytes() const {
  constexpr size_t kNode = 64;  // of a map
  return sizeof(*this) + 4 * (sides_[0].count.capacity() + sides_[1].count.capacity()) +
         8 * (sides_[0].only.capacity() + sides_[1].only.capacity()) + kNode * rare_.size();
}

namespace {

template <class T>
struct Layout;
template <>
struct Layout<float> {
  using Bits = uint32_t;
  static constexpr int kDrop = 23 - kFineBits;
  static constexpr int32_t kOffset = (1023 - 127) << kFineBits;  // to the bins of float64
};
template <>
struct Layout<double> {
  using Bits = uint64_t;
  static constexpr int kDrop = kMantissaDrop;
  static constexpr int32_t kOffset = 0;
};

// The same of numbers of both signs: those below 0 have counts of their own.
template <class T>
void count_signed(const T* x, int n, int drop, const int32_t (&before)[2],
                  uint32_t* const (&counts)[2]) {
  using Bits = typename Layout<T>::Bits;
  for (int i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<Bits>(x[i]);
    const auto sign = size_t(bits >> (8 * sizeof(Bits) - 1));
    const auto bin = int32_t(Bits(bits << 1) >> (drop + 1));
    ++counts[sign][std::max(bin, before[sign]) - before[sign]];
  }
}

// The same, and whether the numbers of a bin are one value.
template <class T>
void count_ties(const T* x, int n, int drop, const int32_t (&before)[2],
                uint32_t* const (&counts)[2], double* const (&only)[2]) {
  using Bits = typename Layout<T>::Bits;
  for (int i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<Bits>(x[i]);
    const auto sign = size_t(bits >> (8 * sizeof(Bits) - 1));
    const auto bin = int32_t(Bits(bits << 1) >> (drop + 1));
    const auto at = std::max(bin, before[sign]) - before[sign];
    double& value = only[sign][at];
    value = counts[sign][at]++ == 0 ? double(x[i]) : joined(value, double(x[i]));
  }
}

// `before` is the bin that counts[0] stands for, in bins of T; zeros have a lower one.
template <class T>
void count_positive(const T* x, int n, int drop, int32_t before, uint32_t* counts) {
  using Bits = typename Layout<T>::Bits;
  const auto count = [=](Bits bits) {
    const auto bin = int32_t(Bits(bits << 1) >> (drop + 1));  // without the sign, which -0 has
    ++counts[std::max(bin, before) - before];
  };
  int i = 0;
  if constexpr (sizeof(T) == 4) {
    // Two numbers to a load.
    for (; i + 4 <= n; i += 4) {
      uint64_t pairs[2];
      std::memcpy(pairs, x + i, sizeof pairs);
      count(Bits(pairs[0]));
      count(Bits(pairs[0] >> 32));
      count(Bits(pairs[1]));
      count(Bits(pairs[1] >> 32));
    }
  }
  for (; i < n; ++i) count(std::bit_cast<Bits>(x[i]));
}

}  // namespace

template <class T>
void Histogram::add(const T* x, int n, double smallest, double largest, bool negative) {
  if (largest == 0) {
    zeros_ += uint64_t(n);
    return;
  }
  const int32_t lowest = bin_of(smallest, coarser_), highest = bin_of(largest, coarser_);
  // The bits of denormal numbers say something else.
  const bool plain = lowest != 0 && smallest >= double(std::numeric_limits<T>::min());
  const bool both = negative || ties_;
  const bool fits =
      plain && widen(sides_[0], lowest, highest) && (!both || widen(sides_[1], lowest, highest));
  const auto before_of = [&](const Side& side) {
    return side.first - 1 - (Layout<T>::kOffset >> coarser_);
  };
  const int32_t before[2] = {before_of(sides_[0]), before_of(sides_[1])};
  if (!fits || before[0] < 0 || (both && before[1] < 0)) {
    for (int i = 0; i < n; ++i) add(double(x[i]));
    return;
  }
  if (held_ + uint64_t(n) > UINT32_MAX) spill();
  const int drop = Layout<T>::kDrop + coarser_;
  if (ties_) {
    count_ties(x, n, drop, before, {sides_[0].count.data(), sides_[1].count.data()},
               {sides_[0].only.data(), sides_[1].only.data()});
  } else if (negative) {
    count_signed(x, n, drop, before, {sides_[0].count.data(), sides_[1].count.data()});
  } else {
    count_positive(x, n, drop, before[0], sides_[0].count.data());
  }
  held_ += uint64_t(n);
}

template void Histogram::add(const float*, int, double, double, bool);
template void Histogram::add(const double*, int, double, double, bool);

}  // namespace numloss
