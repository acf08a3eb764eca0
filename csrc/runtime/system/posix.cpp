#include "posix.hpp"

#include <dlfcn.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "system.hpp"

namespace numloss::system {
namespace {

#ifdef __linux__

// The linker has said so: -z nodelete.
void stay_loaded() {}

// On a machine of more CPUs than a cpu_set_t has room for (1024) the system refuses to answer.
bool cpus_of_process(cpu_set_t& cpus) {
  return sched_getaffinity(getpid(), sizeof(cpus), &cpus) == 0;
}

// A new thread inherits the CPUs that its maker is pinned to. musl has no attribute for others.
void leave_pinning(pthread_t thread) {
  cpu_set_t cpus;
  if (cpus_of_process(cpus)) pthread_setaffinity_np(thread, sizeof(cpus), &cpus);
  pthread_setname_np(thread, "numloss");
}

#else

// macOS's linker knows no such option.
void stay_loaded() {
  Dl_info here;
  if (dladdr(reinterpret_cast<const void*>(&stay_loaded), &here) != 0) {
    dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }
}

// macOS pins no thread.
void leave_pinning(pthread_t) {}

#endif

}  // namespace

bool start_thread(pthread_t& thread, void* (*work)(void*), void* argument) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setstacksize(&attributes, std::max(kStackBytes, size_t(PTHREAD_STACK_MIN)));
  sigset_t all, callers;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &callers);
  const bool started = pthread_create(&thread, &attributes, work, argument) == 0;
  pthread_sigmask(SIG_SETMASK, &callers, nullptr);
  pthread_attr_destroy(&attributes);
  return started;
}

bool start_helper(void* (*life)(void*), void* argument) {
  pthread_t thread;
  if (!start_thread(thread, life, argument)) return false;
  stay_loaded();
  leave_pinning(thread);
  pthread_detach(thread);
  return true;
}

int64_t usable_cpus() {
#ifdef __linux__
  cpu_set_t cpus;
  if (cpus_of_process(cpus)) return CPU_COUNT(&cpus);
#endif
  return std::thread::hardware_concurrency();
}

bool at_fork(void (*before)(), void (*after)(), void (*in_child)()) {
  pthread_atfork(before, after, in_child);
  return true;
}

}  // namespace numloss::system
