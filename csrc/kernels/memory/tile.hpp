// Tiles: loading one, whatever dtype, stride or byte order, and storing it.
#pragma once

#include "planes.hpp"

namespace numloss::NUMLOSS_ISA {

// Walks the examples of a block in C order, whatever the arrays' layout: runs along the innermost
// dimension, in which every operand has one stride.
class Examples {
 public:
  NUMLOSS_INLINE Examples(const Task& task, int64_t begin) : task_(&task) {
    for (int d = task.ndim - 1; d >= 0; --d) {
      if (begin < task.shape[d]) {  // mostly: a division would take longer than all else here
        index_[d] = begin;
        begin = 0;
      } else {
        index_[d] = begin % task.shape[d];
        begin /= task.shape[d];
      }
    }
  }

  // Examples left in the current run.
  NUMLOSS_INLINE int64_t run() const {
    return task_->ndim == 0 ? 1 : task_->shape[task_->ndim - 1] - index_[task_->ndim - 1];
  }

  NUMLOSS_INLINE char* address(const Operand& operand) const {
    int64_t offset = 0;
    for (int d = 0; d < task_->ndim; ++d) offset += index_[d] * operand.strides[d];
    return operand.data + offset;
  }

  NUMLOSS_INLINE int64_t stride(const Operand& operand) const {
    return task_->ndim == 0 ? 0 : operand.strides[task_->ndim - 1];
  }

  NUMLOSS_INLINE int64_t index(int dimension) const { return index_[dimension]; }

  NUMLOSS_INLINE void advance(int64_t n) {
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

namespace {

// Calls f(from, to, partial) for what of each block lies in [begin, end). False: it has met
// something bad, and went no further.
bool each_block(const Blocks& blocks, int64_t begin, int64_t end, auto&& f) {
  const bool several = blocks.length != kOnlyBlock;
  int64_t block = several ? (begin - blocks.begin) / blocks.length : 0;
  for (int64_t next; begin < end; begin = next, ++block) {
    next = several ? blocks.begin + (block + 1) * blocks.length : end;
    next = next < end ? next : end;
    // A copy meanwhile: neighbours share a line of memory with other threads' partials.
    Partial copy;
    Partial& partial = blocks.partials[block];
    Partial& sums = several ? copy = partial : partial;
    f(begin, next, sums);
    if (several) partial = copy;
    if (sums.bad) return false;
  }
  return true;
}

// The next n examples of an operand as an array of T, copied into buffer.
template <class T>
[[gnu::noinline]] const T* copy(const Operand& operand, const Examples& from, int64_t n,
                                T* buffer) {
  Examples at = from;
  for (int64_t done = 0; done < n;) {
    const int64_t run = at.run() < n - done ? at.run() : n - done;
    copy_in(operand, at.address(operand), at.stride(operand), run, buffer + done);
    at.advance(run);
    done += run;
  }
  return buffer;
}

// The same where they lie, if that is an array of T; else the copy.
template <class T>
NUMLOSS_INLINE const T* load(const Operand& operand, const Examples& from, int64_t n, T* buffer) {
  const char* const address = from.address(operand);
  const bool direct = from.run() >= n && in_place<T>(operand, address, from.stride(operand));
  return direct ? reinterpret_cast<const T*>(address) : copy(operand, from, n, buffer);
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
