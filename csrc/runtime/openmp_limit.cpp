#include "openmp_limit.hpp"

#include <dlfcn.h>
#include <link.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "system/posix.hpp"
#include "system/system.hpp"

namespace numloss {
namespace {

constexpr const char* kMaxThreads = "omp_get_max_threads";
using MaxThreads = int (*)();

// An OpenMP library of this process.
struct Library {
  MaxThreads max_threads;
  int unlimited;       // what it answers on a thread that nobody has limited
  ElfW(Addr) address;  // 0 if it was found by its symbol alone
  bool llvm;
};

// Libraries are only ever added, so the first `count` may be read without the mutex.
constexpr size_t kMostLibraries = 16;
Library libraries[kMostLibraries];
std::atomic<size_t> count{0};
std::span<const Library> known() { return {libraries, count}; }

// How many shared objects the process had loaded and unloaded when it was last searched.
struct Loads {
  unsigned long long adds = 0, subs = 0;
  bool operator==(const Loads&) const = default;
};
Loads searched;
// Whether that search left out a library of LLVM's that nobody had used yet.
std::atomic<bool> dormant{false};

// Guards what is above. Nobody holds it in dlopen or dlsym, which may wait long for what other
// threads are loading.
std::mutex mutex;

// dl_iterate_phdr takes a lock of glibc's, which a child of fork inherits as it is (glibc 2.36): if
// another thread of the parent's had it, nobody in the child ever gets it. So no thread is in
// dl_iterate_phdr for us while another one forks. But it may be there for others, or in dlopen.
bool just_forked = false;  // this process is a child that has not searched yet
bool blind = false;        // it is one that cannot search
[[maybe_unused]] const bool registered =
    system::at_fork([] { mutex.lock(); }, [] { mutex.unlock(); },
                    [] {
                      just_forked = true;
                      mutex.unlock();
                    });

// Whether glibc's lock can be had: a thread tries it, which is left behind if it waits for 0.2 s.
bool lock_is_free() {
  const auto look = [](void*) -> void* {
    dl_iterate_phdr([](dl_phdr_info*, size_t, void*) { return 1; }, nullptr);
    return nullptr;
  };
  pthread_t thread;
  if (!system::start_thread(thread, look, nullptr)) return false;
  timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_nsec += 200'000'000;
  end.tv_sec += end.tv_nsec / 1'000'000'000;
  end.tv_nsec %= 1'000'000'000;
  if (pthread_timedjoin_np(thread, nullptr, &end) == 0) return true;
  pthread_detach(thread);
  return false;
}

bool can_search() {
  if (just_forked && !blind) blind = !lock_is_free();
  just_forked = false;
  return !blind;
}

// A shared object whose name is that of an OpenMP library.
struct Candidate {
  std::string path;
  ElfW(Addr) address;
  bool llvm;
  void* handle = nullptr;
  MaxThreads max_threads = nullptr;
};

// The names that threadpoolctl knows: libgomp is GCC's, libomp LLVM's, libiomp Intel's, which is
// LLVM's by another name. Wheels add a hash, as in libgomp-a34b3233.so.1.
bool is_llvm(std::string_view name) {
  return name.starts_with("libomp") || name.starts_with("libiomp");
}
bool is_openmp(std::string_view name) { return name.starts_with("libgomp") || is_llvm(name); }

std::string_view file_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_known(ElfW(Addr) address) {
  return std::ranges::any_of(known(), [=](const Library& x) { return x.address == address; });
}

bool is_known(MaxThreads function) {
  return std::ranges::any_of(known(), [=](const Library& x) { return x.max_threads == function; });
}

struct Search {
  bool anew = false;  // even if nothing was loaded or unloaded since the last search
  Loads loads;        // found by this one
  std::vector<Candidate> candidates;
  bool out_of_memory = false;
};

// dl_iterate_phdr calls this with every shared object until it returns 1, which it does at the
// first one if nothing was loaded or unloaded since the last search: that takes 0.1 us.
int visit(dl_phdr_info* object, size_t, void* context) {
  Search& search = *static_cast<Search*>(context);
  search.loads = {object->dlpi_adds, object->dlpi_subs};
  if (search.loads == searched && !search.anew) return 1;
  const std::string_view path = object->dlpi_name, name = file_name(path);
  if (!is_openmp(name) || is_known(object->dlpi_addr)) return 0;
  try {
    search.candidates.push_back({std::string(path), object->dlpi_addr, is_llvm(name)});
  } catch (const std::bad_alloc&) {
    search.out_of_memory = true;  // no exception may pass through dl_iterate_phdr
    return 1;
  }
  return 0;
}

// Whether somebody in this process has used an OpenMP library of LLVM's, which then leaves its name
// in one of these places.
bool llvm_is_in_use() {
  const std::string old_name = "__KMP_REGISTERED_LIB_" + std::to_string(getpid());
  const std::string name = old_name + "_" + std::to_string(getuid());
  return access(("/dev/shm/" + name).c_str(), F_OK) == 0 ||
         access(("/tmp/" + name).c_str(), F_OK) == 0 || std::getenv(name.c_str()) != nullptr ||
         std::getenv(old_name.c_str()) != nullptr;
}

// What the library answers on a thread that nobody has limited. A limit is one thread's, so a new
// thread has none. If the system has no thread to give, the calling thread answers.
int unlimited(MaxThreads max_threads) {
  // LLVM's library ends when the last thread that used it does: that must not be the new one.
  const int here = max_threads();
  struct Question {
    MaxThreads max_threads;
    int answer;
  } question{max_threads, here};
  const auto ask = [](void* context) -> void* {
    auto* asked = static_cast<Question*>(context);
    asked->answer = asked->max_threads();
    return nullptr;
  };
  pthread_t thread;
  if (system::start_thread(thread, ask, &question)) pthread_join(thread, nullptr);
  return question.answer;
}

void add(const Candidate& found) {
  const int threads = unlimited(found.max_threads);
  const std::lock_guard lock(mutex);
  if (is_known(found.max_threads) || count == kMostLibraries) return;
  libraries[count] = {found.max_threads, threads, found.address, found.llvm};
  ++count;
}

// Opens the candidates. Drops those without omp_get_max_threads, or with that of a library that is
// known or another candidate: libomptarget, say, which needs libomp.
void open(std::vector<Candidate>& candidates) {
  std::vector<MaxThreads> seen;
  std::erase_if(candidates, [&seen](Candidate& candidate) {
    candidate.handle = dlopen(candidate.path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (candidate.handle == nullptr) return true;  // unloaded meanwhile
    candidate.max_threads = reinterpret_cast<MaxThreads>(dlsym(candidate.handle, kMaxThreads));
    const bool is_new = candidate.max_threads != nullptr && !is_known(candidate.max_threads) &&
                        std::find(seen.begin(), seen.end(), candidate.max_threads) == seen.end();
    if (is_new)
      seen.push_back(candidate.max_threads);
    else
      dlclose(candidate.handle);
    return !is_new;
  });
}

// Adds an OpenMP that is part of the program, or that was loaded for all under another name.
void add_global() {
  const auto function = reinterpret_cast<MaxThreads>(dlsym(RTLD_DEFAULT, kMaxThreads));
  Dl_info from;
  if (function == nullptr || dladdr(reinterpret_cast<void*>(function), &from) == 0) return;
  if (is_openmp(file_name(from.dli_fname))) return;  // found by its name
  add({.path = "", .address = 0, .llvm = false, .max_threads = function});
}

// Adds the OpenMP libraries that were loaded since the last search.
void search_libraries() {
  // 2 us, as long as a library of LLVM's is loaded and not used.
  Search search;
  search.anew = dormant && llvm_is_in_use();
  bool first;
  {
    const std::lock_guard lock(mutex);
    if (!can_search()) return;
    first = searched == Loads();
    dl_iterate_phdr(visit, &search);
    if (search.loads == searched && !search.anew) return;
  }
  if (search.out_of_memory) throw std::bad_alloc();
  if (first) add_global();
  open(search.candidates);
  const auto is_of_llvm = [](const auto& x) { return x.llvm; };
  const auto copies = std::ranges::count_if(known(), is_of_llvm) +
                      std::ranges::count_if(search.candidates, is_of_llvm);
  // To ask LLVM's library is to use it, and the second of two copies that are used ends the
  // process. So it is asked only if it is the only copy, and somebody has used it already.
  bool unused = false;
  for (const Candidate& candidate : search.candidates) {
    const bool is_second = candidate.llvm && copies > 1;
    if (candidate.llvm && !is_second && !llvm_is_in_use()) {
      unused = true;
    } else if (!is_second) {
      add(candidate);  // and leave it open, so that nobody unloads it
      continue;
    }
    dlclose(candidate.handle);
  }
  const std::lock_guard lock(mutex);
  searched = search.loads;
  dormant = unused;
}

}  // namespace

int openmp_limit() {
  search_libraries();
  int limit = 0;
  for (const Library& library : known()) {
    const int threads = library.max_threads();
    if (threads != library.unlimited) limit = limit == 0 ? threads : std::min(limit, threads);
  }
  return limit;
}

}  // namespace numloss
