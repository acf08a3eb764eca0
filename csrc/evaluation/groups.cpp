#include "groups.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../runtime/dispatch.hpp"

namespace numloss {
namespace {

constexpr int kView = 1 << 16;  // examples that are sorted by group together
constexpr int64_t kSortedGroups = 255;
// Of more groups than that, examples do not wait: too few of a group would come together.
constexpr int64_t kGatheredGroups = 1 << 17;
constexpr int kBucketBits = 9, kBucketGroups = 1 << kBucketBits;
// No power of two: buckets fill up side by side, and should not compete for the same cache lines.
constexpr int kBucketSize = 4000;
constexpr int kMostLevels = 48;  // 2 * 1024 + 2 * 1074 bits, and a few, by 50

template <class T>
struct Bits;
template <>
struct Bits<float> {
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr uint64_t kInfinity = 0x7f800000;
};
template <>
struct Bits<double> {
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr uint64_t kInfinity = 0x7ff0000000000000;
};

// Where the numbers of a block lie: magnitudes below 2^top, whole multiples of 2^bottom.
struct Extent {
  int top = 0, bottom = 0;
  bool zero = true;
};

template <class T>
Extent extent(const Scan& scan) {
  using B = Bits<T>;
  if (scan.largest == 0) return {};
  const auto exponent = [](uint64_t bits) { return std::max(int(bits >> B::kMantissa), 1); };
  return {exponent(scan.largest) - B::kBias + 1, exponent(scan.smallest) - B::kBias - B::kMantissa,
          false};
}

template <class T>
bool finite(const Scan& scan) {
  return scan.largest < Bits<T>::kInfinity;
}

void scan_of(const float* x, int n, Scan& scan) { kernels().statistics->scan_float(x, n, scan); }
void scan_of(const double* x, int n, Scan& scan) { kernels().statistics->scan_double(x, n, scan); }

template <class T>
double magnitude(uint64_t bits) {
  if constexpr (sizeof(T) == 4) return double(std::bit_cast<float>(uint32_t(bits)));
  return std::bit_cast<double>(bits);
}

// Adds n finite values.
template <class T>
void add_to(Histogram& histogram, const T* x, int n, const Scan& scan) {
  histogram.add(x, n, magnitude<T>(scan.smallest), magnitude<T>(scan.largest), scan.low < 0);
}

int levels(int top, int bottom) {
  return std::max((top - bottom + kLevelBits - 1) / kLevelBits, 0);
}

// The rows of some examples, and whether they ascend.
template <class F>
struct Identities {
  F row;
  bool ascend;
  uint64_t operator()(int i) const { return row(i); }
};
template <class F>
Identities(F, bool) -> Identities<F>;

// What the levels' anchors leave room for.
constexpr int kHighestTop = 1000, kLowestBottom = -1020;

}  // namespace

Fixed Long::sum(int name) {
  const Place place = kLongPlace[is_product(name) ? 1 : 0];
  if (word[name].empty()) word[name].assign(size_t(place.words), 0);
  return {word[name].data(), place.words, place.unit};
}

// ------------------------------------------------------------------------------------ columns

template <class T>
void Groups<T>::grow(int64_t groups) {
  if (groups <= size_) return;
  records_.reserve(size_t(groups));
  std::uninitialized_fill(&record(size_), &record(groups), Record<T>());
  size_ = groups;
  if (weighted_) weights_.resize(size_t(groups));
  if (!extras_.empty()) extras_.resize(size_t(groups));
  const Resolution now = resolution(groups);
  if (now.coarser != resolution_.coarser || now.most_exact != resolution_.most_exact) coarsen(now);
}

template <class T>
Extra& Groups<T>::extra(int64_t g) {
  if (extras_.empty()) extras_.resize(size_t(size_));
  return extras_[size_t(g)];
}

template <class T>
void Groups<T>::begin_weights() {
  if (weighted_) return;
  weighted_ = true;
  weights_.resize(size_t(size_));
  for (int64_t g = 0; g < size_; ++g) {
    const auto n = Int128(known(g) + extra_of(g).nan);
    accumulate(g, kW, n, 0);
    if (wanted_.sums_alone) continue;
    accumulate(g, kWW, n, 0);
    accumulate(g, kUW, short_sum(g, kU));
    if (const auto found = longs_.find(g);
        found != longs_.end() && !found->second.word[kU].empty()) {
      accumulate(g, kUW, found->second.sum(kU));
    }
  }
}

template <class T>
void Groups<T>::coarsen(Resolution now) {
  const Resolution before = resolution_;
  for (int64_t g = 0; g < size_; ++g) {
    const uint64_t n = known(g);
    if (!wanted_.quantiles || n == 0) continue;
    if (n > before.most_exact) {
      histograms_[record(g).place]->coarsen(now.coarser);
    } else if (n > now.most_exact) {
      resolution_ = now;
      condense(g, n);
      resolution_ = before;
    }
  }
  resolution_ = now;
}

// --------------------------------------------------------------------------------------- sums

template <class T>
Fixed Groups<T>::short_sum(int64_t g, int name) {
  const bool product = is_product(name);
  if (name == kU || name == kUU) {
    const Place place = Record<T>::kPlace[product ? 1 : 0];
    Record<T>& r = record(g);
    return {product ? r.uu : r.u, place.words, place.unit};
  }
  const Place place = Weights::kPlace[product ? 1 : 0];
  Weights& w = weights_[size_t(g)];
  return {name == kW ? w.w : name == kUW ? w.uw : w.ww, place.words, place.unit};
}

template <class T>
void Groups<T>::accumulate(int64_t g, int name, Int128 value, int exponent) {
  if (!numloss::add(short_sum(g, name), value, exponent)) {
    accumulate_slowly(g, name, value, exponent);
  }
}

template <class T>
void Groups<T>::accumulate(int64_t g, int name, const Fixed& sum) {
  each_word(sum, [&](Int128 value, int exponent) { accumulate(g, name, value, exponent); });
}

template <class T>
[[gnu::noinline]] void Groups<T>::accumulate_slowly(int64_t g, int name, Int128 value,
                                                    int exponent) {
  const Fixed sum = longs_[g].sum(name), part = short_sum(g, name);
  each_word(part, [&](Int128 word, int unit) { numloss::add(sum, word, unit); });
  std::fill_n(part.word, part.size, 0);
  if (!numloss::add(sum, value, exponent)) {
    throw std::overflow_error("a sum is longer than an evaluation holds");
  }
}

template <class T>
Integer Groups<T>::sum(int64_t g, int name) const {
  auto& self = const_cast<Groups&>(*this);
  if (!weighted_ && (name == kW || name == kWW)) return Integer(known(g) + extra_of(g).nan);
  if (!weighted_ && name == kUW) name = kU;
  Integer result(self.short_sum(g, name));
  if (longs_.empty()) return result;
  if (const auto found = longs_.find(g); found != longs_.end()) {
    const std::vector<uint64_t>& word = found->second.word[name];
    const Place place = kLongPlace[is_product(name) ? 1 : 0];
    if (!word.empty()) {
      result = result + Integer(Fixed{const_cast<uint64_t*>(word.data()), place.words, place.unit});
    }
  }
  return result;
}

namespace {

// Adds the levels of a sum, which begin at 2^top.
template <class Add>
void add_levels(const int64_t* sums, int count, int top, const Add& add) {
  for (int k = 0; k < count; ++k) add(sums[k], top - kLevelBits * (k + 1));
}

template <class Add>
void add_numbers(const float* x, int n, const Extent& e, const Add& add) {
  if (e.zero) return;
  int64_t sums[kMostLevels] = {};
  const int count = levels(e.top, e.bottom);
  kernels().statistics->sum_float(x, n, e.top, count, sums);
  add_levels(sums, count, e.top, add);
}

template <class Add>
void add_numbers(const double* x, int n, const Extent& e, const Add& add) {
  if (e.zero) return;
  if (e.top > kHighestTop || e.bottom < kLowestBottom) {
    for (int i = 0; i < n; ++i) add(scaled(x[i]).multiple, scaled(x[i]).exponent);
    return;
  }
  int64_t sums[kMostLevels] = {};
  const int count = levels(e.top, e.bottom);
  kernels().statistics->sum_double(x, n, e.top, count, sums);
  add_levels(sums, count, e.top, add);
}

// Squares of float32 are exact in float64.
template <class Add>
void add_squares(const float* x, int n, const Extent& e, const Add& add) {
  if (e.zero) return;
  int64_t sums[kMostLevels] = {};
  const int count = levels(2 * e.top, 2 * e.bottom);
  kernels().statistics->squares(x, n, 2 * e.top, count, sums);
  add_levels(sums, count, 2 * e.top, add);
}

// A product is rounded to p and an error e. p >= 2^(its lowest operands' exponents), so its last
// bit is 52 below that; e is a multiple of 2^(sum of bottoms), and at most half the last bit of p.
template <class Add>
void add_products(const double* a, const double* b, int n, const Extent& ea, const Extent& eb,
                  const Add& add) {
  if (ea.zero || eb.zero) return;
  const int top = ea.top + eb.top, bottom = ea.bottom + eb.bottom;
  if (top > kHighestTop || bottom < kLowestBottom || ea.bottom < kLowestBottom ||
      eb.bottom < kLowestBottom) {
    for (int i = 0; i < n; ++i) {
      const Scaled x = scaled(a[i]), y = scaled(b[i]);
      add(Int128(x.multiple) * y.multiple, x.exponent + y.exponent);
    }
    return;
  }
  int64_t sums[kMostLevels] = {};
  const int count = levels(top, bottom + 52);
  kernels().statistics->products(a, b, n, top, count, sums);
  add_levels(sums, count, top, add);
  const int top_of_errors = top - 53, count_of_errors = levels(top_of_errors, bottom);
  if (count_of_errors == 0) return;
  int64_t errors[kMostLevels] = {};
  kernels().statistics->errors(a, b, n, top_of_errors, count_of_errors, errors);
  add_levels(errors, count_of_errors, top_of_errors, add);
}

// The loss times its weight; a loss that has no weight is there as it stands: see
// Task::unweighted_values.
double product_of(double loss, double weight) { return weight == 0 ? loss : loss * weight; }

}  // namespace

// The sums of n <= kSumBlock finite losses, whose weights are finite.
template <class T>
void Groups<T>::run_sums(int64_t g, const T* x, const double* w, int n, const Scan& scan) {
  const auto into = [&](int name) {
    return [this, g, name](Int128 value, int exponent) { accumulate(g, name, value, exponent); };
  };
  const Extent ex = extent<T>(scan);
  if (w == nullptr) {
    if (weighted_) accumulate(g, kW, n, 0);
    add_numbers(x, n, ex, into(kU));
    if (wanted_.sums_alone) return;
    if (weighted_) {
      accumulate(g, kWW, n, 0);
      add_numbers(x, n, ex, into(kUW));
    }
    if constexpr (sizeof(T) == 4) {
      add_squares(x, n, ex, into(kUU));
    } else {
      add_products(x, x, n, ex, ex, into(kUU));
    }
    return;
  }
  double u[kSumBlock];
  for (int i = 0; i < n; ++i) u[i] = product_of(double(x[i]), w[i]);
  Scan of_u, of_w;
  scan_of(u, n, of_u);
  scan_of(w, n, of_w);
  const Extent eu = extent<double>(of_u), ew = extent<double>(of_w);
  add_numbers(w, n, ew, into(kW));
  add_numbers(u, n, eu, into(kU));
  if (wanted_.sums_alone) return;
  add_products(u, u, n, eu, eu, into(kUU));
  add_products(u, w, n, eu, ew, into(kUW));
  add_products(w, w, n, ew, ew, into(kWW));
}

// ------------------------------------------------------------------------------------- values

template <class T>
void Groups<T>::count(int64_t g, uint64_t n) {
  Record<T>& r = record(g);
  const uint64_t total = r.count + n;
  if (total < 2 * uint64_t(kManyRows)) {
    r.count = uint32_t(total);
    return;
  }
  // What is left is above every limit of Resolution.
  const uint64_t moved = total / kManyRows - 1;
  extra(g).more += moved;
  r.count = uint32_t(total - moved * kManyRows);
}

// Makes a histogram of the values of a group, of which there are so many.
template <class T>
Histogram& Groups<T>::condense(int64_t g, uint64_t n) {
  Record<T>& r = record(g);
  auto made = std::make_unique<Histogram>(resolution_.coarser, wanted_.ties);
  if (n > 0) {
    const T* const values = lists_.at(r.place);
    Scan scan;
    scan_of(values, int(n), scan);
    if (finite<T>(scan)) {  // all at once, so that it gets its width once
      add_to(*made, values, int(n), scan);
    } else {
      for (uint64_t i = 0; i < n; ++i) made->add(double(values[i]));
    }
    lists_.give_back(r.place, std::max(int(std::bit_width(n - 1)) - 3, 0));
  }
  r.place = uint32_t(histograms_.size());
  histograms_.push_back(std::move(made));
  return *histograms_.back();
}

template <class T>
void Groups<T>::keep(int64_t g, T value) {
  Record<T>& r = record(g);
  const uint32_t n = r.count;
  if (n < resolution_.most_exact) {
    if (n == 0) {
      r.place = lists_.take(0);
    } else if (n >= Lists<T>::kShortest && std::has_single_bit(n)) {
      const int level = int(std::bit_width(n)) - 4;  // n == kShortest << level
      const uint32_t longer = lists_.take(level + 1);
      std::memcpy(lists_.at(longer), lists_.at(r.place), n * sizeof(T));
      lists_.give_back(r.place, level);
      r.place = longer;
    }
    lists_.at(r.place)[n] = value + T(0);  // -0 becomes 0
    return;
  }
  if (n == resolution_.most_exact) condense(g, n);
  histograms_[r.place]->add(double(value));
}

// Keeps n values, all finite.
template <class T>
void Groups<T>::keep(int64_t g, const T* x, int n, const Scan& scan) {
  if (!wanted_.quantiles) return count(g, uint64_t(n));
  const uint32_t before = record(g).count;
  if (before + uint64_t(n) <= resolution_.most_exact) {
    for (int i = 0; i < n; ++i) {
      keep(g, x[i]);
      ++record(g).count;
    }
    return;
  }
  Histogram& histogram =
      before <= resolution_.most_exact ? condense(g, before) : *histograms_[record(g).place];
  add_to(histogram, x, n, scan);
  count(g, uint64_t(n));
}

// Keeps n values, none of them -0.
template <class T>
template <class U>
void Groups<T>::keep_all(int64_t g, const U* values, uint32_t n) {
  Record<T>& r = record(g);
  const uint32_t before = r.count;
  if (before + uint64_t(n) > resolution_.most_exact) {
    for (uint32_t i = 0; i < n; ++i) {
      keep(g, T(values[i]));
      count(g, 1);
    }
    return;
  }
  const auto level_of = [](uint32_t size) {
    return std::max(int(std::bit_width(size - 1)) - 3, 0);
  };
  const int level = level_of(before + n);
  if (before == 0) {
    r.place = lists_.take(level);
  } else if (const int held = level_of(before); held < level) {
    const uint32_t longer = lists_.take(level);
    std::memcpy(lists_.at(longer), lists_.at(r.place), before * sizeof(T));
    lists_.give_back(r.place, held);
    r.place = longer;
  }
  std::copy_n(values, n, lists_.at(r.place) + before);
  r.count += n;
}

template <class T>
void Groups<T>::see_high(Record<T>& r, T high, uint64_t row) {
  if (high > r.high || (high == r.high && row < r.high_row)) {
    r.high = high + T(0);
    r.high_row = row;
  }
}

template <class T>
void Groups<T>::see_nan(int64_t g, uint64_t row) {
  Extra& e = extra(g);
  ++e.nan;
  e.first_nan = std::min(e.first_nan, row);
}

template <class T>
void Groups<T>::offer(double loss, uint64_t row) {
  const Worst worst{loss + 0.0, row};
  if (wanted_.worst == 0) return;
  if (int(worst_.size()) == wanted_.worst) {
    if (!is_worse(worst, worst_.back())) return;
    worst_.pop_back();
  }
  worst_.insert(std::upper_bound(worst_.begin(), worst_.end(), worst, is_worse), worst);
}

// ----------------------------------------------------------------------------------- examples

template <class T>
template <int kWords>
[[gnu::always_inline]] inline void Groups<T>::accumulate_one(int64_t g, int name, uint64_t* word,
                                                             int unit, Scaled x) {
  const auto magnitude = uint64_t(x.multiple < 0 ? -x.multiple : x.multiple);
  if (!add_short<kWords, 2>(word, magnitude, x.multiple < 0, x.exponent - unit)) {
    accumulate(g, name, x.multiple, x.exponent);
  }
}

template <class T>
template <int kWords>
[[gnu::always_inline]] inline void Groups<T>::accumulate_product(int64_t g, int name,
                                                                 uint64_t* word, int unit, Scaled x,
                                                                 Scaled y) {
  const Int128 product = Int128(x.multiple) * y.multiple;
  const int exponent = x.exponent + y.exponent;
  const auto magnitude = Uint128(product < 0 ? -product : product);
  if (!add_short<kWords, 3>(word, magnitude, product < 0, exponent - unit)) {
    accumulate(g, name, product, exponent);
  }
}

template <class T>
[[gnu::always_inline]] inline void Groups<T>::one(int64_t g, T loss, double weight, uint64_t row) {
  Record<T>& r = record(g);
  constexpr Place kNumbers = Weights::kPlace[0], kProducts = Weights::kPlace[1];
  constexpr int kW_ = kNumbers.words, kP = kProducts.words;
  if (weighted_ && std::isfinite(weight)) {
    Weights& sums = weights_[size_t(g)];
    const Scaled w = scaled(weight);
    accumulate_one<kW_>(g, kW, sums.w, kNumbers.unit, w);
    if (!wanted_.sums_alone) accumulate_product<kP>(g, kWW, sums.ww, kProducts.unit, w, w);
  }
  if (loss != loss || weight != weight) [[unlikely]]
    return see_nan(g, row);
  if (const double product = weighted_ ? product_of(double(loss), weight) : double(loss);
      !std::isfinite(product)) [[unlikely]] {
    ++(product > 0 ? extra(g).above : extra(g).below);
  } else if constexpr (sizeof(T) == 4) {
    // Groups with weights are of float64: see Column::add.
    if (wanted_.sums_alone) {
      if (!r.add_sum(loss)) accumulate(g, kU, scaled(loss).multiple, scaled(loss).exponent);
    } else if (!r.add(loss)) {
      const Scaled u = scaled(loss);
      accumulate(g, kU, u.multiple, u.exponent);
      accumulate(g, kUU, Int128(u.multiple) * u.multiple, 2 * u.exponent);
    }
  } else {
    constexpr Place kOfU = Record<T>::kPlace[0], kOfUU = Record<T>::kPlace[1];
    const Scaled u = scaled(product);
    accumulate_one<kOfU.words>(g, kU, r.u, kOfU.unit, u);
    if (!wanted_.sums_alone) {
      accumulate_product<kOfUU.words>(g, kUU, r.uu, kOfUU.unit, u, u);
    }
    if (weighted_ && !wanted_.sums_alone) {
      Weights& sums = weights_[size_t(g)];
      accumulate_product<kP>(g, kUW, sums.uw, kProducts.unit, u, scaled(weight));
    }
  }
  if (wanted_.sums_alone) return count(g, 1);
  const T value = loss + T(0);
  r.low = value < r.low ? value : r.low;
  see_high(r, value, row);
  if (wanted_.quantiles) keep(g, value);
  count(g, 1);
  if (wanted_.worst > 0 &&
      (int(worst_.size()) < wanted_.worst || double(value) >= worst_.back().loss)) {
    offer(double(value), row);
  }
}

// n <= kSumBlock examples of one group.
template <class T>
template <class Rows>
void Groups<T>::run(int64_t g, const T* x, const double* w, int n, const Rows& rows) {
  Scan scan;
  scan_of(x, n, scan);
  bool plain = finite<T>(scan);
  if (plain && w != nullptr) {
    // A product may be infinite where its factors are not.
    for (int i = 0; i < n; ++i) plain &= std::isfinite(product_of(double(x[i]), w[i]) + w[i]);
  }
  if (!plain) {
    for (int i = 0; i < n; ++i) one(g, x[i], w != nullptr ? w[i] : 1.0, rows(i));
    return;
  }
  if (wanted_.sums_alone) {
    run_sums(g, x, w, n, scan);
    return count(g, uint64_t(n));
  }
  Record<T>& r = record(g);
  const T low = T(scan.low) + T(0), high = T(scan.high);
  r.low = low < r.low ? low : r.low;
  // Of rows that ascend the first with the highest loss is enough, if none before them has it.
  if (high > r.high || (high == r.high && !(rows.ascend && rows(0) >= r.high_row))) {
    for (int i = 0; i < n; ++i) {
      if (x[i] != high) continue;
      see_high(r, high, rows(i));
      if (rows.ascend) break;
    }
  }
  if (may_be_worst(double(high), rows)) {
    for (int i = 0; i < n; ++i) {
      if (int(worst_.size()) < wanted_.worst || double(x[i]) >= worst_.back().loss) {
        offer(double(x[i]), rows(i));
      }
    }
  }
  run_sums(g, x, w, n, scan);
  keep(g, x, n, scan);
}

// Whether the highest of some losses may be among the worst, of all so far.
template <class T>
template <class Rows>
bool Groups<T>::may_be_worst(double high, const Rows& rows) const {
  if (wanted_.worst == 0) return false;
  if (int(worst_.size()) < wanted_.worst) return true;
  const Worst& last = worst_.back();
  return high > last.loss || (high == last.loss && !(rows.ascend && rows(0) > last.row));
}

// Few groups: the examples are sorted by group first.
template <class T>
template <class Rows>
void Groups<T>::add_sorted(const View& view, const Rows& rows) {
  // Four cursors a group, each for a quarter of the examples: one would wait for itself.
  constexpr int kCursors = 4;
  uint32_t cursor[kCursors][kSortedGroups + 1] = {};
  const int quarter = view.size / kCursors;
  for (int c = 0; c < kCursors; ++c) {
    const int end = c == kCursors - 1 ? view.size : quarter * (c + 1);
    for (int i = quarter * c; i < end; ++i) ++cursor[c][view.codes[i]];
  }
  uint32_t begin[kSortedGroups + 2];
  uint32_t at = 0;
  for (int64_t g = 0; g < size_; ++g) {
    begin[g] = at;
    for (auto& of_quarter : cursor) {
      const uint32_t count = of_quarter[g];
      of_quarter[g] = at;
      at += count;
    }
  }
  begin[size_] = at;
  static thread_local std::vector<T> all_losses(kView);
  static thread_local std::vector<uint16_t> all_places(kView);
  static thread_local std::vector<double> all_weights;
  static_assert(kView <= 1 << 16);
  if (view.weights != nullptr) all_weights.resize(kView);
  T* const losses = all_losses.data();
  uint16_t* const places = all_places.data();  // of the examples before they were sorted
  double* const weights = view.weights != nullptr ? all_weights.data() : nullptr;
  const auto move = [&](int from, uint32_t* cursors) {
    const uint32_t to = cursors[view.codes[from]]++;
    losses[to] = view.losses[from];
    places[to] = uint16_t(from);
    if (weights != nullptr) weights[to] = view.weights[from];
  };
  for (int i = 0; i < quarter; ++i) {
    for (int c = 0; c < kCursors; ++c) move(quarter * c + i, cursor[c]);
  }
  for (int i = quarter * kCursors; i < view.size; ++i) move(i, cursor[kCursors - 1]);
  for (int64_t g = 0; g < size_; ++g) {
    for (uint32_t i = begin[g]; i < begin[g + 1]; i += kSumBlock) {
      const int n = int(std::min<uint32_t>(kSumBlock, begin[g + 1] - i));
      // A group's examples are still in their order.
      run(g, losses + i, weights != nullptr ? weights + i : nullptr, n,
          Identities{[&](int k) { return rows(int(places[i + uint32_t(k)])); }, rows.ascend});
    }
  }
}

// Sums alone of float32 without weights: 4.4 ns an example by 1000 groups, where `one` takes 7.
template <class T>
template <class Rows>
void Groups<T>::scatter_sums(const View& view, const Rows& rows) {
  if constexpr (sizeof(T) == 4) {
    constexpr int kRecordsAhead = 24;
    const int last = view.size - 1;
    for (int i = 0; i < view.size; ++i) {
      __builtin_prefetch(&record(view.codes[std::min(i + kRecordsAhead, last)]), 1);
      Record<T>& r = record(view.codes[i]);
      if (r.count < kManyRows && r.add_sum(view.losses[i])) [[likely]] {
        ++r.count;
      } else {
        one(view.codes[i], view.losses[i], 1.0, rows(i));
      }
    }
  }
}

// Many groups: example by example, their records asked for ahead of their turn.
template <class T>
template <class Rows>
void Groups<T>::scatter(const View& view, const Rows& rows) {
  constexpr int kRecordsAhead = 24, kValuesAhead = 12, kBinsAhead = 6;
  const int last = view.size - 1;
  const auto group = [&](int i) { return view.codes[std::min(i, last)]; };
  for (int i = 0; i < view.size; ++i) {
    const Record<T>& next = record(group(i + kRecordsAhead));
    __builtin_prefetch(&next, 1);
    if (sizeof next > 64) __builtin_prefetch(reinterpret_cast<const char*>(&next) + 64, 1);
    if (weighted_) {
      const auto* sums = reinterpret_cast<const char*>(&weights_[size_t(group(i + kRecordsAhead))]);
      for (size_t line = 0; line < sizeof(Weights); line += 64) {
        __builtin_prefetch(sums + line, 1);
      }
    }
    if (wanted_.quantiles) {
      const Record<T>& r = record(group(i + kValuesAhead));
      if (r.count > resolution_.most_exact) {
        __builtin_prefetch(histograms_[r.place].get());
      } else if (r.count != 0) {
        __builtin_prefetch(lists_.at(r.place) + r.count, 1);
      }
      const int soon = std::min(i + kBinsAhead, last);
      const Record<T>& sooner = record(view.codes[soon]);
      if (sooner.count > resolution_.most_exact) {
        histograms_[sooner.place]->prefetch(double(view.losses[soon]));
      }
    }
    one(view.codes[i], view.losses[i], view.weights != nullptr ? view.weights[i] : 1.0, rows(i));
  }
}

// Whether it pays to let examples wait: what it saves is the growth of many short lists.
template <class T>
bool Groups<T>::is_gathered() const {
  return wanted_.quantiles && size_ <= kGatheredGroups &&
         taken_ <= size_ * int64_t(resolution_.most_exact);
}

// Between few and many groups: examples wait in buckets, and all of a group are taken in together.
// Its record is then in the cache, and its list grows once.
template <class T>
template <class Rows>
void Groups<T>::gather(const View& view, const Rows& rows) {
  taken_ += view.size;
  buckets_.resize(size_t((size_ + kBucketGroups - 1) >> kBucketBits));
  Bucket* const buckets = buckets_.data();
  for (int i = 0; i < view.size; ++i) {
    const int32_t group = view.codes[i];
    const auto place = size_t(group >> kBucketBits);
    Bucket& bucket = buckets[place];
    if (bucket.examples == nullptr) [[unlikely]] {
      bucket.examples = std::make_unique_for_overwrite<Waiting[]>(kBucketSize);
    } else if (bucket.size == kBucketSize) [[unlikely]] {
      flush(place);
    }
    Waiting* const to = bucket.examples.get() + bucket.size++;
    __builtin_prefetch(to + 8, 1);
    *to = {rows(i), view.losses[i], group};
  }
}

template <class T>
void Groups<T>::flush(size_t place) {
  Bucket& bucket = buckets_[place];
  const Waiting* const examples = bucket.examples.get();
  uint32_t begin[kBucketGroups + 1] = {}, end[kBucketGroups];
  const auto in_bucket = [](const Waiting& example) { return example.group & (kBucketGroups - 1); };
  for (int i = 0; i < bucket.size; ++i) ++begin[in_bucket(examples[i]) + 1];
  for (int g = 0; g < kBucketGroups; ++g) end[g] = begin[g + 1] += begin[g];
  T losses[kBucketSize];
  uint16_t order[kBucketSize];
  for (int i = bucket.size - 1; i >= 0; --i) {
    const uint32_t to = --end[in_bucket(examples[i])];
    losses[to] = examples[i].loss + T(0);  // -0 becomes 0
    order[to] = uint16_t(i);
  }
  bucket.size = 0;
  const int64_t first = int64_t(place) << kBucketBits;
  const int64_t groups = std::min<int64_t>(kBucketGroups, size_ - first);
  constexpr int64_t kAhead = 6;
  for (int64_t g = 0; g < groups; ++g) {
    const Record<T>& soon = record(first + std::min(g + kAhead, groups - 1));
    if (soon.count != 0 && soon.count < resolution_.most_exact && wanted_.quantiles) {
      __builtin_prefetch(lists_.at(soon.place) + soon.count, 1);
    }
    const uint32_t at = begin[g];
    const int n = int(begin[g + 1] - at);
    if (n > 0) few(first + g, losses + at, n, [&](int k) { return examples[order[at + k]].row; });
  }
}

// Some examples of one group without weights, of which there may be too few for `run`.
template <class T>
template <class Rows>
void Groups<T>::few(int64_t g, const T* x, int n, const Rows& rows) {
  if constexpr (sizeof(T) == 4) {
    Record<T>& r = record(g);
    if (r.add(x, n)) {
      float low = x[0], high = x[0];
      for (int i = 1; i < n; ++i) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
      }
      r.low = std::min(r.low, low);
      if (high >= r.high) {
        for (int i = 0; i < n; ++i) {
          if (x[i] == high) see_high(r, high, rows(i));
        }
      }
      if (wanted_.worst > 0 &&
          (int(worst_.size()) < wanted_.worst || double(high) >= worst_.back().loss)) {
        for (int i = 0; i < n; ++i) offer(double(x[i]), rows(i));
      }
      return wanted_.quantiles ? keep_all(g, x, uint32_t(n)) : count(g, uint64_t(n));
    }
  }
  for (int i = 0; i < n; ++i) one(g, x[i], 1.0, rows(i));
}

