// Sorting, without the standard library: what two builds of it do with equal keys may differ.
#pragma once

#include "math.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Merges the sorted runs [first, middle) and [middle, last) of `from` into `to`.
template <class T>
inline void merge_descending(const T* key, const int64_t* from, int64_t first, int64_t middle,
                             int64_t last, int64_t* to) {
  int64_t a = first, b = middle;
  for (int64_t i = first; i < last; ++i) {
    const bool takes_a = b == last || (a < middle && !(key[from[b]] > key[from[a]]));
    to[i] = from[takes_a ? a++ : b++];
  }
}

// The places of n keys, none of them NaN, from the highest to the lowest; of equal ones the first
// comes first. `spare` has room for as many.
template <class T>
[[gnu::noinline]] void order_descending(const T* key, int64_t n, int64_t* place, int64_t* spare) {
  for (int64_t i = 0; i < n; ++i) place[i] = i;
  int64_t* from = place;
  int64_t* to = spare;
  for (int64_t run = 1; run < n; run *= 2) {
    for (int64_t first = 0; first < n; first += 2 * run) {
      const int64_t middle = n - first < run ? n : first + run;
      const int64_t last = n - middle < run ? n : middle + run;
      merge_descending(key, from, first, middle, last, to);
    }
    int64_t* const sorted = to;
    to = from;
    from = sorted;
  }
  for (int64_t i = 0; i < n && from != place; ++i) place[i] = from[i];
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
