// A call through the C ABI: from C structs to a request of the checks, and back.
#include "../checks/request.hpp"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "../runtime/dispatch.hpp"
#include "../runtime/thread_limit.hpp"
#include "report.hpp"

namespace numloss {

namespace {

// The ABI. What stands here never changes; members come behind the last.
static_assert(sizeof(void*) == 8 && sizeof(size_t) == 8);
static_assert(sizeof(numloss_array) == 40 && sizeof(numloss_option) == 48);
static_assert(offsetof(numloss_call, weight) == 40 && sizeof(numloss_call) == 120);
static_assert(offsetof(numloss_result, empty) == 32 && sizeof(numloss_result) == 40);
static_assert(offsetof(numloss_fault, index) == 24 && offsetof(numloss_fault, text) == 432);
static_assert(sizeof(numloss_fault) == 952 && sizeof(numloss_outline) == 16);

static_assert(NUMLOSS_FLOAT32 - 1 == int(DType::kFloat32) && NUMLOSS_BOOL - 1 == int(DType::kBool));
static_assert(NUMLOSS_INT64 - 1 == int(DType::kInt64) && NUMLOSS_UINT64 - 1 == int(DType::kUint64));
static_assert(NUMLOSS_VALUE == int(kValue) && NUMLOSS_GRADIENT == int(kGradient));
static_assert(NUMLOSS_HESSIAN == int(kHessian));
static_assert(NUMLOSS_SUM == int(Reduction::kSum) && NUMLOSS_NONE == int(Reduction::kNone));
static_assert(NUMLOSS_BY_COUNT == int(Denominator::kCount));
static_assert(NUMLOSS_BY_NUMBER == int(Denominator::kNumber));

// Of the first version: up to its inputs.
constexpr size_t kLeastCall = offsetof(numloss_call, options);
constexpr uint32_t kCallFlags = NUMLOSS_SPOIL_OUTPUTS | NUMLOSS_ALLOW_NEGATIVE_WEIGHT;
constexpr uint32_t kFlags = NUMLOSS_SWAPPED | NUMLOSS_READ_ONLY | NUMLOSS_PLAIN_NUMBER;

// Whether so many arrays are given as are needed.
bool is_count(int needed, const numloss_array* given, int count) {
  return count == needed && (given == nullptr) == (needed == 0);
}

// Fills in all of a result but its size.
void report(const Result& found, bool gives_number, numloss_result& to) {
  to.value = gives_number ? found.value : 0;
  to.weight = gives_number ? found.weight : 0;
  to.count = gives_number ? found.count : 0;
  to.empty = found.empty;
  to.reserved = 0;
}

// A call of few numbers or rows side by side, without options but numbers, which a glance tells
// from others: most small calls are of this kind. What takes a closer look, and all that is to be
// refused, is for CallOfC.
class PlainCall {
 public:
  PlainCall(const Loss& loss, const numloss_call& call) : loss_(loss), call_(call) {}

  // False: it is of another kind, or wrong; nothing has been said or written.
  bool compute(numloss_result* result) {
    if (!takes(result) || !read_call()) return false;
    if (!read_inputs() || !read_options()) return false;
    if (!make_handful(request_, handful_)) return false;
    if (!add_outputs(kGradients, NUMLOSS_GRADIENT, call_.gradients, call_.gradient_count) ||
        !add_outputs(kHessians, NUMLOSS_HESSIAN, call_.hessians, call_.hessian_count)) {
      return false;
    }
    Result found;
    if (!run(handful_, found)) return false;
    if (result != nullptr) report(found, gives_number(), *result);
    return true;
  }

 private:
  bool gives_number() const { return (call_.want & NUMLOSS_VALUE) != 0; }

  bool takes(const numloss_result* result) const {
    return result == nullptr ? !gives_number() : result->size == sizeof(*result);
  }

  // Members that name one thing or another, of which a plain call has the first.
  bool read_call() {
    const int others = call_.dtype | call_.denominator | call_.threads | call_.reserved |
                       call_.extra_count | int(call_.flags & ~unsigned(NUMLOSS_SPOIL_OUTPUTS));
    const bool more = call_.weight != nullptr || call_.values != nullptr || call_.extras != nullptr;
    if (others != 0 || more || !is_mode(call_.want)) return false;
    if (call_.reduction != NUMLOSS_MEAN && call_.reduction != NUMLOSS_SUM) return false;
    request_.mode = call_.want;
    request_.reduction = Reduction(call_.reduction);
    return true;
  }

