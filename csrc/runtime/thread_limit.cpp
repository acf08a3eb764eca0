#include "thread_limit.hpp"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

namespace numloss {
namespace {

namespace fs = std::filesystem;

std::atomic<int> chosen{0};     // by set_num_threads
std::atomic<int> automatic{0};  // of the environment, looked up once
thread_local int override_threads = 0;

// Tools that keep a process's libraries from fighting over its CPUs (threadpoolctl, joblib) set the
// number that OpenMP holds for a thread. As long as it is what it was to begin with, it is no limit
// but OpenMP's own default, OMP_NUM_THREADS or the CPUs, which what is asked of us precedes.
const int openmp_threads_at_load = omp_get_max_threads();

// A child may have been given other CPUs than its parent.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { automatic = 0; });

constexpr int64_t kNoQuota = std::numeric_limits<int64_t>::max();

int64_t in_whole_cpus(int64_t quota, int64_t period) {
  return quota > 0 && period > 0 ? (quota - 1) / period + 1 : kNoQuota;
}

int64_t quota_v2(const fs::path& directory) {
  std::ifstream file(directory / "cpu.max");
  int64_t quota = 0, period = 0;
  file >> quota >> period;  // or "max", which is no number
  return in_whole_cpus(quota, period);
}

int64_t quota_v1(const fs::path& directory) {
  int64_t quota = 0, period = 0;  // a quota of -1 is none
  std::ifstream(directory / "cpu.cfs_quota_us") >> quota;
  std::ifstream(directory / "cpu.cfs_period_us") >> period;
  return in_whole_cpus(quota, period);
}

// A group's quota binds the groups inside it. In a container the outer part of the path may be
// missing from its file system, whose top then is the container's own group.
int64_t least_quota(const fs::path& mount, const std::string& group,
                    int64_t (*quota)(const fs::path&)) {
  int64_t least = kNoQuota;
  for (fs::path inner = fs::path(group).relative_path();; inner = inner.parent_path()) {
    least = std::min(least, quota(mount / inner));
    if (inner.empty()) return least;
  }
}

bool controls_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
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

int available_cpus() {
  cpu_set_t set;
  // Of the process, not of a thread that may be pinned; larger machines than the set can name fail.
  const bool known = sched_getaffinity(getpid(), sizeof(set), &set) == 0;
  const int64_t cpus = known ? CPU_COUNT(&set) : int64_t(std::thread::hardware_concurrency());
  const int64_t quota = cgroup_cpus("/");
  return int(std::max<int64_t>(1, quota > 0 ? std::min(cpus, quota) : cpus));
}

int automatic_threads() {
  int n = automatic.load(std::memory_order_relaxed);
  if (n == 0) {
    n = threads_from("NUMLOSS_NUM_THREADS", true);
    if (n == 0) n = threads_from("OMP_NUM_THREADS", false);
    if (n == 0) n = available_cpus();
    automatic = n;
  }
  return n;
}

}  // namespace

int64_t cgroup_cpus(const std::string& root) {
  const fs::path top(root);
  const fs::path mounts = top / "sys/fs/cgroup";
  int64_t least = kNoQuota;
  // Lines of hierarchy:controllers:group; v2 names no controllers.
  std::ifstream groups(top / "proc/self/cgroup");
  for (std::string hierarchy, controllers, group; std::getline(groups, hierarchy, ':') &&
                                                  std::getline(groups, controllers, ':') &&
                                                  std::getline(groups, group);) {
    if (controllers.empty()) {
      least = std::min(least, least_quota(mounts, group, quota_v2));
    } else if (controls_cpu(controllers)) {
      least = std::min(least, least_quota(mounts / "cpu", group, quota_v1));
    }
  }
  return least == kNoQuota ? 0 : least;
}

int num_threads() {
  int n = override_threads;
  if (n == 0) n = chosen.load(std::memory_order_relaxed);
  if (n == 0) n = automatic_threads();
  const int openmp = omp_get_max_threads();
  return openmp != openmp_threads_at_load ? std::min(n, openmp) : n;
}

void check_thread_variable() { threads_from("NUMLOSS_NUM_THREADS", true); }

void set_num_threads(int n) { chosen = n; }

int set_thread_override(int n) { return std::exchange(override_threads, n); }

}  // namespace numloss
