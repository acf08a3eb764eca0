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
  }
  if (needed == nullptr) return true;
  fault.set(FaultCode::kParameter, parameter.name, "%s", needed);
  return fault.came("%s", NumberText(x, DType::kFloat64).text);
}

constexpr int kMaxLosses = 128;

// Where the kernels of every variant stand in the registry: looked up by name once.
struct KernelIndices {
  struct Pair {
    int labels, soft;
  } of[kMaxLosses][kMaxVariants];
  KernelIndices() {
    for (int i = 0; i < kLossCount; ++i) {
      for (int v = 0; v < kMaxVariants; ++v) {
        const Variant& variant = kLosses[i].variants[v];
        of[i][v] = {find_kernel(variant.labels), find_kernel(variant.soft)};
      }
    }
  }
};

void choose_variant(int variant, Plan& plan) {
  static const KernelIndices indices;
  const KernelIndices::Pair& kernel = indices.of[plan.loss - kLosses][variant];
  plan.labels_kernel = kernel.labels;
  plan.soft_kernel = kernel.soft;
  plan.prediction = plan.loss->variants[variant].prediction;
  plan.second_head = plan.loss->variants[variant].second_head;
  plan.target = plan.loss->target;
}

// Not inlined: `derive` computes in the IEEE environment.
[[gnu::noinline]] void derive(Plan& plan) {
  if (plan.loss->derive != nullptr) plan.loss->derive(plan);
}

bool take(const Parameter& parameter, const Setting& setting, int& numbers, int& variant,
          Plan& plan, Fault& fault) {
  double x = setting.given ? setting.number : parameter.standard;
  const int64_t integer = setting.given ? setting.integer : int64_t(parameter.standard);
  const bool none = setting.given && setting.is_none && parameter.optional;
  if (none && parameter.takes_number()) x = parameter.none;
  if (setting.given && !none && parameter.takes_number() && !check_range(parameter, x, fault)) {
    return false;
  }
  switch (parameter.use) {
    case Use::kNumber:
    case Use::kSwitch: plan.numbers[numbers++] = x; break;
    case Use::kVariant: variant = int(x); break;
    case Use::kSmoothing: plan.label_smoothing = x; break;
    case Use::kTemperature: plan.temperature = x; break;
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
    case Use::kDistance:
      plan.distances = setting.array;
      plan.distance = setting.array != nullptr ? -1 : int(x);
      break;
  }
  return true;
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
  int numbers = 0, variant = 0;
  for (int i = 0; i < loss.parameter_count(); ++i) {
    if (!take(loss.parameters[i], settings[i], numbers, variant, plan, fault)) return false;
  }
  choose_variant(variant, plan);
  if (loss.derive != nullptr) {
    const FloatEnvironment ieee;
    loss.derive(plan.numbers);
  }
  return true;
}

}  // namespace numloss
