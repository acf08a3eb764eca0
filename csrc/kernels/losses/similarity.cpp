// Losses of rows of numbers that are to be alike, or not: vectors that stand for things. All is
// computed in double, in which the products of floats are exact.
#include "../arithmetic/sum.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// f(i), i < n, where it is wanted.
template <class T>
NUMLOSS_INLINE void put(T* to, int64_t n, const auto& f) {
  if (to == nullptr) return;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = T(0.0 + f(i));  // 0 +: no negative zero
}

// All derivatives of an example are x.
template <class T>
void put_all(const Vectors<T>& vectors, double x) {
  for (int h = 0; h < kMaxHeads; ++h) {
    put(vectors.gradient[h], vectors.n, [x](int64_t) { return x; });
    put(vectors.hessian[h], vectors.n, [x](int64_t) { return x; });
  }
}

// The Euclidean norm of x(i), i < n: of less, where a double does not hold the squares.
NUMLOSS_INLINE double norm_of(int64_t n, const auto& x) {
  const double sum = sum_of(n, [x](int64_t i) {
    const double e = x(i);
    return e * e;
  });
  if (sum <= Real<double>::kLargest) return sqrt(sum);
  constexpr double kLess = 0x1p-600;
  return sqrt(sum_of(n,
                     [x](int64_t i) {
                       const double e = kLess * x(i);
                       return e * e;
                     })) /
         kLess;
}

// A row over its length L: u = x/L. `rest`: 1 - |u|², as L need not be the norm.
template <class T>
struct Direction {
  const T* x;
  double inverse, rest;
  bool moves;  // whether L grows with the norm
};

// L = max(|x|, least).
template <class T>
Direction<T> direction_above(const T* x, int64_t n, double least) {
  const double norm = norm_of(n, [x](int64_t i) { return double(x[i]); });
  const bool moves = !(norm <= least);
  const double share = norm / least;
  return {x, 1 / (moves ? norm : least), moves ? 0 : (1 - share) * (1 + share), moves};
}

// L² = |x|² + e² (torch's, of which e² is 1e-12).
template <class T>
Direction<T> direction_beyond(const T* x, int64_t n) {
  constexpr double kBeyond = 1e-6, kFar = 1e12;  // beside kFar, kBeyond is nothing
  const double norm = norm_of(n, [x](int64_t i) { return double(x[i]); });
  const double inverse = 1 / (norm > kFar ? norm : sqrt(norm * norm + kBeyond * kBeyond));
  const double share = kBeyond * inverse;
  return {x, inverse, share * share, true};
}

// c = u·v, and 1 - c: of rows that are nearly alike (|u - v|² + 1 - |u|² + 1 - |v|²)/2, which loses
// no digits.
struct Cosine {
  double cosine, gap;
};

template <class T>
Cosine cosine_of(const Direction<T>& a, const Direction<T>& b, int64_t n) {
  const T *const x = a.x, *const y = b.x;
  const double p = a.inverse, q = b.inverse;
  const double cosine =
      sum_of(n, [=](int64_t i) { return (double(x[i]) * p) * (double(y[i]) * q); });
  if (!(cosine > 0.5)) return {cosine, 1 - cosine};
  const double apart = sum_of(n, [=](int64_t i) {
    const double d = double(x[i]) * p - double(y[i]) * q;
    return d * d;
  });
  return {cosine, 0.5 * (apart + (a.rest + b.rest))};
}

// `slope` times the derivatives of c by a row: (v - c u)/L and (3 c u² - 2 u v - c)/L², where L
// moves; else v/L and 0. Of rows that are nearly alike v - c u is (v - u) + (1 - c) u.
template <class T>
void put_cosine(const Vectors<T>& vectors, int head, const Direction<T>& own,
                const Direction<T>& other, const Cosine& of, double slope) {
  const T *const x = own.x, *const y = other.x;
  const double p = own.inverse, q = other.inverse, c = of.cosine;
  const bool near = own.moves && c > 0.5;
  const double whole = near ? 1 : 0, part = near ? of.gap : own.moves ? -c : 0;
  const double scale = vectors.factor * slope * p, bend = own.moves ? scale * p : 0;
  put(vectors.gradient[head], vectors.n, [=](int64_t i) {
    const double u = double(x[i]) * p, v = double(y[i]) * q;
    return scale * ((v - whole * u) + part * u);
  });
  put(vectors.hessian[head], vectors.n, [=](int64_t i) {
    const double u = double(x[i]) * p, v = double(y[i]) * q;
    return bend * (c * (3 * (u * u) - 1) - 2 * (u * v));
  });
}

