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
  if (operand.data == nullptr || task.ndim == 0) return false;
  const int64_t row = operand.strides[task.ndim - 1], next = operand.class_stride;
  return row != 0 && (row < 0 ? -row : row) < (next < 0 ? -next : next);
}

// Calls f with address and shape of each plane that the next n examples of an operand are made of,
// `width` numbers an example, and with the place of its first number among them.
void each_plane(const Operand& operand, Examples at, int64_t n, int64_t width, auto&& f) {
  for (int64_t place = 0; place < n * width;) {
    const Plane plane = at.plane(operand, n - place / width, width);
    f(at.address(operand), plane, place);
    place += plane.rows * plane.columns;
    advance(at, plane.rows * plane.columns / width);
  }
}

// The next n examples of an operand, copied in C order.
template <class T>
void gather(const Operand& operand, const Examples& at, int64_t n, int64_t width, T* to) {
  each_plane(operand, at, n, width, [&](const char* from, const Plane& plane, int64_t place) {
    load_plane(operand, from, plane, to + place, plane.columns);
  });
}

template <class T>
void scatter(const Operand& operand, const Examples& at, int64_t n, int64_t width, const T* from) {
  each_plane(operand, at, n, width, [&](char* to, const Plane& plane, int64_t place) {
    store_plane(operand, to, plane, from + place, plane.columns);
  });
}

// A few examples of a task as a task of their own, with copies of some operands.
template <class T>
class Staging {
 public:
  // `width`: numbers that an example has in an operand with classes.
  Staging(const Task& task, int64_t width, char* scratch)
      : task_(task), staged_(task), width_(width), scratch_(scratch) {
    staged_.ndim = 1;
  }

  // Scratch for so many numbers of each operand that is copied.
  static int64_t bytes(const Task& task, int64_t numbers, auto&& copied) {
    const auto is_copied = [&](const Operand& operand) {
      return operand.data != nullptr && copied(operand);
    };
    const Operand* operands[] = {&task.prediction, &task.target, &task.value, &task.gradient,
                                 &task.hessian};
    int64_t size = is_copied(task.weight) ? int64_t(sizeof(double)) : 0;
    for (const Operand* operand : operands) size += is_copied(*operand) ? int64_t(sizeof(T)) : 0;
    return numbers * size;
  }

  // The next n examples. `copied` tells of an operand whether it is copied; those that are not walk
  // through these examples with a single stride.
  const Task& load(const Examples& at, int64_t n, auto&& copied) {
    staged_.size = staged_.shape[0] = n;
    char* next = scratch_;
    const auto stage = [&](const Operand& operand, Operand& staged, auto zero, bool is_input) {
      using S = decltype(zero);
      if (operand.data == nullptr) return;
      staged.data = at.address(operand);
      staged.strides[0] = at.stride(operand);
      if (!copied(operand)) return;
      S* const copy = reinterpret_cast<S*>(next);
      next += n * width_ * int64_t(sizeof(S));
      if (is_input) gather(operand, at, n, width_, copy);
      staged.data = reinterpret_cast<char*>(copy);
      staged.dtype = DTypeOf<S>::value;
      staged.swapped = false;
      staged.class_stride = sizeof(S);
      staged.strides[0] = width_ * int64_t(sizeof(S));
    };
    stage(task_.weight, staged_.weight, double(), true);
    stage(task_.prediction, staged_.prediction, T(), true);
    stage(task_.target, staged_.target, T(), true);
    stage(task_.value, staged_.value, T(), false);
    stage(task_.gradient, staged_.gradient, T(), false);
    stage(task_.hessian, staged_.hessian, T(), false);
    return staged_;
  }

  // Takes the results of those examples out.
  void store(const Examples& at, int64_t n, auto&& copied) const {
    const auto take_out = [&](const Operand& operand, const Operand& staged) {
      if (operand.data == nullptr || !copied(operand)) return;
      scatter(operand, at, n, width_, reinterpret_cast<const T*>(staged.data));
    };
    take_out(task_.value, staged_.value);
    take_out(task_.gradient, staged_.gradient);
    take_out(task_.hessian, staged_.hessian);
  }

 private:
  const Task& task_;
  Task staged_;
  const int64_t width_;
  char* const scratch_;
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
