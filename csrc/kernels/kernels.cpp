// Makes of the registry one table of functions, the only symbol that leaves. Compiled once for
// every instruction set, with NUMLOSS_ISA naming it.
#include "drivers/drivers.hpp"
#include "drivers/targets.hpp"
#include "registry.hpp"
#include "statistics/statistics.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

#define NUMLOSS_ENTRY(name) &k##name,
constexpr const Entry* kRegistry[] = {NUMLOSS_LOSSES(NUMLOSS_ENTRY)};
#define NUMLOSS_INFO(name) &k##name.info,
constexpr const LossInfo* kInfo[] = {NUMLOSS_LOSSES(NUMLOSS_INFO)};
constexpr int kLosses = sizeof(kRegistry) / sizeof(kRegistry[0]);

// Calls f with a number of the type that a task is computed in.
auto with_real(const auto& task, auto&& f) { return task.in_float64 ? f(double()) : f(float()); }

// The upper halves of vector registers, which GCC leaves in use on some ways out: code without AVX,
// the interpreter's too, would wait for them at every instruction.
inline void clear_upper_halves() {
#ifdef __AVX__
  __builtin_ia32_vzeroupper();
#endif
}

void run(const Task& task, const Blocks& blocks, bool only_check, char* scratch) {
  const Entry& entry = *kRegistry[task.loss];
  with_real(task, [&](auto zero) {
    using T = decltype(zero);
    const auto& functions = entry.functions(zero);
    switch (entry.info.driver) {
      case Driver::kElements:
        return run_elements(task, functions.element, blocks, only_check, scratch);
      case Driver::kLists: return run_lists(task, functions.list, blocks, only_check, scratch);
      case Driver::kVectors:
        return run_vectors(task, functions.vectors, blocks, only_check, scratch);
      case Driver::kSequences:
        return run_sequences<T>(task, functions.sequence, blocks, only_check, scratch);
      default: return run_classes(task, functions.row, blocks, only_check, scratch);
    }
  });
  clear_upper_halves();
}

bool run_handful(const Handful& handful, double& loss) {
  const Entry& entry = *kRegistry[handful.loss];
  const bool good = with_real(handful, [&](auto zero) {
    const auto& functions = entry.functions(zero);
    return entry.info.driver == Driver::kElements
               ? NUMLOSS_ISA::run_handful(handful, functions.element, loss)
               : NUMLOSS_ISA::run_handful(handful, functions.row, loss);
  });
  clear_upper_halves();
  return good;
}

int64_t copied_together(const Task& task) {
  return with_real(task, [&](auto zero) {
    using T = decltype(zero);
    if (task.long_rows) return rows_copied<T>(task);
    const bool by_elements = kRegistry[task.loss]->info.driver == Driver::kElements;
    return by_elements ? elements_copied<T>(task) : 0;
  });
}

int64_t scratch_bytes(const Task& task) {
  const Entry& entry = *kRegistry[task.loss];
  return with_real(task, [&](auto zero) {
    using T = decltype(zero);
    switch (entry.info.driver) {
      case Driver::kElements: return element_scratch<T>(task);
      case Driver::kLists: return list_scratch(task, entry.functions(zero).list);
      case Driver::kVectors: return vector_scratch<T>(task);
      case Driver::kSequences: return sequence_scratch<T>(task, entry.functions(zero).sequence);
      default: return row_scratch(task, entry.functions(zero).row);
    }
  });
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

// The parts of `normal`.
template <class T>
NUMLOSS_INLINE T normal_density(T x) {
  return normal(x).density;
}

template <class T>
NUMLOSS_INLINE T normal_within(T x) {
  return normal(x).within;
}

template <class T, T (*kFunction)(T)>
void map(const T* x, T* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = kFunction(x[i]);
}

constexpr MathInfo kFunctions[] = {
    {"exp", map<float, exp<float>>, map<double, exp<double>>},
    {"expm1", map<float, expm1<float>>, map<double, expm1<double>>},
    {"exp_nonpositive", map<float, exp_nonpositive<float>>, map<double, exp_nonpositive<double>>},
    {"log", map<float, log<float>>, map<double, log<double>>},
    {"log1p", map<float, log1p<float>>, map<double, log1p<double>>},
    {"log1p_unit", map<float, log1p_unit<float>>, map<double, log1p_unit<double>>},
    {"log1p_gap", map<float, log1p_gap<float>>, map<double, log1p_gap<double>>},
    {"sigmoid", map<float, sigmoid<float>>, map<double, sigmoid<double>>},
    {"sigmoid_complement", map<float, sigmoid_complement<float>>,
     map<double, sigmoid_complement<double>>},
    {"sigmoid_variance", map<float, sigmoid_variance<float>>,
     map<double, sigmoid_variance<double>>},
    {"softplus", map<float, softplus<float>>, map<double, softplus<double>>},
    {"power_three_halves", map<float, power_three_halves<float>>,
     map<double, power_three_halves<double>>},
    {"log_factorial", map<float, log_factorial<float>>, map<double, log_factorial<double>>},
    {"normal_density", map<float, normal_density<float>>, map<double, normal_density<double>>},
    {"normal_within", map<float, normal_within<float>>, map<double, normal_within<double>>},
};

#define NUMLOSS_STRING_(x) #x
#define NUMLOSS_STRING(x) NUMLOSS_STRING_(x)

constexpr KernelTable kTable = {NUMLOSS_STRING(NUMLOSS_ISA),
                                kLosses,
                                kInfo,
                                run,
                                run_handful,
                                copied_together,
                                scratch_bytes,
                                sizeof(kFunctions) / sizeof(kFunctions[0]),
                                kFunctions,
                                &kStatistics};

}  // namespace

const KernelTable& table() { return kTable; }

}  // namespace numloss::NUMLOSS_ISA