// 1 - c, the least length a parameter; the second row is the target.
template <class T>
T cosine_similarity(const Vectors<T>& vectors) {
  const double least = vectors.parameters[0];
  const Direction<T> a = direction_above(vectors.row[0], vectors.n, least);
  const Direction<T> b = direction_above(vectors.row[1], vectors.n, least);
  const Cosine of = cosine_of(a, b, vectors.n);
  if (is_nan(of.gap)) {
    put_all(vectors, Real<double>::kNan);
    return Real<T>::kNan;
  }
  put_cosine(vectors, 0, a, b, of, -1);
  return T(of.gap);
}

// A sign, as SignedTarget has it (signs.cpp).
double sign_of(double target, const double* parameters) {
  return parameters[0] * target + parameters[1];
}

template <class T>
bool is_no_sign(T target, const double* parameters) {
  const double sign = abs(sign_of(double(target), parameters));
  return sign < 1 || sign > 1;
}

// 1 - c of rows that are to be alike, max(0, c - margin) of others: derivative 0 where it is 0.
template <class T>
T cosine_embedding(const Vectors<T>& vectors) {
  const double sign = sign_of(double(vectors.target), vectors.parameters);
  const Direction<T> a = direction_beyond(vectors.row[0], vectors.n);
  const Direction<T> b = direction_beyond(vectors.row[1], vectors.n);
  const Cosine of = cosine_of(a, b, vectors.n);
  if (is_nan(of.gap + sign)) {
    put_all(vectors, Real<double>::kNan);
    return Real<T>::kNan;
  }
  const double beyond = of.cosine - vectors.parameters[2];
  const bool is_active = sign > 0 || beyond > 0;
  if (is_active) {
    put_cosine(vectors, 0, a, b, of, -sign);
    put_cosine(vectors, 1, b, a, of, -sign);
  } else {
    put_all(vectors, 0);
  }
  return T(sign > 0 ? of.gap : is_active ? beyond : 0);
}

template <class T>
bool is_no_share(T target, const double*) {
  return target < T(-kUnitSlack) || target > T(1 + kUnitSlack);
}

// (t d² + (1 - t) max(0, m - d)²)/2, d = |a - b|. Derivatives by a, of r = a - b and u = r/d,
// t r - (1 - t) (m - d) u and t + (1 - t) (1 - (m/d) (1 - u²)), the second parts where 0 < d < m;
// those by b are -, +.
template <class T>
T contrastive(const Vectors<T>& vectors) {
  const T *const a = vectors.row[0], *const b = vectors.row[1];
  const int64_t n = vectors.n;
  const double margin = vectors.parameters[0], factor = vectors.factor;
  const double alike = within_unit(double(vectors.target)), unlike = 1 - alike;
  const double distance = norm_of(n, [=](int64_t i) { return double(a[i]) - double(b[i]); });
  if (is_nan(distance + alike)) {
    put_all(vectors, Real<double>::kNan);
    return Real<T>::kNan;
  }
  const double short_of = distance < margin ? margin - distance : 0;
  const bool moves = short_of > 0 && distance >= Real<double>::kSmallestNormal;
  const double inverse = moves ? 1 / distance : 0, push = moves ? unlike * short_of : 0;
  const double bend = moves ? unlike : 0, ratio = margin * inverse;
  for (int h = 0; h < 2; ++h) {
    const double sign = h == 0 ? factor : -factor;
    put(vectors.gradient[h], n, [=](int64_t i) {
      const double r = double(a[i]) - double(b[i]);
      return sign * (term(alike, r) - term(push, r * inverse));
    });
    put(vectors.hessian[h], n, [=](int64_t i) {
      const double u = (double(a[i]) - double(b[i])) * inverse;
      return factor * (alike + term(bend, 1 - ratio * ((1 - u) * (1 + u))));
    });
  }
  return T(0.5 * (term(alike, distance * distance) + unlike * (short_of * short_of)));
}

// The distance of two rows, of e = x - y + eps: |e|, or the sum of |e|.
template <class T>
struct Distance {
  const T *x, *y;
  double eps, size, inverse;
  bool is_sum;