  // Whether an array has one axis or two, and no flag but of being read only.
  bool read_array(const numloss_array& given, int role, Array& array) {
    const bool usual = given.dtype == NUMLOSS_FLOAT32 || given.dtype == NUMLOSS_FLOAT64 ||
                       given.dtype == NUMLOSS_INT64;
    if (!usual || given.ndim < 1 || given.ndim > 2 || given.shape == nullptr) return false;
    if (((given.flags & ~unsigned(NUMLOSS_READ_ONLY)) | given.reserved) != 0) return false;
    array.data = static_cast<char*>(given.data);
    array.dtype = DType(given.dtype - 1);
    array.swapped = false;
    array.writeable = given.flags == 0;
    array.ndim = given.ndim;
    array.shape = given.shape;
    array.strides = given.strides;
    if (given.strides != nullptr) return true;
    int64_t* const strides = strides_[role];
    strides[given.ndim - 1] = item_size(array.dtype);
    // Of a length that is none, any: it is refused.
    if (given.ndim == 2) (void)__builtin_mul_overflow(strides[1], given.shape[1], &strides[0]);
    array.strides = strides;
    return true;
  }

  bool read_inputs() {
    int roles[kMaxHeads + 2];
    const int count = input_order(loss_, roles);
    if (call_.input_count != count || call_.inputs == nullptr) return false;
    for (int i = 0; i < count; ++i) {
      Array& array = inputs_[roles[i]];
      if (!read_array(call_.inputs[i], roles[i], array)) return false;
      request_.inputs[roles[i]] = &array;
    }
    return true;
  }

  bool read_options() {
    if (call_.option_count == 0) {
      request_.plan = &default_plan(loss_);
      return true;
    }
    if (call_.option_count < 0 || call_.options == nullptr) return false;
    Setting settings[kMaxSettings] = {};
    for (int i = 0; i < call_.option_count; ++i) {
      const numloss_option& option = call_.options[i];
      const int place = option.name == nullptr ? -1 : find_parameter(loss_, option.name);
      if (place < 0 || settings[place].given || option.reserved != 0) return false;
      if (option.kind != NUMLOSS_NUMBER || !loss_.parameters[place].takes_number()) return false;
      settings[place].given = true;
      settings[place].number = option.number;
    }
    Fault fault;
    request_.plan = &plan_;
    return make_plan(loss_, settings, plan_, fault);
  }

  bool add_outputs(int role, unsigned wanted, const numloss_array* given, int count) {
    const int needed = (call_.want & wanted) != 0 ? loss_.head_count() : 0;
    if (!is_count(needed, given, count)) return false;
    for (int i = 0; i < needed; ++i) {
      Array array;
      if (!read_array(given[i], role + i, array)) return false;
      if (!add_output(request_, role + i, array, handful_)) return false;
    }
    return true;
  }

  const Loss& loss_;
  const numloss_call& call_;
  Request request_;
  Plan plan_;  // where there are options
  Array inputs_[kValues];
  int64_t strides_[kRoles][2];  // where the caller left them out
  HandfulCall handful_;
};

// Any call.
class CallOfC : Refusable {
 public:
  CallOfC(const Loss& loss, const numloss_call& call, numloss_fault* report)
      : Refusable(report), loss_(loss), call_(call) {}

  numloss_status check(numloss_outline* outline) {
    if (!read_request()) return status_;
    if (!prepare(request_, prepared_, fault_)) return refuse(report_, fault_);
    numloss_outline made{};
    made.dtype = int(prepared_.result) + 1;
    made.class_axis = prepared_.axis;
    give(outline, made);
    return NUMLOSS_OK;
  }

  numloss_status compute(numloss_result* result) {
    if (!read_request()) return status_;
    if (!prepare(request_, prepared_, fault_)) return refuse(report_, fault_);
    if (!read_outputs(result)) return status_;
    prepared_.call.empty_is_known = true;
    const Result found = run_on_threads();
    if (found.bad) {
      explain_bad(request_, found, fault_);
      return refuse(report_, fault_);
    }
    numloss_result made{};
    report(found, gives_number(), made);
    give(result, made);
    return NUMLOSS_OK;
  }

 private:
  // Mostly without a look at a variable of the thread.
  Result run_on_threads() {
    if (call_.threads == 0) return run(prepared_.call);
    const ThreadOverride threads(call_.threads);
    return run(prepared_.call);
  }

