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

// What a z-loss adds to the derivatives of a row's classes, and those of f with it, multiplied by
// the row's coefficient.
template <class T>
struct ZLanes {
  alignas(64) T slope[kLanes], bend[kLanes], first[kLanes], second[kLanes];
};

template <class T>
[[gnu::noinline]] void add_z_values(const Panel<T>& panel) {
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) {
    panel.value[i] += ZLoss<T>(panel.z_loss[i], {panel.maximum[i], panel.rest[i]}).value;
  }
}

template <class T>
[[gnu::noinline]] void take_z_slopes(const Panel<T>& panel, const T* first, const T* second,
                                     ZLanes<T>& z) {
#pragma omp simd
  for (int i = 0; i < whole(panel.lanes); ++i) {
    const ZLoss<T> of_row(panel.z_loss[i], {panel.maximum[i], panel.rest[i]});
    z.slope[i] = panel.coefficient[i] * of_row.slope;
    z.bend[i] = panel.coefficient[i] * of_row.bend;
    z.first[i] = first[i] + z.slope[i];
  }
  for (int i = 0; i < ((panel.mode & kHessian) != 0 ? whole(panel.lanes) : 0); ++i) {
    z.second[i] = second[i] + z.bend[i];
  }
}

// To the derivatives of the label.
template <class T>
[[gnu::noinline]] void add_z_at_label(const Panel<T>& panel, const LabelLanes<T>& at_label,
                                      const ZLanes<T>& z) {
  for (int i = 0; i < panel.rows; ++i) {
    const int64_t at = panel.place(i, panel.label[i]);
    const T p = at_label.probability[i], q = at_label.complement[i];
    panel.logits[at] += z.slope[i] * p;
    if ((panel.mode & kHessian) != 0) {
      panel.hessian[at] += likelihood_hessian(z.slope[i], z.bend[i], p, q);
    }
  }
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
    if (panel.z_loss != nullptr) add_z_values(panel);
  }
  if (panel.mode == kValue) return;
  alignas(64) T first[kLanes], second[kLanes];
#pragma omp simd
  for (int i = 0; i < whole(lanes); ++i) first[i] = panel.coefficient[i] * at_label.first[i];
  if (with_hessian) {
#pragma omp simd
    for (int i = 0; i < whole(lanes); ++i) second[i] = panel.coefficient[i] * at_label.second[i];
  }
  ZLanes<T> z;
  const T *of_classes = first, *bend_of_classes = second;
  if (panel.z_loss != nullptr) {
    take_z_slopes(panel, first, second, z);
    of_classes = z.first;
    bend_of_classes = z.second;
  }
  const auto take_classes = with_hessian ? take_derivatives<T, true> : take_derivatives<T, false>;
  take_classes(panel, of_classes, bend_of_classes, rest, inverse);
  each_strip(panel, [&](int lane, int64_t strip) {
    for (int i = lane; i < lane + kStrip<T>; ++i) {
      const int64_t at = strip + panel.label[i] * int64_t(kStrip<T>) + (i - lane);
      const T p = at_label.probability[i], q = at_label.complement[i];
      panel.logits[at] = -(first[i] * q);
      if (with_hessian) panel.hessian[at] = second[i] * q * q + first[i] * p * q;
    }
  });
  if (panel.z_loss != nullptr) add_z_at_label(panel, at_label, z);
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
  const bool with_z_loss = row.task().z_loss != 0;
  ZLoss<T> z;
  if (with_z_loss) z = {row.z_loss(false), s};
  const T value = with_z_loss ? d.value + z.value : d.value;
  if (mode == kValue) return value;
  RowSlopes<T> slopes{s.maximum, s.rest, inverse, row.coefficient * d.first,
                      row.coefficient * d.second};
  T at_label = -(slopes.first * q), second_at_label = slopes.second * q * q + slopes.first * p * q;
  if (with_z_loss) {
    const T slope = row.coefficient * z.slope, bend = row.coefficient * z.bend;
    slopes.first += slope;
    slopes.second += bend;
    at_label += slope * p;
    second_at_label += likelihood_hessian(slope, bend, p, q);
  }
  for (int64_t first = 0, t = 0; first < row.classes; first += row.tile, ++t) {
    for (const TilePart<T>& part : row.load(first, false, !row.keeps_whole())) {
      finish_part(row, part, maxima[t], slopes);
    }
  }
  row.write_one(row.task()[kGradients], row.label, at_label);
  if ((mode & kHessian) != 0) row.write_one(row.task()[kHessians], row.label, second_at_label);
  return value;
}

// Only the label's class has a part in the loss. A NaN anywhere makes all of a row NaN.
template <class T>
void likelihood_of_logarithms_panel(const Panel<T>& panel) {
  using V = Vector<T>;
  alignas(64) T poison[kLanes];
  LabelLanes<T> at_label{};
  each_strip(panel, [&](int lane, int64_t at) {
    const V highest = load_vector<V>(panel.maximum + lane), zero{};
    V found = highest == zero - Real<T>::kInfinity ? zero + Real<T>::kNan : zero;
    for (int64_t k = 0; k < panel.classes * kStrip<T>; k += kStrip<T>) {
      const V x = load_vector<V>(panel.logits + at + k);
      found = x != x ? x : found;
    }
    store_vector(found, poison + lane);
  });
  for (int i = 0; i < panel.rows; ++i) {
    const T x = panel.logits[panel.place(i, panel.label[i])];
    at_label.surprisal[i] = T(0) - x + poison[i];
    at_label.probability[i] = exp_nonpositive(x) + poison[i];
    at_label.complement[i] = T(0) - expm1(x) + poison[i];
  }
  const LikelihoodFunctions<T>& likelihood = *panel.likelihood;
  const bool with_hessian = (panel.mode & kHessian) != 0;
  const auto function = panel.mode == kValue ? likelihood.value
                        : with_hessian       ? likelihood.slope_curvature
                                             : likelihood.value_slope;
  function(panel.parameters, panel.lanes, at_label);
  for (int i = 0; i < ((panel.mode & kValue) != 0 ? panel.rows : 0); ++i) {
    panel.value[i] = at_label.value[i];
  }
  if (panel.mode == kValue) return;
  for (int i = 0; i < panel.rows; ++i) {
    for (int64_t c = 0; c < panel.classes; ++c) {
      const int64_t at = panel.place(i, c);
      const bool here = c == panel.label[i];
      panel.logits[at] = here ? T(0) - panel.coefficient[i] * at_label.first[i] : poison[i];
      if (with_hessian) {
        panel.hessian[at] = here ? panel.coefficient[i] * at_label.second[i] : poison[i];
      }
    }
  }
}

template void likelihood_of_logarithms_panel(const Panel<float>&);
template void likelihood_of_logarithms_panel(const Panel<double>&);
template void likelihood_panel(const Panel<float>&);
template void likelihood_panel(const Panel<double>&);
template float likelihood_row(Row<float>&);
template double likelihood_row(Row<double>&);

}  // namespace numloss::NUMLOSS_ISA
