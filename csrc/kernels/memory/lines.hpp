// Lines of memory. Those of arrays larger than the caches are asked for some time before they are
// read: what the hardware fetches by itself ends at every page, and on some CPUs comes too late.
// (Writing past the caches was slower: arrays begin at no line, and most losses compute meanwhile.)
#pragma once

#include "../arithmetic/math.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

inline constexpr int kLineBytes = 64;
// Elements of a line of memory.
template <class T>
inline constexpr int kLine = kLineBytes / int(sizeof(T));

// How long before its turn a line is asked for: 2 KB were late, 16 KB gained nothing more.
inline constexpr int64_t kAheadBytes = 6144;
// Elements between two requests: 256 came in bursts that the formulas had to wait for.
inline constexpr int64_t kPiece = 64;

// Asks for the lines `distance` bytes behind [from, from + bytes). There need not be any memory.
NUMLOSS_INLINE void fetch_ahead(const void* from, int64_t bytes, int64_t distance = kAheadBytes) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(from) + uintptr_t(distance);
  for (int64_t i = 0; i < bytes; i += kLineBytes) {
    __builtin_prefetch(reinterpret_cast<const void*>(first + uintptr_t(i)), 0, 3);
  }
}

// Calls f(first, count) for [0, n): at once, or in pieces and asking ahead in `arrays`.
template <class... T>
NUMLOSS_INLINE void each_piece(bool ahead, int64_t n, auto&& f, const T*... arrays) {
  const int64_t piece = ahead ? kPiece : n;
  for (int64_t i = 0; i < n; i += piece) {
    if (ahead) (fetch_ahead(arrays + i, kPiece * int64_t(sizeof(T))), ...);
    f(i, n - i < piece ? n - i : piece);
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
