#include "parallel.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <new>

#include "float_environment.hpp"
#include "thread_limit.hpp"

namespace numloss {
namespace {

// Below this a second thread costs more than it saves: waking a cold one takes tens of us.
constexpr int64_t kWorthThreads = 100'000'000;  // ps
constexpr int64_t kWorthOneMore = 50'000'000;

// Each thread begins with a part of its own, and goes on with what is left of the others'. In a
// part blocks lie side by side: where neighbours are of two threads, each core fetches ahead what
// the other writes, and the next call finds in one cache what the other wants. Partial results have
// a place each, so who made which does not show.
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

// Starts a thread on any CPU of the process, whatever the caller is pinned to, that takes no
// signals: those are for threads that know of them. False: the system has none to give.
bool start_thread(void* (*life)(void*), void* argument) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  cpu_set_t cpus;
  if (sched_getaffinity(getpid(), sizeof(cpus), &cpus) == 0) {
    pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
  }
  sigset_t all, callers;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &callers);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, life, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &callers, nullptr);
  if (started) pthread_setname_np(thread, "numloss");
  pthread_attr_destroy(&attributes);
  return started;
}

// How long an idle thread looks for what it waits for before it sleeps: to be woken costs tens of
// us, the time of a small loop. Calls that follow each other find the helpers awake.
constexpr auto kLookOut = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Waits until `value` is as wanted, and returns it.
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

// The threads of the library, made when first needed; they wait here for loops to help with.
// OpenMP's would not do: its runtime ends the process where it cannot make a thread, hangs in a
// child of fork, and keeps a team of its own for every thread that calls.
class Helpers {
 public:
  // Works on a loop together with at most `wanted` helpers, those that come before it is done. One
  // caller at a time.
  void share(Loop& loop, int wanted) {
    while (hired_ < wanted && start_thread(life, this)) ++hired_;
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

  // Each one that comes wakes two more: the caller goes to work at once, and many are soon up.
  // Costs nothing where none sleeps.
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
// Whether a call has the helpers.
std::atomic<bool> busy{false};

// None of the threads is in the child, which makes its own: it is a process as any other. What the
// parent's left locked or counted at that moment is gone with the old object. Nothing of this waits
// for the parent's calls to end, so a fork is never held up.
void after_fork_in_child() {
  helpers = new (place) Helpers;
  busy = false;
}

[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, after_fork_in_child);

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
  helpers->share(loop, threads - 1);
}

}  // namespace numloss
