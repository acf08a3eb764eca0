// Sums in fixed point: whole multiples of a power of two, in two's complement. Nothing rounds, so
// no order of the additions changes a bit.
#pragma once

#include <bit>
#include <cstdint>

namespace numloss {

__extension__ using Int128 = __int128;
__extension__ using Uint128 = unsigned __int128;

// `size` words, the lowest first, in units of 2^unit.
struct Fixed {
  uint64_t* word;
  int size;
  int unit;
};

namespace detail {

// Adds parts[0..2] and then the sign's words from word `at` on. True: the sum has overflowed.
inline bool add_words(const Fixed& sum, int at, const uint64_t parts[3], uint64_t sign) {
  unsigned char carry = 0;
  for (int i = at; i < sum.size; ++i) {
    const int k = i - at;
    if (k >= 3 && sign + carry == 0) return false;  // nothing left to add
    const uint64_t addend = k < 3 ? parts[k] : sign;
    const uint64_t old = sum.word[i], partial = old + addend, total = partial + carry;
    carry = static_cast<unsigned char>((partial < old) | (total < partial));
    sum.word[i] = total;
    if (i == sum.size - 1) return ((old ^ total) & (addend ^ total)) >> 63 != 0;
  }
  return false;
}

}  // namespace detail

// Adds value * 2^exponent. False, and the sum is as it was: that is not a whole number of units, or
// the result does not fit.
inline bool add(const Fixed& sum, Int128 value, int exponent) {
  if (value == 0) return true;
  int place = exponent - sum.unit;
  if (place < 0) {
    const Int128 whole = place > -127 ? value >> -place : 0;
    if (whole == 0 || whole << -place != value) return false;
    value = whole;
    place = 0;
  }
  const int at = place >> 6, shift = place & 63;
  if (at >= sum.size) return false;
  const auto low = uint64_t(value), high = uint64_t(Uint128(value) >> 64);
  const uint64_t sign = value < 0 ? ~uint64_t(0) : 0;
  uint64_t parts[3] = {low, high, sign};
  if (shift != 0) {
    parts[0] = low << shift;
    parts[1] = high << shift | low >> (64 - shift);
    parts[2] = sign << shift | high >> (64 - shift);
  }
  // Parts beyond the last word must say no more than its sign.
  for (int k = sum.size - at; k < 3; ++k) {
    if (parts[k] != (parts[k - 1] >> 63 != 0 ? ~uint64_t(0) : 0)) return false;
  }
  if (!detail::add_words(sum, at, parts, sign)) return true;
  // Take it back: subtracting is adding the complement.
  uint64_t complement[3];
  uint64_t carry = 1;
  for (int k = 0; k < 3; ++k) {
    complement[k] = ~parts[k] + carry;
    carry = carry != 0 && complement[k] == 0 ? 1 : 0;
  }
  detail::add_words(sum, at, complement, ~sign + carry);
  return false;
}

// Calls f(value, exponent) for the words of a sum, which add up to it; the highest has the sign.
template <class F>
inline void each_word(const Fixed& sum, const F& f) {
  for (int i = 0; i < sum.size; ++i) {
    const bool highest = i == sum.size - 1;
    f(highest ? Int128(int64_t(sum.word[i])) : Int128(sum.word[i]), sum.unit + 64 * i);
  }
}

// The same for sums of kWords words and magnitudes that kParts words hold wherever they are moved
// to, without a loop. False as well where the result might not fit.
template <int kWords, int kParts>
[[gnu::always_inline]] inline bool add_short(uint64_t* word, Uint128 magnitude, bool negative,
                                             int place) {
  const int at = place >> 6, shift = place & 63;
  if (place < 0 || at + kParts > kWords) return false;
  // The highest word is far from its ends, and so is what is added to it.
  constexpr uint64_t kFar = uint64_t(1) << 61;
  if (word[kWords - 1] + kFar >= 2 * kFar) return false;
  const auto low = uint64_t(magnitude), high = uint64_t(magnitude >> 64);
  uint64_t part[3];
  part[0] = low << shift;
  part[1] = high << shift | low >> 1 >> (63 - shift);
  part[2] = high >> 1 >> (63 - shift);
  if (at + kParts == kWords && part[kParts - 1] >= kFar) return false;
  uint64_t carry = 0;
#pragma GCC unroll 3
  for (int k = 0; k < kParts; ++k) {
    uint64_t& to = word[at + k];
    const bool first = negative ? __builtin_sub_overflow(to, part[k], &to)
                                : __builtin_add_overflow(to, part[k], &to);
    const bool second =
        negative ? __builtin_sub_overflow(to, carry, &to) : __builtin_add_overflow(to, carry, &to);
    carry = first || second ? 1 : 0;
  }
  for (int i = at + kParts; carry != 0 && i < kWords; ++i) {
    carry = negative ? __builtin_sub_overflow(word[i], carry, &word[i])
                     : __builtin_add_overflow(word[i], carry, &word[i]);
  }
  return true;
}

// A finite number as a whole multiple of a power of two.
struct Scaled {
  int64_t multiple;
  int exponent;
};

inline Scaled scaled(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const int exponent = int(bits >> 23 & 0xff);
  const auto mantissa = int64_t(bits & 0x7fffff) | (exponent > 0 ? int64_t(1) << 23 : 0);
  return {bits >> 31 != 0 ? -mantissa : mantissa, (exponent > 0 ? exponent : 1) - 150};
}

inline Scaled scaled(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const int exponent = int(bits >> 52 & 0x7ff);
  const auto mantissa = int64_t(bits & 0xfffffffffffff) | (exponent > 0 ? int64_t(1) << 52 : 0);
  return {bits >> 63 != 0 ? -mantissa : mantissa, (exponent > 0 ? exponent : 1) - 1075};
}

}  // namespace numloss
