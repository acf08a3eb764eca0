// What is made of examples before a state takes them in: bins, buckets, pairs, and the two classes.
#pragma once

#include <cstdint>
#include <vector>

#include "keys.hpp"

namespace numloss {

// For each probability its bin, of so many of equal width; a NaN goes to the first.
template <class T>
void bins_of(const T* values, int64_t n, int32_t count, int32_t* bins);

// For each row, by its identity and the salt alone, one of so many buckets.
void buckets_of_rows(const uint64_t* rows, int64_t n, uint64_t salt, uint32_t count,
                     int32_t* buckets);

// Losses of another model less those of the first, and 1 where it is better, 0.5 for a tie. What
// does not count, with a weight and a loss of 0, has zeros.
template <class T>
struct Pairs {
  const T *first, *other;
  const double* weights;  // or none
  int64_t size;
  bool higher_is_better;

  void compare(double* difference, float* won) const;
};

// Scores, and codes of groups if there are any, of examples of one class.
template <class T>
struct Scores {
  std::vector<T> scores;
  std::vector<int32_t> codes;
  int64_t size = 0;
};

// Those of the examples that count: of those whose outcome is above a half, and of the others.
template <class T>
void split_by_outcome(const T* scores, const T* outcomes, const double* weights,
                      const int32_t* codes, int64_t n, Scores<T> (&kinds)[2]);

}  // namespace numloss
