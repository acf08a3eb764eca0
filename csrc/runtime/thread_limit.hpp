// How many threads a call may use.
#pragma once

#include <cstdint>
#include <string>

namespace numloss {

// Of set_thread_override on this thread, else of set_num_threads, else NUMLOSS_NUM_THREADS, else
// OMP_NUM_THREADS, else the CPUs this process may use (affinity and cgroup quota). At most what
// OpenMP allows this thread, where that has been changed since loading. Throws
// std::invalid_argument if NUMLOSS_NUM_THREADS is not a positive number.
int num_threads();
// Throws where num_threads would, without fixing the number yet.
void check_thread_variable();
void set_num_threads(int n);
// Overrides it for the calling thread; 0 lifts the override. Returns the one before.
int set_thread_override(int n);

// The least CPU quota, in whole CPUs rounded up, of this process's control groups (v1 and v2) and
// of those around them, as the files under `root` have it; 0 where there is none.
int64_t cgroup_cpus(const std::string& root);

}  // namespace numloss