  // Says what is wrong, and returns false.
  bool fail() {
    status_ = refuse(report_, fault_);
    return false;
  }

  bool is_one_of(const char* name, int64_t x, int64_t most) {
    if (x >= 0 && x <= most) return true;
    return no(NUMLOSS_PARAMETER, name, "must be one of the numbers that the header names, got %lld",
              static_cast<long long>(x));
  }

  bool read_request() {
    if (!is_mode(call_.want)) {
      return no(NUMLOSS_PARAMETER, "want",
                "must be NUMLOSS_VALUE, NUMLOSS_GRADIENT, both of them, or NUMLOSS_GRADIENT | "
                "NUMLOSS_HESSIAN, got %u",
                call_.want);
    }
    if (!is_one_of("reduction", call_.reduction, NUMLOSS_NONE)) return false;
    if (!is_one_of("denominator", call_.denominator, NUMLOSS_BY_NUMBER)) return false;
    if (!is_one_of("dtype", call_.dtype, NUMLOSS_BFLOAT16)) return false;
    if (!is_one_of("flags", call_.flags, kCallFlags)) return false;
    if (call_.reserved != 0) return no(NUMLOSS_STRUCT, "call", "must have 0 in what is reserved");
    if (call_.threads < 0 || call_.threads > kMostThreads) {
      return no(NUMLOSS_PARAMETER, "threads", "must be a number from 1 to %d, or 0, got %d",
                kMostThreads, call_.threads);
    }
    request_.mode = call_.want;
    request_.reduction = Reduction(call_.reduction);
    request_.denominator = Denominator(call_.denominator);
    request_.number = call_.denominator_number;
    request_.spoils_outputs = (call_.flags & NUMLOSS_SPOIL_OUTPUTS) != 0;
    request_.negative_weights = (call_.flags & NUMLOSS_ALLOW_NEGATIVE_WEIGHT) != 0;
    request_.sets_dtype = call_.dtype != 0;
    if (request_.sets_dtype) request_.dtype = DType(call_.dtype - 1);
    return read_inputs() && read_options();
  }

  // An array of the caller's at a place of this object's; null: it is none.
  const Array* read_array(const char* name, const numloss_array& given, int place) {
    if (given.dtype < NUMLOSS_FLOAT32 || given.dtype > NUMLOSS_UINT64) {
      no(NUMLOSS_ARRAY, name, "must have a dtype that the header names, got %d", given.dtype);
      return nullptr;
    }
    if ((given.flags & ~kFlags) != 0 || given.reserved != 0) {
      no(NUMLOSS_ARRAY, name, "must have flags that the header names, got %u", given.flags);
      return nullptr;
    }
    Array& array = arrays_[place];
    array.data = static_cast<char*>(given.data);
    array.dtype = DType(given.dtype - 1);
    array.swapped = (given.flags & NUMLOSS_SWAPPED) != 0 && item_size(array.dtype) > 1;
    array.writeable = (given.flags & NUMLOSS_READ_ONLY) == 0;
    array.ndim = given.ndim;
    array.shape = given.shape;
    array.strides = given.strides != nullptr ? given.strides : strides_[place];
    const bool has_shape = given.shape != nullptr && given.ndim > 0 && given.ndim <= kMaxDims;
    if (given.strides == nullptr && has_shape) set_c_order(array, strides_[place]);
    const char* const flaw = flaw_of(array);
    if (flaw == nullptr) return &array;
    no(NUMLOSS_ARRAY, name, "%s", flaw);
    return nullptr;
  }

  // Lengths that are none, or too many, give any strides: flaw_of refuses them.
  static void set_c_order(const Array& array, int64_t* strides) {
    int64_t stride = item_size(array.dtype);
    for (int d = array.ndim - 1; d >= 0; --d) {
      strides[d] = stride;
      (void)__builtin_mul_overflow(stride, array.shape[d], &stride);
    }
  }

