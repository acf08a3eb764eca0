// Folds the registry into one table of functions, the only symbol that leaves. Compiled once for
// every instruction set, with NUMLOSS_ISA naming it.
#include "registry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

struct Losses {
  LossInfo info[kLosses];
};

constexpr Losses losses() {
  Losses result{};
  for (int i = 0; i < kLosses; ++i) result.info[i] = kRegistry[i].info;
  return result;
}

constexpr Losses kInfo = losses();

template <class T>
const ElementFunctions<T>& element_entry(const Entry& entry) {
  if constexpr (sizeof(T) == 4)
    return entry.element32;
  else
    return entry.element64;
}

template <class T>
const RowFunctions<T>& row_entry(const Entry& entry) {
  if constexpr (sizeof(T) == 4)
    return entry.row32;
  else
    return entry.row64;
}

template <class T>
void run_as(const Task& task, const Blocks& blocks, char* scratch) {
  const Entry& entry = kRegistry[task.loss];
  if (!entry.info.rowwise) {
    run_elements(task, element_entry<T>(entry), blocks, false, scratch);
    return;
  }
  const RowFunctions<T>& functions = row_entry<T>(entry);
  T* const memory = reinterpret_cast<T*>(scratch);
  if (task.folded) {
    each_block_of_rows(task, blocks, false, memory,
                       [&](int64_t begin, int64_t end, Partial& partial, auto* window) {
                         run_rows(task, functions, begin, end, window, memory, partial);
                       });
  } else {
    each_block(blocks, blocks.begin, blocks.end, [&](int64_t begin, int64_t end, Partial& partial) {
      run_panels(task, functions, begin, end, memory, partial);
    });
  }
}

template <class T>
void survey_as(const Task& task, const Blocks& blocks, char* scratch) {
  const Entry& entry = kRegistry[task.loss];
  if (!entry.info.rowwise) {
    run_elements(task, element_entry<T>(entry), blocks, true, scratch);
    return;
  }
  T* const memory = reinterpret_cast<T*>(scratch);
  each_block_of_rows(task, blocks, true, memory,
                     [&](int64_t begin, int64_t end, Partial& partial, auto* window) {
                       survey_rows(task, begin, end, window, memory, partial);
                     });
}

// The upper halves of vector registers, which GCC leaves in use on some ways out: code without AVX,
// the interpreter's too, would wait for them at every instruction.
inline void clear_upper_halves() {
#ifdef __AVX__
  __builtin_ia32_vzeroupper();
#endif
}

void run(const Task& task, const Blocks& blocks, char* scratch) {
  if (task.wide)
    run_as<double>(task, blocks, scratch);
  else
    run_as<float>(task, blocks, scratch);
  clear_upper_halves();
}

void survey(const Task& task, const Blocks& blocks, char* scratch) {
  if (task.wide)
    survey_as<double>(task, blocks, scratch);
  else
    survey_as<float>(task, blocks, scratch);
  clear_upper_halves();
}

template <class T>
int64_t copied_together_as(const Task& task) {
  if (task.folded) return staged_rows<T>(task);
  return !kRegistry[task.loss].info.rowwise && is_staged(task) ? staged_elements<T>(task) : 0;
}

int64_t copied_together(const Task& task) {
  return task.wide ? copied_together_as<double>(task) : copied_together_as<float>(task);
}

int64_t scratch_bytes(const Task& task) {
  const Entry& entry = kRegistry[task.loss];
  if (!entry.info.rowwise) {
    return task.wide ? element_scratch<double>(task) : element_scratch<float>(task);
  }
  return task.wide ? row_scratch(task, entry.row64) : row_scratch(task, entry.row32);
}

// The parts of `logistic`, put together as binary cross-entropy puts them: its value, gradient and
// Hessian for the target 0.
template <class T>
NUMLOSS_INLINE T sigmoid(T x) {
  return logistic(x).probability;
}

template <class T>
NUMLOSS_INLINE T sigmoid_complement(T x) {
  return logistic(x).complement;
}

template <class T>
NUMLOSS_INLINE T sigmoid_variance(T x) {
  return logistic(x).variance;
}

template <class T>
NUMLOSS_INLINE T softplus(T x) {
  return (x > T(0) ? x : T(0)) + logistic(x).log1p_decay;
}

// `power` with an exponent that no loss treats as a special case.
template <class T>
NUMLOSS_INLINE T power_three_halves(T x) {
  return power(x, T(1.5));
}

template <class T, T (*kFunction)(T)>
void map(const T* x, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = kFunction(x[i]);
}

constexpr MathInfo kFunctions[] = {
    {"exp", map<float, exp<float>>, map<double, exp<double>>},
    {"exp_nonpositive", map<float, exp_nonpositive<float>>, map<double, exp_nonpositive<double>>},
    {"log", map<float, log<float>>, map<double, log<double>>},
    {"log1p", map<float, log1p<float>>, map<double, log1p<double>>},
    {"log1p_unit", map<float, log1p_unit<float>>, map<double, log1p_unit<double>>},
    {"sigmoid", map<float, sigmoid<float>>, map<double, sigmoid<double>>},
    {"sigmoid_complement", map<float, sigmoid_complement<float>>,
     map<double, sigmoid_complement<double>>},
    {"sigmoid_variance", map<float, sigmoid_variance<float>>,
     map<double, sigmoid_variance<double>>},
    {"softplus", map<float, softplus<float>>, map<double, softplus<double>>},
    {"power_three_halves", map<float, power_three_halves<float>>,
     map<double, power_three_halves<double>>},
};

#define NUMLOSS_STRING_(x) #x
#define NUMLOSS_STRING(x) NUMLOSS_STRING_(x)

constexpr KernelTable kTable = {NUMLOSS_STRING(NUMLOSS_ISA),
                                kLosses,
                                kInfo.info,
                                run,
                                survey,
                                copied_together,
                                scratch_bytes,
                                sizeof(kFunctions) / sizeof(kFunctions[0]),
                                kFunctions};

}  // namespace

const KernelTable& table() { return kTable; }

}  // namespace numloss::NUMLOSS_ISA
