#include "examples.hpp"

#include <algorithm>
#include <limits>

namespace numloss {

template <class T>
void bins_of(const T* values, int64_t n, int32_t count, int32_t* bins) {
  const double factor = count;
  const int32_t most = count - 1;
  for (int64_t i = 0; i < n; ++i) {
    const double place = double(values[i]) * factor;
    bins[i] = std::min(int32_t(place > 0 ? place : 0), most);  // a NaN is not above 0
  }
}

template void bins_of(const float*, int64_t, int32_t, int32_t*);
template void bins_of(const double*, int64_t, int32_t, int32_t*);

void buckets_of_rows(const uint64_t* rows, int64_t n, uint64_t salt, uint32_t count,
                     int32_t* buckets) {
  for (int64_t i = 0; i < n; ++i) buckets[i] = bucket_of(rows[i] ^ salt, count);
}

template <class T>
void Pairs<T>::compare(double* difference, float* won) const {
  for (int64_t i = 0; i < size; ++i) {
    const double mine = double(first[i]), theirs = double(other[i]);
    difference[i] = mine == theirs ? 0 : theirs - mine;  // two infinities are a tie
  }
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (int64_t i = 0; i < size; ++i) {
    const T a = higher_is_better ? other[i] : first[i], b = higher_is_better ? first[i] : other[i];
    const float ahead = a > b ? 1.0f : 0.0f, behind = a < b ? 1.0f : 0.0f;
    won[i] = a != a || b != b ? kNan : 0.5f + 0.5f * ahead - 0.5f * behind;
  }
  if (weights == nullptr) return;
  for (int64_t i = 0; i < size; ++i) {
    if (weights[i] == 0 && first[i] == 0) difference[i] = won[i] = 0;
  }
}

template struct Pairs<float>;
template struct Pairs<double>;

template <class T>
void split_by_outcome(const T* scores, const T* outcomes, const double* weights,
                      const int32_t* codes, int64_t n, Scores<T> (&kinds)[2]) {
  for (Scores<T>& kind : kinds) {
    kind.scores.resize(size_t(n) + 1);
    if (codes != nullptr) kind.codes.resize(size_t(n) + 1);
    kind.size = 0;
  }
  // Each example is written behind the last one of both kinds. Only the kind that it is of grows
  // then, so that no branch depends on the outcome.
  for (int64_t i = 0; i < n; ++i) {
    const int64_t counts = weights == nullptr || weights[i] > 0 ? 1 : 0;
    const int64_t positive = outcomes[i] > T(0.5) ? 1 : 0;
    for (Scores<T>& kind : kinds) {
      kind.scores[size_t(kind.size)] = scores[i];
      if (codes != nullptr) kind.codes[size_t(kind.size)] = codes[i];
    }
    kinds[0].size += counts & positive;
    kinds[1].size += counts & ~positive;
  }
}

template void split_by_outcome(const float*, const float*, const double*, const int32_t*, int64_t,
                               Scores<float> (&)[2]);
template void split_by_outcome(const double*, const double*, const double*, const int32_t*, int64_t,
                               Scores<double> (&)[2]);

}  // namespace numloss
