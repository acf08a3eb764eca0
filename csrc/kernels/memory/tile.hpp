// Tiles: loading one, whatever dtype, stride or byte order, and storing it. Compiled once per
// instruction set, not once per loss.
#pragma once

#include "dtype.hpp"
#include "transpose.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Can elements at `from`, `stride` bytes apart, be read and written where they lie as elements of
// T?
template <class T>
bool is_native(const Operand& operand, const char* from, int64_t stride) {
  return operand.dtype == DTypeOf<T>::value && !operand.swapped &&
         stride % int64_t(sizeof(T)) == 0 && reinterpret_cast<uintptr_t>(from) % alignof(T) == 0;
}

// Can they be used as an array of T?
template <class T>
bool in_place(const Operand& operand, const char* from, int64_t stride) {
  return stride == int64_t(sizeof(T)) && is_native<T>(operand, from, stride);
}

// to[i] = from[i * kStep], and the other way round. Constant steps vectorise.
template <int kStep, class S, class T>
NUMLOSS_INLINE void widen_steps(const S* from, int64_t n, T* to) {
  const int64_t done = kStep == 1 ? widen_vectors(from, n, to) : 0, left = n - done;
  from += done;
  to += done;
#pragma omp simd
  for (int64_t i = 0; i < left; ++i) to[i] = T(widen(from[i * kStep]));
}

template <int kStep, class S, class T>
NUMLOSS_INLINE void narrow_steps(const T* from, int64_t n, S* to) {
  const int64_t done = kStep == 1 ? narrow_vectors(from, n, to) : 0, left = n - done;
  from += done;
  to += done;
#pragma omp simd
  for (int64_t i = 0; i < left; ++i) to[i * kStep] = narrow<S>(from[i]);
}

template <int kCount>
struct Backwards {
  static constexpr int of(int i) { return kCount - 1 - i; }
};

// to[-i] = from[i], which compilers do one by one where the arrays might overlap.
template <class T>
NUMLOSS_INLINE void copy_backwards(const T* from, int64_t n, T* to) {
  constexpr int kCount = kSide<T>;
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    const auto v = load_vector<Vector<T>>(from + i);
    const auto turned = shuffle<Backwards<kCount>>(v, v, typename UpTo<kCount>::type());
    __builtin_memcpy(to - i - (kCount - 1), &turned, sizeof(turned));
  }
  for (; i < n; ++i) to[-i] = from[i];
}

template <class T>
void fill(T x, int64_t n, T* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = x;
}

// n elements, `stride` bytes apart, into `to`.
template <class T>
[[gnu::noinline]] void copy_in(const Operand& operand, const char* from, int64_t stride, int64_t n,
                               T* to) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    const S* const x = reinterpret_cast<const S*>(from);
    const bool aligned = reinterpret_cast<uintptr_t>(from) % alignof(S) == 0;
    const int64_t step = aligned && !operand.swapped ? stride : 0;
    if (stride == 0 && n > 0) return fill(T(widen(read<S>(from, operand.swapped))), n, to);
    switch (step / int64_t(sizeof(S)) * (step % int64_t(sizeof(S)) == 0)) {
      case 1:
        return each_piece(
            operand.exceeds_cache, n,
            [&](int64_t first, int64_t count) { widen_steps<1>(x + first, count, to + first); }, x);
      case 2: return widen_steps<2>(x, n, to);
      case 3: return widen_steps<3>(x, n, to);
      case 4: return widen_steps<4>(x, n, to);
      case -1: return widen_steps<-1>(x, n, to);
    }
    for (int64_t i = 0; i < n; ++i) to[i] = T(widen(read<S>(from + i * stride, operand.swapped)));
  });
}

// n elements of `from` out to an output array, `stride` bytes apart.
template <class T>
[[gnu::noinline]] void copy_out(const Operand& operand, char* to, int64_t stride, int64_t n,
                                const T* from) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    if constexpr (__is_same(S, float) || __is_same(S, double) || __is_same(S, Half) ||
                  __is_same(S, Bfloat)) {
      S* const x = reinterpret_cast<S*>(to);
      const bool aligned = reinterpret_cast<uintptr_t>(to) % alignof(S) == 0;
      const int64_t step = aligned && !operand.swapped ? stride : 0;
      switch (step / int64_t(sizeof(S)) * (step % int64_t(sizeof(S)) == 0)) {
        case 1: return narrow_steps<1>(from, n, x);
        case 2: return narrow_steps<2>(from, n, x);
        case -1:
          if constexpr (__is_same(S, T)) return copy_backwards(from, n, x);
          return narrow_steps<-1>(from, n, x);
      }
      for (int64_t i = 0; i < n; ++i) {
        S y = narrow<S>(from[i]);
        if (operand.swapped) y = read<S>(reinterpret_cast<const char*>(&y), true);
        __builtin_memcpy(to + i * stride, &y, sizeof(S));
      }
    }
  });
}

