#include "thread_limit.hpp"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

#include "openmp_limit.hpp"
#include "variables.hpp"

namespace numloss {
namespace {

namespace fs = std::filesystem;

std::atomic<int> chosen{0};          // by set_num_threads; 0: not called yet
std::atomic<int> automatic{0};       // from the environment; 0: not looked up yet
thread_local int override_here = 0;  // by a ThreadOverride; 0: there is none

// A child of fork looks the number up again: it may have been given other CPUs than its parent.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] { automatic = 0; });

constexpr int64_t kNoQuota = std::numeric_limits<int64_t>::max();

int64_t in_whole_cpus(int64_t quota, int64_t period) {
  return quota > 0 && period > 0 ? (quota - 1) / period + 1 : kNoQuota;
}

int64_t quota_v2(const fs::path& directory) {
  std::ifstream file(directory / "cpu.max");
  int64_t quota = 0, period = 0;
  file >> quota >> period;  // "max" in place of the quota leaves it 0
  return in_whole_cpus(quota, period);
}

int64_t quota_v1(const fs::path& directory) {
  int64_t quota = 0, period = 0;  // -1 is no quota
  std::ifstream(directory / "cpu.cfs_quota_us") >> quota;
  std::ifstream(directory / "cpu.cfs_period_us") >> period;
  return in_whole_cpus(quota, period);
}

// The least quota of a group and of those around it, which hold for it too. A container may not see
// the outer folders of the path; the top folder that it sees is its own group.
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
  cpu_set_t set;
  // Those of the process: the calling thread may be pinned to fewer. On a machine of more CPUs than
  // the set has room for (1024) the system refuses to answer.
  const bool known = sched_getaffinity(getpid(), sizeof(set), &set) == 0;
  const int64_t cpus = known ? CPU_COUNT(&set) : int64_t(std::thread::hardware_concurrency());
  const int64_t quota = cgroup_cpus("/");
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

int64_t cgroup_cpus(const std::string& root) {
  const fs::path top(root);
  const fs::path mounts = top / "sys/fs/cgroup";
  int64_t least = kNoQuota;
  // A line is hierarchy:controllers:group; that of v2 names no controllers.
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