template <class T>
void Groups<T>::settle() {
  for (size_t place = 0; place < buckets_.size(); ++place) {
    if (buckets_[place].size > 0) flush(place);
  }
  buckets_.clear();
}

template <class T>
template <class Rows>
void Groups<T>::add_view(const View& view, const Rows& rows) {
  if (view.codes == nullptr) {
    for (int i = 0; i < view.size; i += kSumBlock) {
      run(0, view.losses + i, view.weights != nullptr ? view.weights + i : nullptr,
          std::min(kSumBlock, view.size - i),
          Identities{[&](int k) { return rows(i + k); }, rows.ascend});
    }
  } else if (size_ <= kSortedGroups) {
    add_sorted(view, rows);
  } else if (view.weights == nullptr && is_gathered()) {
    gather(view, rows);
  } else if (sizeof(T) == 4 && wanted_.sums_alone && !weighted_) {
    scatter_sums(view, rows);
  } else {
    settle();
    scatter(view, rows);
  }
}

template <class T>
void Groups<T>::add(const Batch<T>& batch) {
  if (batch.weighted) begin_weights();
  static thread_local std::vector<T> losses;
  static thread_local std::vector<double> weights;
  static thread_local std::vector<int32_t> codes;
  static thread_local std::vector<uint32_t> index;
  for (int64_t begin = 0; begin < batch.size; begin += kView) {
    const int n = int(std::min<int64_t>(kView, batch.size - begin));
    const int32_t* const groups = batch.codes != nullptr ? batch.codes + begin : nullptr;
    const double* const w = batch.weights != nullptr ? batch.weights + begin : nullptr;
    View view{batch.losses + begin, batch.weighted ? w : nullptr, groups, nullptr, n};
    // A class without weight is ignored, unless smoothing gives it a share of the others' losses.
    const auto is_ignored = [&](int i) { return w[i] == 0 && view.losses[i] == 0; };
    int ignored = 0;
    for (int i = 0; w != nullptr && i < n; ++i) ignored += is_ignored(i) ? 1 : 0;
    if (ignored > 0) {
      losses.clear();
      weights.clear();
      codes.clear();
      index.clear();
      for (int i = 0; i < n; ++i) {
        if (is_ignored(i)) {
          ++extra(groups != nullptr ? groups[i] : 0).ignored;
          continue;
        }
        losses.push_back(view.losses[i]);
        index.push_back(uint32_t(i));
        if (batch.weighted) weights.push_back(w[i]);
        if (groups != nullptr) codes.push_back(groups[i]);
      }
      view = {losses.data(), batch.weighted ? weights.data() : nullptr,
              groups != nullptr ? codes.data() : nullptr, index.data(), n - ignored};
      add_view(view, Identities{[&](int i) { return batch.row(begin + index[size_t(i)]); },
                                batch.rows == nullptr});
    } else {
      add_view(view,
               Identities{[&](int i) { return batch.row(begin + i); }, batch.rows == nullptr});
    }
  }
}

