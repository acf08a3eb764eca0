// Penalties on weights. The target plays no part.
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// l1 |w| + l2 w²/2. Derivative l1 sign(w) + l2 w, sign(0) = 0. A factor of 0 takes its term away,
// infinite weights or not.
template <class T>
struct ElasticNet {
  static constexpr const char* name = "elastic_net";
  static constexpr int parameters = 2;
  static constexpr double cost = 0.15;
  static constexpr bool is_penalty = true;
  Factor<T> l1, l2;
  explicit ElasticNet(const double* parameters) : l1(T(parameters[0])), l2(T(parameters[1])) {}
  NUMLOSS_INLINE Derivatives<T> operator()(T w, T) const {
    const T sign = w > T(0) ? T(1) : w < T(0) ? T(-1) : w;
    return {keep_nan(w, l1.times(abs(w)) + l2.times(T(0.5) * w * w)),
            keep_nan(w, l1.x * sign + l2.times(w)), keep_nan(w, l2.x)};
  }
};

}  // namespace

NUMLOSS_LOSS(ElasticNet) = elements<ElasticNet>();

}  // namespace numloss::NUMLOSS_ISA
