// A loop over blocks that several threads may share.
#pragma once

#include <cstdint>

namespace numloss {

// Calls body(context, block, thread) for every block in [0, blocks), `thread` in [0, threads). The
// calling thread, which takes part, is in the IEEE environment; the others are put there. More than
// one thread takes a Team that large.
using BlockBody = void (*)(void* context, int64_t block, int thread);
void for_blocks(int64_t blocks, int threads, BlockBody body, void* context);

// Threads worth waking for this much work: 1 below some 100 us, and while another thread's call has
// them. However many threads call, no more than num_threads() - 1 are ever made for all of them.
class Team {
 public:
  Team(int64_t picoseconds, int64_t blocks);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  int size() const { return size_; }

 private:
  int size_ = 1;
  bool owns_ = false;
};

}  // namespace numloss