  bool read_inputs() {
    int roles[kMaxHeads + 2];
    const int most = input_order(loss_, roles);
    const int count = call_.input_count;
    const int least = roles[most - 1] == kAside ? most - 1 : most;
    if (count < least || count > most || call_.inputs == nullptr) {
      return no(NUMLOSS_COUNT_OF_ARRAYS, "inputs", "must be the %d arrays that %s takes, got %d",
                most, loss_.name, call_.inputs == nullptr ? 0 : count);
    }
    for (int i = 0; i < count; ++i) {
      const Array* const array = read_array(input_name(loss_, roles[i]), call_.inputs[i], roles[i]);
      if (array == nullptr) return false;
      request_.inputs[roles[i]] = array;
      if ((call_.inputs[i].flags & NUMLOSS_PLAIN_NUMBER) == 0) continue;
      if (roles[i] != kTarget || array->ndim != 0) {
        return no(NUMLOSS_ARRAY, input_name(loss_, roles[i]),
                  "may be a plain number as a target without axes alone");
      }
      request_.weak_target = true;
    }
    if (call_.weight == nullptr) return true;
    return (request_.inputs[kWeight] = read_array("weight", *call_.weight, kWeight)) != nullptr;
  }

  bool read_options() {
    if (call_.option_count == 0) {
      request_.plan = &default_plan(loss_);
      return true;
    }
    if (call_.option_count < 0 || call_.options == nullptr) {
      return no(NUMLOSS_STRUCT, "options", "must be %d options, got NULL", call_.option_count);
    }
    Setting settings[kMaxSettings] = {};
    for (int i = 0; i < call_.option_count; ++i) {
      if (!read_option(call_.options[i], settings)) return false;
    }
    request_.plan = &plan_;
    return make_plan(loss_, settings, plan_, fault_) || fail();
  }

  bool read_option(const numloss_option& option, Setting* settings) {
    if (option.name == nullptr) return no(NUMLOSS_UNKNOWN_NAME, "option", "must have a name");
    const int place = find_parameter(loss_, option.name);
    if (place < 0) {
      return no(NUMLOSS_UNKNOWN_NAME, option.name, "is no option of %s, which takes %s", loss_.name,
                names_of_parameters().text);
    }
    Setting& setting = settings[place];
    if (setting.given) return no(NUMLOSS_PARAMETER, option.name, "must be given once");
    setting.given = true;
    return read_setting(loss_.parameters[place], option, setting, kRoles + place);
  }

  bool read_setting(const Parameter& parameter, const numloss_option& option, Setting& setting,
                    int place) {
    const char* const name = parameter.name;
    if (option.reserved != 0) return no(NUMLOSS_STRUCT, name, "must have 0 in what is reserved");
    if (option.kind == NUMLOSS_NOTHING && parameter.optional) {
      return setting.is_none = true;
    }
    if (option.kind == NUMLOSS_NUMBER && parameter.takes_number()) {
      setting.number = option.number;
      return true;
    }
    if (option.kind == NUMLOSS_INTEGER && parameter.takes_integer()) {
      setting.integer = option.integer;
      return true;
    }
    if (option.kind == NUMLOSS_SWITCH && parameter.takes_switch()) {
      setting.number = double(option.integer);
      return is_one_of(name, option.integer, 1);
    }
    if (option.kind == NUMLOSS_CHOICE && parameter.choices != nullptr) {
      return read_choice(parameter, option, setting);
    }
    if (option.kind == NUMLOSS_NUMBERS && parameter.takes_array()) {
      if (option.array == nullptr) return no(NUMLOSS_ARRAY, name, "must have an array, got NULL");
      return (setting.array = read_array(name, *option.array, place)) != nullptr;
    }
    fault_.set(FaultCode::kParameter, name, "must be an option of kind %s",
               names_of_kinds(kinds_of(parameter)).c_str());
    fault_.came("%s", names_of_kinds(option.kind).c_str());
    fault_.is_type = true;
    return fail();
  }

  // Kinds of option by their names in the header; a number that names none as it is.
  static std::string names_of_kinds(int kinds) {
    static constexpr const char* kNames[] = {"NUMLOSS_NUMBER",  "NUMLOSS_SWITCH",
                                             "NUMLOSS_INTEGER", "NUMLOSS_CHOICE",
                                             "NUMLOSS_NUMBERS", "NUMLOSS_NOTHING"};
    if (kinds <= 0 || kinds >= 1 << std::size(kNames)) return std::to_string(kinds);
    std::string names;
    for (size_t i = 0; i < std::size(kNames); ++i) {
      if ((kinds >> i & 1) != 0) names += (names.empty() ? "" : " or ") + std::string(kNames[i]);
    }
    return names;
  }

