// The floating-point environment that results are computed in, whatever the caller's.
#pragma once

#include <cstdint>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace numloss {

// Sets rounding to nearest and keeps subnormals for its lifetime, then gives the caller's back.
class FloatEnvironment {
 public:
#if defined(__x86_64__)
  FloatEnvironment() : saved_(_mm_getcsr()) {
    if (saved_ != kIeee) _mm_setcsr(kIeee);
  }
  ~FloatEnvironment() {
    // The status flags that the work raised are no one's business either.
    _mm_setcsr(saved_);
  }

 private:
  static constexpr unsigned kIeee = 0x1f80;  // all exceptions masked, nothing flushed
  unsigned saved_;
#elif defined(__aarch64__)
  FloatEnvironment() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" ::"r"(uint64_t(0)));
  }
  ~FloatEnvironment() { asm volatile("msr fpcr, %0" ::"r"(saved_)); }

 private:
  uint64_t saved_;
#endif
};

}  // namespace numloss
