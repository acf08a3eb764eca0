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
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = T(widen(from[i * kStep]));
}

template <int kStep, class S, class T>
NUMLOSS_INLINE void narrow_steps(const T* from, int64_t n, S* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i * kStep] = narrow<S>(from[i]);
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

// n elements, `stride` bytes apart, into `to`.
template <class T>
[[gnu::noinline]] void copy_in(const Operand& operand, const char* from, int64_t stride, int64_t n,
                               T* to) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    const S* const x = reinterpret_cast<const S*>(from);
    const bool aligned = reinterpret_cast<uintptr_t>(from) % alignof(S) == 0;
    const int64_t step = aligned && !operand.swapped ? stride : 0;
    switch (step / int64_t(sizeof(S)) * (step % int64_t(sizeof(S)) == 0)) {
      case 1:
        return each_piece(
            operand.streams, n,
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

// A plane of an array: `rows` rows and `columns` columns, strides in bytes.
struct Plane {
  int64_t rows, row_stride, columns, column_stride;
  Plane transposed() const { return {columns, column_stride, rows, row_stride}; }
};

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
  } else {
    for (int64_t r = 0; r < plane.rows; ++r) {
      copy_out(operand, to + r * plane.row_stride, plane.column_stride, plane.columns,
               from + r * step);
    }
  }
}

inline int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

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

  // n <= run().
  void advance(int64_t n) {
    int d = task_->ndim - 1;
    if (d < 0) return;
    index_[d] += n;
    while (d > 0 && index_[d] == task_->shape[d]) {
      index_[d] = 0;
      ++index_[--d];
    }
  }

 private:
  const Task* task_;
  int64_t index_[kMaxDims];
};

inline void advance(Examples& at, int64_t n) {
  while (n > 0) {
    const int64_t run = at.run() < n ? at.run() : n;
    at.advance(run);
    n -= run;
  }
}

// Calls f(from, to, partial) for what of each block lies in [begin, end). False: it has met
// something bad, and went no further.
bool each_block(const Blocks& blocks, int64_t begin, int64_t end, auto&& f) {
  int64_t block = (begin - blocks.begin) / blocks.length;
  int64_t next = blocks.begin + block * blocks.length;
  for (Partial* partial = blocks.partials + block; begin < end; begin = next, ++partial) {
    next += blocks.length;
    f(begin, next < end ? next : end, *partial);
    if (partial->bad) return false;
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
// which store() then takes out.
template <class T>
T* destination(const Operand& operand, const Examples& at, int64_t n, T* buffer) {
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
