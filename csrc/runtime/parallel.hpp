// A loop over blocks of work that several threads may share.
#pragma once

#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

namespace numloss {

// Calls body(context, block, thread) for every block in [0, blocks), where 0 <= thread < threads.
// The calling thread is one of them, in the IEEE environment that its caller has set; the others
// set it themselves. `threads` is 1 or the size of a Team of the caller's.
using BlockBody = void (*)(void* context, int64_t block, int thread);
void for_blocks(int64_t blocks, int threads, BlockBody body, void* context);

// The same for a body that may throw: the first exception is thrown here, once all are done.
template <class Body>
void for_blocks_that_throw(int64_t blocks, int threads, const Body& body) {
  struct Work {
    const Body* body;
    std::mutex mutex;
    std::exception_ptr thrown;
  } work{&body, {}, nullptr};
  const auto guarded = [](void* context, int64_t block, int) {
    auto& w = *static_cast<Work*>(context);
    try {
      (*w.body)(block);
    } catch (...) {
      const std::lock_guard lock(w.mutex);
      if (w.thrown == nullptr) w.thrown = std::current_exception();
    }
  };
  for_blocks(blocks, threads, guarded, &work);
  if (work.thrown != nullptr) std::rethrow_exception(work.thrown);
}

// How many threads a call gets for this much work. 1, if it is less than some 100 us of one thread,
// or if another thread's call has the threads: the library makes no more than num_threads() - 1,
// however many threads call.
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

// Whose threads share the work: "own" for the library's own, "openmp" for a team of OpenMP's. The
// environment variable NUMLOSS_THREADING chooses, read once; own is the default, and what a child
// of fork uses. Throws std::invalid_argument if the variable names neither, or names openmp in a
// build without the CMake option NUMLOSS_OPENMP.
const char* threading();
// Those that this build has.
std::vector<std::string> threadings();

}  // namespace numloss