  Distance(const T* x, const T* y, const Vectors<T>& vectors)
      : x(x), y(y), eps(vectors.parameters[3]), is_sum(vectors.parameters[1] == 1) {
    const auto error = errors();
    size = is_sum ? sum_of(vectors.n, [error](int64_t i) { return abs(error(i)); })
                  : norm_of(vectors.n, error);
    inverse = size > 0 ? 1 / size : 0;
  }

  // Its derivatives by x: u = e/d and (1 - u²)/d, or the sign of e and 0. Those by y are -, +.
  NUMLOSS_INLINE auto slopes() const {
    return [error = errors(), inverse = inverse, is_sum = is_sum](int64_t i) {
      const double e = error(i), sign = e > 0 ? 1.0 : e < 0 ? -1.0 : 0.0;
      return is_sum ? sign : e * inverse;
    };
  }
  NUMLOSS_INLINE auto bends() const {
    return [error = errors(), size = size, inverse = is_sum ? 0 : inverse](int64_t i) {
      const double e = abs(error(i));
      return ((size - e) * inverse) * ((size + e) * inverse) * inverse;
    };
  }

 private:
  NUMLOSS_INLINE auto errors() const {
    return [x = x, y = y, eps = eps](int64_t i) { return (double(x[i]) - double(y[i])) + eps; };
  }
};

// max(0, z), z = margin + d(a, p) - d(a, n), or d(p, n) in the place of the latter where that is
// shorter and `swap` says so. Derivative 0 where z is at most 0.
template <class T>
T triplet_margin(const Vectors<T>& vectors) {
  const T *const a = vectors.row[0], *const p = vectors.row[1], *const negative = vectors.row[2];
  const Distance<T> near(a, p, vectors), usual(a, negative, vectors);
  const Distance<T> other = vectors.parameters[2] != 0 ? Distance<T>(p, negative, vectors) : usual;
  const bool is_swapped = other.size < usual.size;
  const Distance<T> far = is_swapped ? other : usual;
  const double poison = near.size + usual.size + other.size;
  const double z = is_nan(poison) ? poison : vectors.parameters[0] + (near.size - far.size);
  const bool is_idle = z <= 0;
  if (is_idle || !(z <= Real<double>::kLargest)) {
    put_all(vectors, is_idle ? 0 : Real<double>::kNan);
    return is_idle ? T(0) : is_nan(z) ? Real<T>::kNan : Real<T>::kInfinity;
  }
  const auto slope = near.slopes(), far_slope = far.slopes();
  const auto bend = near.bends(), far_bend = far.bends();
  const double factor = vectors.factor, anchor = is_swapped ? 0 : 1, positive = 1 - anchor;
  const int64_t n = vectors.n;
  put(vectors.gradient[0], n,
      [=](int64_t i) { return factor * (slope(i) - anchor * far_slope(i)); });
  put(vectors.gradient[1], n,
      [=](int64_t i) { return factor * (-slope(i) - positive * far_slope(i)); });
  put(vectors.gradient[2], n, [=](int64_t i) { return factor * far_slope(i); });
  put(vectors.hessian[0], n, [=](int64_t i) { return factor * (bend(i) - anchor * far_bend(i)); });
  put(vectors.hessian[1], n,
      [=](int64_t i) { return factor * (bend(i) - positive * far_bend(i)); });
  put(vectors.hessian[2], n, [=](int64_t i) { return factor * -far_bend(i); });
  return T(z);
}

}  // namespace

NUMLOSS_LOSS(CosineSimilarity) = vectors<1>("cosine_similarity", 1, 1.0,
                                            []<class T>(T) -> VectorFunctions<T> {
                                              return {cosine_similarity<T>, nullptr};
                                            });
NUMLOSS_LOSS(CosineEmbedding) = vectors<3>("cosine_embedding", 2, 1.0,
                                           []<class T>(T) -> VectorFunctions<T> {
                                             return {cosine_embedding<T>, is_no_sign<T>};
                                           });
NUMLOSS_LOSS(Contrastive) = vectors<1>("contrastive", 2, 1.0, []<class T>(T) -> VectorFunctions<T> {
  return {contrastive<T>, is_no_share<T>};
});
NUMLOSS_LOSS(TripletMargin) = vectors<4>("triplet_margin", 3, 1.5,
                                         []<class T>(T) -> VectorFunctions<T> {
                                           return {triplet_margin<T>, nullptr};
                                         });

}  // namespace numloss::NUMLOSS_ISA