// -------------------------------------------------------------------------------------- merge

template <class T>
template <class U>
void Groups<T>::merge_group(int64_t g, const Groups<U>& other, int64_t h) {
  auto& source = const_cast<Groups<U>&>(other);
  const uint64_t n = other.known(h);
  const Extra theirs = other.extra_of(h);
  const auto take_sum = [&](int from, int name) {
    accumulate(g, name, source.short_sum(h, from));
    if (source.longs_.empty()) return;
    if (const auto found = source.longs_.find(h);
        found != source.longs_.end() && !found->second.word[from].empty()) {
      accumulate(g, name, found->second.sum(from));
    }
  };
  take_sum(kU, kU);
  take_sum(kUU, kUU);
  if (weighted_ && other.weighted_) {
    for (const int name : {kW, kUW, kWW}) take_sum(name, name);
  } else if (weighted_) {
    accumulate(g, kW, Int128(n + theirs.nan), 0);
    if (!wanted_.sums_alone) {
      accumulate(g, kWW, Int128(n + theirs.nan), 0);
      take_sum(kU, kUW);
    }
  }
  if (theirs.ignored + theirs.nan + theirs.above + theirs.below != 0) {
    Extra& mine = extra(g);
    mine.ignored += theirs.ignored;
    mine.nan += theirs.nan;
    mine.first_nan = std::min(mine.first_nan, theirs.first_nan);
    mine.above += theirs.above;
    mine.below += theirs.below;
  }
  if (n == 0) return;
  const Record<U>& r = other.record(h);
  record(g).low = std::min(record(g).low, T(r.low));
  see_high(record(g), T(r.high), r.high_row);
  if (!wanted_.quantiles) return count(g, n);
  if (other.exact(h)) {
    keep_all(g, other.lists_.at(r.place), uint32_t(n));
    return;
  }
  const uint64_t before = known(g);
  Histogram& mine =
      before <= resolution_.most_exact ? condense(g, before) : *histograms_[record(g).place];
  const Histogram& histogram = *other.histograms_[r.place];
  const int shift = mine.coarser() - histogram.coarser();
  histogram.each([&](int32_t ordered, uint64_t k, double only) {
    const int32_t bin = (ordered < 0 ? -1 - ordered : ordered) >> shift;
    mine.add_bin(bin == 0 ? 0 : ordered < 0 ? -1 - bin : bin, k, only);
  });
  count(g, n);
}

