// Numbers that the kernels' compilers must not see the values of.
#pragma once

namespace numloss {

// A number of each type that kernels compute in.
struct Reals {
  float single;
  double wide;
};

// At and below these exp is 0; chosen at Real<float>::kExpZero in csrc/kernels/arithmetic/math.hpp.
inline constexpr Reals kExpZeros = {-104.7f, -746.5};

// The same. Of a comparison with a constant GCC 12 makes two instructions, on AVX2 three, where it
// makes a maximum of one with a number that it does not know.
[[gnu::visibility("hidden")]] extern const Reals kLeastExpArgument;

}  // namespace numloss
