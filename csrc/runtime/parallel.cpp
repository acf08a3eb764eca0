#include "parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>

#include "float_environment.hpp"
#include "system/system.hpp"
#include "thread_limit.hpp"
#include "variables.hpp"

#ifdef NUMLOSS_OPENMP
#include <omp.h>
#endif

namespace numloss {
namespace {

// Less work than this, in ps, stays on the calling thread: to wake another takes tens of us.
constexpr int64_t kWorthThreads = 100'000'000;
// Every thread of a team has at least this much.
constexpr int64_t kWorthOneMore = 50'000'000;

// The blocks of one call, cut into a part for each thread. A thread works through its own part,
// then takes blocks that are left in the parts of others, so that all are done however few threads
// come. A part's blocks lie side by side: where neighbouring blocks went to two threads, each core
// would fetch ahead what the other writes. Which thread does a block changes no result: every block
// has its own place for its partial sums.
class Loop {
 public:
  Loop(BlockBody body, void* context, int64_t blocks, int threads)
      : body_(body), context_(context), parts_(std::min(threads, kMostParts)) {
    for (int i = 0; i < parts_; ++i) {
      part_[i].next = blocks * i / parts_;
      part_[i].end = blocks * (i + 1) / parts_;
    }
  }

  void work(int thread) {
    for (int i = 0; i < parts_; ++i) {
      Part& part = part_[(thread + i) % parts_];
      for (int64_t block = part.next++; block < part.end; block = part.next++) {
        body_(context_, block, thread);
      }
    }
  }

 private:
  static constexpr int kMostParts = 64;
  struct alignas(64) Part {
    std::atomic<int64_t> next;
    int64_t end;
  };
  BlockBody body_;
  void* context_;
  int parts_;
  Part part_[kMostParts];
};

// A thread that waits spins this long before it sleeps: to wake it would take tens of us, as long
// as a small loop. Calls that follow each other so find the helpers awake.
constexpr auto kLookOut = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until wanted(value), and returns the value.
template <class Wanted>
int await(const std::atomic<int>& value, Wanted wanted) {
  int seen = value;
  if (wanted(seen)) return seen;
  const auto end = std::chrono::steady_clock::now() + kLookOut;
  while (!wanted(seen = value) && std::chrono::steady_clock::now() < end) pause();
  while (!wanted(seen)) {
    value.wait(seen);
    seen = value;
  }
  return seen;
}

// The library's own threads. It makes them when it first needs them; then they wait here for loops
// to help with. They are the default because GCC's OpenMP ends the process if it cannot make a
// thread, hangs in a child of fork, and keeps a team for every thread that calls.
class Helpers {
 public:
  // The calling thread and at most `wanted` helpers work through a loop: those helpers that come
  // before it is done. Only one thread may call this at a time.
  void share(Loop& loop, int wanted) {
    while (hired_ < wanted && system::start_helper(life, this)) ++hired_;
    loop_ = &loop;
    done_ = 0;
    vacancies_ = wanted;
    call_in();
    loop.work(0);
    const int came = wanted - vacancies_.exchange(0);
    await(done_, [came](int done) { return done == came; });
  }

 private:
  static void* life(void* helpers) {
    const FloatEnvironment ieee;
    static_cast<Helpers*>(helpers)->serve();
    return nullptr;
  }

  [[noreturn]] void serve() {
    for (;;) {
      const int thread = fill_vacancy();
      call_in();
      loop_->work(thread);
      ++done_;
      done_.notify_one();
    }
  }

  int fill_vacancy() {
    for (;;) {
      int thread = await(vacancies_, [](int vacancies) { return vacancies > 0; });
      if (vacancies_.compare_exchange_strong(thread, thread - 1)) return thread;
    }
  }

  // Wakes two helpers. Each of them wakes two more, so that the caller can go to work at once.
  // Costs nothing if none sleeps.
  void call_in() {
    vacancies_.notify_one();
    vacancies_.notify_one();
  }

  Loop* loop_ = nullptr;
  int hired_ = 0;
  std::atomic<int> vacancies_{0}, done_{0};
};

// Never destroyed: helpers wait in it until the process ends.
alignas(Helpers) std::byte place[sizeof(Helpers)];
Helpers* helpers = new (place) Helpers;
// Whether a call has the helpers, or OpenMP's team.
std::atomic<bool> busy{false};
std::atomic<bool> is_child{false};  // of fork

// A child of fork has none of its parent's threads, and makes its own as any process does. The
// parent's object is overwritten, with whatever a call had locked or counted in it at the fork; so
// no fork has to wait for a call.
void after_fork_in_child() {
  helpers = new (place) Helpers;
  busy = false;
  is_child = true;
}

[[maybe_unused]] const bool registered = system::at_fork(nullptr, nullptr, after_fork_in_child);

#ifdef NUMLOSS_OPENMP
constexpr bool kHasOpenmp = true;
#else
constexpr bool kHasOpenmp = false;
#endif

bool openmp_is_asked_for() {
  const std::string asked = variable("NUMLOSS_THREADING");
  if (asked.empty() || asked == "own") return false;
  if (asked == "openmp" && kHasOpenmp) return true;
  if (asked == "openmp") {
    throw std::invalid_argument(
        "NUMLOSS_THREADING must be own in this build, got 'openmp'; build with the CMake option "
        "NUMLOSS_OPENMP=ON for it");
  }
  throw std::invalid_argument("NUMLOSS_THREADING must be own or openmp, got '" + asked + "'");
}

// A child of fork uses the library's own threads: GCC's OpenMP would wait for ever for threads that
// are the parent's.
bool uses_openmp() {
  static const bool asked = openmp_is_asked_for();
  return asked && !is_child;
}

// OpenMP may give fewer threads than asked: one, if the caller is in a parallel region already.
void share_with_openmp([[maybe_unused]] Loop& loop, [[maybe_unused]] int threads) {
#ifdef NUMLOSS_OPENMP
#pragma omp parallel num_threads(threads)
  {
    const FloatEnvironment ieee;
    loop.work(omp_get_thread_num());
  }
#endif
}

}  // namespace

Team::Team(int64_t picoseconds, int64_t blocks) {
  if (picoseconds < kWorthThreads || blocks < 2) return;
  const int64_t worth = std::min(picoseconds / kWorthOneMore, blocks);
  const int wanted = int(std::min<int64_t>(num_threads(), worth));
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
  Loop loop(body, context, blocks, threads);
  if (uses_openmp())
    share_with_openmp(loop, threads);
  else
    helpers->share(loop, threads - 1);
}

const char* threading() { return uses_openmp() ? "openmp" : "own"; }

std::vector<std::string> threadings() {
  if (kHasOpenmp) return {"own", "openmp"};
  return {"own"};
}

}  // namespace numloss
