// Losses of examples that may have several labels, or none.
#include "../drivers/softmax.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// -t (1 - p)^gamma_pos log(p) - (1 - t) u^gamma_neg log(1 - u), u = max(0, p - clip) (Ridnik et al.
// 2021, eq. 7). By x, with q = 1 - p, n = -log p and N = -log(1 - u):
//   (q^a n)' = -q^a h, h = a p n + q, and the second derivative is
//   q^a p (a n (a p - q) + (2a + 1) q);
//   (u^b N)' = u^b (b v N/u + w), v = p q, w = v/(1 - u), and the second derivative is
//   u^b ((q - p) b v N/u + w (q - p clip/(1 - u)) + (b v/u) ((b - 1) v N/u + 2 w)).
template <class T>
struct Asymmetric {
  static constexpr const char* name = "asymmetric";
  static constexpr int parameters = 3;
  static constexpr double cost = 2.5;
  T gamma_pos, gamma_neg, clip;
  explicit Asymmetric(const double* parameters)
      : gamma_pos(T(parameters[0])), gamma_neg(T(parameters[1])), clip(T(parameters[2])) {}
  static constexpr Roles probabilities = roles(kTarget);
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T target) const { return outside_unit(target); }
  NUMLOSS_INLINE Derivatives<T> operator()(T x, T t) const {
    const Logistic<T> s = logistic(x);
    const Derivatives<T> there = of_positive(x, s), absent = of_negative(x, s);
    const T other = T(1) - t;
    return {term(t, there.value) + term(other, absent.value),
            term(t, there.first) + term(other, absent.first),
            term(t, there.second) + term(other, absent.second)};
  }

 private:
  NUMLOSS_INLINE Derivatives<T> of_positive(T x, const Logistic<T>& s) const {
    const T a = gamma_pos, p = s.probability, q = s.complement;
    const T n = (x < T(0) ? -x : T(0)) + s.log1p_decay;
    const T share = term(p, n);                                // 0 where p is, however large n
    const T softplus = (x > T(0) ? x : T(0)) + s.log1p_decay;  // -log(q)
    const T factor = exp_nonpositive(-term(a, softplus));
    const T second = a * share * (a * p - q) + p * (T(2) * a + T(1)) * q;
    return {term(factor, n), -factor * (a * share + q), factor * second};
  }

  NUMLOSS_INLINE Derivatives<T> of_negative(T x, const Logistic<T>& s) const {
    const T b = gamma_neg, p = s.probability, q = s.complement;
    // Of log(1 - u) that form which does not cancel: of no clip softplus(x), else that of the
    // smaller of u and 1 - u.
    const T u = p - clip, rest = q + clip;
    const T softplus = (x > T(0) ? x : T(0)) + s.log1p_decay;
    const T clipped = u < T(0.5) ? -log1p(-u) : -log(rest);
    const T n = clip == T(0) ? softplus : clipped;
    const bool counts = u > T(0);
    // Shares of 1 - u that q and the clip have: all and nothing without one, though q may be 0.
    const T kept = clip == T(0) ? T(1) : q / rest, taken = clip == T(0) ? T(0) : clip / rest;
    const T v = s.variance, w = p * kept;
    const T factor = exp_nonpositive(term(b, log(u)));
    const T rise = term(v, n / u);
    const T first = factor * (b * rise + w);
    const T bend = b * (v / u) * ((b - T(1)) * rise + T(2) * w);
    const T second = factor * ((q - p) * b * rise + w * (q - p * taken) + bend);
    return {counts ? factor * n : keep_nan(x, T(0)), counts ? first : keep_nan(x, T(0)),
            counts ? second : keep_nan(x, T(0))};
  }
};

// The sum over classes j that are there and i that are not of max(0, margin - (s_j - s_i)). A row
// is worked on alone, its classes side by side: the classes that are there are few.
template <class T>
struct RowOfSet {
  int64_t classes;
  T margin;
  T* rival;   // scores of the classes that are not there, -inf of those that are
  T* excess;  // of each rival: the sum over the classes that are there
  T* active;  // the number of those that it comes too near to

  // Adds a class that is there; returns the number of rivals that come too near to it.
  T add(T score) const {
    const T least = -Real<T>::kInfinity;
    T* const total = excess;
    T* const count = active;
    const T* const other = rival;
    const T slack = margin;
    int64_t near = 0;
#pragma omp simd reduction(+ : near)
    for (int64_t c = 0; c < classes; ++c) {
      const T s = other[c];
      const T z = s == least ? s : slack + (s - score);
      total[c] += z < T(0) ? T(0) : z;  // a NaN is added
      count[c] += z > T(0) ? T(1) : T(0);
      near += int64_t(z > T(0));
    }
    return T(near);
  }
};

template <class T>
void multilabel_row(const Panel<T>& panel, int i, RowOfSet<T>& row) {
  // Where no class can happen, nothing can be told.
  T poison = panel.maximum[i] == -Real<T>::kInfinity ? Real<T>::kNan : T(0);
  for (int64_t c = 0; c < row.classes; ++c) {
    const int64_t at = panel.place(i, c);
    const T score = panel.logits[at];
    const bool is_there = panel.portion[at] != T(0);
    row.rival[c] = is_there ? -Real<T>::kInfinity : score;
    row.excess[c] = row.active[c] = T(0);
    poison = keep_nan(score, poison);
  }
  const bool slopes = (panel.mode & kGradient) != 0;
  const T coefficient = panel.coefficient[i];
  for (int64_t c = 0; c < row.classes; ++c) {
    const int64_t at = panel.place(i, c);
    if (panel.portion[at] == T(0)) continue;
    const T near = row.add(panel.logits[at]);
    if (slopes) panel.logits[at] = T(0) - coefficient * near;  // no negative zero
  }
  const T total = T(sum(row.excess, row.classes));
  poison = keep_nan(total, poison);
  panel.value[i] = keep_nan(poison, total);
  if (!slopes) return;
  for (int64_t c = 0; c < row.classes; ++c) {
    const int64_t at = panel.place(i, c);
    const T g = panel.portion[at] == T(0) ? coefficient * row.active[c] : panel.logits[at];
    panel.logits[at] = keep_nan(poison, g);
    if ((panel.mode & kHessian) != 0) panel.hessian[at] = keep_nan(poison, T(0));
  }
}

template <class T>
void multilabel_panel(const Panel<T>& panel) {
  RowOfSet<T> row{panel.classes, T(panel.parameters[0]), panel.scratch,
                  panel.scratch + panel.classes, panel.scratch + 2 * panel.classes};
  for (int i = 0; i < panel.rows; ++i) multilabel_row(panel, i, row);
}

}  // namespace

NUMLOSS_LOSS(Asymmetric) = elements<Asymmetric>();
NUMLOSS_LOSS(MultilabelMargin) = rows<1>("multilabel_margin", 1.0,
                                         []<class T>(T) -> RowFunctions<T> {
                                           return {multilabel_panel<T>, nullptr, {}, 1, false};
                                         });

}  // namespace numloss::NUMLOSS_ISA
