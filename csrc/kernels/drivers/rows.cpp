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

// Whether a long row holds what is no probability.
template <class T>
bool leaves_unit(const Task& task, const Examples& at) {
  constexpr int64_t kCopied = 4 * kLanes;
  alignas(64) T p[kCopied];
  const int64_t stride = task[kHeads].class_stride;
  for (int64_t first = 0; first < task.classes; first += kCopied) {
    const int64_t n = task.classes - first < kCopied ? task.classes - first : kCopied;
    copy_in(task[kHeads], at.address(task[kHeads]) + first * stride, stride, n, p);
    if (leaves_unit(p, n)) return true;
  }
  return false;
}

// Whether one of the next n rows that are there holds what is no probability.
template <class T>
[[gnu::noinline]] bool has_no_probabilities(const Task& task, Examples at, int64_t n,
                                            const double* weight, T* scratch) {
  for (int64_t k = 0; task.long_rows && k < n; ++k, at.advance(1)) {
    if (weight[k] != 0.0 && leaves_unit<T>(task, at)) return true;
  }
  if (task.long_rows) return false;
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

namespace {

// A handful of rows as the strips of a panel, and back. Rows that do not fill a strip go by way of
// one that they do.
template <class T>
class FewRows {
 public:
  explicit FewRows(const Handful& handful)
      : rows_(handful.size), classes_(handful.classes), whole_(rows_ - rows_ % kWidth) {}

  void load(const T* from, T* panel, T* maximum) {
    for (int64_t r = 0; r < whole_; r += kWidth) load_rows(from + r * classes_, r, panel, maximum);
    if (whole_ == rows_) return;
    const int64_t some = (rows_ - whole_) * classes_;
    for (int64_t k = 0; k < some; ++k) staging_[k] = from[whole_ * classes_ + k];
    // Lanes without a row hold zeros: finite work, never stored.
    for (int64_t k = some; k < kWidth * classes_; ++k) staging_[k] = T(0);
    load_rows(staging_, whole_, panel, maximum);
  }

  void store(const T* panel, T* to) {
    for (int64_t r = 0; r < whole_; r += kWidth) store_rows(panel, r, to + r * classes_);
    if (whole_ == rows_) return;
    store_rows(panel, whole_, staging_);
    const int64_t some = (rows_ - whole_) * classes_;
    for (int64_t k = 0; k < some; ++k) to[whole_ * classes_ + k] = staging_[k];
  }

  // Of the strips of most numbers: all lanes but one of the last without a row.
  static constexpr int kWidth = kStrip<T>, kMost = kHandful + (kWidth - 1) * kLanes;

 private:
  void load_rows(const T* from, int64_t row, T* panel, T* maximum) const {
    store_vector(load_strip(from, classes_, classes_, panel + row * classes_), maximum + row);
  }
  void store_rows(const T* panel, int64_t row, T* to) const {
    store_strip(panel + row * classes_, classes_, to, classes_);
  }

  const int64_t rows_, classes_, whole_;
  alignas(64) T staging_[kWidth * kLanes];
};

}  // namespace

// One panel of rows that weigh 1, as Panels has them.
template <class T>
bool run_handful(const Handful& handful, const RowFunctions<T>& functions, double& loss) {
  alignas(64) int32_t label[kLanes];
  const int64_t n = handful.size;
  const bool good = read_int64_labels(handful.data[kTarget], n, uint32_t(handful.classes), label);
  if (!good || functions.scratch_panels != 0) return false;
  alignas(64) T logits[FewRows<T>::kMost];
  alignas(64) T coefficient[kLanes], maximum[kLanes], rest[kLanes], value[kLanes];
  FewRows<T> rows(handful);
  rows.load(reinterpret_cast<const T*>(handful.data[kHeads]), logits, maximum);
  const int lanes = lanes_for(n);
  for (int64_t k = n; k < lanes; ++k) {
    label[k] = 0;
    maximum[k] = rest[k] = T(0);
  }
  fill(T(1 / handful.denominator), lanes, coefficient);
  Panel<T> panel{};
  panel.mode = handful.mode;
  panel.likelihood = &functions.likelihood;
  panel.parameters = handful.parameters;
  panel.classes = handful.classes;
  panel.rows = int(n);
  panel.lanes = lanes;
  panel.logits = logits;
  panel.label = label;
  panel.coefficient = coefficient;
  panel.value = value;
  panel.maximum = maximum;
  panel.rest = rest;
  functions.panel(panel);
  if (handful.mode & kGradient) rows.store(logits, reinterpret_cast<T*>(handful.data[kGradients]));
  if (handful.mode & kValue) loss = 0.0 + sum(value, n);
  return true;
}

template bool run_handful(const Handful&, const RowFunctions<float>&, double&);
template bool run_handful(const Handful&, const RowFunctions<double>&, double&);

template class Row<float>;
template class Row<double>;
template int64_t row_scratch(const Task&, const RowFunctions<float>&);
template int64_t row_scratch(const Task&, const RowFunctions<double>&);
template int64_t rows_copied<float>(const Task&);
template int64_t rows_copied<double>(const Task&);
template void run_classes(const Task&, const RowFunctions<float>&, const Blocks&, bool, char*);
template void run_classes(const Task&, const RowFunctions<double>&, const Blocks&, bool, char*);

}  // namespace numloss::NUMLOSS_ISA
