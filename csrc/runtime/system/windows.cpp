#include <windows.h>

#include <process.h>

#include <bit>
#include <memory>
#include <new>

#include "system.hpp"

namespace numloss::system {
namespace {

struct Beginning {
  void* (*life)(void*);
  void* argument;
};

unsigned __stdcall begin(void* given) {
  const Beginning beginning = *static_cast<Beginning*>(given);
  delete static_cast<Beginning*>(given);
  beginning.life(beginning.argument);
  return 0;
}

// No FreeLibrary unloads it from then on.
void stay_loaded() {
  HMODULE ours;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     reinterpret_cast<const wchar_t*>(&begin), &ours);
}

}  // namespace

// A thread of Windows begins with the CPUs of the process, not of its maker, and there are no
// signals.
bool start_helper(void* (*life)(void*), void* argument) {
  std::unique_ptr<Beginning> beginning(new (std::nothrow) Beginning{life, argument});
  if (!beginning) return false;
  // A reservation: without the flag, all of it would be committed.
  const uintptr_t thread = _beginthreadex(nullptr, unsigned(kStackBytes), begin, beginning.get(),
                                          STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (thread == 0) return false;
  beginning.release();
  stay_loaded();
  CloseHandle(reinterpret_cast<HANDLE>(thread));
  return true;
}

int64_t usable_cpus() {
  DWORD_PTR mine = 0, all = 0;
  // Zeros where the process has CPUs of several groups, of 64 each.
  GetProcessAffinityMask(GetCurrentProcess(), &mine, &all);
  return mine != 0 ? std::popcount(uint64_t(mine)) : GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);
}

bool at_fork(void (*)(), void (*)(), void (*)()) { return true; }

}  // namespace numloss::system
