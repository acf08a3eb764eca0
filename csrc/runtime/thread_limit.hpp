// How many threads a call may use.
#pragma once

namespace numloss {

// Numbers of threads are from 1 to this one.
inline constexpr int kMostThreads = 4096;

// The first of these that is set: the ThreadOverride of this thread, set_num_threads,
// NUMLOSS_NUM_THREADS, OMP_NUM_THREADS; else the CPUs that this process may use (affinity and
// cgroup quota). If somebody has limited OpenMP on this thread, at most that many. Throws
// std::invalid_argument if NUMLOSS_NUM_THREADS is no number from 1 to 4096.
int num_threads();

// Throws what num_threads would.
void check_thread_variable();

void set_num_threads(int n);

// Lets the calling thread use `n` threads while the object lives; 0 changes nothing.
class ThreadOverride {
 public:
  explicit ThreadOverride(int n);
  ~ThreadOverride();
  ThreadOverride(const ThreadOverride&) = delete;
  ThreadOverride& operator=(const ThreadOverride&) = delete;

 private:
  int before_;
};

}  // namespace numloss
