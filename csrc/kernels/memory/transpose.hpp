// Transposition, in squares that fit the registers.
#pragma once

#include "../../runtime/table.hpp"
#include "../arithmetic/vector.hpp"
#include "lines.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Element i of the result is element Choice::of(i) of a followed by b.
template <class Choice, class V, int... kIndex>
NUMLOSS_INLINE V shuffle(V a, V b, Indices<kIndex...>) {
  return __builtin_shufflevector(a, b, Choice::of(kIndex)...);
}

// The units, of so many elements, of a half of each group of kGroup elements of two vectors, in
// turns.
template <int kSide, int kGroup, int kUnit, bool kHigh>
struct Interleaved {
  static constexpr int of(int i) {
    const int unit = i % kGroup / kUnit;
    return unit % 2 * kSide + i / kGroup * kGroup + unit / 2 * kUnit + i % kUnit +
           (kHigh ? kGroup / 2 : 0);
  }
};

// Every second unit of a, then of b.
template <int kSide, int kUnit, bool kOdd>
struct Alternate {
  static constexpr int of(int i) { return i / kUnit * 2 * kUnit + (kOdd ? kUnit : 0) + i % kUnit; }
};

// Numbers that 16 bytes hold.
template <class T>
inline constexpr int kGroup = 16 / int(sizeof(T));

// kGroup vectors, whose every 16 bytes are a row of a square that stands among those of the others:
// all these squares, transposed where they stand.
template <int kSide, class T, class V>
NUMLOSS_INLINE void transpose_groups(const V* r, V* to) {
  using All = typename UpTo<kSide>::type;
  if constexpr (kGroup<T> == 4) {
    const V a = shuffle<Interleaved<kSide, 4, 1, false>>(r[0], r[1], All());
    const V b = shuffle<Interleaved<kSide, 4, 1, true>>(r[0], r[1], All());
    const V c = shuffle<Interleaved<kSide, 4, 1, false>>(r[2], r[3], All());
    const V d = shuffle<Interleaved<kSide, 4, 1, true>>(r[2], r[3], All());
    to[0] = shuffle<Interleaved<kSide, 4, 2, false>>(a, c, All());
    to[1] = shuffle<Interleaved<kSide, 4, 2, true>>(a, c, All());
    to[2] = shuffle<Interleaved<kSide, 4, 2, false>>(b, d, All());
    to[3] = shuffle<Interleaved<kSide, 4, 2, true>>(b, d, All());
  } else {
    to[0] = shuffle<Interleaved<kSide, 2, 1, false>>(r[0], r[1], All());
    to[1] = shuffle<Interleaved<kSide, 2, 1, true>>(r[0], r[1], All());
  }
}

// The shuffles that x86 has for wide vectors work within 16 bytes, or move 16 bytes as a whole:
// first 16 bytes wide squares are transposed where they stand, then they change places. Calls
// put(column, vector) for each.
template <int kSide, class T>
NUMLOSS_INLINE void transpose_square(const T* from, int64_t from_step, auto&& put) {
  using V = Vector<T, kSide>;
  using All = typename UpTo<kSide>::type;
  constexpr int kGroup = numloss::NUMLOSS_ISA::kGroup<T>, kGroups = kSide / kGroup;
  V r[kSide];
#pragma GCC unroll 16
  for (int i = 0; i < kSide; ++i) r[i] = load_vector<V>(from + i * from_step);
  V group[kSide];
#pragma GCC unroll 16
  for (int i = 0; i < kSide; i += kGroup) transpose_groups<kSide, T>(r + i, group + i);
#pragma GCC unroll 16
  for (int j = 0; j < kGroup; ++j) {
    const V* const x = group + j;
    if constexpr (kGroups == 1) {
      put(j, x[0]);
    } else if constexpr (kGroups == 2) {
      put(j, shuffle<Alternate<kSide, kGroup, false>>(x[0], x[kGroup], All()));
      put(j + kGroup, shuffle<Alternate<kSide, kGroup, true>>(x[0], x[kGroup], All()));
    } else {
      using Even = Alternate<kSide, kGroup, false>;
      using Odd = Alternate<kSide, kGroup, true>;
      const V p = shuffle<Even>(x[0], x[kGroup], All());
      const V q = shuffle<Odd>(x[0], x[kGroup], All());
      const V s = shuffle<Even>(x[2 * kGroup], x[3 * kGroup], All());
      const V t = shuffle<Odd>(x[2 * kGroup], x[3 * kGroup], All());
      put(j, shuffle<Even>(p, s, All()));
      put(j + kGroup, shuffle<Even>(q, t, All()));
      put(j + 2 * kGroup, shuffle<Odd>(p, s, All()));
      put(j + 3 * kGroup, shuffle<Odd>(q, t, All()));
    }
  }
}

template <int kSide, class T>
NUMLOSS_INLINE void transpose_square(const T* from, int64_t from_step, T* to, int64_t to_step) {
  transpose_square<kSide>(from, from_step,
                          [=](int column, auto v) { store_vector(v, to + column * to_step); });
}

