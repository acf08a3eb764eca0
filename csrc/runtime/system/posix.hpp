// Threads of POSIX.
#pragma once

#include <pthread.h>

namespace numloss::system {

// Starts a thread with a stack of kStackBytes, or of what the system asks for at least, that takes
// no signals. It is to be joined or detached. Returns false if the system has none to give.
bool start_thread(pthread_t& thread, void* (*work)(void*), void* argument);

}  // namespace numloss::system