template <class T>
template <class U>
void Groups<T>::merge(const Groups<U>& other, const int32_t* codes) {
  if (other.weighted_) begin_weights();
  constexpr int64_t kAhead = 16;
  for (int64_t h = 0; h < other.size_; ++h) {
    const Record<U>& theirs = other.record(std::min(h + kAhead / 2, other.size_ - 1));
    if (wanted_.quantiles && theirs.count != 0 && theirs.count <= resolution_.most_exact) {
      const U* const values = other.lists_.at(theirs.place);
      for (uint32_t i = 0; i < theirs.count; i += 64 / sizeof(U)) __builtin_prefetch(values + i);
    }
    if (codes != nullptr) {
      __builtin_prefetch(&record(codes[std::min(h + kAhead, other.size_ - 1)]), 1);
      const Record<T>& soon = record(codes[std::min(h + kAhead / 2, other.size_ - 1)]);
      const uint32_t n = soon.count;
      if (wanted_.quantiles && n != 0 && n <= resolution_.most_exact) {
        __builtin_prefetch(lists_.at(soon.place) + n, 1);
      }
    }
    merge_group(codes != nullptr ? codes[h] : h, other, h);
  }
  for (const Worst& worst : other.worst_) offer(worst.loss, worst.row);
}

template <class T>
template <class U>
void Groups<T>::total_into(Groups<U>& total) const {
  total.grow(1);
  if (weighted_) total.begin_weights();
  for (int64_t g = 0; g < size_; ++g) total.merge_group(0, *this, g);
}

