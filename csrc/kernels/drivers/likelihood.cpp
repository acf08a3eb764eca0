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
template <class V>
NUMLOSS_INLINE V likelihood_hessian(V first, V second, V p, V q) {
  return second * p * p + first * p * q;
}

// The derivatives of all classes, as if none were the label; `first` and `second` are those of f.
template <class T, bool kHessian>
[[gnu::noinline]] void take_derivatives(const Panel<T>& panel, const T* first, const T* second,
                                        const T* rest, const T* inverse) {
  using V = Vector<T>;
  for (int lane = 0; lane < panel.rows; lane += kStrip<T>) {
    const V scale = load_vector<V>(inverse + lane), slope = load_vector<V>(first + lane);
    const int64_t begin = lane * panel.classes, end = begin + panel.classes * kStrip<T>;
    for (int64_t k = begin; k < end; k += kStrip<T>) {
      const V e = load_vector<V>(panel.logits + k), p = e * scale;
      store_vector(slope * p, panel.logits + k);
      if constexpr (kHessian) {
        const V q = complement(e, load_vector<V>(rest + lane), scale);
        const V curvature = load_vector<V>(second + lane);
        store_vector(likelihood_hessian(slope, curvature, p, q), panel.hessian + k);
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
  const T *const maximum = panel.maximum, *const rest = panel.rest;
  alignas(64) T inverse[kLanes], label_logit[kLanes];
  for (int i = panel.rows; i < lanes; ++i) label_logit[i] = 0;
  each_strip(panel, [&](int lane, int64_t at) {
    for (int i = lane; i < lane + kStrip<T>; ++i) {
      label_logit[i] = panel.logits[at + panel.label[i] * int64_t(kStrip<T>) + (i - lane)];
    }
  });
  const auto take = panel.mode == kValue ? take_exponentials<T, false> : take_exponentials<T, true>;
  take(panel);
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
  each_strip(panel, [&](int lane, int64_t strip) {
    for (int i = lane; i < lane + kStrip<T>; ++i) {
      const int64_t at = strip + panel.label[i] * int64_t(kStrip<T>) + (i - lane);
      const T p = at_label.probability[i], q = at_label.complement[i];
      panel.logits[at] = -(first[i] * q);
      if (with_hessian) panel.hessian[at] = second[i] * q * q + first[i] * p * q;
    }
  });
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
