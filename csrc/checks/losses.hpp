// What every public loss takes: its arrays, its parameters with their ranges, and the kernels that
// compute it. Python's signatures and the options of the C ABI are these; a test holds them
// together.
#pragma once

#include <cstdint>

#include "../runtime/table.hpp"

namespace numloss {

inline constexpr int kMaxSettings = 12;  // parameters of a loss as its users see them
inline constexpr int kMaxVariants = 3;

// The numbers that a parameter may be.
enum class Range : uint8_t {
  kPositive,
  kNonnegative,
  kUnit,          // [0, 1]
  kInsideUnit,    // (0, 1)
  kOutsideUnit,   // finite, up to 0 or from 1 on
  kAny,           // infinities, too
  kHalf,          // [0, 0.5]
  kFromMinusOne,  // at least -1
  kOneOrTwo,
  kCount,  // whole, at least 1
};

// What a parameter is to the kernels.
enum class Use : uint8_t {
  kNumber,       // the kernel's next parameter
  kPerColumn,    // the same, or an array with a number for each column: the kernel's number aside
  kSwitch,       // the same, 0 or 1
  kVariant,      // chooses the kernel: a switch, or one of `choices`
  kSmoothing,    // label smoothing
  kClassWeight,  // a number for each class, part of an example's weight
  kClassFactor,  // the same, but a factor of the loss alone
  kOfColumns,    // a number for each of a row's, that the kernel reads
  kDistance,     // between classes: one of `choices`, or a table of C x C numbers
  kTransition,   // from true classes to labels: a table of C x C chances
  kSoftness,     // the temperature of the soft labels that the distance makes; without it, costs
  kTemperature,  // that the scores are divided by
  kSoftcap,      // that they are kept within before that; None: they are not
  kZLoss,        // factor of the square of their log-sum-exp
  kMask,         // which classes can happen: booleans
  kLogTarget,    // a switch: the target holds logarithms of probabilities
  kAnySum,       // a switch: a row of the target's probabilities may add up to anything
  kPriors,       // shares of the classes, whose logarithms are added to the scores,
  kPriorScale,   // times this number
  kIgnoreIndex,
  kGroups,        // sizes of the lists that lie one behind the other along a prediction of one axis
  kInputLengths,  // steps of each sequence,
  kTargetLengths,  // and its labels
  kBlank,          // the class that is no label; counted from the last where it is negative
  kAxis,
  kExtra,  // a switch: whether the call gives an extra output, too
};

struct Parameter {
  const char* name;
  Use use;
  Range range = Range::kNonnegative;
  double standard = 0;                   // default: a number, or the index of a choice
  bool optional = false;                 // may be None, which stands for
  double none = 0;                       // this number
  const char* const* choices = nullptr;  // ends with null
  Role extra = kRoles;                   // of kExtra: the output
  int variant = -1;                      // means something to this one alone; -1: to all
  bool standard_is_none = false;

