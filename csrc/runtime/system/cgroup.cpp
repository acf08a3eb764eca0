#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include "system.hpp"

namespace numloss::system {
namespace {

namespace fs = std::filesystem;

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

}  // namespace numloss::system
