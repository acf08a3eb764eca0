// Layouts in which neighbours of an array lie far apart: some examples at a time are copied, plane
// by plane so that a line of memory serves several of them, and worked on as if they lay side by
// side.
#pragma once

#include "tile.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Does an operand walk through the examples with a single stride?
inline bool is_flat(const Task& task, const Operand& operand) {
  for (int d = 1; d < task.ndim; ++d) {
    if (operand.strides[d - 1] != operand.strides[d] * task.shape[d]) return false;
  }
  return true;
}

// Do the classes of a row lie further apart than rows do?
inline bool is_scattered(const Task& task, const Operand& operand) {
  if (task.ndim == 0) return false;
  const int64_t row = operand.strides[task.ndim - 1], next = operand.class_stride;
  return row != 0 && magnitude(row) < magnitude(next);
}

// Bytes of the copies that a thread makes at a time, at most: 16 rows of the logits of a language
// model. More than the second cache holds, but lines that are read once instead of many times.
inline constexpr int64_t kStagedBytes = 4 << 20;

// Calls f with address and shape of each plane that the next n rows of classes of an operand are
// made of, `width` numbers a row, with the place of its first number among them and the step from
// one of its rows to the next.
void each_plane_of_rows(const Operand& operand, Examples at, int64_t n, int64_t width, auto&& f) {
  for (int64_t done = 0; done < n;) {
    const int64_t rows = at.run() < n - done ? at.run() : n - done;
    f(at.address(operand), Plane{rows, at.stride(operand), width, operand.class_stride},
      done * width, width);
    at.advance(rows);
    done += rows;
  }
}

// The elements of a task's dimensions from `dimension` on.
inline int64_t elements_from(const Task& task, int dimension) {
  int64_t elements = 1;
  for (int d = dimension; d < task.ndim; ++d) elements *= task.shape[d];
  return elements;
}

// The dimension along which an operand's neighbours in memory lie; the last but one where that is
// the last.
inline int nearest_dimension(const Task& task, const Operand& operand) {
  int nearest = task.ndim - 1;
  for (int d = task.ndim - 2; d >= 0; --d) {
    const int64_t stride = magnitude(operand.strides[d]);
    if (stride != 0 && stride < magnitude(operand.strides[nearest])) nearest = d;
  }
  return nearest < task.ndim - 1 ? nearest : task.ndim - 2;
}

// Bytes from the first element of a task's dimensions from `dimension` on to element i of them.
inline int64_t offset_from(const Task& task, const Operand& operand, int dimension, int64_t i) {
  int64_t offset = 0;
  for (int d = task.ndim - 1; d >= dimension; i /= task.shape[d--]) {
    offset += i % task.shape[d] * operand.strides[d];
  }
  return offset;
}

// The same for the next n single numbers of at least two dimensions: planes of the last dimension
// and of that along which the operand lies, whose rows are numbered from the first that is begun.
// Where they begin and end within a row, up to three groups of columns have different rows.
void each_plane_of_numbers(const Task& task, const Operand& operand, Examples at, int64_t n,
                           auto&& f) {
  const int last = task.ndim - 1, near = nearest_dimension(task, operand);
  const int64_t columns = elements_from(task, near + 1), row_stride = operand.strides[near];
  for (int64_t done = 0; done < n;) {
    int64_t begin = 0;
    for (int d = near + 1; d <= last; ++d) begin = begin * task.shape[d] + at.index(d);
    const int64_t left = (task.shape[near] - at.index(near)) * columns - begin;
    const int64_t taken = left < n - done ? left : n - done;
    const int64_t rows = (begin + taken) / columns, rest = (begin + taken) % columns;
    const int64_t cut[] = {0, begin < rest ? begin : rest, begin < rest ? rest : begin, columns};
    char* const row = at.address(operand) - offset_from(task, operand, near + 1, begin);
    for (int k = 0; k < 3; ++k) {
      const int64_t top = cut[k] < begin ? 1 : 0, bottom = cut[k] < rest ? rows + 1 : rows;
      for (int64_t c = cut[k]; c < cut[k + 1] && top < bottom;) {
        const int64_t run = task.shape[last] - c % task.shape[last];
        const int64_t width = run < cut[k + 1] - c ? run : cut[k + 1] - c;
        f(row + top * row_stride + offset_from(task, operand, near + 1, c),
          Plane{bottom - top, row_stride, width, operand.strides[last]},
          done + top * columns + c - begin, columns);
        c += width;
      }
    }
    at.advance(taken);
    done += taken;
  }
}

