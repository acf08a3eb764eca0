// Losses of images, a row each: how far the region that is predicted overlaps the one that is
// there.
#include "../arithmetic/sum.hpp"
#include "../drivers/row.hpp"
#include "../drivers/scores.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Ratios of three sums over the pixels. That of the errors, 1 - overlap, is computed without the
// subtraction: nothing cancels however well two regions agree.

// The smaller of a pixel's probability p = sigmoid(x) and of 1 - p, negative where p is: what a
// row's pixels are kept as until their derivatives are taken. Where it is 0 those are, too, and the
// sign that a zero does not keep plays no part.
template <class T>
NUMLOSS_INLINE T signed_share(T x) {
  const T decay = exp_nonpositive(-abs(x));
  const T smaller = decay / (T(1) + decay);
  return x < T(0) ? -smaller : smaller;
}

// What a loss of regions is computed of: squares of p and t, without alpha, beta and gamma; logits,
// or the probabilities themselves.
struct Kind {
  bool squared, logits;
};
inline constexpr Kind kOfLogits{false, true};

// What a pixel is kept as.
template <Kind kKind, class T>
NUMLOSS_INLINE T kept_pixel(T x) {
  if constexpr (kKind.logits) {
    return signed_share(x);
  } else {
    return within_unit(x);
  }
}

// What it was then. (A constructor: GCC vectorizes no loop that gets it from a function.)
template <Kind kKind, class T>
struct Pixel {
  T p, q;  // q = 1 - p, without cancellation
  NUMLOSS_INLINE Pixel(T kept, bool is_below) {
    if constexpr (kKind.logits) {
      const T smaller = abs(kept), larger = T(1) - smaller;
      p = is_below ? smaller : larger;
      q = is_below ? larger : smaller;
    } else {
      p = kept;
      q = T(1) - kept;
    }
  }
};

// The parameters.
struct Overlap {
  double alpha, beta, gamma, smooth;
  NUMLOSS_INLINE explicit Overlap(const double* parameters)
      : alpha(parameters[0]), beta(parameters[1]), gamma(parameters[2]), smooth(parameters[3]) {}
};
NUMLOSS_INLINE bool is_squared(const double* parameters) { return parameters[4] != 0; }

// What pixels add to a row's sums: p t, and alpha p (1 - t) + beta (1 - p) t or (p - t)².
template <Kind kKind, class T>
NUMLOSS_INLINE void add_pixel(const Pixel<kKind, T>& pixel, T t, T alpha, T beta, T& common,
                              T& error) {
  const T outside = pixel.p * (T(1) - t), missed = pixel.q * t;
  const T off = outside - missed;
  common += pixel.p * t;
  error += kKind.squared ? off * off : alpha * outside + beta * missed;
}

// Of a row, from its sums I (common) and E (error): the index (I + s) / D with D = E + I + s, or of
// squares (2 I + s) / D with D = E + 2 I + s; the loss is (1 - index)^gamma = (E/D)^gamma.
struct Region {
  double divisor, index, miss;  // D, the index and what it lacks of 1
  double value, slope;          // the loss and its derivative by `miss`
};

template <bool kSquared>
NUMLOSS_INLINE Region region_of(const Overlap& overlap, double common, double error) {
  const double shared = (kSquared ? 2 * common : common) + overlap.smooth;
  const double divisor = error + shared;
  const bool is_nothing = divisor == 0;  // no region, and nothing predicted
  const double index = is_nothing ? 1 : shared / divisor;
  const double miss = is_nothing ? 0 : error / divisor;
  if (overlap.gamma == 1) return {divisor, index, miss, miss, 1};
  const double value = power(miss, overlap.gamma);
  return {divisor, index, miss, value, miss == 0 ? 0 : overlap.gamma * (value / miss)};
}

template <class T>
NUMLOSS_INLINE T fitted(double x) {
  constexpr double kMost = double(Real<T>::kLargest);
  const double low = x < -kMost ? -kMost : x;
  return T(low > kMost ? kMost : low);  // a NaN stays
}

