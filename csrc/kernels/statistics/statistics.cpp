// What an evaluation's exact sums take from a block of losses: its extremes, and the sums of its
// numbers and of products of them, without rounding.
//
// A sum goes by levels of kLevelBits bits (error-free splitting: Rump, Ogita and Oishi 2008;
// Demmel and Nguyen, EECS-2016-121). Adding the anchor A = 1.5 * 2^(52 + unit) to a number makes
// the sum's bits, read as an integer, those of A plus the number in multiples of 2^unit; these
// integers are added up, which no order changes. What was rounded away goes to the next level.
#include "statistics.hpp"

#include "../arithmetic/math.hpp"
#include "../arithmetic/packs.hpp"
#include "../arithmetic/vector.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

using V = Vector<double>;
constexpr int kWidth = kVectorBytes / int(sizeof(double));
using I = Vector<int64_t>;

template <class T>
NUMLOSS_INLINE V load(const T* x) {
  return __builtin_convertvector((load_vector<Vector<T, kWidth>>(x)), V);
}

// Terms of a sum: `at` gives those of kWidth numbers from the i-th on.
template <class T>
struct Numbers {
  const T* x;
  NUMLOSS_INLINE V at(int i) const { return load(x + i); }
};

struct Products {
  const double *a, *b;
  NUMLOSS_INLINE V at(int i) const { return load(a + i) * load(b + i); }
};

// What rounding takes from these products (TwoProduct).
struct Errors {
  const double *a, *b;
  NUMLOSS_INLINE V at(int i) const {
    const V x = load(a + i), y = load(b + i);
    return fma(x, y, -(x * y));
  }
};

// Squares of float32, which double holds.
struct Squares {
  const float* x;
  NUMLOSS_INLINE V at(int i) const {
    const V v = load(x + i);
    return v * v;
  }
};

// 1.5 * 2^(52 + unit)
NUMLOSS_INLINE double anchor_of(int unit) {
  return __builtin_bit_cast(double, uint64_t(52 + unit + 1023) << 52 | uint64_t(1) << 51);
}

// Takes kLevels levels of `count` terms into sums, one for each; what is left of the terms goes to
// `rest`, if there is one. `count` is a multiple of kWidth.
template <int kLevels>
void take(const auto& terms, int count, int unit, int64_t* sums, double* rest) {
  V anchor[kLevels];
  I sum[kLevels] = {};
  for (int k = 0; k < kLevels; ++k) {
    anchor[k] = V{} + anchor_of(unit - kLevelBits * k);
  }
  for (int i = 0; i < count; i += kWidth) {
    V left = terms.at(i);
#pragma GCC unroll 4
    for (int k = 0; k < kLevels; ++k) {
      const V moved = left + anchor[k];
      sum[k] += (I)moved;
      left -= moved - anchor[k];
    }
    if (rest != nullptr) store_vector(left, rest + i);
  }
  const auto vectors = uint64_t(count / kWidth);
  for (int k = 0; k < kLevels; ++k) {
    const auto bits = __builtin_bit_cast(uint64_t, double(anchor[k][0]));
    uint64_t total = 0;
    for (int j = 0; j < kWidth; ++j) total += uint64_t(sum[k][j]) - vectors * bits;
    sums[k] += int64_t(total);
  }
}

// Takes all levels of `count` terms, two at a time.
void take_all(const auto& terms, int count, int unit, int levels, int64_t* sums) {
  if (levels == 1) return take<1>(terms, count, unit, sums, nullptr);
  if (levels == 2) return take<2>(terms, count, unit, sums, nullptr);
  if (levels == 3) return take<3>(terms, count, unit, sums, nullptr);
  alignas(64) double rest[kSumBlock];
  take<2>(terms, count, unit, sums, rest);
  for (int k = 2; k < levels; k += 2) {
    const Numbers<double> left{rest};
    const int at = unit - kLevelBits * k;
    if (k + 1 == levels) {
      take<1>(left, count, at, sums + k, nullptr);
    } else {
      take<2>(left, count, at, sums + k, rest);
    }
  }
}

