// How the C ABI meets its callers: structs that tell their size, faults by value, no exceptions.
#pragma once

#include <cxxabi.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>

#include "../checks/fault.hpp"
#include "../checks/losses.hpp"

// All else is hidden.
#pragma GCC visibility push(default)
#include "../include/numloss.h"
#pragma GCC visibility pop

namespace numloss {

// No struct of any version is larger: a size beyond it was never set.
inline constexpr size_t kMostBytes = 4096;

// Copies to a caller's struct what fits it of `from`, but for its size.
template <class T>
void give(T* to, const T& from) {
  constexpr size_t kSize = sizeof(size_t);
  if (to == nullptr || to->size <= kSize || to->size > kMostBytes) return;
  std::memcpy(reinterpret_cast<char*>(to) + kSize, reinterpret_cast<const char*>(&from) + kSize,
              std::min(to->size, sizeof(T)) - kSize);
}

// Writes a fault, and returns its status.
numloss_status refuse(numloss_fault* to, numloss_status status, const Fault& fault);
// The same, of a fault that the checks found.
numloss_status refuse(numloss_fault* to, const Fault& fault);
// The same, of an argument of the C ABI alone.
[[gnu::format(printf, 4, 0)]] numloss_status refuse_with(numloss_fault* to, numloss_status status,
                                                         const char* argument, const char* format,
                                                         va_list arguments);
[[gnu::format(printf, 4, 5)]] numloss_status refuse(numloss_fault* to, numloss_status status,
                                                    const char* argument, const char* format, ...);

// A call that can be refused: its status, and where to say what is wrong.
class Refusable {
 protected:
  explicit Refusable(numloss_fault* report) : report_(report) {}

  // Says what is wrong, and returns false.
  [[gnu::format(printf, 4, 5)]] bool no(numloss_status status, const char* argument,
                                        const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    status_ = refuse_with(report_, status, argument, format, arguments);
    va_end(arguments);
    return false;
  }

  numloss_fault* const report_;
  numloss_status status_ = NUMLOSS_OK;
};

// The kinds of option that a parameter may be: a sum of NUMLOSS_NUMBER...
int kinds_of(const Parameter& parameter);

// A wrong variable of the environment.
struct BadEnvironment : std::invalid_argument {
  using invalid_argument::invalid_argument;
};

// Reads the environment and looks up what calls need, once. Throws BadEnvironment.
void start();

// What `f` returns; where it throws, the status that says so.
template <class F>
numloss_status guarded(numloss_fault* fault, F f) {
  try {
    return f();
#ifdef __GLIBCXX__  // macOS and musl cancel no thread by an exception
  } catch (const abi::__forced_unwind&) {
    throw;  // the caller's thread is being cancelled, which is no exception and must go on
#endif
  } catch (const BadEnvironment& error) {
    return refuse(fault, NUMLOSS_ENVIRONMENT, "environment:", "%s", error.what());
  } catch (const std::bad_alloc&) {
    return refuse(fault, NUMLOSS_MEMORY, "memory:", "there is none for the work of this call");
  } catch (const std::exception& error) {
    return refuse(fault, NUMLOSS_INTERNAL, "numloss:", "a defect of the library: %s", error.what());
  } catch (...) {
    return refuse(fault, NUMLOSS_INTERNAL, "numloss:", "a defect of the library");
  }
}

// A caller's struct as this version has it: the struct itself, or `copy`, where what an older
// caller does not have is 0. Null: `status` says what is wrong with it. `least`: bytes of the first
// version.
template <class T>
const T* take(const char* name, const T* given, size_t least, T& copy, numloss_fault* fault,
              numloss_status& status) {
  if (given == nullptr) {
    status = refuse(fault, NUMLOSS_STRUCT, name, "must not be NULL");
    return nullptr;
  }
  const size_t size = given->size;
  if (size == sizeof(T)) return given;
  if (size < least || size > kMostBytes) {
    status = refuse(fault, NUMLOSS_STRUCT, name, "must have its sizeof as its size, got %zu", size);
    return nullptr;
  }
  const char* const bytes = reinterpret_cast<const char*>(given);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] == 0) continue;
    status = refuse(fault, NUMLOSS_STRUCT, name,
                    "has members that this version of the library, %s, does not know",
                    numloss_version());
    return nullptr;
  }
  copy = {};
  std::memcpy(&copy, given, std::min(size, sizeof(T)));
  return &copy;
}

// Whether a struct for results says its size; else `status` tells.
template <class T>
bool takes_results(const char* name, const T* to, numloss_fault* fault, numloss_status& status) {
  if (to == nullptr) {
    status = refuse(fault, NUMLOSS_STRUCT, name, "must not be NULL");
  } else if (to->size <= sizeof(size_t) || to->size > kMostBytes) {
    status =
        refuse(fault, NUMLOSS_STRUCT, name, "must have its sizeof as its size, got %zu", to->size);
  } else {
    return true;
  }
  return false;
}

}  // namespace numloss