  bool read_choice(const Parameter& parameter, const numloss_option& option, Setting& setting) {
    if (option.choice == nullptr) {
      return no(NUMLOSS_UNKNOWN_NAME, parameter.name, "must have the text of a choice, got NULL");
    }
    std::string choices;
    for (int i = 0; parameter.choices[i] != nullptr; ++i) {
      if (std::strcmp(parameter.choices[i], option.choice) == 0) {
        setting.number = i;
        return true;
      }
      choices += std::string(i > 0 ? ", " : "") + parameter.choices[i];
    }
    return no(NUMLOSS_UNKNOWN_NAME, parameter.name, "must be one of %s, got %.60s", choices.c_str(),
              option.choice);
  }

  struct Names {
    char text[160] = "none";
  };
  Names names_of_parameters() const {
    Names names;
    size_t length = 0;
    for (int i = 0; i < loss_.parameter_count(); ++i) {
      const char* const name = loss_.parameters[i].name;
      const int added = std::snprintf(names.text + length, sizeof(names.text) - length, "%s%s",
                                      i > 0 ? ", " : "", name);
      length = std::min(sizeof(names.text) - 1, length + size_t(added));
    }
    return names;
  }

  bool gives_number() const {
    return (call_.want & NUMLOSS_VALUE) != 0 && prepared_.call.reduction != Reduction::kNone;
  }

  bool read_outputs(const numloss_result* result) {
    const bool by_example = prepared_.call.reduction == Reduction::kNone;
    if (gives_number() && !takes_results("result", result, report_, status_)) return false;
    const bool values = by_example && (call_.want & NUMLOSS_VALUE) != 0;
    return take_outputs("values", kValues, values ? 1 : 0, call_.values, call_.values != nullptr) &&
           take_outputs("gradients", kGradients, heads(NUMLOSS_GRADIENT), call_.gradients,
                        call_.gradient_count) &&
           take_outputs("hessians", kHessians, heads(NUMLOSS_HESSIAN), call_.hessians,
                        call_.hessian_count) &&
           take_extras();
  }

  int heads(unsigned wanted) const { return (call_.want & wanted) != 0 ? loss_.head_count() : 0; }

  bool has_count(const char* name, int needed, const numloss_array* given, int count) {
    if (is_count(needed, given, count)) return true;
    return no(NUMLOSS_COUNT_OF_ARRAYS, name,
              "must be as many arrays as this call writes, %d, got %d", needed,
              given == nullptr ? 0 : count);
  }

  bool take_output(const char* name, int role, const numloss_array& given) {
    const Array* const array = read_array(name, given, role);
    if (array == nullptr) return false;
    if (!add_output(request_, prepared_, role, *array, outputs_, fault_)) {
      // What Python's callers know as `out` has several names here.
      if (std::strcmp(fault_.argument, "out") == 0) {
        std::snprintf(fault_.argument, sizeof(fault_.argument), "%s", name);
      }
      return fail();
    }
    outputs_[role] = array;
    return true;
  }

  // The arrays for one kind of result, as many as are needed.
  bool take_outputs(const char* name, int role, int needed, const numloss_array* given, int count) {
    if (!has_count(name, needed, given, count)) return false;
    for (int i = 0; i < needed; ++i) {
      if (!take_output(name, role + i, given[i])) return false;
    }
    return true;
  }

  bool take_extras() {
    const Roles extras = request_.plan->extras;
    const int needed = extras.has(kLogSumExp) + extras.has(kPredicted);
    if (!has_count("extras", needed, call_.extras, call_.extra_count)) return false;
    const numloss_array* given = call_.extras;
    for (const int role : extras) {
      if (!take_output("extras", role, *given++)) return false;
    }
    return true;
  }

  static constexpr int kPlaces = kRoles + kMaxSettings;

