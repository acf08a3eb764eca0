#include "report.hpp"

#include <cstdio>
#include <iterator>

namespace numloss {

namespace {

// By FaultCode.
constexpr numloss_status kStatus[] = {
    NUMLOSS_INTERNAL,    NUMLOSS_PARAMETER,    NUMLOSS_SHAPE,
    NUMLOSS_LABEL_SHAPE, NUMLOSS_NOT_LABELS,   NUMLOSS_NOT_PROBABILITIES,
    NUMLOSS_TARGET_TYPE, NUMLOSS_AXIS,         NUMLOSS_ELEMENT,
    NUMLOSS_SIGNS,       NUMLOSS_LOGITS,       NUMLOSS_INEXACT,
    NUMLOSS_ORDER,       NUMLOSS_WEIGHT_SHAPE, NUMLOSS_OUTPUT,
    NUMLOSS_OUTPUT_TYPE, NUMLOSS_OVERLAP,      NUMLOSS_REDUCTION,
    NUMLOSS_NOT_SETS,    NUMLOSS_WEIGHT_SUM,   NUMLOSS_CHANGED,
};
static_assert(std::size(kStatus) == size_t(FaultCode::kChanged) + 1);

static_assert(sizeof(numloss_fault::argument) == sizeof(Fault::argument));
static_assert(sizeof(numloss_fault::needed) == sizeof(Fault::needed));
static_assert(sizeof(numloss_fault::got) == sizeof(Fault::got));
static_assert(std::size(numloss_fault{}.index) == Fault::kMaxIndex);

}  // namespace

numloss_status refuse(numloss_fault* to, numloss_status status, const Fault& fault) {
  if (to == nullptr) return status;
  numloss_fault made{};
  made.status = status;
  made.is_type = fault.is_type;
  made.index_ndim = fault.index_ndim;
  std::copy_n(fault.index, fault.index_ndim, made.index);
  std::memcpy(made.argument, fault.argument, sizeof(made.argument));
  std::memcpy(made.needed, fault.needed, sizeof(made.needed));
  std::memcpy(made.got, fault.got, sizeof(made.got));
  fault.text(made.text, int(sizeof(made.text)));
  give(to, made);
  return status;
}

numloss_status refuse(numloss_fault* to, const Fault& fault) {
  return refuse(to, kStatus[size_t(fault.code)], fault);
}

numloss_status refuse_with(numloss_fault* to, numloss_status status, const char* argument,
                           const char* format, va_list arguments) {
  if (to == nullptr) return status;
  char needed[sizeof(Fault::needed)];
  std::vsnprintf(needed, sizeof(needed), format, arguments);
  Fault fault;
  fault.set(FaultCode::kReduction, argument, "%s", needed);
  return refuse(to, status, fault);
}

numloss_status refuse(numloss_fault* to, numloss_status status, const char* argument,
                      const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  refuse_with(to, status, argument, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace numloss
