// What a loss over classes gives the drivers: functions of a panel of rows and of one row.
#pragma once

#include "elements.hpp"
#include "targets.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

inline constexpr int kWholeRow = 4096;       // a row up to here is one tile: it fits the L1 cache
inline constexpr int kFoldedTile = 1024;     // classes of a longer row worked on at a time
inline constexpr int kMaxFoldedTiles = 512;  // still longer rows get longer tiles

// Lanes that hold rows, in whole vectors of any instruction set. A loop over so many says so to the
// compiler, which then leaves nothing over at its end: half of the code.
inline constexpr int kLaneStep = 16;
inline int lanes_for(int64_t rows) { return int((rows + kLaneStep - 1) / kLaneStep * kLaneStep); }
NUMLOSS_INLINE int whole(int lanes) { return lanes & -kLaneStep; }

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

// Up to 64 rows, side by side. Arrays of [classes][kLanes].
template <class T>
struct Panel {
  unsigned mode;
  const LikelihoodFunctions<T>* likelihood;
  const double* parameters;
  int64_t classes;
  int lanes;             // how many of the kLanes hold rows, a multiple of kLaneStep
  T* logits;             // the gradient on return
  T* hessian;            // where asked for
  T* scratch;            // two more panels, for losses that ask for them
  const T* mass;         // distribution targets
  const T* entropy;      // [kLanes] sum of q log q, for distribution targets
  const int32_t* label;  // [kLanes], label targets
  const T* coefficient;  // [kLanes] what the derivatives are multiplied by
  T* value;              // [kLanes]
  const T* later;        // where as many numbers will be written, not in a cache yet; or null
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
  bool entropy;  // the value needs the sum of q log q
};

// The same as finish_values() where values come without weights, or weights beside them.
template <class T>
[[gnu::noinline]] void finish_with_weights(const Task& task, const Examples& at, T* value,
                                           const RowInfo& info, int64_t n, Partial& partial) {
  double factor[kLanes];
  for (int64_t i = 0; i < n; ++i) {
    const double full = task.unweighted_values ? info.full_weight[i] : 1.0;
    factor[i] = full == 0.0 ? info.loss_weight[i] : info.loss_weight[i] / full;
  }
  finish_values(task, at, value, factor, n, partial);
  if (task.has(kWeights)) store(task[kWeights], at, n, info.full_weight);
}

template <class T>
void finish_rows(const Task& task, const Examples& at, T* value, const RowInfo& info, int64_t n,
                 Partial& partial) {
  if (wants_full_weights(task)) return finish_with_weights(task, at, value, info, n, partial);
  finish_values(task, at, value, info.loss_weight, n, partial);
}

inline int64_t whole_steps(int64_t classes) { return (classes + kLanes - 1) / kLanes * kLanes; }

inline int64_t folded_tile(int64_t classes) {
  if (classes <= kWholeRow) return whole_steps(classes);
  const int64_t least = (classes + kMaxFoldedTiles - 1) / kMaxFoldedTiles;
  return least <= kFoldedTile ? kFoldedTile : whole_steps(least);
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