// Numbers of a row that the derivatives of its pixels are made of: by p
//   g = (1 - t) n0 + t n1 and h = g ((1 - t) n2 + t n3),
// of squares
//   g = n0 p (1 - t) - n1 t (q + n2 p) and h = n0 - n3 p g;
// by the logits, with v = p q, g v and g v (q - p) + h v².
inline constexpr int kSlopeNumbers = 4;
template <bool kSquared, class T>
NUMLOSS_INLINE void take_slope_numbers(const Overlap& overlap, const Region& region,
                                       double coefficient, T* numbers, int64_t stride) {
  const double inverse = region.divisor == 0 ? 0 : 1 / region.divisor;
  const double scale = coefficient * region.slope;
  double n[kSlopeNumbers];
  if constexpr (kSquared) {
    n[0] = 2 * scale * region.index * inverse;
    n[1] = 2 * scale * inverse;
    n[2] = region.miss;
    n[3] = 4 * inverse;
  } else {
    // The derivatives of `miss` by the p of pixels outside and inside the region, times D.
    const double outside = overlap.alpha * region.index;
    const double inside = -(overlap.beta * region.index + region.miss);
    const double bend = region.miss == 0 ? 0 : (overlap.gamma - 1) * inverse / region.miss;
    n[0] = scale * outside * inverse;
    n[1] = scale * inside * inverse;
    n[2] = bend * outside - 2 * overlap.alpha * inverse;
    n[3] = bend * inside - 2 * (1 - overlap.beta) * inverse;
  }
  for (int i = 0; i < kSlopeNumbers; ++i) numbers[i * stride] = fitted<T>(n[i]);
}

template <class T>
struct Slopes {
  T gradient, hessian;
};

// n(i): number i of the pixel's row.
template <Kind kKind, class T>
NUMLOSS_INLINE Slopes<T> slopes_of(T kept, T t, const auto& n) {
  const Pixel<kKind, T> pixel(kept, kept < T(0));
  const T p = pixel.p, q = pixel.q, v = p * q, rest = T(1) - t;
  if constexpr (!kKind.logits && kKind.squared) {
    const T g = T(0) + (n(0) * (p * rest) - n(1) * (t * (q + n(2) * p)));
    return {g, T(0) + (n(0) - n(3) * (p * g))};
  } else if constexpr (!kKind.logits) {
    const T g = T(0) + (rest * n(0) + t * n(1));
    return {g, T(0) + g * (rest * n(2) + t * n(3))};
  } else if constexpr (kKind.squared) {
    const T g = T(0) + (n(0) * (p * rest) - n(1) * (t * (q + n(2) * p))) * v;
    return {g, T(0) + (g * ((q - p) - n(3) * (p * v)) + n(0) * (v * v))};
  } else {
    const T g = T(0) + (rest * n(0) + t * n(1)) * v;  // 0 +: no negative zero
    return {g, T(0) + g * ((q - p) + v * (rest * n(2) + t * n(3)))};
  }
}

