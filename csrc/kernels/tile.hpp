// Tiles: loading one, whatever dtype, stride or byte order, and storing it. Compiled once per
// instruction set, not once per loss.
#pragma once

#include "dtype.hpp"

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

// n elements, `stride` bytes apart, into `to`, `step` elements apart.
template <class T>
[[gnu::noinline]] void copy_in(const Operand& operand, const char* from, int64_t stride, int64_t n,
                               T* to, int64_t step) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    const bool aligned = reinterpret_cast<uintptr_t>(from) % alignof(S) == 0;
    if (operand.swapped) {
      for (int64_t i = 0; i < n; ++i) to[i * step] = T(widen(read<S>(from + i * stride, true)));
    } else if (stride == int64_t(sizeof(S)) && step == 1 && aligned) {
      const S* const x = reinterpret_cast<const S*>(from);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) to[i] = T(widen(x[i]));
    } else {
      for (int64_t i = 0; i < n; ++i) to[i * step] = T(widen(read<S>(from + i * stride, false)));
    }
  });
}

// n elements of `from`, `step` apart, out to an output array.
template <class T>
[[gnu::noinline]] void copy_out(const Operand& operand, char* to, int64_t stride, int64_t n,
                                const T* from, int64_t step) {
  with_type(operand.dtype, [&](auto zero) {
    using S = decltype(zero);
    if constexpr (__is_same(S, float) || __is_same(S, double) || __is_same(S, Half) ||
                  __is_same(S, Bfloat)) {
      const bool aligned = reinterpret_cast<uintptr_t>(to) % alignof(S) == 0;
      if (stride == int64_t(sizeof(S)) && step == 1 && aligned && !operand.swapped) {
        S* const x = reinterpret_cast<S*>(to);
#pragma omp simd
        for (int64_t i = 0; i < n; ++i) x[i] = narrow<S>(from[i]);
      } else {
        for (int64_t i = 0; i < n; ++i) {
          S x = narrow<S>(from[i * step]);
          if (operand.swapped) x = read<S>(reinterpret_cast<const char*>(&x), true);
          __builtin_memcpy(to + i * stride, &x, sizeof(S));
        }
      }
    }
  });
}

// Walks the examples of a block in C order, whatever the arrays' layout: runs along the innermost
// dimension, in which every operand has one stride.
class Examples {
 public:
  Examples(const Task& task, int64_t begin) : task_(task) {
    for (int d = task.ndim - 1; d >= 0; --d) {
      index_[d] = begin % task.shape[d];
      begin /= task.shape[d];
    }
  }

  // Examples left in the current run.
  int64_t run() const {
    return task_.ndim == 0 ? 1 : task_.shape[task_.ndim - 1] - index_[task_.ndim - 1];
  }

  char* address(const Operand& operand) const {
    int64_t offset = 0;
    for (int d = 0; d < task_.ndim; ++d) offset += index_[d] * operand.strides[d];
    return operand.data + offset;
  }

  int64_t stride(const Operand& operand) const {
    return task_.ndim == 0 ? 0 : operand.strides[task_.ndim - 1];
  }

  // n <= run().
  void advance(int64_t n) {
    int d = task_.ndim - 1;
    if (d < 0) return;
    index_[d] += n;
    while (d > 0 && index_[d] == task_.shape[d]) {
      index_[d] = 0;
      ++index_[--d];
    }
  }

 private:
  const Task& task_;
  int64_t index_[kMaxDims];
};

inline void advance(Examples& at, int64_t n) {
  while (n > 0) {
    const int64_t run = at.run() < n ? at.run() : n;
    at.advance(run);
    n -= run;
  }
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
    copy_in(operand, at.address(operand), at.stride(operand), run, buffer + done, 1);
    at.advance(run);
    done += run;
  }
  return buffer;
}

// Is a weight negative or infinite? A NaN comes out as NaN.
inline bool outside_weights(const double* weight, int64_t n) {
  int bad = 0;
#pragma omp simd reduction(| : bad)
  for (int64_t i = 0; i < n; ++i) {
    bad |= int((weight[i] < 0.0) | (weight[i] == Real<double>::kInfinity));
  }
  return bad != 0;
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
    copy_out(operand, at.address(operand), at.stride(operand), run, from + done, 1);
    at.advance(run);
    done += run;
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
