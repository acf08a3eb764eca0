// What the losses over softmax(x) share: the maximum m of a row and the sum of exp(x - m) over the
// other classes ("rest"). Kept apart from the maximum's own 1, the sum keeps its digits when the
// prediction is confident: log p = x - m - log1p(rest), and 1 - p = rest / (1 + rest) there.
// A row without a possible class (all -inf) has no softmax: its rest, and all that follows, is NaN.
#pragma once

#include "row.hpp"

namespace numloss::NUMLOSS_ISA {

template <class T>
struct Softmax {
  T maximum, rest;
  NUMLOSS_INLINE T log_sum() const { return log1p(rest < T(0) ? T(0) : rest); }
  NUMLOSS_INLINE T log_sum_exp() const { return maximum + log_sum(); }
  // -log p of a class with this logit.
  NUMLOSS_INLINE T surprisal(T logit) const {
    const T distance = maximum - logit;
    return log_sum() + (logit == -Real<T>::kInfinity ? Real<T>::kInfinity : distance);
  }
  NUMLOSS_INLINE T inverse() const {
    const T total = T(1) + rest;
    return total == T(0) ? T(0) : T(1) / total;
  }
};

// What the classes of a row cost against a distribution, as its tiles come.
template <class T>
struct PortionCosts {
  double total = 0, distance = 0;  // of the portions; of portion times distance from the origin
  T last_origin = 0;
};

// A z-loss z s² of the log-sum-exp s: what a loss adds for each row to its value, and to its
// derivatives by x_j slope p_j and slope p_j (1 - p_j) + bend p_j².
template <class T>
struct ZLoss {
  T value = T(0), slope = T(0), bend = T(0);
  ZLoss() = default;
  // `z` 0: there is none, whatever the softmax.
  NUMLOSS_INLINE ZLoss(T z, Softmax<T> softmax) {
    const T s = softmax.log_sum_exp();
    value = term(z, s * s);
    slope = T(2) * term(z, s);
    bend = T(2) * z;
  }
};

// Exponentials of a part again, and what they have to be multiplied by.
template <class T>
struct Kept {
  const T* e;
  T shrink;  // from the maximum up to that tile to the row's; 0 where no class was possible
};

// The highest score of each row and its class, as numpy.argmax finds it: the first of equals, and a
// NaN before all others.
template <class T>
struct Highest {
  alignas(64) T score[kLanes];
  alignas(64) typename Real<T>::Bits place[kLanes];
};
template <class T>
void take_highest(const Panel<T>& panel, Highest<T>& highest);

// Of one row, whose scores lie `stride` bytes apart.
template <class T>
struct HighestOfRow {
  T score;
  int64_t place;
};
template <class T>
HighestOfRow<T> highest_of_row(const Operand& operand, const char* from, int64_t classes);

// Exponentials of a panel's x - maximum: their sum beside the maximum's own 1 goes to panel.rest,
// they themselves where the logits are, if they are kept. Meanwhile memory is asked for that is
// read or written later.
template <class T, bool kKeep>
void take_exponentials(const Panel<T>& panel);

// One pass over a row: maximum and sum, tile by tile, each logit read once. After it, the maxima
// under which the tiles' exponentials were taken are in `maxima`, and the exponentials themselves
// where `keep` goes, if it is given. `costs`: takes in the portions of the tiles, if it is given.
template <class T>
Softmax<T> softmax_of_row(Row<T>& row, const Operand* keep, T* maxima, PortionCosts<T>* costs);

// Where the gradient goes or another place that keeps them, or taken anew (same bits) into
// `buffer`.
template <class T>
Kept<T> exponentials_again(Row<T>& row, const TilePart<T>& part, T tile_maximum, T maximum,
                           bool kept, T* buffer);

namespace {

// Exponentials of a tile without a possible class, up to which there was none either, are taken
// from 0, and are 0. (Those of a whole row or of a panel's are NaN: x - m is.)
template <class T>
NUMLOSS_INLINE T origin_of(T maximum) {
  return maximum == -Real<T>::kInfinity ? T(0) : maximum;
}

// 1 - e / (1 + rest), without cancellation where e is the maximum's own 1.
template <class V>
NUMLOSS_INLINE V complement(V e, V rest, V inverse) {
  const V one = V{} + Lane<V>(1);
  return e == one ? rest * inverse : one - e * inverse;
}

// A number for each lane of a row, in registers.
template <class T>
struct RowLanes {
  static constexpr int kWidth = kVectorBytes / int(sizeof(T));
  static constexpr int kVectors = kLanes / kWidth;
  Vector<T> vector[kVectors];
  explicit RowLanes(T x) {
    for (Vector<T>& v : vector) v = Vector<T>{} + x;
  }
};

template <class T>
NUMLOSS_INLINE double sum(const RowLanes<T>& lanes) {
  alignas(64) T x[kLanes];
  __builtin_memcpy(x, lanes.vector, sizeof(x));
  return sum(x, kLanes);
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
