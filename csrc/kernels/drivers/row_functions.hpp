// What a loss over classes gives the drivers: functions of a panel of rows and of one row.
#pragma once

#include "../memory/strips.hpp"
#include "formulas.hpp"

namespace numloss::NUMLOSS_ISA {

inline constexpr int kWholeRow = 4096;     // a row up to here is one tile: it fits the L1 cache
inline constexpr int kLongRowTile = 1024;  // classes of a longer row worked on at a time
inline constexpr int kMostTiles = 512;     // still longer rows get longer tiles

// What the rows of a panel have at their label, and what a function f of it gives: n = -log p, the
// surprisal, p and q = 1 - p; f, f' and f'' by n.
template <class T>
struct LabelLanes {
  alignas(64) T surprisal[kLanes], probability[kLanes], complement[kLanes];
  alignas(64) T value[kLanes], first[kLanes], second[kLanes];
};

// f for the lanes of a panel, by what of it is wanted, and for one row.
template <class T>
struct LikelihoodFunctions {
  using OfLanes = void (*)(const double* parameters, int lanes, LabelLanes<T>& at_label);
  OfLanes value, value_slope, slope_curvature;
  Derivatives<T> (*of_row)(const double* parameters, T surprisal, T p, T q);
  bool is_linear;  // f is n: the value needs no p, the slope no n
};

// Rows side by side, a lane each: strips one behind the other. What a row has one of stands in
// arrays of a number for each lane.
template <class T>
struct Panel {
  unsigned mode;
  const LikelihoodFunctions<T>* likelihood;
  const double* parameters;
  const double* of_columns;  // a parameter of each class, or null
  int64_t classes;
  int rows;
  int lanes;             // the rows rounded up to a multiple of kLaneStep
  T* logits;             // the gradient on return
  T* hessian;            // where asked for
  T* scratch;            // two more panels, for losses that ask for them
  const T* portion;      // distribution targets
  const T* entropy;      // of each lane: sum of q log q, for distribution targets
  const int32_t* label;  // label targets
  const T* number;       // number targets
  const T* coefficient;  // what the derivatives are multiplied by
  T* value;
  const T* maximum;  // largest logit; a NaN is passed over
  T* rest;           // of losses over softmax: the sum of its other exponentials (softmax.hpp)
  const T* z_loss;   // factor of the squared log-sum-exp; null where there is none
  // Where what the strips are read from goes on and where their gradient goes, if that is in memory
  // that is worth asking for; or null.
  const T *logits_ahead, *portion_ahead, *gradient_ahead;

  // Asks for the lines of logits to come that as many numbers of the panel from `place` on stand
  // for, and those of their gradient. A little at a time, between arithmetic: a burst would be
  // waited for.
  NUMLOSS_INLINE void ask_ahead(int64_t place, int64_t numbers) const {
    const int64_t bytes = numbers * int64_t(sizeof(T));
    if (logits_ahead != nullptr) fetch_ahead(logits_ahead + place, bytes, 0);
    if (gradient_ahead != nullptr) fetch_ahead(gradient_ahead + place, bytes, 0);
  }

  // Where the number of a row and class is in a panel's arrays.
  NUMLOSS_INLINE int64_t place(int row, int64_t c) const {
    constexpr int kWidth = kStrip<T>;
    return (row / kWidth * classes + c) * kWidth + row % kWidth;
  }
};

// A long row: its classes come in tiles.
template <class T>
class Row;

// What walks the rows of a loss, whatever the call computes.
template <class T>
struct RowFunctions {
  void (*panel)(const Panel<T>&);
  T (*row)(Row<T>&);                  // returns the value; null: rows of any length go side by side
  LikelihoodFunctions<T> likelihood;  // of losses that are a function of it
  int scratch_panels;
  bool entropy;          // the value needs the sum of q log q
  int scratch_rows = 0;  // of a long row's length, for losses that ask for them
};

// The sums of q, q * class_weight and q log q over a distribution q.
struct PortionSums {
  double probability, weight, entropy;
  bool negative;  // a negative probability was met
};

// What a driver asks of a distribution beside its portions: whether it is valid and what it weighs,
// unless a check of the inputs has told already, and its entropy.
struct PortionUse {
  bool checks, entropy;
  bool any() const { return checks | entropy; }
};

namespace {

// Lanes that hold rows, in whole vectors of any instruction set. A loop over so many says so to the
// compiler, which then leaves nothing over at its end: half of the code.
inline constexpr int kLaneStep = 16;
inline int lanes_for(int64_t rows) { return int((rows + kLaneStep - 1) / kLaneStep * kLaneStep); }
NUMLOSS_INLINE int whole(int lanes) { return lanes & -kLaneStep; }

inline int64_t whole_steps(int64_t classes) { return (classes + kLanes - 1) / kLanes * kLanes; }

inline int64_t long_row_tile(int64_t classes) {
  if (classes <= kWholeRow) return whole_steps(classes);
  const int64_t least = (classes + kMostTiles - 1) / kMostTiles;
  return least <= kLongRowTile ? kLongRowTile : whole_steps(least);
}

// What the derivatives of a row are multiplied by as they are computed: `factor`, or 1 where it
// does not fit T; then they are multiplied in double afterwards.
template <class T>
NUMLOSS_INLINE T coefficient_of(double factor) {
  return is_normal(T(factor)) ? T(factor) : T(1);
}

// Calls f with the first lane of each strip and the place of its numbers in a panel's arrays.
template <class T>
NUMLOSS_INLINE void each_strip(const Panel<T>& panel, auto&& f) {
  for (int lane = 0; lane < panel.rows; lane += kStrip<T>) f(lane, lane * panel.classes);
}

// Calls f with the first step and the number of steps, a constant, for all steps in turn: up to
// four of them at once, so that what lanes add up stays in registers meanwhile.
NUMLOSS_INLINE void each_steps(int64_t steps, auto&& f) {
  int64_t k = 0;
  for (; k + 4 <= steps; k += 4) f(k, Constant<4>());
  if (steps & 2) f(k, Constant<2>());
  if (steps & 1) f(steps - 1, Constant<1>());
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
