// Limits that other tools put on the OpenMP libraries of this process.
#pragma once

namespace numloss {

// The number of threads that OpenMP is limited to on the calling thread, by threadpoolctl,
// torch.set_num_threads or whoever calls omp_set_num_threads; 0 if it is not limited. If several
// OpenMP libraries are loaded, the lowest limit counts. Never loads a library.
#ifdef __linux__
int openmp_limit();
#else
// Linux tells at no cost what has been loaded since; elsewhere no limit of OpenMP's is seen.
inline int openmp_limit() { return 0; }
#endif

}  // namespace numloss
