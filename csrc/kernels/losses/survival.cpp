// Losses of times until an event, some of which are known in part: censored.
#include "../arithmetic/intervals.hpp"
#include "../arithmetic/order.hpp"
#include "list.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// ------------------------------------------------------------------------ accelerated failure time

// -log f(z) with its derivatives, f the density of a distribution; and the cost of an interval.

template <class T>
struct NormalTime {
  static constexpr const char* name = "aft_normal";
  static constexpr double cost = 2.5;
  using Link = ProbitLink<T>;
  NUMLOSS_INLINE static Derivatives<T> event(T z) {
    return {fma(T(0.5) * z, z, Link::kLogRoot), z, T(1)};
  }
};

// f = sigmoid (1 - sigmoid): |z| + 2 log(1 + exp(-|z|)), tanh(z/2).
template <class T>
struct LogisticTime {
  static constexpr const char* name = "aft_logistic";
  static constexpr double cost = 1.5;
  using Link = LogitLink<T>;
  NUMLOSS_INLINE static Derivatives<T> event(T z) {
    const T size = abs(z);
    const Logistic<T> l = logistic(z);
    const T slope = (T(0) - expm1(-size)) / (T(1) + l.decay);
    return {fma(T(2), l.log1p_decay, size), z < T(0) ? T(0) - slope : slope, T(2) * l.variance};
  }
};

// F = 1 - exp(-exp(z)), of the smallest of many: exp(z) - z, exp(z) - 1.
template <class T>
struct ExtremeTime {
  static constexpr const char* name = "aft_extreme";
  static constexpr double cost = 1.8;
  using Link = CloglogLink<T>;
  NUMLOSS_INLINE static Derivatives<T> event(T z) {
    const T w = exp(z);
    return {w > Real<T>::kLargest ? w : w - z, expm1(z), w};
  }
};

// The logarithm of a time is the prediction p plus s times a random number z: -log(f(z)/(s t)) of
// an event at t, and -log(F(b) - F(a)) of one between two times, a and b their z. Derivatives by p
// are those by z over -s and s². What lies between 0 and infinity says nothing.
template <template <class> class Time, class T>
struct Aft {
  static constexpr const char* name = Time<T>::name;
  static constexpr bool takes_aside = true;
  static constexpr int parameters = 2;
  static constexpr double cost = Time<T>::cost;
  T scale, log_scale;
  explicit Aft(const double* parameters) : scale(T(parameters[0])), log_scale(T(parameters[1])) {}
  NUMLOSS_INLINE bool outside(Constant<kTarget>, T lower) const { return lower < T(0); }
  NUMLOSS_INLINE bool outside(Constant<kAside>, T upper) const { return upper <= T(0); }
  NUMLOSS_INLINE bool crossed(T lower, T upper) const { return lower > upper; }
  NUMLOSS_INLINE Derivatives<T> operator()(T p, T lower, T upper) const {
    constexpr T kInfinity = Real<T>::kInfinity;
    const T poison = keep_nan(p, keep_nan(lower, keep_nan(upper, T(0))));
    const T log_lower = log(lower), log_upper = log(upper);
    const T a = (log_lower - p) / scale, b = (log_upper - p) / scale;
    // Of bounds that are close the difference of their logarithms would have no digits.
    const T growth = (upper - lower) / lower;
    const T gap = (growth < T(1) ? log1p(growth) : log_upper - log_lower) / scale;
    const bool happened = lower == upper, says_nothing = (a == -kInfinity) & (b == kInfinity);
    const Derivatives<T> event = Time<T>::event(a);
    const IntervalCost<T> interval = Time<T>::Link::cost(a, b, gap);
    const T value = happened ? event.value + (log_lower + log_scale) : interval.value;
    const T slope = happened ? event.first : interval.by_both;
    const T curvature = happened ? event.second : interval.both_curvature;
    return {keep_nan(poison, says_nothing ? T(0) : value),
            keep_nan(poison, says_nothing ? T(0) : T(0) - slope / scale),
            keep_nan(poison, says_nothing ? T(0) : curvature / scale / scale)};
  }
};

template <class T>
using NormalAft = Aft<NormalTime, T>;
template <class T>
using LogisticAft = Aft<LogisticTime, T>;
template <class T>
using ExtremeAft = Aft<ExtremeTime, T>;