inline int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

// A plane of an array: `rows` rows and `columns` columns, strides in bytes.
struct Plane {
  int64_t rows, row_stride, columns, column_stride;
  Plane transposed() const { return {columns, column_stride, rows, row_stride}; }
  // Do neighbours in memory lie in a column, and are they enough to be worth a call?
  bool by_columns() const { return magnitude(row_stride) < magnitude(column_stride) && rows >= 16; }
};

// Calls f(row, rows, column, columns, buffer) for blocks of a plane that lies by columns, with
// memory for one, [columns][kBlockRows], between the array and where its numbers go or come from.
inline constexpr int64_t kBlockRows = 64, kBlockColumns = 16;
template <class T>
NUMLOSS_INLINE void each_block_of(const Plane& plane, auto&& f) {
  alignas(64) T buffer[kBlockColumns * kBlockRows];
  for (int64_t c = 0; c < plane.columns; c += kBlockColumns) {
    const int64_t columns = plane.columns - c < kBlockColumns ? plane.columns - c : kBlockColumns;
    for (int64_t r = 0; r < plane.rows; r += kBlockRows) {
      f(r, plane.rows - r < kBlockRows ? plane.rows - r : kBlockRows, c, columns, buffer);
    }
  }
}

// A plane that lies by columns, of numbers that have to be converted. (Apart, for the size of the
// frame.)
template <class T>
[[gnu::noinline]] void load_columns(const Operand& operand, const char* from, const Plane& plane,
                                    T* to, int64_t step) {
  each_block_of<T>(plane, [&](int64_t r, int64_t rows, int64_t c, int64_t columns, T* buffer) {
    const char* const block = from + r * plane.row_stride + c * plane.column_stride;
    for (int64_t k = 0; k < columns; ++k) {
      copy_in(operand, block + k * plane.column_stride, plane.row_stride, rows,
              buffer + k * kBlockRows);
    }
    transpose(buffer, kBlockRows, columns, rows, to + r * step + c, step);
  });
}

template <class T>
[[gnu::noinline]] void store_columns(const Operand& operand, char* to, const Plane& plane,
                                     const T* from, int64_t step) {
  each_block_of<T>(plane, [&](int64_t r, int64_t rows, int64_t c, int64_t columns, T* buffer) {
    char* const block = to + r * plane.row_stride + c * plane.column_stride;
    transpose(from + r * step + c, step, rows, columns, buffer, kBlockRows);
    for (int64_t k = 0; k < columns; ++k) {
      copy_out(operand, block + k * plane.column_stride, plane.row_stride, rows,
               buffer + k * kBlockRows);
    }
  });
}

// to[r * to_step + c] = from[r * from_step + c].
template <class T>
[[gnu::noinline]] void copy_rows(const T* from, int64_t from_step, int64_t rows, int64_t columns,
                                 T* to, int64_t to_step) {
  for (int64_t r = 0; r < rows; ++r) {
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) to[r * to_step + c] = from[r * from_step + c];
  }
}

// Element (r, c) of the plane at `from` into to[r * step + c].
template <class T>
void load_plane(const Operand& operand, const char* from, const Plane& plane, T* to, int64_t step) {
  const bool rows = is_native<T>(operand, from, plane.row_stride);
  const bool columns = is_native<T>(operand, from, plane.column_stride);
  if (rows && columns && plane.column_stride == int64_t(sizeof(T))) {
    copy_rows(reinterpret_cast<const T*>(from), plane.row_stride / int64_t(sizeof(T)), plane.rows,
              plane.columns, to, step);
  } else if (rows && columns && plane.row_stride == int64_t(sizeof(T))) {
    transpose(reinterpret_cast<const T*>(from), plane.column_stride / int64_t(sizeof(T)),
              plane.columns, plane.rows, to, step);
  } else if (plane.row_stride == plane.columns * plane.column_stride && step == plane.columns) {
    copy_in(operand, from, plane.column_stride, plane.rows * plane.columns, to);
  } else if (plane.by_columns()) {
    load_columns(operand, from, plane, to, step);
  } else {
    for (int64_t r = 0; r < plane.rows; ++r) {
      copy_in(operand, from + r * plane.row_stride, plane.column_stride, plane.columns,
              to + r * step);
    }
  }
}

