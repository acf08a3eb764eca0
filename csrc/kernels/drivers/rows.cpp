// The two ways of a loss over classes through an array: rows side by side, a vector of them to a
// strip (short_rows.hpp), and one long row at a time, 64 classes to a step (long_rows.hpp). Which
// one serves depends on the loss and the number of classes alone, so memory layout cannot change a
// bit.
#include "drivers.hpp"
#include "long_rows.hpp"
#include "short_rows.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// The sums of one row's distribution, without its logits: tile by tile, as the run adds them up, so
// that both find the same.
template <class T>
PortionSums portions_of_row(const Task& task, const Examples& at) {
  constexpr int64_t kCopied = 4 * kLanes;
  PortionSums sums{};
  alignas(64) T q[kCopied];
  const int64_t stride = task[kTarget].class_stride, tile = long_row_tile(task.classes);
  for (int64_t first = 0; first < task.classes; first += tile) {
    const int64_t end = task.classes - first < tile ? task.classes : first + tile;
    PortionsOfTile<T> portion{task, {true, false}};
    for (int64_t c = first; c < end; c += kCopied) {
      const int64_t n = end - c < kCopied ? end - c : kCopied;
      copy_in(task[kTarget], at.address(task[kTarget]) + c * stride, stride, n, q);
      take_exponentials_of_target(task, n, q);
      portion.add(c, n, q);
    }
    portion.add_to(sums);
  }
  return sums;
}

// Whether one of the next n rows that are there holds what is no probability.
template <class T>
[[gnu::noinline]] bool has_no_probabilities(const Task& task, Examples at, int64_t n,
                                            const double* weight, T* scratch) {
  const int64_t most = rows_of_panel<T>(task);
  alignas(64) T largest[kLanes];
  T* const panel = scratch + task.classes * most;
  for (int64_t k = 0; k < n; k += most, at.advance(most)) {
    const int64_t rows = n - k < most ? n - k : most;
    load_panel(task, task[kHeads], at, rows, scratch, panel, largest);
    if (holds_no_probability(panel, task.classes, weight + k, rows)) return true;
  }
  return false;
}

// Checks and weights of a block only: no logits are read, but for probabilities in their place.
template <class T>
void check_rows(const Task& task, int64_t begin, int64_t end, RowWindow<T>* window, T* scratch,
                Partial& partial) {
  Examples at(task, begin);
  const bool plain = takes_plain_labels(task) && !task.probabilities;
  alignas(64) int32_t label[kLanes];
  LabelsAndWeights info;
  for (int64_t i = begin; i < end; i += kLanes) {
    const int64_t n = end - i < kLanes ? end - i : kLanes;
    if (plain && read_plain_labels(task, at, n, label, partial)) {
      at.advance(n);
      continue;
    }
    if (task.target_kind != Target::kDistribution) {
      partial.bad = !weigh_rows(task, at, n, info, partial);
    } else {
      PortionSums sums[kLanes];
      if (task.long_rows) {
        Examples row = at;
        for (int64_t k = 0; k < n; ++k, row.advance(1)) {
          if (window != nullptr) window->reach(row, i + k);
          sums[k] = window == nullptr ? portions_of_row<T>(task, row)
                                      : portions_of_row<T>(window->task(), window->examples(i + k));
        }
      } else {
        const int64_t rows = rows_of_panel<T>(task);
        Examples some = at;
        for (int64_t k = 0; k < n; k += rows, some.advance(rows)) {
          load_distributions<T>(task, some, n - k < rows ? n - k : rows, {true, false}, scratch,
                                scratch + task.classes * rows, sums + k);
        }
      }
      load_loss_weights(task, at, n, info);
      partial.bad = !weigh_distributions(task, n, sums, info, partial);
    }
    if (task.probabilities && !partial.bad) {
      partial.bad = has_no_probabilities(task, at, n, info.loss_weight, scratch);
    }
    if (partial.bad) return;
    at.advance(n);
  }
}

// Apart, as are long rows: each has a frame of several KB, and stacks of threads may be small.
template <class T>
[[gnu::noinline]] void run_side_by_side(const Task& task, const RowFunctions<T>& functions,
                                        const Blocks& blocks, T* scratch) {
  Panels<T> panels(task, functions, scratch);
  each_block(blocks, blocks.begin, blocks.end, [&](int64_t begin, int64_t end, Partial& partial) {
    panels.run(begin, end, partial);
  });
}

template <class T>
[[gnu::noinline]] void run_one_by_one(const Task& task, const RowFunctions<T>& functions,
                                      const Blocks& blocks, T* scratch) {
  each_block_of_rows(task, blocks, false, scratch + row_numbers(task, functions),
                     [&](int64_t begin, int64_t end, Partial& partial, RowWindow<T>* window) {
                       run_rows(task, functions, begin, end, window, scratch, partial);
                     });
}

template <class T>
[[gnu::noinline]] void check_blocks(const Task& task, const Blocks& blocks, T* scratch) {
  // Of long rows nothing else needs memory here.
  each_block_of_rows(task, blocks, true, scratch,
                     [&](int64_t begin, int64_t end, Partial& partial, RowWindow<T>* window) {
                       check_rows(task, begin, end, window, scratch, partial);
                     });
}

}  // namespace

// More than there is where a broadcast row of classes needs more than can be counted.
template <class T>
int64_t row_scratch(const Task& task, const RowFunctions<T>& functions) {
  const int64_t size = sizeof(T);
  if (task.long_rows) {
    const int64_t most = INT64_MAX / 16 / size / (functions.scratch_rows + 1);
    if (task.classes > most) return INT64_MAX;
    const int64_t numbers = staged_rows<T>(task) * task.classes;
    return row_numbers(task, functions) * size + Staging<T>::bytes(task, staged(task), numbers);
  }
  const int64_t per_class = panel_count(task, functions) * rows_of_panel<T>(task) * size;
  return task.classes > INT64_MAX / per_class ? INT64_MAX : task.classes * per_class;
}

template <class T>
int64_t rows_copied(const Task& task) {
  return staged_rows<T>(task);
}

template <class T>
void run_classes(const Task& task, const RowFunctions<T>& functions, const Blocks& blocks,
                 bool only_check, char* scratch) {
  T* const memory = reinterpret_cast<T*>(scratch);
  if (only_check) return check_blocks(task, blocks, memory);
  if (task.long_rows) return run_one_by_one(task, functions, blocks, memory);
  run_side_by_side(task, functions, blocks, memory);
}

template class Row<float>;
template class Row<double>;
template int64_t row_scratch(const Task&, const RowFunctions<float>&);
template int64_t row_scratch(const Task&, const RowFunctions<double>&);
template int64_t rows_copied<float>(const Task&);
template int64_t rows_copied<double>(const Task&);
template void run_classes(const Task&, const RowFunctions<float>&, const Blocks&, bool, char*);
template void run_classes(const Task&, const RowFunctions<double>&, const Blocks&, bool, char*);

}  // namespace numloss::NUMLOSS_ISA
