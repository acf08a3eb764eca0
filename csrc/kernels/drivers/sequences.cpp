// Sequences, one at a time: the softmax of each step, then the alignment of the labels with the
// steps, then the gradient. Steps are copied to working memory a few at a time, wherever they lie.
#include "drivers.hpp"
#include "targets.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

// Working memory, taken piece by piece, each on a line of its own. Without memory it counts.
class Pieces {
 public:
  explicit Pieces(char* memory) : memory_(memory) {}

  template <class U>
  U* take(int64_t count) {
    constexpr int64_t kLineNumbers = kLineBytes / int64_t(sizeof(U));
    U* const piece = memory_ == nullptr ? nullptr : reinterpret_cast<U*>(memory_ + bytes_);
    const int64_t lines = (count + kLineNumbers - 1) / kLineNumbers;
    bytes_ += lines * kLineBytes;
    return piece;
  }
  int64_t bytes() const { return bytes_; }

 private:
  char* const memory_;
  int64_t bytes_ = 0;
};

// Steps that are worked on at a time: some short ones, or a long one.
int64_t steps_together(const Task& task) {
  const int64_t steps = kTile / task.step_classes;
  return steps < 1 ? 1 : steps > task.steps ? task.steps : steps;
}

// The working memory of a thread.
template <class T>
struct Memory {
  Pieces pieces;
  int64_t *label, *first;  // the labels; of each the first place that has the same
  double *chances, *scratch;
  double* inverse;  // of each step's sum of exponentials,
  T* maximum;       // of the score whose exponential is 1
  T* score;         // of the steps together

  Memory(const Task& task, const SequenceFunctions& functions, char* memory) : pieces(memory) {
    const int64_t steps = task.steps, lanes = Alignment::lanes_of(task.target_columns);
    label = pieces.template take<int64_t>(task.target_columns);
    first = pieces.template take<int64_t>(task.target_columns);
    chances = pieces.template take<double>(steps * Alignment::width_of(lanes));
    scratch = pieces.template take<double>(functions.scratch(steps, lanes));
    inverse = pieces.template take<double>(steps);
    maximum = pieces.template take<T>(steps);
    score = pieces.template take<T>(steps_together(task) * task.step_classes);
  }
};

// One sequence of a task, and what is known of it so far.
template <class T>
class Sequence {
 public:
  Sequence(const Task& task, const SequenceFunctions& functions, int64_t index, const Examples& at,
           Memory<T>& memory)
      : task_(task),
        functions_(functions),
        index_(index),
        at_(at),
        memory_(memory),
        steps_(task.input_lengths == nullptr ? task.steps : task.input_lengths[index]) {}

  // False: one of the labels is none.
  bool read_labels() {
    const Operand& target = task_[kTarget];
    const bool padded = task_.target_lengths == nullptr;
    const int64_t most = padded ? task_.target_columns : task_.target_lengths[index_];
    const char* const from = at_.address(target);
    const int64_t nowhere = task_.ignore_index == -1 ? -2 : -1;
    bool good = true;
    with_type(target.dtype, [&](auto zero) {
      using S = decltype(zero);
      if constexpr (!__is_same(S, Bool)) {
        for (labels_ = 0; labels_ < most && good; ++labels_) {
          const S x = read<S>(from + labels_ * target.class_stride, target.swapped);
          const int64_t label = label_of(x, nowhere);
          if (padded && label == task_.ignore_index) return;
          good = uint64_t(label) < uint64_t(task_.step_classes) && label != task_.blank;
          memory_.label[labels_] = label;
        }
      }
    });
    return good;
  }

  double value() {
    const bool derives = (task_.mode & kGradient) != 0;
    const int64_t lanes = Alignment::lanes_of(labels_);
    alignment_ = {derives, steps_, labels_, memory_.label, lanes, memory_.chances, memory_.scratch};
    const T poison = read_steps();
    const double value = is_nan(poison) ? Real<double>::kNan : functions_.align(alignment_);
    const bool impossible = value == Real<double>::kInfinity;
    const bool hides = impossible && task_.parameters[0] != 0;
    if (derives) slope_ = hides ? T(0) : impossible ? Real<T>::kNan : T(value);
    has_slopes_ = derives && !impossible && !is_nan(value);
    return hides ? 0 : value;
  }

  // The gradient, `scale` times; all of it 0 where that is.
  void write_gradient(double scale) {
    const bool all_alike = scale == 0 || !has_slopes_;
    if (all_alike) fill_steps(0, steps_, scale == 0 ? T(0) : slope_);
    fill_steps(steps_, task_.steps, T(0));
    if (all_alike) return;
    find_first_places();
    for (int64_t step = 0, n; step < steps_; step += n) {
      n = together(step, steps_);
      load_exponentials(step, n);
      for (int64_t k = 0; k < n; ++k) take_slopes(step + k, row(k), scale);
      store_plane(task_[kGradients], address(kGradients, step), plane(kGradients, n), memory_.score,
                  classes());
    }
  }

