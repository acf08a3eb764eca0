// Strips: as many rows as a vector has lanes, transposed so that a lane is a row and a vector a
// class. A strip of few classes fits the L1 cache, and so do the accumulators of a loop over its
// classes the registers.
#pragma once

#include "planes.hpp"
#include "transpose.hpp"

namespace numloss::NUMLOSS_ISA {

template <class T>
inline constexpr int kStrip = kVectorBytes / int(sizeof(T));

namespace {

// The numbers of a and then those of b.
template <class V, int... kIndex>
NUMLOSS_INLINE auto join(V a, V b, Indices<kIndex...>) {
  return __builtin_shufflevector(a, b, kIndex...);
}
template <class V>
NUMLOSS_INLINE auto join(V a, V b) {
  return join(a, b, typename UpTo<2 * int(sizeof(V) / sizeof(a[0]))>::type());
}

// Some of the numbers of a vector, from kFirst on.
template <int kFirst, class V, int... kIndex>
NUMLOSS_INLINE auto part(V v, Indices<kIndex...>) {
  return __builtin_shufflevector(v, v, (kFirst + kIndex)...);
}

// Vectors with 16 bytes of every row, those of row i + kGroup * q in group q of vector i.
template <class T>
NUMLOSS_INLINE void load_groups(const T* from, int64_t step, Vector<T>* to) {
  constexpr int kSize = kGroup<T>, kCount = kStrip<T> / kSize;
  const auto group = [=](int row) { return load_vector<Vector<T, kSize>>(from + row * step); };
#pragma GCC unroll 4
  for (int i = 0; i < kSize; ++i) {
    if constexpr (kCount == 1) {
      to[i] = group(i);
    } else if constexpr (kCount == 2) {
      to[i] = join(group(i), group(i + kSize));
    } else {
      to[i] =
          join(join(group(i), group(i + kSize)), join(group(i + 2 * kSize), group(i + 3 * kSize)));
    }
  }
}

// The other way round.
template <class T>
NUMLOSS_INLINE void store_groups(const Vector<T>* from, T* to, int64_t step) {
  constexpr int kSize = kGroup<T>, kCount = kStrip<T> / kSize;
  const auto put = [=](int i, auto q) {
    store_vector(part<q.value * kSize>(from[i], typename UpTo<kSize>::type()),
                 to + (i + q.value * kSize) * step);
  };
#pragma GCC unroll 4
  for (int i = 0; i < kSize; ++i) {
    put(i, Constant<0>());
    if constexpr (kCount > 1) put(i, Constant<1>());
    if constexpr (kCount > 2) {
      put(i, Constant<2>());
      put(i, Constant<3>());
    }
  }
}

// A few classes of the rows of a strip: kGroup of them. Calls put(class, vector).
template <class T>
NUMLOSS_INLINE void load_few(const T* from, int64_t step, auto&& put) {
  Vector<T> rows[kGroup<T>], columns[kGroup<T>];
  load_groups(from, step, rows);
  transpose_groups<kStrip<T>, T>(rows, columns);
#pragma GCC unroll 4
  for (int c = 0; c < kGroup<T>; ++c) put(c, columns[c]);
}

template <class T>
NUMLOSS_INLINE void store_few(const T* strip, T* to, int64_t step) {
  Vector<T> rows[kGroup<T>], columns[kGroup<T>];
#pragma GCC unroll 4
  for (int c = 0; c < kGroup<T>; ++c) {
    columns[c] = load_vector<Vector<T>>(strip + c * kStrip<T>);
  }
  transpose_groups<kStrip<T>, T>(columns, rows);
  store_groups(rows, to, step);
}

// Numbers of class `kClass` of two, from pairs of rows 4q and 4q + 1, and of rows 4q + 2 and 4q
// + 3.
template <int kWidth, int kClass>
struct FromPairs {
  static constexpr int of(int i) { return i / 2 % 2 * kWidth + i / 4 * 4 + i % 2 * 2 + kClass; }
};

// The other way round: the pairs of the first or the last two rows of each four.
template <int kWidth, bool kLast>
struct ToPairs {
  static constexpr int of(int i) {
    return i % 2 * kWidth + i / 4 * 4 + i % 4 / 2 + (kLast ? 2 : 0);
  }
};

// Two classes of float32, whose pairs are moved as float64 is.
NUMLOSS_INLINE void load_pairs(const float* from, int64_t step, auto&& put) {
  constexpr int kWidth = kStrip<float>;
  using V = Vector<float>;
  using All = typename UpTo<kWidth>::type;
  Vector<double> first, last;
#pragma GCC unroll 8
  for (int i = 0; i < kWidth / 2; ++i) {
    const float* const row = from + (i / 2 * 4 + i % 2) * step;
    double x, y;
    __builtin_memcpy(&x, row, sizeof(x));
    __builtin_memcpy(&y, row + 2 * step, sizeof(y));
    first[i] = x;
    last[i] = y;
  }
  const V a = __builtin_bit_cast(V, first), b = __builtin_bit_cast(V, last);
  put(0, shuffle<FromPairs<kWidth, 0>>(a, b, All()));
  put(1, shuffle<FromPairs<kWidth, 1>>(a, b, All()));
}

NUMLOSS_INLINE void store_pairs(const float* strip, float* to, int64_t step) {
  constexpr int kWidth = kStrip<float>;
  using V = Vector<float>;
  using All = typename UpTo<kWidth>::type;
  const V a = load_vector<V>(strip), b = load_vector<V>(strip + kWidth);
  const auto first =
      __builtin_bit_cast(Vector<double>, shuffle<ToPairs<kWidth, false>>(a, b, All()));
  const auto last = __builtin_bit_cast(Vector<double>, shuffle<ToPairs<kWidth, true>>(a, b, All()));
#pragma GCC unroll 8
  for (int i = 0; i < kWidth / 2; ++i) {
    float* const row = to + (i / 2 * 4 + i % 2) * step;
    const double x = first[i], y = last[i];
    __builtin_memcpy(row, &x, sizeof(x));
    __builtin_memcpy(row + 2 * step, &y, sizeof(y));
  }
}

// One class.
template <class T>
NUMLOSS_INLINE void load_one(const T* from, int64_t step, auto&& put) {
  Vector<T> numbers;
#pragma GCC unroll 16
  for (int i = 0; i < kStrip<T>; ++i) numbers[i] = from[i * step];
  put(0, numbers);
}

template <class T>
NUMLOSS_INLINE void store_one(const T* strip, T* to, int64_t step) {
#pragma GCC unroll 16
  for (int i = 0; i < kStrip<T>; ++i) to[i * step] = strip[i];
}

// Calls square(c), few(c), pair(c) and one(c) for the classes of a strip; the last of a kind
// overlaps those before it.
template <class T>
NUMLOSS_INLINE void each_square(int64_t classes, auto&& square, auto&& few, auto&& pair,
                                auto&& one) {
  constexpr int kSquare = kStrip<T>, kFew = kGroup<T>;
  int64_t c = 0;
  for (; c + kSquare <= classes; c += kSquare) square(c);
  if (c == classes) return;
  if (classes >= kSquare && classes - c > kSquare - kFew) return square(classes - kSquare);
  if (classes >= kFew) {
    for (; c + kFew <= classes; c += kFew) few(c);
    if (c < classes) few(classes - kFew);
  } else if (classes == 1) {
    one(0);
  } else {  // two or three of float32
    pair(0);
    if (classes == 3) pair(1);
  }
}

// Rows to a strip. Returns the largest number of each; a NaN is passed over.
template <class T>
[[gnu::noinline, gnu::flatten]] Vector<T> load_strip(const T* from, int64_t step, int64_t classes,
                                                     T* strip) {
  using V = Vector<T>;
  constexpr int kSquare = kStrip<T>;
  // Two of them, each of every second class: they do not wait for each other.
  V best[2] = {V{} - Real<T>::kInfinity, V{} - Real<T>::kInfinity};
  const auto from_class = [&](int64_t first) {
    return [&, to = strip + first * kSquare](int c, V v) {
      store_vector(v, to + c * kSquare);
      best[c & 1] = v > best[c & 1] ? v : best[c & 1];
    };
  };
  each_square<T>(
      classes, [&](int64_t c) { transpose_square<kSquare>(from + c, step, from_class(c)); },
      [&](int64_t c) { load_few(from + c, step, from_class(c)); },
      [&](int64_t c) {
        if constexpr (sizeof(T) == 4) load_pairs(from + c, step, from_class(c));
      },
      [&](int64_t c) { load_one(from + c, step, from_class(c)); });
  return best[1] > best[0] ? best[1] : best[0];
}

template <class T>
[[gnu::noinline, gnu::flatten]] void store_strip(const T* strip, int64_t classes, T* to,
                                                 int64_t step) {
  constexpr int kSquare = kStrip<T>;
  each_square<T>(
      classes,
      [=](int64_t c) { transpose_square<kSquare>(strip + c * kSquare, kSquare, to + c, step); },
      [=](int64_t c) { store_few(strip + c * kSquare, to + c, step); },
      [=](int64_t c) {
        if constexpr (sizeof(T) == 4) store_pairs(strip + c * kSquare, to + c, step);
      },
      [=](int64_t c) { store_one(strip + c * kSquare, to + c, step); });
}

// Strips one behind the other, of rows that lie side by side, their classes `step` apart.
template <class T>
[[gnu::noinline]] void load_columns(const T* from, int64_t step, int64_t rows, int64_t classes,
                                    T* strips, T* maximum) {
  fill(-Real<T>::kInfinity, rows, maximum);
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t r = 0; r < rows; r += kStrip<T>) {
      const auto v = load_vector<Vector<T>>(from + c * step + r);
      const auto best = load_vector<Vector<T>>(maximum + r);
      store_vector(v, strips + r * classes + c * kStrip<T>);
      store_vector(v > best ? v : best, maximum + r);
    }
  }
}

template <class T>
[[gnu::noinline]] void store_columns(const T* strips, int64_t rows, int64_t classes, T* to,
                                     int64_t step) {
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t r = 0; r < rows; r += kStrip<T>) {
      store_vector(load_vector<Vector<T>>(strips + r * classes + c * kStrip<T>), to + c * step + r);
    }
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