// A strip of rows, a lane each.
template <Kind kKind, class T>
NUMLOSS_INLINE void overlap_strip(const Panel<T>& panel, int lane, int64_t begin) {
  constexpr int kWidth = kStrip<T>;
  constexpr bool kSquared = kKind.squared;
  const Overlap overlap(panel.parameters);
  const T alpha = T(overlap.alpha), beta = T(overlap.beta);
  T* const x = panel.logits + begin;
  const T* const target = panel.portion + begin;
  alignas(64) T common[kWidth] = {}, error[kWidth] = {}, numbers[kSlopeNumbers * kWidth];
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const T kept = kept_pixel<kKind>(x[k + i]);
      const Pixel<kKind, T> pixel(kept, x[k + i] < T(0));
      add_pixel(pixel, within_unit(target[k + i]), alpha, beta, common[i], error[i]);
      x[k + i] = kept;
    }
  }
  for (int i = 0; i < kWidth; ++i) {
    const Region region = region_of<kSquared>(overlap, double(common[i]), double(error[i]));
    panel.value[lane + i] = T(region.value);
    if (panel.mode == kValue) continue;
    const double coefficient = double(panel.coefficient[lane + i]);
    take_slope_numbers<kSquared>(overlap, region, coefficient, numbers + i, kWidth);
  }
  if (panel.mode == kValue) return;
  T* const hessian = (panel.mode & kHessian) != 0 ? panel.hessian + begin : nullptr;
  for (int64_t k = 0; k < panel.classes * kWidth; k += kWidth) {
    alignas(64) T curvature[kWidth];
#pragma omp simd
    for (int i = 0; i < kWidth; ++i) {
      const T* const of_row = numbers + i;
      const Slopes<T> slopes =
          slopes_of<kKind>(x[k + i], within_unit(target[k + i]),
                           [of_row](int n) NUMLOSS_INLINE_LAMBDA { return of_row[n * kWidth]; });
      x[k + i] = slopes.gradient;
      curvature[i] = slopes.hessian;
    }
    if (hessian != nullptr) __builtin_memcpy(hessian + k, curvature, sizeof(curvature));
  }
}

template <bool kLogits, class T>
void overlap_panel(const Panel<T>& panel) {
  const bool squared = is_squared(panel.parameters);
  each_strip(panel, [&](int lane, int64_t begin) {
    if (squared) {
      overlap_strip<Kind{true, kLogits}>(panel, lane, begin);
    } else {
      overlap_strip<Kind{false, kLogits}>(panel, lane, begin);
    }
  });
}

// Sums over the lanes of a tile.
template <class T>
struct OverlapLanes {
  alignas(64) T common[kLanes] = {}, error[kLanes] = {};
};

// Takes in a part of a row, whose pixels it leaves in `shares`.
template <Kind kKind, class T>
[[gnu::noinline]] void add_part(const Overlap& overlap, const TilePart<T>& part, int64_t distance,
                                T* shares, OverlapLanes<T>& lanes) {
  const T alpha = T(overlap.alpha), beta = T(overlap.beta);
  T* const common = lanes.common;
  T* const error = lanes.error;
  for (int64_t k = 0; k < part.steps * kLanes; k += kLanes) {
    const T* const x = part.logits + k;
    const T* const target = part.portion + k;
    T* const to = shares + k;
    if (distance != 0) fetch_ahead(x, kLanes * int64_t(sizeof(T)), distance);
#pragma omp simd
    for (int i = 0; i < kLanes; ++i) {
      const bool is_below = x[i] < T(0);
      const T kept = kept_pixel<kKind>(x[i]);
      add_pixel(Pixel<kKind, T>(kept, is_below), within_unit(target[i]), alpha, beta, common[i],
                error[i]);
      to[i] = kept;
    }
  }
}

// The derivatives of a part of a row.
template <Kind kKind, class T>
[[gnu::noinline]] void finish_part(Row<T>& row, const TilePart<T>& part, const T* numbers) {
  const Operand& place = row.task()[kGradients];
  const bool bends = (row.task().mode & kHessian) != 0;
  const int64_t size = part.steps * kLanes;
  T* const gradient = row.output(place, part);
  T* const hessian = bends ? row.second_output(row.task()[kHessians], part) : nullptr;
  const T* shares = gradient;
  if (row.keeps(place, part)) {
    shares = row.kept(place, part);
  } else {
    const T* const x = part.logits;
#pragma omp simd
    for (int64_t k = 0; k < size; ++k) gradient[k] = kept_pixel<kKind>(x[k]);
  }
  const T* const target = part.portion;
  T n[kSlopeNumbers];
  __builtin_memcpy(n, numbers, sizeof(n));
  const auto number = [n](int i) NUMLOSS_INLINE_LAMBDA { return n[i]; };
  if (bends) {
#pragma omp simd
    for (int64_t k = 0; k < size; ++k) {
      const Slopes<T> slopes = slopes_of<kKind>(shares[k], within_unit(target[k]), number);
      gradient[k] = slopes.gradient;
      hessian[k] = slopes.hessian;
    }
    row.write(row.task()[kHessians], part, hessian);
  } else {
#pragma omp simd
    for (int64_t k = 0; k < size; ++k) {
      gradient[k] = slopes_of<kKind>(shares[k], within_unit(target[k]), number).gradient;
    }
  }
  row.write(place, part, gradient);
}

