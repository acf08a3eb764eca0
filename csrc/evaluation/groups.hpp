// The statistics of one loss, by group: columns over groups, each record a cache line or two.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../runtime/table.hpp"
#include "bytes.hpp"
#include "fixed.hpp"
#include "integer.hpp"
#include "ranking.hpp"
#include "values.hpp"

namespace numloss {

// A row is named by the number of its source and its place there, of kRowBits bits, or by an id.
inline constexpr int kRowBits = 44;
// Rows of batches that name no source, after those of all that do.
inline constexpr uint32_t kUnnamed = (1 << (64 - kRowBits)) - 1;
// A row without identity, after all others.
inline constexpr uint64_t kNoRow = ~uint64_t(0);

// The sums of a group: of w, u = w l, and of their products. Without weights, those of u and u u
// say the others.
enum SumName : int { kU, kUU, kW, kUW, kWW, kSums };

// Where a sum stands while it is short: most are. One that is not goes to `Long`.
struct Place {
  int words, unit;
};
inline constexpr Place kLongPlace[2] = {{36, -1088}, {68, -2176}};  // of numbers, of products
inline constexpr bool is_product(int sum) { return sum == kUU || sum == kUW || sum == kWW; }

// One group, for losses of type T.
template <class T>
struct Record;

// Sums of float32 from 2^-80 on, up to 2^47; squares up to 2^31.
template <>
struct alignas(64) Record<float> {
  static constexpr Place kPlace[2] = {{2, -80}, {3, -160}};
  uint64_t u[2] = {}, uu[3] = {};
  uint64_t high_row = kNoRow;
  uint32_t count = 0;  // without NaN; see Extra
  uint32_t place = 0;  // in Lists, or of a histogram
  float low = std::numeric_limits<float>::infinity();
  float high = -std::numeric_limits<float>::infinity();

  // Adds a finite loss to the first sum. False, and it is as it was: it has no room for it.
  bool add_sum(float loss) {
    const auto bits = std::bit_cast<uint32_t>(loss);
    const int place = int(bits >> 23 & 0xff) - (150 - 80);
    if (place < 0 || place > 100) return false;  // below 2^124
    const Int128 magnitude = Int128((bits & 0x7fffff) | 0x800000) << place;
    Int128 sum;
    std::memcpy(&sum, u, sizeof sum);
    if (__builtin_add_overflow(sum, bits >> 31 != 0 ? -magnitude : magnitude, &sum)) return false;
    std::memcpy(u, &sum, sizeof sum);
    return true;
  }

  // Adds a finite loss to both sums. False, and they are as they were: they have no room for it.
  bool add(float loss) {
    const auto bits = std::bit_cast<uint32_t>(loss);
    // Of the lowest bit, above 2^-80. Up to 70 the square lies within 2^(140 + 48 - 160).
    const int place = int(bits >> 23 & 0xff) - (150 - 80);
    if (place < 0 || place > 70 || uu[2] >> 62 != 0) return false;
    const uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
    const Int128 magnitude = Int128(mantissa) << place;
    Int128 sum;
    std::memcpy(&sum, u, sizeof sum);
    if (__builtin_add_overflow(sum, bits >> 31 != 0 ? -magnitude : magnitude, &sum)) return false;
    std::memcpy(u, &sum, sizeof sum);
    const int word = 2 * place >> 6, shift = 2 * place & 63;
    const Uint128 square = Uint128(mantissa * mantissa) << shift;
    unsigned long long carry = __builtin_add_overflow(uu[word], uint64_t(square), &uu[word]);
    if (word < 2) {
      const uint64_t high_part = uint64_t(square >> 64) + carry;  // far from 2^64
      carry = __builtin_add_overflow(uu[word + 1], high_part, &uu[word + 1]);
      if (word == 0) uu[2] += carry;
    }
    return true;
  }

  // Adds some losses to both sums. False, and they are as they were: a loss is not finite, or lies
  // too far from the others, or there is no room.
  bool add(const float* loss, int n) {
    uint32_t least = ~uint32_t(0), most = 0;
    for (int i = 0; i < n; ++i) {
      const uint32_t bits = std::bit_cast<uint32_t>(loss[i]) & 0x7fffffff;
      least = std::min(least, bits - 1);  // of a zero it is the largest
      most = std::max(most, bits);
    }
    if (most == 0) return true;
    // All are whole multiples of 2^(lowest - 80), and those are below 2^48.
    const int first = int((least + 1) >> 23), last = int(most >> 23);
    const int lowest = first - (150 - 80), highest = last - (150 - 80);
    const int more = std::bit_width(uint32_t(n));
    if (lowest < 0 || last - first > 24 || more > 12 || 2 * (highest + 24) + more > 190 ||
        uu[2] >> 62 != 0) {
      return false;
    }
    int64_t sum = 0;
    Uint128 squares = 0;
    for (int i = 0; i < n; ++i) {
      const auto bits = std::bit_cast<uint32_t>(loss[i]);
      const uint64_t mantissa = bits << 1 == 0 ? 0 : (bits & 0x7fffff) | 0x800000;
      const uint64_t multiple = mantissa << ((int(bits >> 23 & 0xff) - first) & 63);
      sum += bits >> 31 != 0 ? -int64_t(multiple) : int64_t(multiple);
      squares += Uint128(multiple) * multiple;
    }
    Int128 total;
    std::memcpy(&total, u, sizeof total);
    if (__builtin_add_overflow(total, Int128(sum) << lowest, &total)) return false;
    std::memcpy(u, &total, sizeof total);
    add_square(squares, 2 * lowest);
    return true;
  }

