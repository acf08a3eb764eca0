// What there is: losses, what they take, and what stands where nothing is given.
#include "../checks/plan.hpp"

#include <cstddef>

#include "report.hpp"

namespace numloss {

namespace {

// The ABI. What stands here never changes; members come behind the last.
static_assert(sizeof(numloss_loss_info) == 40 && sizeof(numloss_input_info) == 40);
static_assert(offsetof(numloss_parameter_info, number) == 32);
static_assert(sizeof(numloss_parameter_info) == 56);

static_assert(NUMLOSS_UNIT_INTERVAL == int(Domain::kUnit) &&
              NUMLOSS_ABOVE_ZERO == int(Domain::kPositive) &&
              NUMLOSS_ABOVE_MINUS_ONE == int(Domain::kAboveMinusOne) &&
              NUMLOSS_AT_LEAST_ZERO == int(Domain::kNonnegative) &&
              NUMLOSS_BOOLEANS == int(Domain::kBooleans));
static_assert(NUMLOSS_POSITIVE == int(Range::kPositive) + 1 &&
              NUMLOSS_UNIT == int(Range::kUnit) + 1 &&
              NUMLOSS_OUTSIDE_UNIT == int(Range::kOutsideUnit) + 1 &&
              NUMLOSS_UNBOUNDED == int(Range::kAny) + 1 && NUMLOSS_HALF == int(Range::kHalf) + 1 &&
              NUMLOSS_FROM_MINUS_ONE == int(Range::kFromMinusOne) + 1 &&
              NUMLOSS_ONE_OR_TWO == int(Range::kOneOrTwo) + 1 &&
              NUMLOSS_COUNT == int(Range::kCount) + 1);
static_assert(NUMLOSS_PENALTY == int(Form::kPenalty) && NUMLOSS_CLASSES == int(Form::kLabels));

const Loss* loss_at(int32_t index) {
  return index >= 0 && index < kLossCount ? &kLosses[index] : nullptr;
}

Domain domain_of(const Loss& loss, int role) {
  switch (role) {
    case kTarget: return loss.target;
    case kAside: return loss.aside_domain;
    case kHeads: return loss.usual_prediction();
    default: return default_plan(loss).second_head;
  }
}

int range_of(const Parameter& parameter) {
  if (parameter.takes_number()) return int(parameter.range) + 1;
  return parameter.takes_array() ? NUMLOSS_NONNEGATIVE : NUMLOSS_ANY_INTEGER;
}

int default_kind_of(const Parameter& parameter) {
  if (parameter.standard_is_none) return NUMLOSS_NOTHING;
  if (parameter.takes_number()) return NUMLOSS_NUMBER;
  if (parameter.takes_switch()) return NUMLOSS_SWITCH;
  if (parameter.takes_integer()) return NUMLOSS_INTEGER;
  return parameter.choices != nullptr ? NUMLOSS_CHOICE : NUMLOSS_NOTHING;
}

// Gives `made`, and says whether the caller's struct could take it.
template <class T>
numloss_status answer(T* to, const T& made) {
  numloss_status status = NUMLOSS_OK;
  if (takes_results("info", to, nullptr, status)) give(to, made);
  return status;
}

}  // namespace

int kinds_of(const Parameter& parameter) {
  return (parameter.takes_number() ? NUMLOSS_NUMBER : 0) |
         (parameter.takes_switch() ? NUMLOSS_SWITCH : 0) |
         (parameter.takes_integer() ? NUMLOSS_INTEGER : 0) |
         (parameter.choices != nullptr ? NUMLOSS_CHOICE : 0) |
         (parameter.takes_array() ? NUMLOSS_NUMBERS : 0) |
         (parameter.optional ? NUMLOSS_NOTHING : 0);
}

}  // namespace numloss

using namespace numloss;

int32_t numloss_loss_count(void) { return kLossCount; }

const char* numloss_loss_name(int32_t index) {
  const Loss* const loss = loss_at(index);
  return loss == nullptr ? nullptr : loss->name;
}

int32_t numloss_find(const char* name) {
  const Loss* const loss = name == nullptr ? nullptr : find_loss(name);
  return loss == nullptr ? -1 : int32_t(loss - kLosses);
}

numloss_status numloss_loss(int32_t index, numloss_loss_info* info) {
  const Loss* const loss = loss_at(index);
  if (loss == nullptr) return NUMLOSS_UNKNOWN_NAME;
  int roles[kMaxHeads + 2];
  numloss_loss_info made{};
  made.name = loss->name;
  made.form = loss->form == Form::kSequences ? NUMLOSS_SEQUENCES
              : loss->has_classes()          ? NUMLOSS_CLASSES
                                             : int32_t(loss->form);
  made.input_count = input_order(*loss, roles);
  made.gradient_count = loss->head_count();
  made.parameter_count = loss->parameter_count();
  made.takes_labels = loss->takes_labels() ? 1 + loss->more_labels() : 0;
  made.takes_probabilities = loss->takes_distributions();
  return answer(info, made);
}

numloss_status numloss_input(int32_t index, int32_t input, numloss_input_info* info) {
  const Loss* const loss = loss_at(index);
  int roles[kMaxHeads + 2];
  if (loss == nullptr || input < 0 || input >= input_order(*loss, roles)) {
    return NUMLOSS_UNKNOWN_NAME;
  }
  const int role = roles[input];
  numloss_input_info made{};
  made.name = input_name(*loss, role);
  made.domain = int32_t(domain_of(*loss, role));
  made.gradient = role < kTarget ? role - kHeads : -1;
  made.may_be_left_out = role == kAside;
  made.standard = role == kAside ? loss->aside_standard : 0;
  return answer(info, made);
}

numloss_status numloss_parameter(int32_t index, int32_t place, numloss_parameter_info* info) {
  const Loss* const loss = loss_at(index);
  if (loss == nullptr || place < 0 || place >= loss->parameter_count()) return NUMLOSS_UNKNOWN_NAME;
  const Parameter& parameter = loss->parameters[place];
  numloss_parameter_info made{};
  made.name = parameter.name;
  made.kinds = kinds_of(parameter);
  made.default_kind = default_kind_of(parameter);
  made.range = range_of(parameter);
  made.default_place = parameter.choices != nullptr ? int32_t(parameter.standard) : 0;
  made.number = parameter.takes_number() ? parameter.standard : 0;
  made.integer = parameter.takes_number() ? 0 : int64_t(parameter.standard);
  made.choices = parameter.choices;
  return answer(info, made);
}