// ------------------------------------------------------------------------------ partial likelihood

// exp(x - highest), x <= highest, which may both be infinite.
NUMLOSS_INLINE double hazard(double x, double highest) {
  return x == highest ? 1.0 : exp_nonpositive(x - highest);
}

// Sums over the draws of one time, for a score as high as the highest: of its shares q and their
// squares.
struct Shares {
  double all = 0, squares = 0;
  void add(double n, double q) {
    all += n * q;
    squares += n * q * q;
  }
  void add(const Shares& more) {
    all += more.all;
    squares += more.squares;
  }
  void scale(double factor) {
    all *= factor;
    squares *= factor * factor;
  }
};

struct Draws {
  Shares whole, partly;  // of items without an event at this time, and of those with one
  double led = 0;        // sum of q (1 - q) of the highest
};

// The negative log partial likelihood: each event draws its item among those whose time is not
// before its own, with chances proportional to exp(s). Of d events at one time with the sum E of
// exp(s), among others with the sum O, Breslow draws every time from O + E, Efron the l-th from
// O + c_l E, c_l = 1 - l/d. The derivatives by s_k are, with its shares q in the draws that it
// takes part in, sum q - [k has an event] and sum q (1 - q).
//
// Times go down, and with them the items at risk grow. As in list_mle, each time has the highest
// score at risk, its place, and the sums of exp(s - highest) of the others, apart for those without
// an event at this time (`others`) and those with one (`rivals`): with them 1 - q of the highest is
// a quotient of sums. In other items' q (1 - q) little cancels: q is at most 1/2 for Breslow,
// d / (d + 1) for Efron.
template <class T, bool kEfron>
struct RiskSets {
  const List<T>& list;
  double* score;                      // by place in `order`
  double *highest, *others, *rivals;  // of each time, at the first of its places
  int64_t* leader;                    // the same

  explicit RiskSets(const List<T>& list)
      : list(list),
        score(list.wide),
        highest(score + list.n),
        others(highest + list.n),
        rivals(others + list.n),
        leader(list.rank) {
    order_descending(list.target, list.n, list.order, list.spare);
    for (int64_t i = 0; i < list.n; ++i) score[i] = double(list.score[list.order[i]]);
  }

  bool is_same_time(int64_t i, int64_t j) const {
    return list.target[list.order[i]] == list.target[list.order[j]];
  }
  bool happened(int64_t i) const { return list.aside[list.order[i]] != T(0); }
  int64_t events(int64_t first, int64_t end) const {
    int64_t count = 0;
    for (int64_t i = first; i < end; ++i) count += happened(i);
    return count;
  }

  // Breslow's draws are all alike.
  static int64_t draws(int64_t events) { return kEfron || events == 0 ? events : 1; }
  static double repeats(int64_t events) { return kEfron ? 1 : double(events); }
  // c_l.
  static double part(int64_t l, int64_t events) {
    return kEfron ? double(events - l) / double(events) : 1;
  }
  // What the highest score has of c_l, and what may be drawn beside it.
  double own(int64_t first, double part) const {
    const int64_t lead = leader[first];
    return is_same_time(lead, first) && happened(lead) ? part : 1;
  }
  double rest(int64_t first, double part) const { return others[first] + part * rivals[first]; }

  // Finds what is at risk at each time; returns the value, NaN where none can be drawn.
  double costs() const {
    double total = 0;
    int64_t before = -1;  // the first place of the time after this one
    for (int64_t first = 0, end; first < list.n; before = first, first = end) {
      end = first + 1;
      while (end < list.n && is_same_time(first, end)) ++end;
      find_risk(before, first, end);
      total += costs_of(first, end);
    }
    return total;
  }

  void find_risk(int64_t before, int64_t first, int64_t end) const {
    int64_t lead = before < 0 ? first : leader[before];
    for (int64_t i = first; i < end; ++i) lead = score[i] < score[lead] ? lead : i;
    const double top = score[lead];
    double left = 0, competing = 0;
    if (before >= 0) {
      const bool leads_on = lead == leader[before];
      left = (others[before] + rivals[before] + (leads_on ? 0 : 1)) * hazard(highest[before], top);
    }
    for (int64_t i = first; i < end; ++i) {
      if (i != lead) (happened(i) ? competing : left) += hazard(score[i], top);
    }
    leader[first] = lead;
    highest[first] = top;
    others[first] = left;
    rivals[first] = competing;
  }

