#include "integer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace numloss {
namespace {

int bits(const Integer& x) {
  return x.size == 0 ? 0 : 64 * x.size - std::countl_zero(x.word[x.size - 1]);
}

// -1, 0, 1 as |a| is less than, equal to or greater than |b|; the exponents are equal.
int compare(const uint64_t* a, const uint64_t* b, int size) {
  for (int i = size - 1; i >= 0; --i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

// The words of x, moved up by so many bits, into size words.
void shift_into(const Integer& x, int shift, uint64_t* to, int size) {
  const int words = shift / 64, rest = shift % 64;
  if (size > Integer::kMost || words + x.size > size) {
    throw std::overflow_error("a sum is longer than an evaluation holds");
  }
  std::fill_n(to, size, 0);
  for (int i = 0; i < x.size; ++i) {
    to[i + words] |= x.word[i] << rest;
    if (rest != 0 && i + words + 1 < size) to[i + words + 1] |= x.word[i] >> (64 - rest);
  }
}

// `high` and `sticky` stand for high * 2^exponent and a bit more than that, high >= 2^63.
double rounded(Uint128 high, int exponent, bool sticky, bool negative) {
  const int width = high >> 64 != 0 ? 128 - std::countl_zero(uint64_t(high >> 64))
                                    : 64 - std::countl_zero(uint64_t(high));
  // The last bit kept is the 53rd, or that of the smallest number.
  const int drop = std::max(width - 53, -1074 - exponent);
  if (drop > width) return negative ? -0.0 : 0.0;
  auto kept = uint64_t(drop < 128 ? high >> drop : 0);
  const Uint128 half = Uint128(1) << (drop - 1), below = high & (half - 1);
  const bool upper = (high & half) != 0;
  if (upper && (below != 0 || sticky || (kept & 1) != 0)) ++kept;
  const double magnitude = std::ldexp(double(kept), exponent + drop);
  return negative ? -magnitude : magnitude;
}

// high * 2^64 + low, divided by b > high, and what is left.
uint64_t quotient_of(uint64_t high, uint64_t low, uint64_t b, uint64_t& left) {
#if defined(__x86_64__)
  // The compiler calls a function for it, as it does not know that the quotient has one word.
  uint64_t quotient;
  __asm__("divq %4" : "=a"(quotient), "=d"(left) : "0"(low), "1"(high), "r"(b) : "cc");
  return quotient;
#else
  const Uint128 whole = Uint128(high) << 64 | low;
  left = uint64_t(whole % b);
  return uint64_t(whole / b);
#endif
}

// By a number of one word: long division from the top, until the quotient has two words.
double divide_short(const Integer& a, uint64_t b, int exponent, bool negative) {
  Uint128 quotient = 0;
  uint64_t left = 0;
  int i = a.size - 1;
  for (; quotient >> 64 == 0; --i) {
    quotient = quotient << 64 | quotient_of(left, i >= 0 ? a.word[i] : 0, b, left);
  }
  // The lowest word of a is not 0.
  return rounded(quotient, exponent + 64 * (i + 1), left != 0 || i >= 0, negative);
}

// Bit by bit: 66 of them say how to round.
double divide_long(const Integer& a, const Integer& b, int exponent, bool negative) {
  const int longest = std::max(bits(a), bits(b));
  const int size = longest / 64 + 1;  // room for a bit more
  uint64_t left[Integer::kMost + 1], divisor[Integer::kMost + 1];
  const int up_a = longest - bits(a), up_b = longest - bits(b);
  shift_into(a, up_a, left, size);
  shift_into(b, up_b, divisor, size);
  constexpr int kBits = 66;
  Uint128 quotient = 0;
  for (int step = 0; step < kBits; ++step) {
    quotient <<= 1;
    if (compare(left, divisor, size) >= 0) {
      quotient |= 1;
      uint64_t borrow = 0;
      for (int i = 0; i < size; ++i) {
        const uint64_t less = left[i] - divisor[i], result = less - borrow;
        borrow = (left[i] < divisor[i]) | (less < borrow);
        left[i] = result;
      }
    }
    for (int i = size - 1; i > 0; --i) left[i] = left[i] << 1 | left[i - 1] >> 63;
    left[0] <<= 1;
  }
  const bool sticky = std::any_of(left, left + size, [](uint64_t word) { return word != 0; });
  return rounded(quotient, exponent + up_b - up_a - (kBits - 1), sticky, negative);
}

}  // namespace

Integer::Integer(uint64_t value) : size(value != 0 ? 1 : 0) { word[0] = value; }

Integer::Integer(const Fixed& sum) : size(sum.size), exponent(sum.unit) {
  negative = sum.word[size - 1] >> 63 != 0;
  uint64_t carry = negative ? 1 : 0;
  for (int i = 0; i < size; ++i) {
    word[i] = negative ? ~sum.word[i] + carry : sum.word[i];
    carry = carry != 0 && word[i] == 0 ? 1 : 0;
  }
  trim();
}

Integer::Integer(const Integer& other) { *this = other; }

Integer& Integer::operator=(const Integer& other) {
  negative = other.negative;
  size = other.size;
  exponent = other.exponent;
  std::memmove(word, other.word, sizeof(uint64_t) * size_t(other.size));
  return *this;
}

void Integer::trim() {
  while (size > 0 && word[size - 1] == 0) --size;
  int zeros = 0;
  while (zeros < size && word[zeros] == 0) ++zeros;
  if (zeros > 0) {
    size -= zeros;
    exponent += 64 * zeros;
    std::memmove(word, word + zeros, sizeof(uint64_t) * size_t(size));
  }
  if (size == 0) {
    negative = false;
    exponent = 0;
  }
}

Integer operator*(const Integer& a, const Integer& b) {
  if (a.size + b.size > Integer::kMost) {
    throw std::overflow_error("a product is longer than an evaluation holds");
  }
  Integer product;
  product.negative = a.negative != b.negative;
  product.exponent = a.exponent + b.exponent;
  product.size = a.size + b.size;
  std::fill_n(product.word, product.size, 0);
  for (int i = 0; i < a.size; ++i) {
    uint64_t carry = 0;
    for (int j = 0; j < b.size; ++j) {
      const Uint128 part = Uint128(a.word[i]) * b.word[j] + product.word[i + j] + carry;
      product.word[i + j] = uint64_t(part);
      carry = uint64_t(part >> 64);
    }
    product.word[i + b.size] = carry;
  }
  product.trim();
  return product;
}

Integer operator+(const Integer& a, const Integer& b) {
  if (a.zero()) return b;
  if (b.zero()) return a;
  Integer sum;
  sum.exponent = std::min(a.exponent, b.exponent);
  const int up_a = a.exponent - sum.exponent, up_b = b.exponent - sum.exponent;
  sum.size = std::max(bits(a) + up_a, bits(b) + up_b) / 64 + 1;
  uint64_t other[Integer::kMost];
  shift_into(a, up_a, sum.word, sum.size);
  shift_into(b, up_b, other, sum.size);
  sum.negative = a.negative;
  if (a.negative == b.negative) {
    uint64_t carry = 0;
    for (int i = 0; i < sum.size; ++i) {
      const uint64_t partial = sum.word[i] + other[i], total = partial + carry;
      carry = (partial < other[i]) | (total < partial);
      sum.word[i] = total;
    }
  } else {
    uint64_t *large = sum.word, *small = other;
    if (compare(large, small, sum.size) < 0) {
      std::swap(large, small);
      sum.negative = b.negative;
    }
    uint64_t borrow = 0;
    for (int i = 0; i < sum.size; ++i) {
      const uint64_t less = large[i] - small[i], result = less - borrow;
      borrow = (large[i] < small[i]) | (less < borrow);
      sum.word[i] = result;
    }
  }
  sum.trim();
  return sum;
}

Integer operator-(const Integer& a, const Integer& b) {
  Integer negated = b;
  negated.negate();
  return a + negated;
}

double divide(const Integer& a, const Integer& b) {
  if (a.zero()) return 0.0;
  const bool negative = a.negative != b.negative;
  const int exponent = a.exponent - b.exponent;
  return b.size == 1 ? divide_short(a, b.word[0], exponent, negative)
                     : divide_long(a, b, exponent, negative);
}

}  // namespace numloss
