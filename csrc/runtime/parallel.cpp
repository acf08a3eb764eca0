#include "parallel.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "float_environment.hpp"

namespace numloss {
namespace {

// Below this a second thread costs more than it saves: waking a cold one takes tens of us.
constexpr double kWorthThreads = 100e3;
constexpr double kWorthOneMore = 50e3;

std::atomic<int> configured{0};
thread_local int override_threads = 0;
std::atomic<bool> busy{false};
std::atomic<bool> forked{false};

void after_fork_in_child() {
  forked = true;
  busy = false;
}

// From loading on: whoever used OpenMP in the parent, this library or another one that shares its
// runtime, its threads are not in the child.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, after_fork_in_child);

// The quota of cgroup v2 or v1 in CPUs, 0 where there is none.
int cgroup_quota() {
  double quota = 0, period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string text;
  if (v2 >> text >> period) {
    quota = text == "max" ? 0 : std::atof(text.c_str());
  } else {
    std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (!(v1_quota >> quota && v1_period >> period)) return 0;
  }
  return quota > 0 && period > 0 ? std::max(1, int(std::ceil(quota / period))) : 0;
}

int available_cpus() {
  cpu_set_t set;
  int cpus = 1;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = std::max(1, CPU_COUNT(&set));
  const int quota = cgroup_quota();
  return quota > 0 ? std::min(cpus, quota) : cpus;
}

// The number a variable holds, 0 where it is unset.
int threads_from(const char* variable, bool strict) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  if (*end == '\0' && n >= 1 && n <= 4096) return int(n);
  if (strict) {
    throw std::invalid_argument(std::string(variable) +
                                " must be a whole number from 1 to 4096, got '" + text + "'");
  }
  return 0;  // OMP_NUM_THREADS may hold a list for nested levels; it is not ours to refuse
}

}  // namespace

int num_threads() {
  if (override_threads > 0) return override_threads;
  int n = configured.load(std::memory_order_relaxed);
  if (n == 0) {
    n = threads_from("NUMLOSS_NUM_THREADS", true);
    if (n == 0) n = threads_from("OMP_NUM_THREADS", false);
    if (n == 0) n = available_cpus();
    configured = n;
  }
  return n;
}

void check_thread_variable() { threads_from("NUMLOSS_NUM_THREADS", true); }

void set_num_threads(int n) {
  num_threads();
  configured = n;
}

int set_thread_override(int n) { return std::exchange(override_threads, n); }

Team::Team(double nanoseconds, int64_t blocks) {
  if (nanoseconds < kWorthThreads || blocks < 2 || forked) return;
  const double worth = std::min(nanoseconds / kWorthOneMore, double(blocks));
  const int wanted = std::min(num_threads(), int(std::min(worth, 4096.0)));
  if (wanted < 2 || busy.exchange(true)) return;
  owns_ = true;
  size_ = wanted;
}

Team::~Team() {
  if (owns_) busy = false;
}

void for_blocks(int64_t blocks, int threads, BlockBody body, void* context) {
  if (threads <= 1) {
    for (int64_t block = 0; block < blocks; ++block) body(context, block, 0);
    return;
  }
  std::atomic<int64_t> next{0};
#pragma omp parallel for num_threads(threads) schedule(static, 1)
  for (int thread = 0; thread < threads; ++thread) {
    const FloatEnvironment ieee;
    // Whoever is free takes the next block; partial results have a place each, so the order in
    // which they come does not show.
    for (int64_t block = next++; block < blocks; block = next++) body(context, block, thread);
  }
}

}  // namespace numloss
