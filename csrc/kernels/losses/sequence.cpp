// Losses of sequences against shorter ones whose places along them nobody knows.
#include "../arithmetic/math.hpp"
#include "../arithmetic/sum.hpp"
#include "entry.hpp"

namespace numloss::NUMLOSS_ISA {
namespace {

constexpr double kNever = -Real<double>::kInfinity;  // the logarithm of what cannot happen

// log(exp(a) + exp(b)), of numbers that may be kNever.
NUMLOSS_INLINE double log_add(double a, double b) {
  const double high = a > b ? a : b, low = a > b ? b : a;
  const double distance = low - high;
  return high + log1p_unit(exp_nonpositive(low == kNever ? kNever : distance));
}

// What alignments are like after a step: for each state the logarithm of how probable it is to be
// there. Blank i is the state before label i, the last one that behind all labels. Behind both, and
// before the first label, are states that cannot be.
struct Column {
  double *blank, *label;

  static constexpr int64_t width_of(int64_t lanes) { return 2 * lanes + Alignment::kVector; }

  Column(double* memory, int64_t lanes) : blank(memory), label(memory + lanes + kVector) {
    for (int64_t i = 0; i < kVector; ++i) blank[lanes + i] = kNever;
  }

  void be_at_blank(int64_t i, int64_t lanes) {
    for (int64_t k = 0; k < lanes; ++k) blank[k] = label[k] = kNever;
    blank[i] = 0;
  }

 private:
  static constexpr int64_t kVector = Alignment::kVector;
};

// The columns of all steps, each divided by its largest probability: what counts keeps its digits
// however long the sequence is.
class Lattice {
 public:
  explicit Lattice(const Alignment& sequence)
      : sequence_(sequence),
        lanes_(sequence.lanes),
        differs_(sequence.scratch),
        columns_(sequence.scratch + Alignment::width_of(lanes_)) {
    for (int64_t i = 0; i <= lanes_; ++i) {
      const bool has_two = i > 0 && i < sequence.labels;
      differs_[i] = has_two && sequence.label[i] == sequence.label[i - 1] ? 0 : 1;
    }
  }

  static int64_t numbers(int64_t steps, int64_t lanes) {
    return Alignment::width_of(lanes) + (steps + 3) * Column::width_of(lanes);
  }

  // The logarithm of how probable all alignments are together.
  double go_forward() const {
    Sum total;
    column(0).be_at_blank(0, lanes_);
    for (int64_t step = 0; step < sequence_.steps; ++step) {
      Column to = column(step + 1);
      move(column(step), 0, to);
      const double largest = take_step(step, to);
      if (largest == kNever) return kNever;
      add(total, largest);
    }
    const Column last = column(sequence_.steps);
    const int64_t labels = sequence_.labels;
    add(total, log_add(last.blank[labels], last.label[labels - 1]));
    return total.high + total.low;
  }

  // From the end back: a state is as probable as the ways to it times those from it on.
  void go_back() const {
    Column behind = column(sequence_.steps + 1), into = column(sequence_.steps + 2);
    behind.be_at_blank(sequence_.labels, lanes_);
    for (int64_t step = sequence_.steps - 1; step >= 0; --step) {
      move(behind, 1, into);
      const Column at = column(step + 1);
      join(into, at);
      take_step(step, into);
      write(at, sequence_.chances_of(step));
      const Column free = behind;
      behind = into;
      into = free;
    }
  }

 private:
  Column column(int64_t i) const { return {columns_ + i * Column::width_of(lanes_), lanes_}; }

  // To a column from the one before it (`side` 0), or behind it (1): from the same state, from its
  // neighbour on that side, and to a label from the label beyond that blank, if it is another.
  void move(const Column& from, int64_t side, const Column& to) const {
    const double *const blank = from.blank, *const label = from.label;
    const double *const neighbour = label - 1 + side, *const near = blank + side;
    const double *const both = to.blank + side, *const differs = differs_ + side;
    double *const to_blank = to.blank, *const to_label = to.label;
    const int64_t lanes = lanes_;
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) to_blank[i] = log_add(blank[i], neighbour[i]);
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) {
      to_label[i] = log_add(label[i], differs[i] != 0 ? both[i] : near[i]);
    }
  }

  // Multiplies by the probabilities of a step and divides by the largest, whose logarithm it
  // returns.
  double take_step(int64_t step, const Column& to) const {
    const double* const chance = sequence_.chances_of(step);
    const double of_blank = chance[lanes_];
    double *const blank = to.blank, *const label = to.label;
    const int64_t lanes = lanes_;
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) {
      blank[i] += of_blank;
      label[i] += chance[i];
    }
    const double largest = largest_of(to);
    if (largest == kNever) return kNever;
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) {
      blank[i] -= largest;
      label[i] -= largest;
    }
    return largest;
  }

  double largest_of(const Column& of) const {
    constexpr int kVector = int(Alignment::kVector);
    alignas(64) double lane[kVector];
    for (double& x : lane) x = kNever;
    for (int64_t i = 0; i < lanes_; i += kVector) {
#pragma omp simd
      for (int j = 0; j < kVector; ++j) {
        const double blank = of.blank[i + j], label = of.label[i + j];
        const double higher = blank > label ? blank : label;
        lane[j] = higher > lane[j] ? higher : lane[j];
      }
    }
    halve<kVector / 2>(lane, [](double a, double b) { return a > b ? a : b; });
    return lane[0];
  }

  // Makes of the ways to each state, times those from it on, shares of the largest product.
  void join(const Column& from_it_on, const Column& at) const {
    double *const blank = at.blank, *const label = at.label;
    const double *const more_blank = from_it_on.blank, *const more_label = from_it_on.label;
    const int64_t lanes = lanes_;
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) {
      blank[i] += more_blank[i];
      label[i] += more_label[i];
    }
    const double largest = largest_of(at);
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) {
      blank[i] = exp_nonpositive(blank[i] - largest);
      label[i] = exp_nonpositive(label[i] - largest);
    }
  }

  void write(const Column& at, double* to) const {
    const double of_blank = sum(at.blank, lanes_), of_labels = sum(at.label, lanes_);
    const double inverse = 1 / (of_blank + of_labels);
    const double* const label = at.label;
    const int64_t lanes = lanes_;
#pragma omp simd
    for (int64_t i = 0; i < lanes; ++i) to[i] = label[i] * inverse;
    to[lanes] = of_blank * inverse;
  }

  const Alignment& sequence_;
  const int64_t lanes_;
  double *const differs_, *const columns_;
};

// Connectionist temporal classification: -log of the sum, over all ways to spread the labels along
// the steps with blanks between them, of the products of the steps' probabilities.
double ctc(const Alignment& sequence) {
  const Lattice lattice(sequence);
  const double value = 0 - lattice.go_forward();
  if (sequence.derives && value < Real<double>::kInfinity) lattice.go_back();
  return value < 0 ? 0 : value;
}

}  // namespace

NUMLOSS_LOSS(Ctc) = sequences<1>("ctc", 6.0, SequenceFunctions{ctc, Lattice::numbers});

}  // namespace numloss::NUMLOSS_ISA