// Notes of a part of a row whether it holds what is no probability.
template <class T>
void check_part(Row<T>& row, const TilePart<T>& part) {
  if (!row.task().checked && leaves_unit(part.logits, part.classes)) row.sums.negative = true;
}

template <Kind kKind, class T>
T overlap_row_of(Row<T>& row) {
  constexpr bool kSquared = kKind.squared;
  const Overlap overlap(row.parameters);
  const unsigned mode = row.task().mode;
  double common = 0, error = 0;
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    const TileParts<T>& parts = row.load(first);
    row.load_portions(true);
    OverlapLanes<T> lanes;
    for (const TilePart<T>& part : parts) {
      if constexpr (!kKind.logits) check_part(row, part);
      T* const shares = mode == kValue ? row.buffer() : row.kept(row.task()[kGradients], part);
      add_part<kKind>(overlap, part, row.distance(), shares, lanes);
    }
    common += sum(lanes.common, kLanes);
    error += sum(lanes.error, kLanes);
  }
  const Region region = region_of<kSquared>(overlap, common, error);
  if (mode == kValue) return T(region.value);
  T numbers[kSlopeNumbers];
  take_slope_numbers<kSquared>(overlap, region, double(row.coefficient), numbers, 1);
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    const TileParts<T>& parts = row.load(first);
    row.load_portions(false);
    for (const TilePart<T>& part : parts) finish_part<kKind>(row, part, numbers);
  }
  return T(region.value);
}

template <bool kLogits, class T>
T overlap_row(Row<T>& row) {
  return is_squared(row.parameters) ? overlap_row_of<Kind{true, kLogits}>(row)
                                    : overlap_row_of<Kind{false, kLogits}>(row);
}

// The Lovász extension of the Jaccard loss of a set of errors (Berman et al. 2018): sum over the
// pixels, the largest error e first, of max(0, e) times what the Jaccard loss grows by as the pixel
// joins those that are wrong. Only errors above 0 count, and only larger ones before them: no
// others are sorted.

// Errors of a pixel by its number x, and what de/dx and d²e/dx² are times the sign of the pixel, -1
// in the region and 1 outside.
template <class T>
struct ErrorSlopes {
  T first, second;
};

// Hinge errors 1 - x of pixels in the region and 1 + x outside.
struct HingeErrors {
  static constexpr bool of_probabilities = false;
  template <class T>
  NUMLOSS_INLINE static T error(T x, bool is_inside) {
    return T(1) + (is_inside ? T(-1) : T(1)) * x;
  }
  template <class T>
  NUMLOSS_INLINE static ErrorSlopes<T> slopes(T) {
    return {T(1), T(0)};
  }
};

// 1 - p and p.
struct ProbabilityErrors {
  static constexpr bool of_probabilities = true;
  template <class T>
  NUMLOSS_INLINE static T error(T x, bool is_inside) {
    const T p = within_unit(x);
    return is_inside ? T(1) - p : p;
  }
  template <class T>
  NUMLOSS_INLINE static ErrorSlopes<T> slopes(T) {
    return {T(1), T(0)};
  }
};

// The same of p = sigmoid(x).
struct SigmoidErrors {
  static constexpr bool of_probabilities = false;
  template <class T>
  NUMLOSS_INLINE static T error(T x, bool is_inside) {
    const Pixel<kOfLogits, T> pixel(signed_share(x), x < T(0));
    return is_inside ? pixel.q : pixel.p;
  }
  template <class T>
  NUMLOSS_INLINE static ErrorSlopes<T> slopes(T x) {
    const Pixel<kOfLogits, T> pixel(signed_share(x), x < T(0));
    const T v = pixel.p * pixel.q;
    return {v, v * (pixel.q - pixel.p)};
  }
};