template <class T>
void Groups<T>::renumber(const std::vector<uint32_t>& sources, bool keep_unnamed) {
  const auto move = [&](uint64_t& row) {
    const auto source = uint32_t(row >> kRowBits);
    if (source < sources.size()) {
      row = uint64_t(sources[source]) << kRowBits | (row & ((uint64_t(1) << kRowBits) - 1));
    } else if (source != kUnnamed || !keep_unnamed) {
      row = kNoRow;
    }
  };
  for (int64_t g = 0; g < size_; ++g) move(record(g).high_row);
  for (Extra& e : extras_) move(e.first_nan);
  for (Worst& worst : worst_) move(worst.row);
  std::sort(worst_.begin(), worst_.end(), is_worse);
}

// ------------------------------------------------------------------------------------ results

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr int kShortSort = 64;

// The sum of a record, rounded once.
double rounded_sum(const Record<float>& r) {
  static_assert(Record<float>::kPlace[0].words == 2);
  Int128 sum;
  std::memcpy(&sum, r.u, sizeof sum);
  return std::ldexp(double(sum), Record<float>::kPlace[0].unit);
}
double rounded_sum(const Record<double>& r) {
  constexpr Place place = Record<double>::kPlace[0];
  uint64_t word[place.words];
  std::copy_n(r.u, place.words, word);
  return divide(Integer(Fixed{word, place.words, place.unit}), Integer(1));
}

