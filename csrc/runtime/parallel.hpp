// Threads: how many, and a loop over blocks that may use them.
#pragma once

#include <cstdint>

namespace numloss {

// Threads a call may use: of set_thread_override on this thread, else of set_num_threads, else
// NUMLOSS_NUM_THREADS, else OMP_NUM_THREADS, else the CPUs this process may use (affinity and
// cgroup quota). Throws std::invalid_argument if NUMLOSS_NUM_THREADS is not a positive number.
int num_threads();
// Throws where num_threads would, without fixing the number yet.
void check_thread_variable();
void set_num_threads(int n);
// Overrides it for the calling thread; 0 lifts the override. Returns the one before.
int set_thread_override(int n);

// Calls body(context, block, thread) for every block in [0, blocks), `thread` in [0, threads). The
// calling thread is in the IEEE environment; the others are put there.
using BlockBody = void (*)(void* context, int64_t block, int thread);
void for_blocks(int64_t blocks, int threads, BlockBody body, void* context);

// Threads worth waking for this much work: 1 below some 100 us, in a forked child (libgomp would
// hang there), and while another thread's call has them.
class Team {
 public:
  explicit Team(double nanoseconds, int64_t blocks);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  int size() const { return size_; }

 private:
  int size_ = 1;
  bool owns_ = false;
};

}  // namespace numloss