inline constexpr int kRankArrays = 5;

// The errors of a row that count. Each array has an entry for each pixel of the row, which a
// float's bits can number: more would need a hundred GB.
template <class T>
class Ranking {
 public:
  using Bits = typename Real<T>::Bits;

  // `numbers`: of each of kRankArrays arrays.
  Ranking(T* scratch, int64_t numbers)
      : slope_(scratch),
        error_(reinterpret_cast<Bits*>(scratch + numbers)),
        pixel_(reinterpret_cast<Bits*>(scratch + 2 * numbers)),
        next_error_(reinterpret_cast<Bits*>(scratch + 3 * numbers)),
        next_pixel_(reinterpret_cast<Bits*>(scratch + 4 * numbers)) {}

  // Takes in a pixel, in order.
  NUMLOSS_INLINE void take(int64_t pixel, T error, bool is_inside) {
    const T sign = is_inside ? T(-1) : T(1);
    const bool counts = error > T(0);
    poison_ = keep_nan(error, poison_);
    error_[count_] = bits_of(error);
    pixel_[count_] = Bits(pixel);
    slope_[pixel] = counts ? sign : T(0);
    count_ += counts;
    size_ += is_inside;
  }

  // Returns the loss, and leaves its derivatives by the pixels, which slope() has then.
  T value() {
    sort();
    int64_t found = size_, joined = size_;  // of the region what is right; it and what is beside it
    Sum total;
    for (int64_t k = 0; k < count_; ++k) {
      T& slope = slope_[pixel_[k]];
      const bool is_inside = slope < T(0);
      // From 1 - I/U to 1 - (I - 1)/U, or to 1 - I/(U + 1); from 0, where there is no region, to 1.
      const double outside =
          joined == 0 ? 1 : double(found) / (double(joined) * double(joined + 1));
      const double rise = is_inside ? 1 / double(joined) : outside;
      found -= is_inside;
      joined += !is_inside;
      add(total, term(rise, double(__builtin_bit_cast(T, error_[k]))));
      slope *= T(rise);
    }
    return keep_nan(poison_, T(total.high + total.low));
  }

  NUMLOSS_INLINE T slope(int64_t pixel) const { return keep_nan(poison_, slope_[pixel]); }

 private:
  static constexpr int kDigitBits = 8, kDigits = 1 << kDigitBits;
  static int digit(Bits error, int shift) {
    return kDigits - 1 - int(error >> shift & Bits(kDigits - 1));
  }

  // The largest error first, of equal ones the first pixel: digit by digit of their bits, which are
  // in the order of positive numbers.
  void sort() {
    for (int shift = 0; shift < int(8 * sizeof(T)); shift += kDigitBits) {
      int64_t place[kDigits] = {};
      for (int64_t k = 0; k < count_; ++k) ++place[digit(error_[k], shift)];
      if (count_ == 0 || place[digit(error_[0], shift)] == count_) continue;
      int64_t next = 0;
      for (int64_t& of_digit : place) {
        const int64_t n = of_digit;
        of_digit = next;
        next += n;
      }
      for (int64_t k = 0; k < count_; ++k) {
        const int64_t to = place[digit(error_[k], shift)]++;
        next_error_[to] = error_[k];
        next_pixel_[to] = pixel_[k];
      }
      swap(error_, next_error_);
      swap(pixel_, next_pixel_);
    }
  }

  static void swap(Bits*& a, Bits*& b) {
    Bits* const kept = a;
    a = b;
    b = kept;
  }

  T* const slope_;
  Bits *error_, *pixel_, *next_error_, *next_pixel_;
  int64_t count_ = 0, size_ = 0;  // of errors that count; of the region
  T poison_ = 0;
};