  const Loss& loss_;
  const numloss_call& call_;
  Fault fault_;
  Request request_;
  Prepared prepared_;
  Plan plan_;                           // where there are options
  const Array* outputs_[kRoles];        // those that have been taken, by role
  Array arrays_[kPlaces];               // by role, then by parameter
  int64_t strides_[kPlaces][kMaxDims];  // of those in C order
};

std::atomic<bool> started{false};

// Calls f with a caller's loss and call, once the library is ready.
template <class F>
numloss_status with_call(const Loss* loss, const numloss_call* given, numloss_fault* fault, F f) {
  return guarded(fault, [&] {
    if (!started.load(std::memory_order_acquire)) start();
    numloss_status status = NUMLOSS_OK;
    numloss_call copy;
    const numloss_call* const call = take("call", given, kLeastCall, copy, fault, status);
    if (call == nullptr) return status;
    CallOfC made(*loss, *call, fault);
    return f(made);
  });
}

const Loss* loss_at(int32_t index, numloss_fault* fault) {
  if (index >= 0 && index < kLossCount) return &kLosses[index];
  refuse(fault, NUMLOSS_UNKNOWN_NAME, "loss", "must be a place in [0, %d), got %d", kLossCount,
         index);
  return nullptr;
}

numloss_status compute(const Loss* loss, const numloss_call* call, numloss_result* result,
                       numloss_fault* fault) {
  const bool may_be_plain =
      started.load(std::memory_order_acquire) && call != nullptr && call->size == sizeof(*call);
  if (may_be_plain && PlainCall(*loss, *call).compute(result)) return NUMLOSS_OK;
  return with_call(loss, call, fault, [&](CallOfC& made) { return made.compute(result); });
}

}  // namespace

void start() {
  try {
    kernels();
    check_thread_variable();
  } catch (const std::invalid_argument& error) {
    throw BadEnvironment(error.what());
  }
  default_plan(kLosses[0]);
  started.store(true, std::memory_order_release);
}

}  // namespace numloss

using namespace numloss;

numloss_status numloss_compute(const char* name, const numloss_call* call, numloss_result* result,
                               numloss_fault* fault) {
  const Loss* const loss = name == nullptr ? nullptr : find_loss(name);
  if (loss == nullptr) {
    return refuse(fault, NUMLOSS_UNKNOWN_NAME, "loss", "must be the name of a loss, got %.60s",
                  name == nullptr ? "NULL" : name);
  }
  return compute(loss, call, result, fault);
}

numloss_status numloss_compute_index(int32_t index, const numloss_call* call,
                                     numloss_result* result, numloss_fault* fault) {
  const Loss* const loss = loss_at(index, fault);
  return loss == nullptr ? NUMLOSS_UNKNOWN_NAME : compute(loss, call, result, fault);
}

numloss_status numloss_compute_batch(numloss_item* items, int64_t count, numloss_fault* fault) {
  if (count < 0 || (items == nullptr && count > 0)) {
    return refuse(fault, NUMLOSS_STRUCT, "items", "must be %lld calls, got %s", (long long)count,
                  items == nullptr ? "NULL" : "a negative number");
  }
  numloss_status first = NUMLOSS_OK;
  for (int64_t i = 0; i < count; ++i) {
    numloss_item& item = items[i];
    numloss_fault* const to = first == NUMLOSS_OK ? fault : nullptr;
    item.status = numloss_compute_index(item.loss, item.call, item.result, to);
    if (first == NUMLOSS_OK) first = item.status;
  }
  return first;
}

numloss_status numloss_check(int32_t index, const numloss_call* call, numloss_outline* outline,
                             numloss_fault* fault) {
  const Loss* const loss = loss_at(index, fault);
  if (loss == nullptr) return NUMLOSS_UNKNOWN_NAME;
  return with_call(loss, call, fault, [&](CallOfC& made) {
    numloss_status status = NUMLOSS_OK;
    return takes_results("outline", outline, fault, status) ? made.check(outline) : status;
  });
}

numloss_status numloss_start(numloss_fault* fault) {
  return guarded(fault, [] {
    start();
    return NUMLOSS_OK;
  });
}

int32_t numloss_num_threads(void) {
  int count = 0;
  guarded(nullptr, [&] {
    start();
    count = num_threads();
    return NUMLOSS_OK;
  });
  return count;
}

numloss_status numloss_set_num_threads(int32_t count, numloss_fault* fault) {
  if (count < 1 || count > kMostThreads) {
    return refuse(fault, NUMLOSS_PARAMETER, "count",
                  "must be a number of threads from 1 to %d, got %d", kMostThreads, count);
  }
  set_num_threads(count);
  return NUMLOSS_OK;
}

const char* numloss_isa(void) {
  const char* name = nullptr;
  guarded(nullptr, [&] {
    start();
    name = kernels().isa;
    return NUMLOSS_OK;
  });
  return name;
}

const char* numloss_version(void) { return NUMLOSS_VERSION; }

int32_t numloss_abi(void) { return 1000 * NUMLOSS_ABI_MAJOR + NUMLOSS_ABI_MINOR; }
