// A long row is worked on alone, 64 classes to a step, tile after tile. Padding is -inf, "a class
// that cannot happen": it adds nothing to any loss.
#pragma once

#include "../memory/tile.hpp"
#include "row_functions.hpp"

namespace numloss::NUMLOSS_ISA {

// Consecutive steps of a tile whose logits lie in one piece.
template <class T>
struct TilePart {
  int64_t first, classes, steps;
  const T* logits;
  const T* portion;
};

// A tile: whole steps are used where they lie, the last few classes and the step of a masked label
// from a padded copy.
template <class T>
struct TileParts {
  TilePart<T> part[4];
  int count = 0;
  const TilePart<T>* begin() const { return part; }
  const TilePart<T>* end() const { return part + count; }
  TilePart<T>* begin() { return part; }
  TilePart<T>* end() { return part + count; }
};

template <class T>
class Row {
 public:
  // `factor`: what the derivatives are multiplied by.
  Row(const Task& task, const RowFunctions<T>& functions, const Examples& at, int64_t label,
      double factor, T* scratch);

  // The tile that starts at class `first`; that of the last call is still there. With `mask`, which
  // a loss sets always or never, the label's own logit reads -inf. Without `reads` only the parts'
  // bounds are wanted.
  TileParts<T>& load(int64_t first, bool mask = false, bool reads = true);

  T logit(int64_t c) const;

  // Gives the parts of the loaded tile their target portions, 0 in the padding. Adds up `sums`
  // (once a row: `add_up`).
  void load_portions(bool add_up);

  // Whether the portions can be had when an output has taken the place of the logits: that of a row
  // of one tile is kept, and without smoothing it does not depend on them.
  NUMLOSS_INLINE bool portions_outlast_logits() const {
    return tile >= classes || task_.label_smoothing == 0;
  }

  // Where a part of an output may be written: in the array, where it has whole steps and lies as
  // T, or in a buffer that write() takes out.
  NUMLOSS_INLINE bool is_direct(const Operand& operand, const TilePart<T>& part) const {
    return part.classes % kLanes == 0 &&
           in_place<T>(operand, address(operand, part.first), operand.class_stride);
  }
  NUMLOSS_INLINE T* output(const Operand& operand, const TilePart<T>& part) {
    return destination(operand, part, output_);
  }
  NUMLOSS_INLINE T* buffer() { return output_; }
  // Where exponentials are kept until that output is written over them: in its array, in memory for
  // a whole row, or in the buffer, which holds them as long as a row of one tile.
  NUMLOSS_INLINE T* kept(const Operand& operand, const TilePart<T>& part) {
    return kept_ != nullptr && !is_direct(operand, part) ? kept_ + part.first
                                                         : output(operand, part);
  }
  NUMLOSS_INLINE bool keeps_whole() const { return kept_ != nullptr; }
  NUMLOSS_INLINE bool keeps(const Operand& operand, const TilePart<T>& part) const {
    return is_direct(operand, part) || kept_ != nullptr || tile >= classes;
  }
  NUMLOSS_INLINE T* second_output(const Operand& operand, const TilePart<T>& part) {
    return destination(operand, part, second_output_);
  }
  // `from`: where the part's numbers were written.
  void write(const Operand& operand, const TilePart<T>& part, T* from);
  void write_one(const Operand& operand, int64_t c, T x);

  // The factor of the squared log-sum-exp, once the sums are there. Part of the row's weight is a
  // class weight that the portions have instead, if there are portions.
  T z_loss(bool has_portions) const;
  // How far ahead logits are asked for, so that the next tile's are there: its first pass only
  // looks for the largest. 0: they are in some cache.
  NUMLOSS_INLINE int64_t distance() const {
    return task_[kHeads].exceeds_cache ? tile * int64_t(sizeof(T)) + kAheadBytes / 2 : 0;
  }
  NUMLOSS_INLINE const Task& task() const { return task_; }
  // As many numbers as the row has, rounded up to whole steps, for each of the loss's scratch_rows.
  NUMLOSS_INLINE T* scratch() { return scratch_; }

  const int64_t classes, tile, label;
  const T coefficient;
  const double* const parameters;
  const LikelihoodFunctions<T>& likelihood;
  PortionSums sums{};
  T maximum, rest;  // its softmax (softmax.hpp), once it has been taken

 private:
  NUMLOSS_INLINE char* address(const Operand& operand, int64_t c) const {
    return at_.address(operand) + c * operand.class_stride;
  }

  NUMLOSS_INLINE T* destination(const Operand& operand, const TilePart<T>& part, T* buffer) const {
    if (is_direct(operand, part)) return reinterpret_cast<T*>(address(operand, part.first));
    return buffer + part.first % tile;
  }

  static void copy_classes(const Operand& operand, const char* from, int64_t n, T* to);

  void append(int64_t from, int64_t to, bool masked = false, bool reads = true);

  const T* load_probabilities(const TilePart<T>& part, T* buffer);

  void add_up_parts(PortionUse use);

  T smoothing_share();

  const Task& task_;
  const Examples& at_;
  const double factor_;
  TileParts<T> parts_;
  int64_t loaded_ = -1;
  T share_ = T(-1);  // what smoothing gives to a class, where a mask says to which; -1: not known
  const bool entropy_;
  const char* const prediction_;
  T *const logits_, *const portions_, *const output_, *const second_output_, *const kept_;
  T* const scratch_;
};

extern template class Row<float>;
extern template class Row<double>;

}  // namespace numloss::NUMLOSS_ISA
