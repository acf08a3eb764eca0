#include "thread_limit.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "openmp_limit.hpp"
#include "system/system.hpp"
#include "variables.hpp"

namespace numloss {
namespace {

std::atomic<int> chosen{0};          // by set_num_threads; 0: not called yet
std::atomic<int> automatic{0};       // from the environment; 0: not looked up yet
thread_local int override_here = 0;  // by a ThreadOverride; 0: there is none

// A child of fork looks the number up again: it may have been given other CPUs than its parent.
[[maybe_unused]] const bool registered = system::at_fork(nullptr, nullptr, [] { automatic = 0; });

// The whole number that a text is, if that may be a number of threads; else 0.
int thread_count(const std::string& text) {
  int n = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  return error == std::errc() && stop == end && n >= 1 && n <= kMostThreads ? n : 0;
}

// What NUMLOSS_NUM_THREADS says; 0 if it is not set.
int threads_of_ours() {
  const std::string text = variable("NUMLOSS_NUM_THREADS");
  const int n = thread_count(text);
  if (n == 0 && !text.empty()) {
    throw std::invalid_argument("NUMLOSS_NUM_THREADS must be a whole number from 1 to " +
                                std::to_string(kMostThreads) + ", got '" + text + "'");
  }
  return n;
}

// What OMP_NUM_THREADS says, of a list such as 4,2 for nested teams the first; 0 if it is not set
// or no number, which is for OpenMP to refuse.
int threads_of_openmp() {
  const std::string text = variable("OMP_NUM_THREADS");
  return thread_count(trimmed(text.substr(0, text.find(','))));
}

int available_cpus() {
  const int64_t cpus = system::usable_cpus(), quota = system::cgroup_cpus("/");
  return int(std::max<int64_t>(1, quota > 0 ? std::min(cpus, quota) : cpus));
}

int automatic_threads() {
  int n = automatic.load(std::memory_order_relaxed);
  if (n == 0) {
    n = threads_of_ours();
    if (n == 0) n = threads_of_openmp();
    if (n == 0) n = available_cpus();
    automatic = n;
  }
  return n;
}

}  // namespace

int num_threads() {
  int n = override_here;
  if (n == 0) n = chosen.load(std::memory_order_relaxed);
  if (n == 0) n = automatic_threads();
  const int limit = openmp_limit();
  return limit > 0 ? std::min(n, limit) : n;
}

void check_thread_variable() { threads_of_ours(); }

void set_num_threads(int n) { chosen = n; }

ThreadOverride::ThreadOverride(int n)
    : before_(std::exchange(override_here, n > 0 ? n : override_here)) {}
ThreadOverride::~ThreadOverride() { override_here = before_; }

}  // namespace numloss
