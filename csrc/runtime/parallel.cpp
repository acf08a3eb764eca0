#include "parallel.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>

#include "float_environment.hpp"
#include "thread_limit.hpp"

namespace numloss {
namespace {

// Below this a second thread costs more than it saves: waking a cold one takes tens of us.
constexpr int64_t kWorthThreads = 100'000'000;  // ps
constexpr int64_t kWorthOneMore = 50'000'000;

// Whoever is free takes the next block; partial results have a place each, so the order in which
// they come does not show.
struct Loop {
  BlockBody body;
  void* context;
  int64_t blocks;
  std::atomic<int64_t> next{0};

  void work(int thread) {
    for (int64_t block = next++; block < blocks; block = next++) body(context, block, thread);
  }
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

// The threads of the library, made when first needed; they wait here for loops to help with.
// OpenMP's would not do: its runtime ends the process where it cannot make a thread, hangs in a
// child of fork, and keeps a team of its own for every thread that calls.
class Helpers {
 public:
  // Works on a loop together with at most `wanted` helpers, those that come before it is done.
  void share(Loop& loop, int wanted) {
    {
      const std::lock_guard lock(mutex_);
      while (hired_ < wanted && start_thread(life, this)) ++hired_;
      loop_ = &loop;
      vacancies_ = wanted;
    }
    call_in();
    loop.work(0);
    std::unique_lock lock(mutex_);
    vacancies_ = 0;
    left_.wait(lock, [this] { return at_work_ == 0; });
  }

 private:
  static void* life(void* helpers) {
    const FloatEnvironment ieee;
    static_cast<Helpers*>(helpers)->serve();
    return nullptr;
  }

  [[noreturn]] void serve() {
    for (std::unique_lock lock(mutex_);;) {
      posted_.wait(lock, [this] { return vacancies_ > 0; });
      const int thread = vacancies_--;
      ++at_work_;
      lock.unlock();
      call_in();
      loop_->work(thread);
      lock.lock();
      if (--at_work_ == 0) left_.notify_one();
    }
  }

  // Each one that comes wakes two more: the caller goes to work at once, and many are soon up.
  void call_in() {
    posted_.notify_one();
    posted_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable posted_, left_;
  Loop* loop_ = nullptr;
  int hired_ = 0, vacancies_ = 0, at_work_ = 0;
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
  Loop loop{body, context, blocks};
  helpers->share(loop, threads - 1);
}

}  // namespace numloss