  double costs_of(int64_t first, int64_t end) const {
    const int64_t count = events(first, end);
    const double top = highest[first];
    if (count > 0 && top == -Real<double>::kInfinity) return Real<double>::kNan;
    double total = 0;
    for (int64_t i = first; i < end; ++i) {
      if (happened(i) && score[i] < top) total += top - score[i];
    }
    for (int64_t l = 0; l < draws(count); ++l) {
      const double c = part(l, count), mine = own(first, c);
      total += repeats(count) * (log(mine) + log1p(rest(first, c) / mine));
    }
    return total;
  }

  Draws draw(int64_t first, int64_t count) const {
    Draws found;
    for (int64_t l = 0; l < draws(count); ++l) {
      const double c = part(l, count), mine = own(first, c), left = rest(first, c);
      const double inverse = 1 / (mine + left), n = repeats(count);
      found.whole.add(n, inverse);
      found.partly.add(n, c * inverse);
      found.led += n * (mine * inverse) * (left * inverse);
    }
    return found;
  }

  // Times go up, so that the draws before are those that an item took part in.
  void derive() const {
    Shares drawn, before_lead;  // of the draws before, and of those before this leader's
    double led = 0;
    for (int64_t end = list.n, first; end > 0; end = first) {
      first = end - 1;
      while (first > 0 && is_same_time(first - 1, first)) --first;
      const int64_t later = end < list.n ? end : first;  // the time before this one
      drawn.scale(hazard(highest[first], highest[later]));
      if (first == later || leader[first] != leader[later]) {
        before_lead = drawn;
        led = 0;
      }
      const int64_t count = events(first, end);
      const Draws now = draw(first, count);
      led += now.led;
      for (int64_t i = first; i < end; ++i) {
        const bool leads = i == leader[first];
        const double curvature = before_lead.all - before_lead.squares + led;
        put(i, first, drawn, happened(i) ? now.partly : now.whole, leads, curvature);
      }
      drawn.add(now.whole);
    }
  }

  // `curvature`: that of the highest score, if it is this one.
  void put(int64_t i, int64_t first, const Shares& drawn, const Shares& now, bool leads,
           double curvature) const {
    const double size = hazard(score[i], highest[first]);
    const double all = size * (drawn.all + now.all);
    const double squares = size * size * (drawn.squares + now.squares);
    // Of an event 1 is subtracted from its share in the first draw, where c is 1.
    const double left = rest(first, 1), inverse = 1 / (1 + left);
    const double missed = leads ? left * inverse : 1 - size * inverse;
    const double slope = size * (drawn.all + (now.all - inverse)) - missed;
    const int64_t place = list.order[i];
    if (list.mode & kGradient) list.gradient[place] = T(happened(i) ? slope : all);
    if (list.mode & kHessian) list.hessian[place] = T(leads ? curvature : all - squares);
  }
};

template <class T, bool kEfron>
T cox(const List<T>& list) {
  return unless_nan(list, [&] {
    const RiskSets<T, kEfron> sets(list);
    const double total = sets.costs();
    if (is_nan(total)) {
      fill_derivatives(list, Real<T>::kNan);
    } else if ((list.mode & (kGradient | kHessian)) != 0) {
      sets.derive();
    }
    return T(total);
  });
}

template <bool kEfron>
constexpr Entry partial_likelihood(const char* name) {
  return lists<0>(name, 60.0, []<class T>(T) -> ListFunctions<T> {
    return {cox<T, kEfron>, 0, 4, true, true};
  });
}

}  // namespace

NUMLOSS_LOSS(AftNormal) = elements<NormalAft>();
NUMLOSS_LOSS(AftLogistic) = elements<LogisticAft>();
NUMLOSS_LOSS(AftExtreme) = elements<ExtremeAft>();
NUMLOSS_LOSS(CoxBreslow) = partial_likelihood<false>("cox_breslow");
NUMLOSS_LOSS(CoxEfron) = partial_likelihood<true>("cox_efron");

}  // namespace numloss::NUMLOSS_ISA