bool is_plain(const Extra& e) { return e.nan + e.above + e.below == 0; }

// What a sum of terms is that are not all finite.
double special(const Extra& e) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (e.nan > 0 || (e.above > 0 && e.below > 0)) return kNan;
  return e.above > 0 ? kInfinity : -kInfinity;
}

}  // namespace

template <class T>
void Groups<T>::prefetch(int64_t g) const {
  __builtin_prefetch(&record(g));
}

template <class T>
void Groups<T>::prefetch_values(int64_t g) const {
  const Record<T>& r = record(g);
  if (!wanted_.quantiles || r.count == 0 || r.count > kShortSort) return;
  const T* const values = lists_.at(r.place);
  for (uint32_t i = 0; i < r.count; i += 64 / sizeof(T)) __builtin_prefetch(values + i);
}

template <class T>
double Groups<T>::mean(int64_t g) const {
  const Integer w = sum(g, kW);
  if (w.zero()) return kNan;
  const Extra e = extra_of(g);
  return is_plain(e) ? divide(sum(g, kU), w) : special(e);
}

template <class T>
Summary Groups<T>::summary(int64_t g) const {
  const Extra e = extra_of(g);
  const Record<T>& r = record(g);
  const uint64_t n = known(g) + e.nan;
  Summary s{int64_t(n), int64_t(e.ignored), int64_t(e.nan), 0.0,        0.0,         kNan,
            kNan,       double(r.low),      double(r.high), r.high_row, e.first_nan, exact(g)};
  if (wanted_.sums_alone && !weighted_ && longs_.empty() && is_plain(e)) {
    s.weight = double(n);
    s.sum = rounded_sum(r);
    return s;
  }
  const Integer u = sum(g, kU), w = sum(g, kW), one(1);
  s.weight = divide(w, one);
  s.sum = is_plain(e) ? divide(u, one) : special(e);
  if (n == 0 || w.zero() || wanted_.sums_alone) return s;
  s.mean = is_plain(e) ? divide(u, w) : special(e);
  if (n < 2 || !is_plain(e)) return s;
  // SE^2 = sum w^2 (l - mean)^2 / (sum w)^2 * n / (n - 1), multiplied out.
  const Integer count(n), less(n - 1), uu = sum(g, kUU);
  double square;
  if (!weighted_) {
    square = divide(count * uu - u * u, count * count * less);
  } else {
    const Integer uw = sum(g, kUW), ww = sum(g, kWW), w2 = w * w, cross = u * w * uw;
    square = divide((uu * w2 - (cross + cross) + u * u * ww) * count, w2 * w2 * less);
  }
  s.standard_error = std::sqrt(std::max(0.0, square));
  return s;
}