// The largest squares that fit the registers, and those for what whole lines of memory leave over.
template <class T>
inline constexpr int kSide = kVectorBytes / int(sizeof(T));
template <class T>
inline constexpr int kSmallSide = kSide<T> < 4 ? kSide<T> : 4;

// Small squares; the last of a row or column overlap those before, which writes the same elements
// twice.
template <class T>
NUMLOSS_INLINE void transpose_strip(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                    T* to, int64_t to_step) {
  constexpr int kStep = kSmallSide<T>;
  for (int64_t c = 0; c < columns; c += kStep) {
    const int64_t column = c < columns - kStep ? c : columns - kStep;
    const T* x = from + column;
    T* y = to + column * to_step;
    for (int64_t r = kStep; r <= rows; r += kStep, x += kStep * from_step, y += kStep) {
      transpose_square<kStep>(x, from_step, y, to_step);
    }
    const int64_t over = rows % kStep == 0 ? 0 : kStep - rows % kStep;
    if (over != 0) transpose_square<kStep>(x - over * from_step, from_step, y - over, to_step);
  }
}

template <class T>
NUMLOSS_INLINE void transpose_lines(const T* from, int64_t from_step, T* to, int64_t to_step) {
  constexpr int kStep = kSide<T>;
  for (int r = 0; r < kLine<T>; r += kStep) {
    for (int c = 0; c < kLine<T>; c += kStep) {
      transpose_square<kStep>(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
    }
  }
}

// to[c * kRows + r] = from[r * from_step + c].
template <int kRows, class T>
NUMLOSS_INLINE void interleave(const T* from, int64_t from_step, int64_t columns, T* to) {
#pragma omp simd
  for (int64_t c = 0; c < columns; ++c) {
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) to[c * kRows + r] = from[r * from_step + c];
  }
}

// to[c * to_step + r] = from[r * kColumns + c].
template <int kColumns, class T>
NUMLOSS_INLINE void deinterleave(const T* from, int64_t rows, T* to, int64_t to_step) {
#pragma omp simd
  for (int64_t r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) to[c * to_step + r] = from[r * kColumns + c];
  }
}

// Fewer rows or columns than a square has.
template <class T>
void transpose_narrow(const T* from, int64_t from_step, int64_t rows, int64_t columns, T* to,
                      int64_t to_step) {
  if (rows == to_step && rows == 2) return interleave<2>(from, from_step, columns, to);
  if (rows == to_step && rows == 3) return interleave<3>(from, from_step, columns, to);
  if (columns == from_step && columns == 2) return deinterleave<2>(from, rows, to, to_step);
  if (columns == from_step && columns == 3) return deinterleave<3>(from, rows, to, to_step);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * to_step + r] = from[r * from_step + c];
  }
}

// to[c * to_step + r] = from[r * from_step + c]. In blocks of whole lines, so that a line is used
// up while it is in the cache, even where all lines fall into one set of it; along the lines of the
// array whose lines lie further apart, which are likelier to be far from the cache.
template <class T>
NUMLOSS_INLINE void transpose_blocks(const T* from, int64_t from_step, int64_t rows,
                                     int64_t columns, T* to, int64_t to_step) {
  constexpr int kLeast = kSmallSide<T>;
  if (rows < kLeast || columns < kLeast) {
    return transpose_narrow(from, from_step, rows, columns, to, to_step);
  }
  const int64_t whole_rows = rows - rows % kLine<T>, whole_columns = columns - columns % kLine<T>;
  if (to_step > from_step) {
    for (int64_t c = 0; c < whole_columns; c += kLine<T>) {
      for (int64_t r = 0; r < whole_rows; r += kLine<T>) {
        transpose_lines(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
      }
    }
  } else {
    for (int64_t r = 0; r < whole_rows; r += kLine<T>) {
      for (int64_t c = 0; c < whole_columns; c += kLine<T>) {
        transpose_lines(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
      }
    }
  }
  if (whole_rows < rows) {
    const int64_t r = whole_rows < rows - kLeast ? whole_rows : rows - kLeast;
    transpose_strip(from + r * from_step, from_step, rows - r, columns, to + r, to_step);
  }
  if (whole_columns < columns && whole_rows > 0) {
    const int64_t c = whole_columns < columns - kLeast ? whole_columns : columns - kLeast;
    transpose_strip(from + c, from_step, whole_rows, columns - c, to + c * to_step, to_step);
  }
}

}  // namespace

// Compiled apart for the blocks of planes.cpp, whose step is a constant: from one, and to one.
template <class T>
[[gnu::noinline]] void transpose(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                 T* to, int64_t to_step) {
  if (to_step == kLanes) return transpose_blocks(from, from_step, rows, columns, to, kLanes);
  if (from_step == kLanes) return transpose_blocks(from, kLanes, rows, columns, to, to_step);
  transpose_blocks(from, from_step, rows, columns, to, to_step);
}

}  // namespace numloss::NUMLOSS_ISA