// The other way round.
template <class T>
void store_plane(const Operand& operand, char* to, const Plane& plane, const T* from,
                 int64_t step) {
  const bool rows = is_native<T>(operand, to, plane.row_stride);
  const bool columns = is_native<T>(operand, to, plane.column_stride);
  if (rows && columns && plane.column_stride == int64_t(sizeof(T))) {
    copy_rows(from, step, plane.rows, plane.columns, reinterpret_cast<T*>(to),
              plane.row_stride / int64_t(sizeof(T)));
  } else if (rows && columns && plane.row_stride == int64_t(sizeof(T))) {
    transpose(from, step, plane.rows, plane.columns, reinterpret_cast<T*>(to),
              plane.column_stride / int64_t(sizeof(T)));
  } else if (plane.row_stride == plane.columns * plane.column_stride && step == plane.columns) {
    copy_out(operand, to, plane.column_stride, plane.rows * plane.columns, from);
  } else if (plane.by_columns()) {
    store_columns(operand, to, plane, from, step);
  } else {
    for (int64_t r = 0; r < plane.rows; ++r) {
      copy_out(operand, to + r * plane.row_stride, plane.column_stride, plane.columns,
               from + r * step);
    }
  }
}

// Walks the examples of a block in C order, whatever the arrays' layout: runs along the innermost
// dimension, in which every operand has one stride.
class Examples {
 public:
  Examples(const Task& task, int64_t begin) : task_(&task) {
    for (int d = task.ndim - 1; d >= 0; --d) {
      index_[d] = begin % task.shape[d];
      begin /= task.shape[d];
    }
  }

  // Examples left in the current run.
  int64_t run() const {
    return task_->ndim == 0 ? 1 : task_->shape[task_->ndim - 1] - index_[task_->ndim - 1];
  }

  char* address(const Operand& operand) const {
    int64_t offset = 0;
    for (int d = 0; d < task_->ndim; ++d) offset += index_[d] * operand.strides[d];
    return operand.data + offset;
  }

  int64_t stride(const Operand& operand) const {
    return task_->ndim == 0 ? 0 : operand.strides[task_->ndim - 1];
  }

  int64_t index(int dimension) const { return index_[dimension]; }

  void advance(int64_t n) {
    for (int d = task_->ndim - 1; d >= 0; --d) {
      index_[d] += n;
      if (d == 0 || index_[d] < task_->shape[d]) return;
      n = index_[d] / task_->shape[d];
      index_[d] %= task_->shape[d];
    }
  }

 private:
  const Task* task_;
  int64_t index_[kMaxDims];
};

// Calls f(from, to, partial) for what of each block lies in [begin, end). False: it has met
// something bad, and went no further.
bool each_block(const Blocks& blocks, int64_t begin, int64_t end, auto&& f) {
  int64_t block = (begin - blocks.begin) / blocks.length;
  int64_t next = blocks.begin + block * blocks.length;
  for (Partial* partial = blocks.partials + block; begin < end; begin = next, ++partial) {
    next += blocks.length;
    // A copy meanwhile: neighbours share a line of memory with other threads' partials.
    Partial sums = *partial;
    f(begin, next < end ? next : end, sums);
    *partial = sums;
    if (sums.bad) return false;
  }
  return true;
}

// The next n examples of an operand as an array of T: where they lie, or gathered into buffer.
template <class T>
const T* load(const Operand& operand, const Examples& from, int64_t n, T* buffer) {
  const char* address = from.address(operand);
  if (from.run() >= n && in_place<T>(operand, address, from.stride(operand))) {
    return reinterpret_cast<const T*>(address);
  }
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    copy_in(operand, at.address(operand), at.stride(operand), run, buffer + done);
    at.advance(run);
    done += run;
  }
  return buffer;
}

// Where the next n examples of an output may be written as T: in the array itself, or in buffer,
// which store() then takes out. (Apart: GCC would make vectors of the sums of an address.)
template <class T>
[[gnu::noinline]] T* destination(const Operand& operand, const Examples& at, int64_t n, T* buffer) {
  char* address = at.address(operand);
  const bool direct = at.run() >= n && in_place<T>(operand, address, at.stride(operand));
  return direct ? reinterpret_cast<T*>(address) : buffer;
}

template <class T>
void store(const Operand& operand, const Examples& to, int64_t n, const T* from) {
  if (reinterpret_cast<const char*>(from) == to.address(operand)) return;
  Examples at = to;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    copy_out(operand, at.address(operand), at.stride(operand), run, from + done);
    at.advance(run);
    done += run;
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