template <class Errors, class T>
void lovasz_panel(const Panel<T>& panel) {
  for (int i = 0; i < panel.rows; ++i) {
    Ranking<T> ranking(panel.scratch, panel.classes);
    for (int64_t c = 0; c < panel.classes; ++c) {
      const int64_t at = panel.place(i, c);
      const bool is_inside = panel.portion[at] != T(0);
      ranking.take(c, Errors::error(panel.logits[at], is_inside), is_inside);
    }
    panel.value[i] = ranking.value();
    if (panel.mode == kValue) continue;
    for (int64_t c = 0; c < panel.classes; ++c) {
      const int64_t at = panel.place(i, c);
      const T slope = panel.coefficient[i] * ranking.slope(c);
      const ErrorSlopes<T> of_error = Errors::slopes(panel.logits[at]);
      panel.logits[at] = T(0) + slope * of_error.first;  // no negative zero
      if ((panel.mode & kHessian) != 0) {
        panel.hessian[at] = keep_nan(slope, T(0) + slope * of_error.second);
      }
    }
  }
}

template <class Errors, class T>
T lovasz_row(Row<T>& row) {
  Ranking<T> ranking(row.scratch(), whole_steps(row.classes));
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    const TileParts<T>& parts = row.load(first);
    row.load_portions(true);
    for (const TilePart<T>& part : parts) {
      if constexpr (Errors::of_probabilities) check_part(row, part);
      for (int64_t k = 0; k < part.classes; ++k) {
        const bool is_inside = part.portion[k] != T(0);
        ranking.take(part.first + k, Errors::error(part.logits[k], is_inside), is_inside);
      }
    }
  }
  const T value = ranking.value();
  const Task& task = row.task();
  if (task.mode == kValue) return value;
  for (int64_t first = 0; first < row.classes; first += row.tile) {
    for (const TilePart<T>& part : row.load(first)) {
      T* const gradient = row.output(task[kGradients], part);
      const bool bends = (task.mode & kHessian) != 0;
      T* const hessian = bends ? row.second_output(task[kHessians], part) : nullptr;
      for (int64_t k = 0; k < part.classes; ++k) {
        const T slope = row.coefficient * ranking.slope(part.first + k);
        const ErrorSlopes<T> of_error = Errors::slopes(part.logits[k]);
        gradient[k] = T(0) + slope * of_error.first;
        if (bends) hessian[k] = keep_nan(slope, T(0) + slope * of_error.second);
      }
      if (bends) row.write(task[kHessians], part, hessian);
      row.write(task[kGradients], part, gradient);
    }
  }
  return value;
}

template <class Errors>
constexpr Entry lovasz(const char* name, double cost) {
  return rows<0>(name, cost, []<class T>(T) -> RowFunctions<T> {
    return {lovasz_panel<Errors, T>, lovasz_row<Errors, T>, {}, 1, false, kRankArrays};
  });
}

}  // namespace

NUMLOSS_LOSS(OverlapOfRegions) = rows<5>("overlap", 0.7, []<class T>(T) -> RowFunctions<T> {
  return {overlap_panel<true, T>, overlap_row<true, T>, {}, 0, false};
});
NUMLOSS_LOSS(OverlapOfProbabilities) =
    rows<5>("overlap_probability", 0.3, []<class T>(T) -> RowFunctions<T> {
      return {overlap_panel<false, T>, overlap_row<false, T>, {}, 0, false};
    });

NUMLOSS_LOSS(LovaszHinge) = lovasz<HingeErrors>("lovasz_hinge", 20);
NUMLOSS_LOSS(LovaszSoftmax) = lovasz<SigmoidErrors>("lovasz_softmax", 25);
NUMLOSS_LOSS(LovaszSoftmaxProbability) = lovasz<ProbabilityErrors>("lovasz_softmax_probability",
                                                                   20);

}  // namespace numloss::NUMLOSS_ISA