 private:
  int64_t classes() const { return task_.step_classes; }
  T* row(int64_t k) const { return memory_.score + k * classes(); }
  int64_t together(int64_t step, int64_t end) const {
    const int64_t most = steps_together(task_);
    return end - step < most ? end - step : most;
  }
  char* address(int role, int64_t step) const {
    return at_.address(task_[role]) + step * task_[role].step_stride;
  }
  Plane plane(int role, int64_t steps) const {
    return {steps, task_[role].step_stride, classes(), task_[role].class_stride};
  }
  void load(int role, int64_t step, int64_t n) {
    load_plane(task_[role], address(role, step), plane(role, n), memory_.score, classes());
  }
  // Whether exponentials wait in the place of the gradient until they are needed again.
  bool keeps_exponentials() const {
    return alignment_.derives && task_[kGradients].dtype == DTypeOf<T>::value;
  }

  // Fills in what the alignment is told of the steps; returns a NaN where one has no softmax.
  T read_steps() {
    T poison = 0;
    for (int64_t step = 0, n; step < steps_; step += n) {
      n = together(step, steps_);
      load(kHeads, step, n);
      for (int64_t k = 0; k < n; ++k) pick_scores(step + k, row(k));
      take_exponentials(step, n);
      for (int64_t k = 0; k < n; ++k) {
        poison = keep_nan(poison, finish_step(step + k, row(k)));
      }
      if (keeps_exponentials()) {
        store_plane(task_[kGradients], address(kGradients, step), plane(kGradients, n),
                    memory_.score, classes());
      }
    }
    return poison;
  }

  // The scores of the labels, of blank, and the highest of a step.
  void pick_scores(int64_t step, const T* score) {
    double* const chance = alignment_.chances_of(step);
    for (int64_t i = 0; i < labels_; ++i) chance[i] = double(score[memory_.label[i]]);
    chance[alignment_.lanes] = double(score[task_.blank]);
    memory_.maximum[step] = highest_of(score);
  }

  T highest_of(const T* score) const {
    constexpr int kWidth = 16;
    alignas(64) T lane[kWidth];
    for (T& x : lane) x = -Real<T>::kInfinity;
    const int64_t n = classes();
    int64_t c = 0;
    for (; c + kWidth <= n; c += kWidth) {
#pragma omp simd
      for (int j = 0; j < kWidth; ++j) lane[j] = score[c + j] > lane[j] ? score[c + j] : lane[j];
    }
    for (int j = 0; c < n; ++c, ++j) lane[j] = score[c] > lane[j] ? score[c] : lane[j];
    halve<kWidth / 2>(lane, [](T a, T b) { return a > b ? a : b; });
    return lane[0];
  }

  // Of n steps' scores, in their place.
  void take_exponentials(int64_t step, int64_t n) {
    const int64_t count = classes();
    for (int64_t k = 0; k < n; ++k) {
      T* const score = row(k);
      const T maximum = memory_.maximum[step + k];
#pragma omp simd
      for (int64_t c = 0; c < count; ++c) score[c] -= maximum;
    }
    T* const score = memory_.score;
#pragma omp simd
    for (int64_t i = 0; i < n * count; ++i) score[i] = exp_nonpositive(score[i]);
  }

  // From scores to logarithms of probabilities, by the exponentials of a step. Those that are 1 are
  // counted and not added: the sum of the others keeps its digits.
  T finish_step(int64_t step, const T* e) {
    const int64_t n = classes();
    int64_t ones = 0;
#pragma omp simd reduction(+ : ones)
    for (int64_t c = 0; c < n; ++c) ones += e[c] == T(1);
    const double others = sum_of(n, [e](int64_t c) { return e[c] == T(1) ? 0.0 : double(e[c]); });
    const double rest = others + double(ones - 1), log_sum = log1p(rest);
    memory_.inverse[step] = 1 / (1 + rest);
    const double maximum = double(memory_.maximum[step]);
    const int64_t lanes = alignment_.lanes, places = lanes + 1;  // the last is the blank's
    double* const chance = alignment_.chances_of(step);
    for (int64_t i = labels_; i < lanes; ++i) chance[i] = -Real<double>::kInfinity;
#pragma omp simd
    for (int64_t i = 0; i < places; ++i) chance[i] = (chance[i] - maximum) - log_sum;
    return T(rest);
  }