  constexpr bool takes_number() const {
    return use == Use::kNumber || use == Use::kPerColumn || use == Use::kSmoothing ||
           use == Use::kSoftness || use == Use::kTemperature || use == Use::kPriorScale ||
           use == Use::kSoftcap || use == Use::kZLoss;
  }
  constexpr bool takes_integer() const {
    return use == Use::kIgnoreIndex || use == Use::kAxis || use == Use::kBlank;
  }
  constexpr bool takes_switch() const {
    return use == Use::kSwitch || use == Use::kExtra || use == Use::kLogTarget ||
           use == Use::kAnySum || (use == Use::kVariant && choices == nullptr);
  }
  // Whether it is one of the kernel's parameters.
  constexpr bool goes_to_kernel() const {
    return use == Use::kNumber || use == Use::kPerColumn || use == Use::kSwitch;
  }
  constexpr bool takes_array() const {
    return use == Use::kClassWeight || use == Use::kClassFactor || use == Use::kDistance ||
           use == Use::kPerColumn || use == Use::kPriors || use == Use::kGroups ||
           use == Use::kMask || use == Use::kOfColumns || use == Use::kTransition ||
           use == Use::kInputLengths || use == Use::kTargetLengths;
  }
};

// The numbers that an input may hold.
enum class Domain : uint8_t {
  kAny,
  kUnit,           // [0, 1]
  kSigned,         // -1 or +1, or booleans
  kPositive,       // above 0
  kAboveMinusOne,  // what 1 is added to for a logarithm
  kNonnegative,
  kBooleans,  // whether a class is there; of a number aside 0 and 1, too
};

enum class Form : uint8_t {
  kElements,       // every element of the prediction is an example
  kPenalty,        // the same, without a target: the sum over all elements
  kLabels,         // rows of classes, against integer labels
  kDistributions,  // rows of classes, against probabilities
  kEither,         // against either
  kSets,           // rows of classes, each of which is there or not: booleans, or shares in [0, 1]
  kLists,          // rows of scores, or lists of any lengths, against a number for each score
  kThresholds,     // rows of thresholds between classes, against integer labels of the latter
  kSequences,      // sequences of rows of classes, against shorter ones of labels
  kRows,           // rows of numbers, such as the members of an ensemble, against one number each
  kVectors,        // rows of numbers that stand for things: against another such row,
  kPairs,          // two of them, against a number that says whether they are alike,
  kTriplets,       // three of them, without a target
};

// What stands for a number aside that is left out: the target.
inline constexpr double kTheTarget = __builtin_nan("");

// Numbers of a kernel that the loss's users do not see, before theirs: of signed targets the line
// from a target to -1 and +1.
inline constexpr int kSignNumbers = 2;

// A kernel by its name in the registry. A loss over classes may have one for labels and one for
// probabilities, which also serves labels that smoothing or a distance makes probabilities of.
struct Variant {
  const char* labels = nullptr;
  const char* soft = nullptr;
  Domain prediction = Domain::kAny;
  const char* columns = nullptr;  // of a loss of elements: with a number aside, for kPerColumn
  Domain second_head = Domain::kAny;
};

struct Plan;

struct Loss {
  const char* name;
  Form form;
  Variant variants[kMaxVariants];
  Domain target = Domain::kAny;
  const char* heads[kMaxHeads] = {"prediction"};
  bool heads_first = false;  // the target comes behind all heads, not behind the first one
  const char* aside = nullptr;
  bool aside_by_element = false;  // of the prediction's shape; else one for each column
  double aside_standard = 0;      // where it is left out
  Domain aside_domain = Domain::kAny;
  bool aside_from_target = false;  // an upper bound: at least the target, which then may be 0
  // From the numbers of the users to those of the kernel, where they differ, and to the domains
  // that depend on them.
  void (*derive)(Plan& plan) = nullptr;
  bool has_hessian = true;  // whether its diagonal is computed
  Parameter parameters[kMaxSettings] = {};

  constexpr int parameter_count() const {
    int count = 0;
    while (count < kMaxSettings && parameters[count].name != nullptr) ++count;
    return count;
  }
  constexpr int head_count() const {
    int count = 1;
    while (count < kMaxHeads && heads[count] != nullptr) ++count;
    return count;
  }
  // What the prediction may be by the default parameters.
  constexpr Domain usual_prediction() const {
    for (const Parameter& parameter : parameters) {
      if (parameter.name != nullptr && parameter.use == Use::kVariant) {
        return variants[int(parameter.standard)].prediction;
      }
    }
    return variants[0].prediction;
  }
  constexpr bool has_classes() const { return form >= Form::kLabels; }
  constexpr bool is_penalty() const { return form == Form::kPenalty; }
  constexpr bool has_target() const { return !is_penalty() && form != Form::kTriplets; }
  // Whether rows are compared with each other, or with the target as one.
  constexpr bool compares_rows() const { return form >= Form::kVectors; }
  constexpr bool takes_labels() const { return takes_labels_alone() || form == Form::kEither; }
  constexpr bool takes_labels_alone() const {
    return form == Form::kLabels || form == Form::kThresholds || form == Form::kSequences;
  }
  // Whether a row's numbers are of a class each.
  constexpr bool is_by_class() const {
    return has_classes() && form != Form::kThresholds && form < Form::kRows;
  }
  // How many classes there are beyond the numbers of a row.
  constexpr int more_labels() const { return form == Form::kThresholds ? 1 : 0; }
  constexpr bool takes_distributions() const {
    return form == Form::kDistributions || form == Form::kEither;
  }
  constexpr int hidden_numbers() const { return target == Domain::kSigned ? kSignNumbers : 0; }
};

extern const Loss kLosses[];
extern const int kLossCount;

// Null: there is none of that name.
const Loss* find_loss(const char* name);
// The index of a loss's parameter, -1 where it has none of that name.
int find_parameter(const Loss& loss, const char* name);
// The index of a kernel in the registry; -1 for null.
int find_kernel(const char* name);
// An elementary function as the kernels compute it: libm's depend on the machine.
const MathInfo& find_function(const char* name);

// The inputs of a loss in the order of its arguments, as roles; returns their number.
int input_order(const Loss& loss, int* roles);
// What a loss's users call an input or output.
const char* input_name(const Loss& loss, int role);

}  // namespace numloss