 private:
  // Adds squares * 2^place units, which are below 2^190, to uu, which is so as well.
  void add_square(Uint128 squares, int place) {
    const int word = place >> 6, shift = place & 63;
    const auto low = uint64_t(squares), high = uint64_t(squares >> 64);
    const uint64_t part[3] = {low << shift, high << shift | low >> 1 >> (63 - shift),
                              high >> 1 >> (63 - shift)};
    uint64_t carry = 0;
    for (int k = 0; word + k < 3; ++k) {
      const Uint128 total = Uint128(uu[word + k]) + part[k] + carry;
      uu[word + k] = uint64_t(total);
      carry = uint64_t(total >> 64);
    }
  }
};
static_assert(sizeof(Record<float>) == 64);

template <>
struct alignas(64) Record<double> {
  static constexpr Place kPlace[2] = {{4, -192}, {7, -384}};
  uint64_t u[4] = {}, uu[7] = {};
  uint64_t high_row = kNoRow;
  uint32_t count = 0;
  uint32_t place = 0;
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};
static_assert(sizeof(Record<double>) == 128);

// Beside it, once there are weights.
struct Weights {
  static constexpr Place kPlace[2] = {{4, -192}, {7, -384}};
  uint64_t w[4] = {}, uw[7] = {}, ww[7] = {};
};

// Beside it, once a group has something unusual.
struct Extra {
  uint64_t more = 0;  // of count, in whole kManyRows
  uint64_t ignored = 0, nan = 0;
  uint64_t first_nan = kNoRow;
  uint64_t above = 0, below = 0;  // terms of the sum that are infinite
};

// Sums that outgrew their places.
struct Long {
  std::vector<uint64_t> word[kSums];
  Fixed sum(int name);
};

// A loss and the row that has it, of those with the highest losses.
struct Worst {
  double loss;
  uint64_t row;
  bool operator==(const Worst&) const = default;
};
inline bool is_worse(const Worst& a, const Worst& b) {
  return a.loss > b.loss || (a.loss == b.loss && a.row < b.row);
}

// Losses to be taken in.
template <class T>
struct Batch {
  const T* losses;
  int64_t size;
  const double* weights = nullptr;  // or none
  bool weighted = false;  // else weights only say, by 0 beside a loss of 0, what is ignored
  const int32_t* codes = nullptr;  // of the groups, or all are in group 0
  const uint64_t* rows = nullptr;  // identities, or they count from first_row ...
  uint64_t first_row = kNoRow;
  int64_t per_row = 1;  // ... one for so many losses

  uint64_t row(int64_t i) const {
    if (rows != nullptr) return rows[i];
    return first_row == kNoRow ? kNoRow : first_row + uint64_t(per_row == 1 ? i : i / per_row);
  }
};

// What a group's statistics come to.
struct Summary {
  int64_t count, ignored, nan;  // count: with NaN, without ignored
  double weight, sum, mean, standard_error, low, high;
  uint64_t high_row, first_nan;
  bool exact;  // are quantiles
};

// What is asked for beside the sums.
struct Wanted {
  bool quantiles = true;
  int worst = 0;
  bool sums_alone = false;  // of w and w l: neither products nor extremes
  bool ties = false;        // which bins of a histogram hold one value
  Wanted without_worst() const { return {quantiles, 0, sums_alone, ties}; }
  bool operator==(const Wanted&) const = default;
};

template <class T>
class Groups {
 public:
  explicit Groups(Wanted wanted) : wanted_(wanted) {}
  Groups(const Groups&) = delete;
  Groups(Groups&&) noexcept = default;
  Groups& operator=(const Groups&) = delete;
  Groups& operator=(Groups&&) noexcept = default;

  int64_t size() const { return size_; }
  bool weighted() const { return weighted_; }
  const std::vector<Worst>& worst() const { return worst_; }

  // Makes room for groups up to that number.
  void grow(int64_t groups);
  // Some of the batch may wait until `settle`, without which the others do not see it.
  void add(const Batch<T>& batch);
  void settle();
  // The examples so far have weights of 1.
  void begin_weights();
  // Takes in another's groups; its group g is group codes[g] here, or g without codes.
  template <class U>
  void merge(const Groups<U>& other, const int32_t* codes);
  // Of all groups together, as the only one of the result.
  template <class U>
  void total_into(Groups<U>& total) const;