  void fill_steps(int64_t begin, int64_t end, T x) {
    if (begin < end) fill(x, together(begin, end) * classes(), memory_.score);
    for (int64_t step = begin, n; step < end; step += n) {
      n = together(step, end);
      store_plane(task_[kGradients], address(kGradients, step), plane(kGradients, n), memory_.score,
                  classes());
    }
  }

  void find_first_places() {
    const int64_t* const label = memory_.label;
    for (int64_t i = 0; i < labels_; ++i) {
      int64_t k = 0;
      while (label[k] != label[i]) ++k;
      memory_.first[i] = k;
    }
  }

  void load_exponentials(int64_t step, int64_t n) {
    if (keeps_exponentials()) return load(kGradients, step, n);
    load(kHeads, step, n);
    take_exponentials(step, n);
  }

  // A class's probability less how probable it is that the step is at one of its labels.
  void take_slopes(int64_t step, T* e, double scale) {
    const double inverse = memory_.inverse[step], factor = inverse * scale;
    double* const at = alignment_.chances_of(step);
    const int64_t *const label = memory_.label, *const first = memory_.first;
    for (int64_t i = 0; i < labels_; ++i) {
      if (first[i] < i) at[first[i]] += at[i];
    }
    const auto slope = [=](T x, double there) { return (double(x) * inverse - there) * scale; };
    for (int64_t i = 0; i < labels_; ++i) {
      if (first[i] == i) at[i] = slope(e[label[i]], at[i]);
    }
    const T of_blank = T(slope(e[task_.blank], at[alignment_.lanes]));
    const int64_t n = classes();
#pragma omp simd
    for (int64_t c = 0; c < n; ++c) e[c] = T(double(e[c]) * factor);
    for (int64_t i = 0; i < labels_; ++i) {
      if (first[i] == i) e[label[i]] = T(at[i]);
    }
    e[task_.blank] = of_blank;
  }

  const Task& task_;
  const SequenceFunctions& functions_;
  const int64_t index_;
  const Examples& at_;
  Memory<T>& memory_;
  const int64_t steps_;
  int64_t labels_ = 0;
  Alignment alignment_{};
  T slope_ = 0;  // of all that has no other
  bool has_slopes_ = false;
};

template <class T>
void run_block(const Task& task, const SequenceFunctions& functions, int64_t begin, int64_t end,
               bool only_check, char* scratch, Partial& partial) {
  Memory<T> memory(task, functions, scratch);
  Examples at(task, begin);
  for (int64_t first = begin; first < end; first += kLanes) {
    const int64_t rows = end - first < kLanes ? end - first : kLanes;
    LabelsAndWeights info;
    T value[kLanes];
    load_loss_weights(task, at, rows, info);
    partial.bad = has_outside_weights(task, info.loss_weight, rows);
    Examples row = at;
    for (int64_t k = 0; k < rows && !partial.bad; ++k, row.advance(1)) {
      const double weight = info.full_weight[k] = info.loss_weight[k];
      Sequence<T> sequence(task, functions, first + k, row, memory);
      value[k] = T(0);
      partial.bad = weight != 0 && !sequence.read_labels();
      if (only_check || partial.bad) continue;
      if (weight != 0) value[k] = T(sequence.value());
      if (task.mode & kGradient) sequence.write_gradient(weight / task.denominator);
    }
    if (partial.bad) return;
    if (!task.checked) count_examples(task, info.full_weight, rows, rows, partial);
    if (!only_check && (task.mode & kValue)) finish_rows(task, at, value, info, rows, partial);
    at.advance(rows);
  }
}

}  // namespace

template <class T>
int64_t sequence_scratch(const Task& task, const SequenceFunctions& functions) {
  // More than there is anywhere: the number of bytes need not be one.
  constexpr double kBeyond = double(int64_t(1) << 50);
  const double steps = double(task.steps + 1), labels = double(task.target_columns + 1);
  if (steps * labels > kBeyond || double(task.step_classes) > kBeyond) return INT64_MAX;
  return Memory<T>(task, functions, nullptr).pieces.bytes();
}

template <class T>
void run_sequences(const Task& task, const SequenceFunctions& functions, const Blocks& blocks,
                   bool only_check, char* scratch) {
  each_block(blocks, blocks.begin, blocks.end, [&](int64_t begin, int64_t end, Partial& partial) {
    run_block<T>(task, functions, begin, end, only_check, scratch, partial);
  });
}

template int64_t sequence_scratch<float>(const Task&, const SequenceFunctions&);
template int64_t sequence_scratch<double>(const Task&, const SequenceFunctions&);
template void run_sequences<float>(const Task&, const SequenceFunctions&, const Blocks&, bool,
                                   char*);
template void run_sequences<double>(const Task&, const SequenceFunctions&, const Blocks&, bool,
                                    char*);

}  // namespace numloss::NUMLOSS_ISA
