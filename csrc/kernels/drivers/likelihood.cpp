// What losses of the label's likelihood share.
#include "likelihood.hpp"

#include "softmax.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Surprisal, probability and complement of the label: what a mode takes of them.
template <class T>
void take_label(const Panel<T>& panel, const T* maximum, const T* rest, const T* label_logit,
                T* inverse, LabelLanes<T>& at_label) {
  const int lanes = panel.lanes;
  const bool is_linear = panel.likelihood->is_linear;
  if ((panel.mode & kValue) != 0 || !is_linear) {
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) {
      at_label.surprisal[i] = Softmax<T>{maximum[i], rest[i]}.surprisal(label_logit[i]);
    }
  }
  if (panel.mode != kValue || !is_linear) {
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) {
      inverse[i] = Softmax<T>{maximum[i], rest[i]}.inverse();
      const T e = exp_nonpositive(label_logit[i] - maximum[i]);
      at_label.probability[i] = e * inverse[i];
      at_label.complement[i] = complement(e, rest[i], inverse[i]);
    }
  }
}

// f'' p² + f' p q: the Hessian of a class of probability p.
template <class T>
NUMLOSS_INLINE T likelihood_hessian(T first, T second, T p, T q) {
  return second * p * p + first * p * q;
}

// The derivatives of all classes, as if none were the label; `first` and `second` are those of f.
template <class T, bool kHessian>
[[gnu::noinline]] void take_derivatives(const Panel<T>& panel, const T* first, const T* second,
                                        const T* rest, const T* inverse) {
  const int lanes = panel.lanes;
  for (int64_t c = 0; c < panel.classes; ++c) {
    T* const step = panel.logits + c * kLanes;
    T* const hessian = kHessian ? panel.hessian + c * kLanes : nullptr;
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) {
      const T e = step[i];
      const T p = e * inverse[i];
      step[i] = first[i] * p;
      if constexpr (kHessian) {
        hessian[i] = likelihood_hessian(first[i], second[i], p, complement(e, rest[i], inverse[i]));
      }
    }
  }
}

// What the derivatives of a row's classes are made of.
template <class T>
struct RowSlopes {
  T maximum, rest, inverse;
  T first, second;  // of f, multiplied by the row's coefficient
};

// The derivatives of a part of a row, the label's aside.
template <class T>
[[gnu::noinline]] void finish_part(Row<T>& row, const TilePart<T>& part, T tile_maximum,
                                   const RowSlopes<T>& of_row) {
  const T rest = of_row.rest, inverse = of_row.inverse;
  const T first = of_row.first, second = of_row.second;
  T* gradient = row.output(row.task()[kGradients], part);
  const Kept<T> kept = exponentials_again(row, part, tile_maximum, of_row.maximum, true, gradient);
  const T* const e = kept.e;
  const T shrink = kept.shrink;
  const int64_t n = part.steps * kLanes;
  if ((row.task().mode & kHessian) != 0) {
    T* hessian = row.second_output(row.task()[kHessians], part);
#pragma omp simd
    for (int64_t k = 0; k < n; ++k) {
      const T share = e[k] * shrink;
      hessian[k] =
          likelihood_hessian(first, second, share * inverse, complement(share, rest, inverse));
    }
    row.write(row.task()[kHessians], part, hessian);
  }
  const T factor = shrink * inverse * first;
#pragma omp simd
  for (int64_t k = 0; k < n; ++k) gradient[k] = e[k] * factor;
  row.write(row.task()[kGradients], part, gradient);
}

}  // namespace

template <class T>
void likelihood_panel(const Panel<T>& panel) {
  const int lanes = panel.lanes;
  const LikelihoodFunctions<T>& likelihood = *panel.likelihood;
  const bool with_hessian = (panel.mode & kHessian) != 0;
  T *const maximum = panel.maximum, *const rest = panel.rest;
  alignas(64) T inverse[kLanes], label_logit[kLanes];
  take_maximum(panel, maximum);
  for (int i = 0; i < lanes; ++i) {
    label_logit[i] = panel.logits[panel.label[i] * int64_t(kLanes) + i];
  }
  const auto take = panel.mode == kValue ? take_exponentials<T, false> : take_exponentials<T, true>;
  take(panel, maximum, rest);
  LabelLanes<T> at_label;
  take_label(panel, maximum, rest, label_logit, inverse, at_label);
  const auto function = panel.mode == kValue ? likelihood.value
                        : with_hessian       ? likelihood.slope_curvature
                                             : likelihood.value_slope;
  function(panel.parameters, lanes, at_label);
  if ((panel.mode & kValue) != 0) {
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) panel.value[i] = at_label.value[i];
  }
  if (panel.mode == kValue) return;
  alignas(64) T first[kLanes], second[kLanes];
#pragma omp simd
  for (int i = 0; i < whole(lanes); ++i) first[i] = panel.coefficient[i] * at_label.first[i];
  if (with_hessian) {
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) second[i] = panel.coefficient[i] * at_label.second[i];
    take_derivatives<T, true>(panel, first, second, rest, inverse);
  } else {
    take_derivatives<T, false>(panel, first, second, rest, inverse);
  }
  for (int i = 0; i < lanes; ++i) {
    const int64_t at = int64_t(panel.label[i]) * kLanes + i;
    const T p = at_label.probability[i], q = at_label.complement[i];
    panel.logits[at] = -(first[i] * q);
    if (with_hessian) panel.hessian[at] = second[i] * q * q + first[i] * p * q;
  }
}

template <class T>
T likelihood_row(Row<T>& row) {
  T maxima[kMostTiles];
  const unsigned mode = row.task().mode;
  const T label_logit = row.logit(row.label);
  const Softmax<T> s =
      softmax_of_row<T>(row, mode != kValue ? &row.task()[kGradients] : nullptr, maxima, nullptr);
  const T inverse = s.inverse(), e = exp_nonpositive(label_logit - origin_of(s.maximum));
  const T p = e * inverse, q = complement(e, s.rest, inverse);
  const Derivatives<T> d = row.likelihood.of_row(row.parameters, s.surprisal(label_logit), p, q);
  if (mode == kValue) return d.value;
  const RowSlopes<T> slopes{s.maximum, s.rest, inverse, row.coefficient * d.first,
                            row.coefficient * d.second};
  for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
    for (const TilePart<T>& part : row.load(first, false, !row.keeps_whole())) {
      finish_part(row, part, maxima[t], slopes);
    }
  }
  row.write_one(row.task()[kGradients], row.label, -(slopes.first * q));
  if ((mode & kHessian) != 0) {
    row.write_one(row.task()[kHessians], row.label, slopes.second * q * q + slopes.first * p * q);
  }
  return d.value;
}

template void likelihood_panel(const Panel<float>&);
template void likelihood_panel(const Panel<double>&);
template float likelihood_row(Row<float>&);
template double likelihood_row(Row<double>&);

}  // namespace numloss::NUMLOSS_ISA
