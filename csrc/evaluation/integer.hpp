// Whole numbers of any size times a power of two, for the quotients at the end of an evaluation,
// which are rounded once.
#pragma once

#include <cstdint>

#include "fixed.hpp"

namespace numloss {

// sign * sum(word[i] * 2^(64 i)) * 2^exponent. The first and the last word are not 0.
struct Integer {
  // The longest: sum(u u) w w of float64, n times. 68 + 2 * 36 words, and a few.
  static constexpr int kMost = 160;

  bool negative = false;
  int size = 0;
  int exponent = 0;
  uint64_t word[kMost];

  Integer() = default;
  explicit Integer(uint64_t value);
  explicit Integer(const Fixed& sum);
  Integer(const Integer& other);
  Integer& operator=(const Integer& other);

  void negate() { negative = !negative; }
  bool zero() const { return size == 0; }
  // Restores what the class says of the first and the last word.
  void trim();
};

Integer operator*(const Integer& a, const Integer& b);
Integer operator+(const Integer& a, const Integer& b);
Integer operator-(const Integer& a, const Integer& b);

// a / b, rounded once: to nearest, ties to even; infinite where no float64 is large enough. b must
// not be 0.
double divide(const Integer& a, const Integer& b);

}  // namespace numloss