namespace {

// From the nearer end, as NumPy does; an infinite end is not left.
double between(double low, double high, double share) {
  if (low == high || share == 0.0) return low;
  if (std::isinf(low)) return low;
  if (std::isinf(high)) return high;
  const double step = high - low;
  return share < 0.5 ? low + step * share : high - step * (1.0 - share);
}

// Puts n <= kShortSort values, none of them NaN, in order: each goes where so many are less. No
// branch depends on them, and vectors compare several.
template <class T>
void sort_short(const T* x, int n, T* sorted) {
  constexpr int kLanes = 16;
  using Count = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  T mine[kShortSort] = {};
  std::copy_n(x, n, mine);
  uint8_t taken[kShortSort] = {};  // by equal values
  for (int begin = 0; begin < n; begin += kLanes) {
    Count less[kLanes] = {};
    for (int j = 0; j < n; ++j) {
      for (int i = 0; i < kLanes; ++i) less[i] += x[j] < mine[begin + i] ? 1 : 0;
    }
    for (int i = 0; i < std::min(kLanes, n - begin); ++i) {
      sorted[less[i] + taken[less[i]]++] = mine[begin + i];
    }
  }
}

}  // namespace

// With linear interpolation between neighbours.
template <class T>
void Groups<T>::quantiles(int64_t g, const double* probabilities, int n, double* values) const {
  if (n == 0) return;
  const uint64_t size = known(g);
  if (size == 0 || !wanted_.quantiles) {
    std::fill_n(values, n, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const Record<T>& r = record(g);
  const auto rank_of = [&](int i) { return probabilities[i] * double(size - 1); };
  if (exact(g)) {
    if (size <= kShortSort) {
      T sorted[kShortSort];
      sort_short(lists_.at(r.place), int(size), sorted);
      for (int i = 0; i < n; ++i) {
        const double rank = rank_of(i), floor = std::floor(rank);
        const auto at = size_t(floor);
        const double low = double(sorted[at]);
        values[i] = between(low, rank > floor ? double(sorted[at + 1]) : low, rank - floor);
      }
      return;
    }
    static thread_local std::vector<T> some;
    some.assign(lists_.at(r.place), lists_.at(r.place) + size);
    int64_t placed = 0;  // values before this one are at most those from it on
    for (int i = 0; i < n; ++i) {
      const double rank = rank_of(i), floor = std::floor(rank);
      const auto at = int64_t(floor);
      if (at < placed) placed = 0;
      std::nth_element(some.begin() + placed, some.begin() + at, some.end());
      placed = at;
      const double low = double(some[size_t(at)]);
      const double high =
          rank > floor ? double(*std::min_element(some.begin() + at + 1, some.end())) : low;
      values[i] = between(low, high, rank - floor);
    }
    return;
  }
  std::vector<std::pair<uint64_t, double>> ends;  // how many values there are up to each bin's
  const Histogram& histogram = *histograms_[r.place];
  uint64_t seen = 0;
  histogram.each([&](int32_t ordered, uint64_t count) {
    const bool negative = ordered < 0;
    const double middle = middle_of(negative ? -1 - ordered : ordered, histogram.coarser());
    ends.emplace_back(seen += count, negative ? -middle : middle);
  });
  const auto value_at = [&](double rank) {
    const auto place =
        std::upper_bound(ends.begin(), ends.end(), uint64_t(rank),
                         [](uint64_t wanted, const auto& end) { return wanted < end.first; });
    return place == ends.end() ? ends.back().second : place->second;
  };
  for (int i = 0; i < n; ++i) {
    const double rank = rank_of(i), floor = std::floor(rank);
    const double value = between(value_at(floor), value_at(std::ceil(rank)), rank - floor);
    values[i] = std::clamp(value, double(r.low), double(r.high));
  }
}

template <class T>
template <class F>
void Groups<T>::each_bin(int64_t g, int coarser, const F& f) const {
  if (known(g) == 0) return;
  if (exact(g)) {
    const T* const values = lists_.at(record(g).place);
    for (uint64_t i = 0; i < known(g); ++i) {
      f(ordered_bin_of(double(values[i]), coarser), uint64_t(1), double(values[i]));
    }
  } else {
    histograms_[record(g).place]->each(f);
  }
}

namespace {

// Examples of a bin, all of one value unless it is kSeveral.
struct Part {
  int32_t bin;
  double only;
  uint64_t positives, negatives;
};

// Parts in the order of their scores. Those of a bin that holds several values are in one cell,
// whose order nobody knows.
std::vector<Cell> cells_of(std::vector<Part>& parts) {
  constexpr double kLast = std::numeric_limits<double>::infinity();
  const auto rank = [](double only) { return only == only ? only : kLast; };
  std::sort(parts.begin(), parts.end(), [&](const Part& a, const Part& b) {
    return a.bin != b.bin ? a.bin < b.bin : rank(a.only) < rank(b.only);
  });
  std::vector<Cell> cells;
  for (size_t begin = 0, end; begin < parts.size(); begin = end) {
    bool known = true;
    for (end = begin; end < parts.size() && parts[end].bin == parts[begin].bin; ++end) {
      known = known && parts[end].only == parts[end].only;
    }
    for (size_t i = begin; i < end; ++i) {
      if (i == begin || (known && parts[i - 1].only < parts[i].only))
        cells.push_back({0, 0, known});
      cells.back().positives += parts[i].positives;
      cells.back().negatives += parts[i].negatives;
    }
  }
  return cells;
}

}  // namespace

template <class T>
std::vector<Cell> Groups<T>::cells(int64_t g, const Groups& other, int64_t h) const {
  const int coarser = resolution_.coarser;
  std::vector<Part> parts;
  each_bin(g, coarser,
           [&](int32_t bin, uint64_t n, double only) { parts.push_back({bin, only, n, 0}); });
  other.each_bin(h, coarser,
                 [&](int32_t bin, uint64_t n, double only) { parts.push_back({bin, only, 0, n}); });
  return cells_of(parts);
}

template <class T>
size_t Groups<T>::bytes() const {
  size_t sum = size_t(size_) * sizeof(Record<T>) + lists_.bytes() +
               weights_.capacity() * sizeof(Weights) + extras_.capacity() * sizeof(Extra);
  for (const Bucket& bucket : buckets_) {
    sum += bucket.examples != nullptr ? kBucketSize * sizeof(Waiting) : 0;
  }
  for (const auto& histogram : histograms_) sum += histogram->bytes();
  constexpr size_t kLong = 1024;  // roughly
  return sum + longs_.size() * kLong;
}

// -------------------------------------------------------------------------------------- bytes

namespace {

// The position of the lowest byte that is not 0, the sign and the number of the bytes, the bytes.
void write_sum(const Integer& x, Writer& writer) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(x.word);
  int low = 0, high = 8 * x.size;
  while (high > 0 && bytes[high - 1] == 0) --high;
  while (low < high && bytes[low] == 0) ++low;
  writer.number(uint64_t(high - low) << 1 | (x.negative ? 1 : 0));
  if (high == low) return;
  writer.signed_number(x.exponent / 8 + low);
  writer.raw(bytes + low, size_t(high - low));
}

template <class Add>
void read_sum(Reader& reader, bool product, const Add& add) {
  const uint64_t head = reader.number();
  const bool negative = (head & 1) != 0;
  const uint64_t size = head >> 1;
  if (size == 0) return;
  const Place place = kLongPlace[product ? 1 : 0];
  const int64_t position = reader.signed_number();
  const int64_t lowest = place.unit / 8, end = lowest + 8 * place.words;
  if (size > uint64_t(8 * place.words) || position < lowest || position + int64_t(size) >= end) {
    throw Damaged("a sum is out of range");
  }
  const char* bytes = reader.take(size);
  for (uint64_t i = 0; i < size; i += 8) {
    uint64_t part = 0;
    std::memcpy(&part, bytes + i, std::min<uint64_t>(8, size - i));
    const Int128 value = negative ? -Int128(part) : Int128(part);
    add(value, int(8 * (position + int64_t(i))));
  }
}

}  // namespace

template <class T>
void Groups<T>::write(int64_t g, Writer& writer) const {
  const Extra e = extra_of(g);
  const uint64_t n = known(g);
  writer.number(n);
  writer.number(e.ignored);
  writer.number(e.nan);
  writer.number(e.above);
  writer.number(e.below);
  if (e.nan != 0) writer.number(e.first_nan + 1);
  for (int name = 0; name < (weighted_ ? int(kSums) : int(kW)); ++name) {
    if (has_sum(name)) write_sum(sum(g, name), writer);
  }
  if (n == 0 || wanted_.sums_alone) return;
  const Record<T>& r = record(g);
  writer.plain(double(r.low));
  writer.plain(double(r.high));
  writer.number(r.high_row + 1);
  if (!wanted_.quantiles) return;
  if (exact(g)) {
    std::vector<T> sorted(lists_.at(r.place), lists_.at(r.place) + n);
    std::sort(sorted.begin(), sorted.end());
    const bool is_short = std::all_of(sorted.begin(), sorted.end(),
                                      [](T x) { return double(float(x)) == double(x); });
    writer.plain(uint8_t(is_short ? 4 : 8));
    for (const T x : sorted) is_short ? writer.plain(float(x)) : writer.plain(double(x));
    return;
  }
  uint64_t bins = 0;
  int32_t last = 0;
  const Histogram& histogram = *histograms_[r.place];
  histogram.each([&](int32_t, uint64_t) { ++bins; });
  writer.number(bins);
  histogram.each([&](int32_t ordered, uint64_t count, double only) {
    writer.signed_number(int64_t(ordered) - last);
    writer.number(count);
    if (wanted_.ties) writer.plain(uint8_t(only == only ? 1 : 0));
    if (wanted_.ties && only == only) writer.plain(only);
    last = ordered;
  });
}

template <class T>
void Groups<T>::read(int64_t g, Reader& reader) {
  const uint64_t n = reader.number();
  Extra e;
  e.ignored = reader.number();
  e.nan = reader.number();
  e.above = reader.number();
  e.below = reader.number();
  constexpr uint64_t kMostRows = uint64_t(1) << 60;
  if (std::max({n, e.ignored, e.nan, e.above, e.below}) > kMostRows || e.above + e.below > n) {
    throw Damaged("a count is too large");
  }
  if (e.nan != 0) e.first_nan = reader.number() - 1;
  if (e.ignored + e.nan + e.above + e.below != 0) extra(g) = e;
  for (int name = 0; name < (weighted_ ? int(kSums) : int(kW)); ++name) {
    if (!has_sum(name)) continue;
    read_sum(reader, is_product(name),
             [&](Int128 value, int exponent) { accumulate(g, name, value, exponent); });
  }
  if (n == 0 || wanted_.sums_alone) return count(g, n);
  Record<T>& r = record(g);
  const auto low = reader.plain<double>(), high = reader.plain<double>();
  if (!(low <= high)) throw Damaged("extremes are out of order");
  r.low = T(low);
  r.high = T(high);
  r.high_row = reader.number() - 1;
  if (!wanted_.quantiles) return count(g, n);
  if (n <= resolution_.most_exact) {
    const auto width = reader.plain<uint8_t>();
    if (width != 4 && width != 8) throw Damaged("values have an unknown width");
    for (uint64_t i = 0; i < n; ++i) {
      const double value = width == 4 ? double(reader.plain<float>()) : reader.plain<double>();
      if (!(low <= value && value <= high)) throw Damaged("a value is beyond the extremes");
      keep(g, T(value));
      count(g, 1);
    }
    return;
  }
  Histogram& histogram = condense(g, 0);
  const size_t bins = reader.count();
  const int64_t most = bin_of(std::numeric_limits<double>::infinity(), resolution_.coarser);
  uint64_t seen = 0;
  int64_t last = -most - 2;
  int64_t at = 0;
  for (size_t i = 0; i < bins; ++i) {
    at += reader.signed_number();
    const uint64_t count = reader.number();
    if (at <= last || at < -1 - most || at == -1 || at > most || count == 0 || count > n - seen) {
      throw Damaged("a histogram is wrong");
    }
    double only = kSeveral;
    if (wanted_.ties && reader.plain<uint8_t>() != 0) {
      only = reader.plain<double>();
      if (only != only || ordered_bin_of(only, resolution_.coarser) != at) {
        throw Damaged("a value is in another bin");
      }
    }
    histogram.add_bin(int32_t(at), count, only);
    seen += count;
    last = at;
  }
  if (seen != n) throw Damaged("a histogram does not add up");
  count(g, n);
}

template <class T>
void Groups<T>::read_worst(Reader& reader) {
  const size_t n = reader.count();
  if (n > size_t(wanted_.worst)) throw Damaged("more of the highest losses than were asked for");
  for (size_t i = 0; i < n; ++i) {
    const auto loss = reader.plain<double>();
    const Worst worst{loss, reader.number() - 1};
    if (loss != loss || (i > 0 && is_worse(worst, worst_.back()))) {
      throw Damaged("the highest losses are out of order");
    }
    worst_.push_back(worst);
  }
}

template class Groups<float>;
template class Groups<double>;

#define NUMLOSS_MERGES(T, U)                                                \
  template void Groups<T>::merge(const Groups<U>&, const int32_t*);         \
  template void Groups<T>::merge_group(int64_t, const Groups<U>&, int64_t); \
  template void Groups<U>::total_into(Groups<T>&) const;
NUMLOSS_MERGES(float, float)
NUMLOSS_MERGES(double, float)
NUMLOSS_MERGES(double, double)

}  // namespace numloss
