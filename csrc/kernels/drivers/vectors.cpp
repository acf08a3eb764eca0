// Examples of several rows, one at a time. Rows are read, and derivatives written, where they lie,
// if that is as T side by side; else they are copied.
#include "drivers.hpp"
#include "one_by_one.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// The arrays of a task that have rows.
Roles with_rows(const Task& task) {
  const Roles all = kPredictions | kDerivatives;
  return task.present & (task.target_kind == Target::kDistribution ? all | roles(kTarget) : all);
}

// Those whose rows do not all lie as T side by side, and the first head, where a derivative takes
// its place, which would be read as that.
template <class T>
Roles copied_rows(const Task& task) {
  Roles copied{0};
  for (const int role : with_rows(task)) {
    const Operand& operand = task[role];
    bool lies_ready = in_place<T>(operand, operand.data, operand.class_stride);
    for (int d = 0; d < task.ndim; ++d) {
      lies_ready = lies_ready && operand.strides[d] % int64_t(sizeof(T)) == 0;
    }
    if (!lies_ready) copied = copied | roles(role);
    const bool replaces = kDerivatives.has(role) && operand.data == task[kHeads].data;
    if (replaces) copied = copied | roles(kHeads);
  }
  return copied;
}

// Where the rows of an example are worked on.
template <class T>
class Rows {
 public:
  Rows(const Task& task, char* memory)
      : task_(task),
        copied_(copied_rows<T>(task)),
        numbers_(whole_lines<T>(task.classes)),
        memory_(reinterpret_cast<T*>(memory)) {}

  static int64_t bytes(const Task& task) {
    const int64_t each = copied_rows<T>(task).count() * int64_t(sizeof(T));
    constexpr int64_t kSpare = 64;
    if (each == 0) return 0;
    return task.classes > INT64_MAX / each - kSpare ? INT64_MAX : (task.classes + kSpare) * each;
  }

  Vectors<T> load(const Examples& at, double factor) {
    Vectors<T> vectors{};
    vectors.parameters = task_.parameters;
    vectors.n = task_.classes;
    vectors.factor = factor;
    used_ = 0;
    int rows = 0;
    for (const int role : (with_rows(task_) - kDerivatives)) vectors.row[rows++] = read(role, at);
    if (task_.has(kTarget)) vectors.target = number(at);
    for (const int role : (task_.present & kDerivatives)) {
      T* const to = copied_.has(role) ? next() : reinterpret_cast<T*>(at.address(task_[role]));
      if (role < kHessians) {
        vectors.gradient[role - kGradients] = to;
      } else {
        vectors.hessian[role - kHessians] = to;
      }
    }
    return vectors;
  }

  // Takes out what was not written where it belongs.
  void store(const Examples& at, const Vectors<T>& vectors) const {
    for (const int role : (copied_ & kDerivatives)) {
      const Operand& to = task_[role];
      const T* const from = role < kHessians ? vectors.gradient[role - kGradients]
                                             : vectors.hessian[role - kHessians];
      copy_out(to, at.address(to), to.class_stride, task_.classes, from);
    }
  }

  T number(const Examples& at) const {
    T x = T(0);
    if (task_.target_kind == Target::kNumber) {
      copy_in(task_[kTarget], at.address(task_[kTarget]), 0, 1, &x);
    }
    return x;
  }

  void fill_derivatives(const Vectors<T>& vectors, T x) const {
    for (int h = 0; h < kMaxHeads; ++h) {
      if (vectors.gradient[h] != nullptr) fill(x, vectors.n, vectors.gradient[h]);
      if (vectors.hessian[h] != nullptr) fill(x, vectors.n, vectors.hessian[h]);
    }
  }

 private:
  T* next() { return memory_ + used_++ * numbers_; }

  const T* read(int role, const Examples& at) {
    const Operand& from = task_[role];
    const char* const address = at.address(from);
    if (!copied_.has(role)) return reinterpret_cast<const T*>(address);
    T* const to = next();
    copy_in(from, address, from.class_stride, task_.classes, to);
    return to;
  }

  const Task& task_;
  const Roles copied_;
  const int64_t numbers_;  // of a row, with what fills its last line
  T* const memory_;
  int64_t used_ = 0;  // rows of the memory
};

template <class T>
void run_block(const Task& task, const VectorFunctions<T>& functions, int64_t begin, int64_t end,
               bool only_check, char* scratch, Partial& partial) {
  Rows<T> rows(task, scratch);
  const auto is_bad = [&](int64_t, const Examples& at) {
    return functions.outside != nullptr && functions.outside(rows.number(at), task.parameters);
  };
  const auto compute = [&](int64_t, const Examples& at, double weight) {
    const Vectors<T> vectors = rows.load(at, weight / task.denominator);
    T value = T(0);
    if (weight != 0) {
      value = functions.vectors(vectors);
    } else {
      rows.fill_derivatives(vectors, T(0));
    }
    rows.store(at, vectors);
    return value;
  };
  run_one_by_one<T>(task, begin, end, only_check, partial, is_bad, compute);
}

}  // namespace

template <class T>
int64_t vector_scratch(const Task& task) {
  return Rows<T>::bytes(task);
}

template <class T>
void run_vectors(const Task& task, const VectorFunctions<T>& functions, const Blocks& blocks,
                 bool only_check, char* scratch) {
  each_block(blocks, blocks.begin, blocks.end, [&](int64_t begin, int64_t end, Partial& partial) {
    run_block(task, functions, begin, end, only_check, scratch, partial);
  });
}

template int64_t vector_scratch<float>(const Task&);
template int64_t vector_scratch<double>(const Task&);
template void run_vectors(const Task&, const VectorFunctions<float>&, const Blocks&, bool, char*);
template void run_vectors(const Task&, const VectorFunctions<double>&, const Blocks&, bool, char*);

}  // namespace numloss::NUMLOSS_ISA
