// What the library asks of the operating system: posix.cpp answers on Linux and macOS, windows.cpp
// on Windows. Nothing else in the runtime is one system's, but for openmp_limit.cpp, which looks at
// Linux's shared objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace numloss::system {

// The stack of every thread that the library makes. By itself glibc would give 8 MB, macOS 512 KB
// and musl 128 KB. The largest frame of a kernel has 17 KB and all frames of a call together have
// less than 64 KB, three times as much with a sanitizer; the rest is for what runs below them
// (exceptions, variables of threads, which glibc keeps there). It is less than a huge page, so that
// the system gives no stack one.
inline constexpr size_t kStackBytes = size_t(1) << 20;

// Starts a thread that lives as long as the process, and keeps this library loaded as long. It may
// run on every CPU of the process, whatever the caller is pinned to, and takes no signals, which
// are for the threads of the program. Returns false if the system has no thread to give.
bool start_helper(void* (*life)(void*), void* argument);

// How many CPUs the process may use; the calling thread may be pinned to fewer. Quotas don't count.
int64_t usable_cpus();

// The least CPU quota, in whole CPUs rounded up, of this process's control groups (v1 and v2) and
// of the groups around them; 0 if there is none, as on other systems than Linux. `root` stands for
// / in tests.
int64_t cgroup_cpus(const std::string& root);

// Has these called when the process forks: before and after in the process itself, and in its
// child; null is nothing to call. Returns true, for what runs when the library is loaded.
bool at_fork(void (*before)(), void (*after)(), void (*in_child)());

// Zeros, which take memory page by page as they are written; null if there is no room for them.
void* take_pages(size_t bytes);

// Gives `pages`, of so many bytes, the number that is wanted, and returns where they lie now; null
// leaves them as they were. Linux moves them without a copy.
void* grow_pages(void* pages, size_t bytes, size_t wanted);

void give_back_pages(void* pages, size_t bytes);

// Asks for pages of 2 MB, where the system has them and there is room for some.
void prefer_huge(void* pages, size_t bytes);

}  // namespace numloss::system