template <class T>
void copy_tail(const T* x, int n, T* tail) {
  for (int i = 0; i < n; ++i) tail[i] = x[i];
}

// The terms that fill no vector are copied beside zeros, whose sums are 0.
template <class T>
void sum_levels(const T* x, int n, int top, int levels, int64_t* sums) {
  const int whole = n - n % kWidth;
  T tail[kWidth] = {};
  copy_tail(x + whole, n - whole, tail);
  take_all(Numbers<T>{x}, whole, top - kLevelBits, levels, sums);
  if (whole < n) take_all(Numbers<T>{tail}, kWidth, top - kLevelBits, levels, sums);
}

void square_levels(const float* x, int n, int top, int levels, int64_t* sums) {
  const int whole = n - n % kWidth;
  float tail[kWidth] = {};
  copy_tail(x + whole, n - whole, tail);
  take_all(Squares{x}, whole, top - kLevelBits, levels, sums);
  if (whole < n) take_all(Squares{tail}, kWidth, top - kLevelBits, levels, sums);
}

template <class Terms>
void product_levels(const double* a, const double* b, int n, int top, int levels, int64_t* sums) {
  const int whole = n - n % kWidth;
  double tail[2][kWidth] = {};
  copy_tail(a + whole, n - whole, tail[0]);
  copy_tail(b + whole, n - whole, tail[1]);
  take_all(Terms{a, b}, whole, top - kLevelBits, levels, sums);
  if (whole < n) take_all(Terms{tail[0], tail[1]}, kWidth, top - kLevelBits, levels, sums);
}

// Lanes of a scan: two vectors.
template <class T>
constexpr int kScanLanes = 2 * kVectorBytes / int(sizeof(T));

// `Bits` is the signed integer of as many bits as T: AVX2 compares no others. A NaN is neither low
// nor high, and its magnitude is above that of infinity. One is taken from a magnitude that may be
// the smallest, which makes 0 the largest.
template <class T, class Bits>
void scan(const T* x, int n, Scan& found) {
  constexpr int kLanes = kScanLanes<T>;
  constexpr Bits kMagnitude = sizeof(Bits) == 4 ? Bits(INT32_MAX) : Bits(INT64_MAX);
  alignas(64) T low[kLanes], high[kLanes];
  alignas(64) Bits largest[kLanes] = {}, smallest[kLanes];
  for (int j = 0; j < kLanes; ++j) {
    low[j] = Real<T>::kInfinity;
    high[j] = -Real<T>::kInfinity;
    smallest[j] = kMagnitude;
  }
  const auto see = [&](T value, int j) __attribute__((always_inline)) {
    low[j] = value < low[j] ? value : low[j];
    high[j] = value > high[j] ? value : high[j];
    const Bits magnitude = __builtin_bit_cast(Bits, value) & kMagnitude;
    const Bits less = (magnitude - 1) & kMagnitude;
    largest[j] = magnitude > largest[j] ? magnitude : largest[j];
    smallest[j] = less < smallest[j] ? less : smallest[j];
  };
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
#pragma omp simd
    for (int j = 0; j < kLanes; ++j) see(x[i + j], j);
  }
  for (int j = 0; i < n; ++i, ++j) see(x[i], j);
  for (int j = 1; j < kLanes; ++j) {
    low[0] = low[j] < low[0] ? low[j] : low[0];
    high[0] = high[j] > high[0] ? high[j] : high[0];
    largest[0] = largest[j] > largest[0] ? largest[j] : largest[0];
    smallest[0] = smallest[j] < smallest[0] ? smallest[j] : smallest[0];
  }
  found.low = low[0];
  found.high = high[0];
  found.largest = uint64_t(largest[0]);
  found.smallest = largest[0] == 0 ? 0 : uint64_t(smallest[0]) + 1;
}

}  // namespace

extern constexpr Statistics kStatistics = {
    scan<float, int32_t>, scan<double, int64_t>,    sum_levels<float>,      sum_levels<double>,
    square_levels,        product_levels<Products>, product_levels<Errors>,
};

}  // namespace numloss::NUMLOSS_ISA
