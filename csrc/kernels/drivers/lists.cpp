// Lists, one at a time: rows of an array, or runs of any lengths along one. A list is copied whole
// to working memory, so that its gradient may take its place.
#include "drivers.hpp"
#include "one_by_one.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// One list of a task: where it lies and how long it is.
struct Place {
  const Task& task;
  int64_t index;
  const Examples& at;

  int64_t count() const {
    const int64_t* const begin = task.list_begin;
    return begin == nullptr ? task.classes : begin[index + 1] - begin[index];
  }
  char* address(const Operand& operand) const {
    if (task.list_begin == nullptr) return at.address(operand);
    return operand.data + task.list_begin[index] * operand.class_stride;
  }
};

// The working memory of a thread, in pieces for each list.
template <class T>
class Memory {
 public:
  Memory(const Task& task, const ListFunctions<T>& functions, char* memory)
      : task_(task),
        functions_(functions),
        numbers_(whole_lines<T>(task.classes)),
        memory_(memory) {}

  static int64_t bytes(const Task& task, const ListFunctions<T>& functions) {
    const int64_t each = kPlaces * int64_t(sizeof(int64_t)) +
                         functions.wide * int64_t(sizeof(double)) +
                         arrays(functions) * int64_t(sizeof(T));
    constexpr int64_t kSpare = 64;
    return task.classes > INT64_MAX / each - kSpare ? INT64_MAX : (task.classes + kSpare) * each;
  }

  // Copies scores and targets.
  List<T> load(const Place& place) {
    T* const score = numbers(0);
    T* const target = numbers(1);
    load_input(place, kHeads, score);
    load_input(place, kTarget, target);
    int64_t* const order = reinterpret_cast<int64_t*>(numbers(arrays(functions_)));
    return {task_.mode,
            task_.parameters,
            place.count(),
            score,
            target,
            functions_.takes_aside ? load_aside(place) : nullptr,
            numbers(2),
            numbers(3),
            order,
            order + numbers_,
            order + 2 * numbers_,
            numbers(kArrays),
            reinterpret_cast<double*>(order + kPlaces * numbers_)};
  }

  const T* load_targets(const Place& place) {
    load_input(place, kTarget, numbers(1));
    return numbers(1);
  }
  const T* load_aside(const Place& place) {
    T* const to = numbers(arrays(functions_) - 1);
    load_input(place, kAside, to);
    return to;
  }

 private:
  static constexpr int kArrays = 4, kPlaces = 3;

  static int64_t arrays(const ListFunctions<T>& functions) {
    return kArrays + functions.scratch + functions.takes_aside;
  }

  T* numbers(int array) const { return reinterpret_cast<T*>(memory_) + array * numbers_; }

  void load_input(const Place& place, int role, T* to) const {
    const Operand& input = task_[role];
    copy_in(input, place.address(input), input.class_stride, place.count(), to);
  }

  const Task& task_;
  const ListFunctions<T>& functions_;
  const int64_t numbers_;  // of an array
  char* const memory_;
};

template <class T>
bool any_negative(const T* x, int64_t n) {
  bool found = false;
  for (int64_t i = 0; i < n; ++i) found = found | (x[i] < T(0));
  return found;
}

// A NaN is not: it comes out as NaN.
template <class T>
bool any_but_switches(const T* x, int64_t n) {
  bool found = false;
  for (int64_t i = 0; i < n; ++i) {
    found = found | !((x[i] == T(0)) | (x[i] == T(1)) | is_nan(x[i]));
  }
  return found;
}

// Whether a list that counts holds what the loss has no meaning for.
template <class T>
bool is_outside(Memory<T>& memory, const ListFunctions<T>& functions, const Place& place) {
  const int64_t n = place.count();
  return (functions.nonnegative && any_negative(memory.load_targets(place), n)) ||
         (functions.takes_aside && any_but_switches(memory.load_aside(place), n));
}

// x times weight / denominator, 0 where the list has no weight, in double, as neither factor alone
// need fit T.
template <class T>
void write(const Place& place, int role, double weight, T* x) {
  const Operand& to = place.task[role];
  const double denominator = place.task.denominator;
  const int64_t n = place.count();
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const T weighed = T(double(x[i]) * (weight / denominator));
    x[i] = weight == 0 ? T(0) : weighed;
  }
  copy_out(to, place.address(to), to.class_stride, n, x);
}

template <class T>
void run_block(const Task& task, const ListFunctions<T>& functions, int64_t begin, int64_t end,
               bool only_check, char* scratch, Partial& partial) {
  Memory<T> memory(task, functions, scratch);
  const auto is_bad = [&](int64_t index, const Examples& at) {
    return is_outside(memory, functions, {task, index, at});
  };
  const auto compute = [&](int64_t index, const Examples& at, double weight) {
    const Place place{task, index, at};
    const List<T> list = memory.load(place);
    const T value = weight != 0 ? functions.list(list) : T(0);
    if (task.mode & kGradient) write(place, kGradients, weight, list.gradient);
    if (task.mode & kHessian) write(place, kHessians, weight, list.hessian);
    return value;
  };
  run_one_by_one<T>(task, begin, end, only_check, partial, is_bad, compute);
}

}  // namespace

template <class T>
int64_t list_scratch(const Task& task, const ListFunctions<T>& functions) {
  return Memory<T>::bytes(task, functions);
}

template <class T>
void run_lists(const Task& task, const ListFunctions<T>& functions, const Blocks& blocks,
               bool only_check, char* scratch) {
  each_block(blocks, blocks.begin, blocks.end, [&](int64_t begin, int64_t end, Partial& partial) {
    run_block(task, functions, begin, end, only_check, scratch, partial);
  });
}

template int64_t list_scratch(const Task&, const ListFunctions<float>&);
template int64_t list_scratch(const Task&, const ListFunctions<double>&);
template void run_lists(const Task&, const ListFunctions<float>&, const Blocks&, bool, char*);
template void run_lists(const Task&, const ListFunctions<double>&, const Blocks&, bool, char*);

}  // namespace numloss::NUMLOSS_ISA
