// Losses of lists that are to be ordered: of what a query has found, say, by its relevance.
#include "../arithmetic/order.hpp"
#include "../arithmetic/sum.hpp"
#include "../drivers/softmax.hpp"
#include "list.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// All pairs (i, j) of a list with t_i > t_j cost weight(i, j) softplus(-scale (s_i - s_j)). Scores
// lie in the order of their targets, so that those below i's come after it, in one run. A pair is
// visited once: what it adds to the lower score's derivatives goes to arrays, side by side, and
// what it adds to the higher one's to a sum.
template <class T>
struct Pairs {
  const List<T>& list;
  T scale;
  T *score, *slope, *curvature;           // by the places of `order`
  T *values, *slopes, *curvatures;        // of the pairs of one i
  double higher_slope, higher_curvature;  // sums of them
  double total = 0;

  Pairs(const List<T>& list, T scale) : list(list), scale(scale) {
    T* array[6];
    for (int k = 0; k < 6; ++k) array[k] = list.scratch + k * list.n;
    score = array[0], slope = array[1], curvature = array[2];
    values = array[3], slopes = array[4], curvatures = array[5];
    order_descending(list.target, list.n, list.order, list.spare);
    for (int64_t i = 0; i < list.n; ++i) {
      score[i] = list.score[list.order[i]];
      slope[i] = curvature[i] = T(0);
    }
  }

  // The first place whose target lies below that of place i.
  int64_t below(int64_t i) const {
    const T target = list.target[list.order[i]];
    int64_t j = i + 1;
    while (j < list.n && !(list.target[list.order[j]] < target)) ++j;
    return j;
  }

  // weight(j) of the pair (i, j), for j from `first` on.
  void add_pairs(int64_t i, int64_t first, auto weight) {
    const int64_t n = list.n;
    const T mine = score[i], steepness = scale;
    const T* const other = score;
    T *const value = values, *const p = slopes, *const h = curvatures;
    T *const g = slope, *const c = curvature;
#pragma omp simd
    for (int64_t j = first; j < n; ++j) {
      const T w = weight(j);
      const T x = steepness * (other[j] - mine);
      const Logistic<T> l = logistic(x);
      const T softplus = (x > T(0) ? x : T(0)) + l.log1p_decay;
      value[j] = term(w, softplus);
      p[j] = w * steepness * l.probability;
      h[j] = w * steepness * steepness * l.variance;
      g[j] += p[j];
      c[j] += h[j];
    }
    total += sum(value + first, n - first);
    if ((list.mode & kGradient) == 0) return;
    slope[i] = T(double(slope[i]) - sum(p + first, n - first));
    curvature[i] = T(double(curvature[i]) + sum(h + first, n - first));
  }

  // `weight_of(i)` returns the weights of the pairs of place i, a function of j.
  T run(auto weight_of) {
    for (int64_t i = 0, first = 0; i < list.n; ++i) {
      if (first <= i) first = below(i);
      if (first < list.n) add_pairs(i, first, weight_of(i));
    }
    for (int64_t i = 0; i < list.n; ++i) {
      if (list.mode & kGradient) list.gradient[list.order[i]] = slope[i];
      if (list.mode & kHessian) list.hessian[list.order[i]] = curvature[i];
    }
    return T(total);
  }
};

// Every pair weighs 1.
template <class T>
T pairwise_logistic(const List<T>& list) {
  return unless_nan(list, [&] {
    Pairs<T> pairs(list, T(list.parameters[0]));
    return pairs.run([](int64_t) { return [](int64_t) { return T(1); }; });
  });
}

// A pair weighs what its exchange would change the list's NDCG@k by:
// |G(t_i) - G(t_j)| |D(r_i) - D(r_j)| / DCG@k of the best order, with the gain G(t) = 2^t - 1 or t,
// the rank r by the scores, from 0 on, and the discount D(r) = 1/log2(r + 2), 0 from k on. In
// double: the discounts of neighbours far down differ in their last digits.
template <class T>
T lambdarank(const List<T>& list) {
  return unless_nan(list, [&] {
    Pairs<T> pairs(list, T(list.parameters[1]));
    const int64_t n = list.n;
    const double limit = list.parameters[0];  // 0: none
    const int64_t k = limit > 0 && limit < double(n) ? int64_t(limit) : n;
    const bool exponential = list.parameters[2] != 0;
    double *const gain = list.wide, *const by_rank = gain + n, *const discount = by_rank + n;
    constexpr double kLog2 = 0x1.62e42fefa39efp-1;
    double best = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double t = double(list.target[list.order[i]]);
      gain[i] = exponential ? expm1(t * kLog2) : t;
      by_rank[i] = i < k ? kLog2 / log(double(i + 2)) : 0;
      best += gain[i] * by_rank[i];
    }
    order_descending(list.score, n, list.rank, list.spare);
    // Places of the order by targets, to find those by scores in it.
    for (int64_t i = 0; i < n; ++i) list.spare[list.order[i]] = i;
    for (int64_t r = 0; r < n; ++r) discount[list.spare[list.rank[r]]] = by_rank[r];
    const double inverse = best > 0 ? 1 / best : 0;
    return pairs.run([=](int64_t i) {
      const double g = gain[i], d = discount[i];
      return [=](int64_t j) { return T(abs(g - gain[j]) * abs(d - discount[j]) * inverse); };
    });
  });
}

// The softmax of n numbers; exp(x - maximum) goes to e.
template <class T>
Softmax<T> take_softmax(const T* x, int64_t n, T* e) {
  T maximum = -Real<T>::kInfinity;
  for (int64_t i = 0; i < n; ++i) maximum = x[i] > maximum ? x[i] : maximum;
  for (int64_t i = 0; i < n; ++i) e[i] = exp_nonpositive(x[i] - maximum);
  int64_t first = 0;
  while (first < n && x[first] < maximum) ++first;
  if (first == n) return {maximum, T(0)};
  e[first] = T(0);  // the maximum's own 1, which is no part of the rest
  const T rest = T(sum(e, n));
  e[first] = T(1);
  return {maximum, rest};
}