  // Asks for the memory of a group that will be looked at: its record, then its values.
  void prefetch(int64_t group) const;
  void prefetch_values(int64_t group) const;
  Summary summary(int64_t group) const;
  // Its mean alone, NaN where there is none.
  double mean(int64_t group) const;
  void quantiles(int64_t group, const double* probabilities, int n, double* values) const;
  // The values of a group beside those of another's, in their order.
  std::vector<Cell> cells(int64_t group, const Groups& other, int64_t other_group) const;
  // A sum, exactly.
  Integer sum(int64_t group, int name) const;
  size_t bytes() const;

  void write(int64_t group, Writer& writer) const;
  void read(int64_t group, Reader& reader);
  void read_worst(Reader& reader);
  // Sources get other numbers; rows without one keep theirs or lose them.
  void renumber(const std::vector<uint32_t>& sources, bool keep_unnamed);

 private:
  template <class U>
  friend class Groups;
  static constexpr uint32_t kManyRows = 1u << 31;

  Record<T>& record(int64_t g) { return records_[size_t(g)]; }
  const Record<T>& record(int64_t g) const { return records_[size_t(g)]; }
  Extra& extra(int64_t g);
  // Adds a sum, word by word, to that of a group.
  void accumulate(int64_t g, int name, const Fixed& sum);
  Extra extra_of(int64_t g) const { return extras_.empty() ? Extra{} : extras_[g]; }

  bool has_sum(int name) const { return name == kU || name == kW || !wanted_.sums_alone; }
  uint64_t known(int64_t g) const { return record(g).count + extra_of(g).more * kManyRows; }
  bool exact(int64_t g) const { return known(g) <= resolution_.most_exact; }
  Fixed short_sum(int64_t g, int name);
  void accumulate(int64_t g, int name, Int128 value, int exponent);
  void accumulate_slowly(int64_t g, int name, Int128 value, int exponent);
  // One number, or the product of two, as whole multiples of powers of two.
  template <int kWords>
  void accumulate_one(int64_t g, int name, uint64_t* word, int unit, Scaled x);
  template <int kWords>
  void accumulate_product(int64_t g, int name, uint64_t* word, int unit, Scaled x, Scaled y);
  void coarsen(Resolution resolution);

  // Examples of a block that count, and which ones of it they are.
  struct View {
    const T* losses;
    const double* weights;
    const int32_t* codes;
    const uint32_t* index;
    int size;
  };
  template <class Rows>
  void add_view(const View& view, const Rows& rows);
  template <class Rows>
  void add_sorted(const View& view, const Rows& rows);
  template <class Rows>
  void scatter_sums(const View& view, const Rows& rows);
  template <class Rows>
  void scatter(const View& view, const Rows& rows);
  bool is_gathered() const;
  template <class Rows>
  void gather(const View& view, const Rows& rows);
  void flush(size_t bucket);
  template <class Rows>
  void few(int64_t g, const T* x, int n, const Rows& rows);
  template <class Rows>
  bool may_be_worst(double high, const Rows& rows) const;
  template <class Rows>
  void run(int64_t g, const T* x, const double* w, int n, const Rows& rows);
  void run_sums(int64_t g, const T* x, const double* w, int n, const Scan& scan);
  void one(int64_t g, T loss, double weight, uint64_t row);
  void see_nan(int64_t g, uint64_t row);
  void see_high(Record<T>& r, T high, uint64_t row);
  // Counts n more values, which `keep` then holds.
  void count(int64_t g, uint64_t n);
  void keep(int64_t g, T value);
  void keep(int64_t g, const T* x, int n, const Scan& scan);
  template <class U>
  void keep_all(int64_t g, const U* values, uint32_t n);
  Histogram& condense(int64_t g, uint64_t known);
  void offer(double loss, uint64_t row);
  template <class U>
  void merge_group(int64_t g, const Groups<U>& other, int64_t h);
  // Calls f(bin, count, only) for the bins of a group, as `Histogram::each` does but in no order.
  template <class F>
  void each_bin(int64_t g, int coarser, const F& f) const;

  // Examples of kBucketGroups groups side by side, which wait until there are some of each.
  struct Waiting {
    uint64_t row;
    T loss;
    int32_t group;
  };
  struct Bucket {
    int size = 0;
    std::unique_ptr<Waiting[]> examples;
  };

  Wanted wanted_;
  int64_t size_ = 0;
  bool weighted_ = false;
  Resolution resolution_ = resolution(1);
  Pages<Record<T>> records_;
  std::vector<Weights> weights_;  // as many as groups, once there are weights
  std::vector<Extra> extras_;     // the same, once something is unusual
  std::unordered_map<int64_t, Long> longs_;
  std::vector<Bucket> buckets_;
  int64_t taken_ = 0;  // examples that waited there
  Lists<T> lists_;
  std::vector<std::unique_ptr<Histogram>> histograms_;  // Record::place says which
  std::vector<Worst> worst_;                            // the worst first
};

extern template class Groups<float>;
extern template class Groups<double>;

}  // namespace numloss
