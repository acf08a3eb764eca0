#include "plan.hpp"

#include <cmath>

#include "../runtime/float_environment.hpp"

namespace numloss {

namespace {

bool check_range(const Parameter& parameter, double x, Fault& fault) {
  const char* needed = nullptr;
  switch (parameter.range) {
    case Range::kPositive:
      if (!(is_positive(x) && std::isfinite(x))) needed = "must be a positive finite number";
      break;
    case Range::kNonnegative:
      if (!(x >= 0 && std::isfinite(x))) needed = "must be a finite number of at least 0";
      break;
    case Range::kUnit:
      if (!(x >= 0 && x <= 1)) needed = "must be a number in [0, 1]";
      break;
    case Range::kAny:
      if (std::isnan(x)) needed = "must be a number, infinite or not";
      break;
    case Range::kInsideUnit:
      if (!(x > 0 && x < 1)) needed = "must be a number above 0 and below 1";
      break;
    case Range::kOutsideUnit:
      if (!(std::isfinite(x) && (x <= 0 || x >= 1))) {
        needed = "must be a finite number of at most 0 or at least 1";
      }
      break;
    case Range::kHalf:
      if (!(x >= 0 && x <= 0.5)) needed = "must be a number in [0, 0.5]";
      break;
    case Range::kFromMinusOne:
      if (!(x >= -1 && std::isfinite(x))) needed = "must be a finite number of at least -1";
      break;
    case Range::kOneOrTwo:
      if (x != 1 && x != 2) needed = "must be 1 or 2";
      break;
    case Range::kCount:
      if (!(x >= 1 && std::isfinite(x) && x == std::floor(x))) {
        needed = "must be a whole number of at least 1";
      }
      break;
  }
  if (needed == nullptr) return true;
  fault.set(FaultCode::kParameter, parameter.name, "%s", needed);
  return fault.came("%s", NumberText(x, DType::kFloat64).text);
}

constexpr int kMaxLosses = 128;

// Where the kernels of every variant stand in the registry: looked up by name once.
struct KernelIndices {
  struct Triple {
    int labels, soft, columns;
  } of[kMaxLosses][kMaxVariants];
  KernelIndices() {
    for (int i = 0; i < kLossCount; ++i) {
      for (int v = 0; v < kMaxVariants; ++v) {
        const Variant& variant = kLosses[i].variants[v];
        of[i][v] = {find_kernel(variant.labels), find_kernel(variant.soft),
                    find_kernel(variant.columns)};
      }
    }
  }
};

void choose_variant(int variant, Plan& plan) {
  static const KernelIndices indices;
  const KernelIndices::Triple& kernel = indices.of[plan.loss - kLosses][variant];
  plan.labels_kernel = kernel.labels;
  plan.soft_kernel = kernel.soft;
  plan.columns_kernel = kernel.columns;
  plan.prediction = plan.loss->variants[variant].prediction;
  plan.second_head = plan.loss->variants[variant].second_head;
  plan.target = plan.loss->target;
}

// Not inlined: `derive` computes in the IEEE environment.
[[gnu::noinline]] void derive(Plan& plan) { plan.loss->derive(plan); }

bool take(const Parameter& parameter, const Setting& setting, int& numbers, int& variant,
          Plan& plan, Fault& fault) {
  double x = setting.given ? setting.number : parameter.standard;
  const int64_t integer = setting.given ? setting.integer : int64_t(parameter.standard);
  const bool none = setting.given && setting.is_none && parameter.optional;
  if (none && parameter.takes_number()) x = parameter.none;
  const bool is_number = parameter.takes_number() && setting.array == nullptr;
  if (setting.given && !none && is_number && !check_range(parameter, x, fault)) return false;
  switch (parameter.use) {
    case Use::kNumber:
    case Use::kSwitch: plan.numbers[numbers++] = x; break;
    case Use::kPerColumn:
      plan.numbers[numbers++] = setting.array == nullptr ? x : parameter.standard;
      if (setting.array != nullptr) {
        plan.per_column = setting.array;
        plan.per_column_name = parameter.name;
      }
      break;
    case Use::kVariant: variant = int(x); break;
    case Use::kSmoothing: plan.label_smoothing = x; break;
    case Use::kSoftness: plan.softness = x; break;
    case Use::kTemperature: plan.temperature = x; break;
    case Use::kSoftcap: plan.softcap = x; break;
    case Use::kLogTarget: plan.log_target = x != 0; break;
    case Use::kAnySum: plan.any_sum = x != 0; break;
    case Use::kZLoss: plan.z_loss = x; break;
    case Use::kMask: plan.mask = setting.array; break;
    case Use::kPriors: plan.priors = setting.array; break;
    case Use::kTransition: plan.transition = setting.array; break;
    case Use::kGroups: plan.groups = setting.array; break;
    case Use::kInputLengths: plan.input_lengths = setting.array; break;
    case Use::kTargetLengths: plan.target_lengths = setting.array; break;
    case Use::kBlank: plan.blank = integer; break;
    case Use::kPriorScale: plan.prior_scale = x; break;
    case Use::kIgnoreIndex:
      plan.ignore_index = integer;
      plan.sets_ignore_index = integer != int64_t(parameter.standard);
      break;
    case Use::kAxis: plan.axis = integer; break;
    case Use::kExtra:
      if (x != 0) plan.extras = plan.extras | roles(parameter.extra);
      break;
    case Use::kClassWeight: plan.class_weight = setting.array; break;
    case Use::kClassFactor:
      plan.class_factor = setting.array;
      plan.class_factor_name = parameter.name;
      break;
    case Use::kOfColumns:
      plan.of_columns = setting.array;
      plan.of_columns_name = parameter.name;
      plan.columns_range = parameter.range;
      break;
    case Use::kDistance:
      plan.distances = setting.array;
      plan.distances_name = parameter.name;
      plan.distance = setting.array != nullptr ? -1 : int(x);
      break;
  }
  return true;
}

// Refuses a parameter that means nothing to the variant which another one has chosen.
bool check_variants(const Loss& loss, const Setting* settings, int variant, Fault& fault) {
  for (int i = 0; i < loss.parameter_count(); ++i) {
    const Parameter& parameter = loss.parameters[i];
    const bool is_set = settings[i].given &&
                        (settings[i].number != parameter.standard || settings[i].array != nullptr);
    if (parameter.variant < 0 || parameter.variant == variant || !is_set) continue;
    const Parameter* chooser = loss.parameters;
    while (chooser->use != Use::kVariant) ++chooser;
    fault.set(FaultCode::kReduction, parameter.name, "is for %s=%s: otherwise it must be left out",
              chooser->name, parameter.variant != 0 ? "True" : "False");
    return false;
  }
  return true;
}

// Whether labels as they are, on the last axis, are all that the kernel of them needs.
bool is_plain_label(const Plan& plan) {
  const Form form = plan.loss->form;
  const bool scores = plan.temperature == 1 && plan.softcap == 0 && plan.priors == nullptr &&
                      plan.mask == nullptr && plan.prediction == Domain::kAny;
  const bool labels = plan.label_smoothing == 0 && plan.distance < 0 && plan.distances == nullptr &&
                      plan.class_weight == nullptr && plan.class_factor == nullptr &&
                      plan.of_columns == nullptr && plan.transition == nullptr &&
                      plan.ignore_index < 0;
  return (form == Form::kLabels || form == Form::kEither) && plan.labels_kernel >= 0 && scores &&
         labels && plan.z_loss == 0 && plan.axis == -1 && plan.extras.bits == 0;
}

struct Defaults {
  Plan plans[kMaxLosses];
  Defaults() {
    for (int i = 0; i < kLossCount; ++i) {
      const Setting nothing[kMaxSettings] = {};
      Fault fault;
      make_plan(kLosses[i], nothing, plans[i], fault);
    }
  }
};

}  // namespace

const Plan& default_plan(const Loss& loss) {
  static const Defaults defaults;
  return defaults.plans[&loss - kLosses];
}

bool make_plan(const Loss& loss, const Setting* settings, Plan& plan, Fault& fault) {
  plan = {};
  plan.loss = &loss;
  plan.distance = -1;
  plan.temperature = 1;
  int numbers = loss.hidden_numbers(), variant = 0;
  if (numbers > 0) plan.numbers[0] = 1;  // signs as they are: 1 t + 0
  for (int i = 0; i < loss.parameter_count(); ++i) {
    if (!take(loss.parameters[i], settings[i], numbers, variant, plan, fault)) return false;
  }
  if (!check_variants(loss, settings, variant, fault)) return false;
  choose_variant(variant, plan);
  if (loss.derive != nullptr) {
    const FloatEnvironment ieee;
    derive(plan);
  }
  plan.is_plain_label = is_plain_label(plan);
  return true;
}

}  // namespace numloss