// -sum q log p, q = softmax(t) and p = softmax(s): derivatives p - q and p (1 - p).
template <class T>
T softmax_ranking(const List<T>& list) {
  return unless_nan(list, [&] {
    const int64_t n = list.n;
    T *const e = list.scratch, *const q = e + n, *const cost = q + n;
    const Softmax<T> p = take_softmax(list.score, n, e), share = take_softmax(list.target, n, q);
    if (p.maximum == -Real<T>::kInfinity) fill_derivatives(list, Real<T>::kNan);
    if (p.maximum == -Real<T>::kInfinity) return Real<T>::kNan;
    const T inverse = p.inverse(), inverse_share = share.inverse();
    for (int64_t i = 0; i < n; ++i) {
      const T wanted = q[i] * inverse_share, found = e[i] * inverse;
      cost[i] = term(wanted, p.surprisal(list.score[i]));
      if (list.mode & kGradient) list.gradient[i] = found - wanted;
      if (list.mode & kHessian) list.hessian[i] = found * complement(e[i], p.rest, inverse);
    }
    return T(sum(cost, n));
  });
}

// The negative log-likelihood of the order of targets when items are drawn one by one, each with
// chances proportional to exp(s): the sum over i of -log p_ii, where p_ik = exp(s_k) / sum_{j >= i}
// exp(s_j) is item k's chance in the draw i <= k. The derivatives by s_k are
//   sum_{i < k} p_ik - (1 - p_kk) and sum_{i <= k} p_ik (1 - p_ik).
// Of the items from i on, `highest` is the highest score, `place` its place, and `rest` the sum of
// exp(s_j - highest) of the others. An item that is the highest of some draws, all from some place
// up to its own, has 1 - p there by the rest; in the draws before its p is at most 1/2, and p - p²
// does not cancel.
template <class T>
struct Draws {
  const List<T>& list;
  double *score, *highest, *rest;
  int64_t* place;

  explicit Draws(const List<T>& list)
      : list(list),
        score(list.wide),
        highest(score + list.n),
        rest(highest + list.n),
        place(list.rank) {
    order_descending(list.target, list.n, list.order, list.spare);
    for (int64_t i = 0; i < list.n; ++i) score[i] = double(list.score[list.order[i]]);
  }

  double costs() const {
    double total = 0;
    for (int64_t i = list.n - 1; i >= 0; --i) {
      const bool last = i + 1 == list.n;
      const double later = last ? score[i] : highest[i + 1], others = last ? 0 : rest[i + 1];
      const bool leads = last || score[i] >= later;
      const double share = exp_nonpositive(leads ? later - score[i] : score[i] - later);
      highest[i] = leads ? score[i] : later;
      place[i] = leads ? i : place[i + 1];
      rest[i] = last ? 0 : leads ? share * (1 + others) : others + share;
      total += (leads ? 0 : later - score[i]) + log1p(rest[i]);
    }
    return total;
  }

  void derive() const {
    double drawn = 0,
           squares = 0;  // sums over the draws before of p_ik and p_ik² for s_k = highest
    double drawn_before = 0, squares_before = 0, led = 0;  // up to those that this place leads
    for (int64_t k = 0; k < list.n; ++k) {
      const double own = 1 / (1 + rest[k]), lost = rest[k] * own;
      if (k == 0 || place[k] != place[k - 1]) {
        drawn_before = drawn;
        squares_before = squares;
        led = 0;
      }
      led += lost * own;
      const bool leads = place[k] == k;
      const double share = exp_nonpositive(score[k] - highest[k]), chance = share * own;
      const double beaten = leads ? lost : 1 - chance;
      const double others = share * (drawn + own) - share * share * (squares + own * own);
      const double curvature = leads ? drawn_before - squares_before + led : others;
      if (list.mode & kGradient) list.gradient[list.order[k]] = T(share * drawn - beaten);
      if (list.mode & kHessian) list.hessian[list.order[k]] = T(curvature);
      if (k + 1 == list.n) break;
      const double step = exp_nonpositive(highest[k + 1] - highest[k]);
      drawn = (drawn + own) * step;
      squares = (squares + own * own) * (step * step);
    }
  }
};

template <class T>
T list_mle(const List<T>& list) {
  return unless_nan(list, [&] {
    const Draws<T> draws(list);
    const double total = draws.costs();
    if ((list.mode & (kGradient | kHessian)) != 0) draws.derive();
    return T(total);
  });
}

}  // namespace

#define NUMLOSS_LIST(function, scratch, wide, nonnegative) \
  []<class T>(T) -> ListFunctions<T> { return {function<T>, scratch, wide, nonnegative}; }

NUMLOSS_LOSS(PairwiseLogistic) = lists<1>("pairwise_logistic", 40.0,
                                          NUMLOSS_LIST(pairwise_logistic, 6, 0, false));
NUMLOSS_LOSS(LambdaRank) = lists<3>("lambdarank", 60.0, NUMLOSS_LIST(lambdarank, 6, 3, true));
NUMLOSS_LOSS(SoftmaxRanking) = lists<0>("softmax_ranking", 4.0,
                                        NUMLOSS_LIST(softmax_ranking, 3, 0, false));
NUMLOSS_LOSS(ListMle) = lists<0>("list_mle", 40.0, NUMLOSS_LIST(list_mle, 0, 3, false));

}  // namespace numloss::NUMLOSS_ISA
