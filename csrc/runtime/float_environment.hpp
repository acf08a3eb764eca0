// The floating-point environment that results are computed in, whatever the caller's.
#pragma once

#include <cstdint>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace numloss {

// Sets rounding to nearest and keeps subnormals for its lifetime, then gives the caller's back. A
// compiler may move arithmetic of the same function past either end: compute in functions that are
// called, not inlined, in between.
class FloatEnvironment {
 public:
#if defined(__x86_64__)
  FloatEnvironment() : saved_(_mm_getcsr()) {
    if ((saved_ & ~kStatus) != kIeee) _mm_setcsr(kIeee);
  }
  ~FloatEnvironment() {
    // The status flags that the work raised are no one's business either. Mostly the caller has
    // raised them before: writing the register costs as much as the work on 64 numbers.
    if (_mm_getcsr() != saved_) _mm_setcsr(saved_);
  }

 private:
  static constexpr unsigned kStatus = 0x3f;
  static constexpr unsigned kIeee = 0x1f80;  // all exceptions masked, nothing flushed
  unsigned saved_;
#elif defined(__aarch64__)
  FloatEnvironment() {
    asm volatile("mrs %0, fpcr" : "=r"(control_));
    asm volatile("mrs %0, fpsr" : "=r"(status_));
    if (control_ != 0) asm volatile("msr fpcr, %0" ::"r"(uint64_t(0)));
  }
  ~FloatEnvironment() {
    asm volatile("msr fpcr, %0" ::"r"(control_));
    asm volatile("msr fpsr, %0" ::"r"(status_));
  }

 private:
  uint64_t control_, status_;
#endif
};

}  // namespace numloss
