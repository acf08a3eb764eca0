// Integers known at compile time, one or a list: std::integral_constant and std::integer_sequence,
// which the library's headers would bring much else with.
#pragma once

namespace numloss::NUMLOSS_ISA {
namespace {

// A number as an argument.
template <int kValue>
struct Constant {
  static constexpr int value = kValue;
};

template <int... kIndex>
struct Indices {};

// 0, ..., kCount - 1.
template <int kCount, int... kIndex>
struct UpTo : UpTo<kCount - 1, kCount - 1, kIndex...> {};
template <int... kIndex>
struct UpTo<0, kIndex...> {
  using type = Indices<kIndex...>;
};

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