void each_plane(const Task& task, const Operand& operand, const Examples& at, int64_t n,
                int64_t width, auto&& f) {
  if (width > 1) {
    each_plane_of_rows(operand, at, n, width, f);
  } else {
    each_plane_of_numbers(task, operand, at, n, f);
  }
}

// The next n examples of an operand, copied in C order.
template <class T>
void gather(const Task& task, const Operand& operand, const Examples& at, int64_t n, int64_t width,
            T* to) {
  each_plane(task, operand, at, n, width,
             [&](const char* from, const Plane& plane, int64_t place, int64_t step) {
               load_plane(operand, from, plane, to + place, step);
             });
}

template <class T>
void scatter(const Task& task, const Operand& operand, const Examples& at, int64_t n, int64_t width,
             const T* from) {
  each_plane(task, operand, at, n, width,
             [&](char* to, const Plane& plane, int64_t place, int64_t step) {
               store_plane(operand, to, plane, from + place, step);
             });
}

// A few examples of a task as a task of their own, with copies of some operands: those that are not
// copied walk through these examples with a single stride.
template <class T>
class Staging {
 public:
  // `width`: numbers that an example has in an operand with classes.
  Staging(const Task& task, Roles copied, int64_t width, char* scratch)
      : task_(task),
        copied_(task.present & copied),
        staged_(task),
        width_(width),
        scratch_(scratch) {
    staged_.ndim = 1;
  }

  // Scratch for so many numbers of each operand that is copied.
  static int64_t bytes(const Task& task, Roles copied, int64_t numbers) {
    const Roles own = (task.present & copied) - replacing(task, copied);
    const int wide = (own & kAlwaysFloat64).count(), others = (own - kAlwaysFloat64).count();
    return numbers * (wide * int64_t(sizeof(double)) + others * int64_t(sizeof(T)));
  }

  // The next n examples.
  const Task& load(const Examples& at, int64_t n) {
    staged_.size = staged_.shape[0] = n;
    for (const int role : task_.present) {
      staged_[role].data = at.address(task_[role]);
      staged_[role].strides[0] = at.stride(task_[role]);
    }
    const Roles replacing_heads = replacing(task_, copied_), own = copied_ - replacing_heads;
    char* next = scratch_;
    for (const int role : (own & kAlwaysFloat64)) next = stage<double>(role, at, n, next);
    for (const int role : own - kAlwaysFloat64) next = stage<T>(role, at, n, next);
    for (const int role : replacing_heads) {
      staged_[role].data = staged_[role - kGradients + kHeads].data;
      describe<T>(staged_[role]);
    }
    return staged_;
  }

  // Takes the results of those examples out.
  void store(const Examples& at, int64_t n) const {
    for (const int role : (copied_ & kOutputs)) {
      const char* const copy = staged_[role].data;
      if (kAlwaysFloat64.has(role)) {
        scatter(task_, task_[role], at, n, width_, reinterpret_cast<const double*>(copy));
      } else {
        scatter(task_, task_[role], at, n, width_, reinterpret_cast<const T*>(copy));
      }
    }
  }

 private:
  static constexpr Roles kAlwaysFloat64 = roles(kWeight) | roles(kWeights);

  // The gradients whose copies are written over those of their heads.
  static Roles replacing(const Task& task, Roles copied) {
    if (task.mode & kHessian) return {0};
    const Roles theirs{(task.present & copied).bits << (kGradients - kHeads)};
    return task.present & copied & theirs & roles(kGradients, kMaxHeads);
  }

  // Makes room for the copy of an operand at `next`, copies an input, and returns the end of it.
  template <class S>
  char* stage(int role, const Examples& at, int64_t n, char* next) {
    S* const copy = reinterpret_cast<S*>(next);
    if (kInputs.has(role)) gather(task_, task_[role], at, n, width_, copy);
    staged_[role].data = next;
    describe<S>(staged_[role]);
    return next + n * width_ * int64_t(sizeof(S));
  }

  template <class S>
  void describe(Operand& staged) const {
    staged.exceeds_cache = false;
    staged.dtype = DTypeOf<S>::value;
    staged.swapped = false;
    staged.class_stride = sizeof(S);
    staged.strides[0] = width_ * int64_t(sizeof(S));
  }

  const Task& task_;
  const Roles copied_;
  Task staged_;
  const int64_t width_;
  char* const scratch_;
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
