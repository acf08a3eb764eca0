// A call that XLA makes, of a loss as a custom call of its programs: from XLA's buffers and
// attributes to a call of the C ABI, once for each element of a batch.
#include "xla.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "../checks/fault.hpp"
#include "../checks/losses.hpp"
#include "report.hpp"

namespace numloss {

namespace {

using std::string_view;

// The type of the C ABI for one of XLA's; 0: there is none, which the checks refuse.
int32_t dtype_of(int type) {
  switch (type) {
    case xla::kPred: return NUMLOSS_BOOL;
    case xla::kS8: return NUMLOSS_INT8;
    case xla::kS16: return NUMLOSS_INT16;
    case xla::kS32: return NUMLOSS_INT32;
    case xla::kS64: return NUMLOSS_INT64;
    case xla::kU8: return NUMLOSS_UINT8;
    case xla::kU16: return NUMLOSS_UINT16;
    case xla::kU32: return NUMLOSS_UINT32;
    case xla::kU64: return NUMLOSS_UINT64;
    case xla::kF16: return NUMLOSS_FLOAT16;
    case xla::kF32: return NUMLOSS_FLOAT32;
    case xla::kF64: return NUMLOSS_FLOAT64;
    case xla::kBf16: return NUMLOSS_BFLOAT16;
    default: return 0;
  }
}

int code_of(numloss_status status) {
  switch (status) {
    case NUMLOSS_MEMORY: return xla::kResourceExhausted;
    case NUMLOSS_ENVIRONMENT: return xla::kFailedPrecondition;
    case NUMLOSS_INTERNAL: return xla::kInternal;
    default: return xla::kInvalidArgument;
  }
}

// Takes the first word off words that blanks part; empty behind the last.
string_view take_word(string_view& words) {
  const size_t end = std::min(words.find(' '), words.size());
  const string_view word = words.substr(0, end);
  words.remove_prefix(std::min(end + 1, words.size()));
  return word;
}

// A buffer, cut into the parts that belong to the elements of a batch.
struct Parts {
  char* data = nullptr;
  int64_t bytes[kMaxDims];  // from one element of the batch to the next, by axis of the batch
};

class CallOfXla : Refusable {
 public:
  CallOfXla(const xla::Frame& frame, numloss_fault* report) : Refusable(report), frame_(frame) {
    call_.size = sizeof(call_);
    call_.flags = NUMLOSS_SPOIL_OUTPUTS;  // XLA gives no one the results of a call that failed
    result_.size = sizeof(result_);
  }

  numloss_status run() {
    if (!read_attributes() || !read_batch() || !read_operands() || !read_results()) return status_;
    for (Walk walk(batch_, batch_ndim_); walk.next();) {
      move_to(walk);
      status_ = numloss_compute_index(int32_t(loss_ - kLosses), &call_, &result_, report_);
      if (status_ != NUMLOSS_OK) {
        name_element(walk);
        return status_;
      }
      give_number();
    }
    return NUMLOSS_OK;
  }

 private:
  // Refuses a text of the caller's.
  bool no_text(const char* argument, const char* needed, string_view got) {
    return no(NUMLOSS_UNKNOWN_NAME, argument, "must be %s, got '%.*s'", needed,
              int(std::min<size_t>(got.size(), 60)), got.data());
  }

  // ---------------------------------------------------------------------------------- attributes

  bool read_attributes() {
    if (!find_loss_attribute()) return false;
    for (int64_t i = 0; i < frame_.attributes.count; ++i) {
      const string_view name = name_of_attribute(i);
      const bool fits = name == "loss"                    ? true
                        : name == "operands"              ? read_text(i, operands_)
                        : name == "axes"                  ? read_integer(i, axes_)
                        : name == "want"                  ? read_integer(i, call_.want)
                        : name == "reduction"             ? read_integer(i, call_.reduction)
                        : name == "denominator"           ? read_integer(i, call_.denominator)
                        : name == "dtype"                 ? read_integer(i, call_.dtype)
                        : name == "allow_negative_weight" ? read_negative_weight(i)
                                                          : read_option(i, name);
      if (fits) continue;
      return status_ == NUMLOSS_OK ? no_text("attribute", "of the kind that the header names", name)
                                   : false;
    }
    return true;
  }

  bool find_loss_attribute() {
    string_view name;
    for (int64_t i = 0; i < frame_.attributes.count; ++i) {
      if (name_of_attribute(i) == "loss") (void)read_text(i, name);
    }
    for (int32_t i = 0; i < kLossCount; ++i) {
      if (name == kLosses[i].name) loss_ = &kLosses[i];
    }
    return loss_ != nullptr || no_text("loss", "the name of a loss", name);
  }

  string_view name_of_attribute(int64_t i) const {
    const xla::Text& name = *frame_.attributes.names[i];
    return {name.data, name.length};
  }

  bool read_text(int64_t i, string_view& to) const {
    if (frame_.attributes.kinds[i] != xla::kText) return false;
    const auto& text = *static_cast<const xla::Text*>(frame_.attributes.values[i]);
    to = string_view(text.data, text.length);
    return true;
  }

  // The number of an attribute, where it is one of a type; else null.
  const void* scalar(int64_t i, int type) const {
    if (frame_.attributes.kinds[i] != xla::kScalar) return nullptr;
    const auto& scalar = *static_cast<const xla::Scalar*>(frame_.attributes.values[i]);
    return scalar.type == type ? scalar.value : nullptr;
  }

  template <class T>
  bool read_integer(int64_t i, T& to) const {
    const void* const from = scalar(i, xla::kS64);
    if (from == nullptr) return false;
    const int64_t x = *static_cast<const int64_t*>(from);
    to = T(x);
    return int64_t(to) == x;
  }

  bool read_switch(int64_t i, int64_t& to) const {
    const void* const from = scalar(i, xla::kPred);
    if (from == nullptr) return false;
    to = *static_cast<const uint8_t*>(from);
    return true;
  }

  bool read_negative_weight(int64_t i) {
    int64_t allowed = 0;
    if (!read_switch(i, allowed)) return false;
    if (allowed != 0) call_.flags |= NUMLOSS_ALLOW_NEGATIVE_WEIGHT;
    return true;
  }

  bool read_option(int64_t i, string_view name) {
    numloss_option* const option = add_option(name);
    if (option == nullptr) return false;
    string_view text;
    if (read_text(i, text)) {
      char (&copy)[kLongestChoice] = choices_[option - options_];
      copy[text.copy(copy, sizeof(copy) - 1)] = '\0';
      option->choice = copy;
      option->kind = text.empty() ? NUMLOSS_NOTHING : NUMLOSS_CHOICE;
      return true;
    }
    option->kind = NUMLOSS_SWITCH;
    if (read_switch(i, option->integer)) return true;
    option->kind = NUMLOSS_INTEGER;
    return read_integer(i, option->integer);
  }

  // The place of the next option, by its name.
  numloss_option* add_option(string_view name) {
    for (int i = 0; i < loss_->parameter_count(); ++i) {
      const char* const known = loss_->parameters[i].name;
      if (name != known) continue;
      if (call_.option_count == kMaxSettings) {
        no(NUMLOSS_PARAMETER, known, "must be given once");
        return nullptr;
      }
      call_.options = options_;
      numloss_option& option = options_[call_.option_count++];
      option.name = known;
      return &option;
    }
    no_text("option", "one that the loss takes", name);
    return nullptr;
  }

  // ------------------------------------------------------------------------------------- buffers

  static const xla::Buffer& buffer(const xla::Buffers& buffers, int64_t i) {
    return *static_cast<const xla::Buffer*>(buffers.buffers[i]);
  }

  bool are_sound(const char* name, const xla::Buffers& buffers, int64_t most) {
    const bool are_there = buffers.kinds != nullptr && buffers.buffers != nullptr;
    if (!are_there || buffers.count < 1 || buffers.count > most) {
      return no(NUMLOSS_COUNT_OF_ARRAYS, name, "must be from 1 to %d buffers, got %lld", int(most),
                static_cast<long long>(buffers.count));
    }
    for (int64_t i = 0; i < buffers.count; ++i) {
      if (buffers.kinds[i] == xla::kBuffer && is_sound(buffers.buffers[i])) continue;
      return no(NUMLOSS_ARRAY, name, "must be buffers of at most %d axes", kMaxDims);
    }
    return true;
  }

  static bool is_sound(const void* given) {
    const auto* const buffer = static_cast<const xla::Buffer*>(given);
    return buffer != nullptr && buffer->size >= sizeof(xla::Buffer) && buffer->rank >= 0 &&
           buffer->rank <= kMaxDims && (buffer->dims != nullptr || buffer->rank == 0);
  }

  // The axes that every operand and result has before its own: those of XLA's loops over calls.
  bool read_batch() {
    if (!are_sound("operands", frame_.arguments, kMostOperands)) return false;
    if (!are_sound("results", frame_.results, kMostResults)) return false;
    const int64_t rank = buffer(frame_.arguments, 0).rank;
    const xla::Buffer& result = buffer(frame_.results, 0);
    if (axes_ < 0 || axes_ > rank || rank - axes_ > result.rank) {
      return no(NUMLOSS_AXIS, "axes", "must be those of the prediction, got %d", axes_);
    }
    batch_ndim_ = int(rank) - axes_;
    std::copy_n(result.dims, batch_ndim_, batch_);
    return true;
  }

  // Describes the part of a buffer that belongs to one element of the batch. An operand that all
  // elements share has length 1 along the batch. `halved` is the type of numbers of 64 bits that
  // come as their halves, 0 where they do not.
  bool take(const char* name, const xla::Buffer& from, int32_t halved, numloss_array& array) {
    const bool is_halved = halved != 0;
    const int own = int(from.rank) - batch_ndim_ - is_halved;
    bool fits =
        own >= 0 && (!is_halved || (from.type == xla::kU32 && from.dims[from.rank - 1] == 2));
    for (int d = 0; d < batch_ndim_ && fits; ++d) {
      fits = from.dims[d] == batch_[d] || from.dims[d] == 1;
    }
    if (!fits) return no(NUMLOSS_SHAPE, name, "must have the axes of the batch before its own");
    array.data = from.data;
    array.shape = from.dims + batch_ndim_;
    array.ndim = own;
    array.dtype = is_halved ? halved : dtype_of(from.type);
    if (array.dtype == 0) return no(NUMLOSS_ARRAY, name, "must hold real numbers that numloss has");
    Parts& parts = parts_[count_];
    arrays_[count_++] = &array;
    parts.data = static_cast<char*>(from.data);
    int64_t bytes = item_size(DType(array.dtype - 1));
    for (int d = 0; d < own; ++d) (void)__builtin_mul_overflow(bytes, array.shape[d], &bytes);
    for (int d = batch_ndim_ - 1; d >= 0; --d) {
      parts.bytes[d] = from.dims[d] == 1 ? 0 : bytes;
      (void)__builtin_mul_overflow(bytes, from.dims[d], &bytes);
    }
    return true;
  }

  bool read_operands() {
    input_count_ = input_order(*loss_, roles_);
    call_.inputs = inputs_;
    for (int64_t i = 0; i < frame_.arguments.count; ++i) {
      string_view name = take_word(operands_);
      constexpr string_view kNumber = ":number";
      const bool is_number = name.ends_with(kNumber);
      if (is_number) name.remove_suffix(kNumber.size());
      if (!read_operand(name, buffer(frame_.arguments, i), is_number)) return false;
    }
    return operands_.empty() ||
           no(NUMLOSS_COUNT_OF_ARRAYS, "operands", "must be as many as their names");
  }

  bool read_operand(string_view name, const xla::Buffer& from, bool is_number) {
    if (name == "weight") {
      call_.weight = &weight_;
      return take("weight", from, halved_if(is_number), weight_);
    }
    if (name == "denominator") {
      call_.denominator = NUMLOSS_BY_NUMBER;
      return take_number("denominator", from, is_number, denominator_);
    }
    const int place = call_.input_count;
    if (place == input_count_ || name != input_name(*loss_, roles_[place])) {
      return read_parameter(name, from, is_number);
    }
    ++call_.input_count;
    if (is_number && roles_[place] == kTarget) inputs_[place].flags = NUMLOSS_PLAIN_NUMBER;
    return take(input_name(*loss_, roles_[place]), from, halved_if(is_number), inputs_[place]);
  }

  static int32_t halved_if(bool is_number) { return is_number ? int32_t(NUMLOSS_FLOAT64) : 0; }

  bool take_number(const char* name, const xla::Buffer& from, bool is_number,
                   numloss_array& array) {
    if (!take(name, from, halved_if(is_number), array)) return false;
    return array.ndim == 0 || no(NUMLOSS_PARAMETER, name, "must be a number, got an array");
  }

  bool read_parameter(string_view name, const xla::Buffer& from, bool is_number) {
    numloss_option* const option = add_option(name);
    if (option == nullptr) return false;
    numloss_array& array = numbers_[option - options_];
    const Parameter& parameter = loss_->parameters[find_parameter(*loss_, option->name)];
    if (!parameter.takes_array()) {
      option->kind = NUMLOSS_NUMBER;
      return take_number(option->name, from, is_number, array);
    }
    if (!take(option->name, from, halved_if(is_number), array)) return false;
    const bool is_one = parameter.takes_number() && array.ndim == 0;
    option->kind = is_one ? NUMLOSS_NUMBER : NUMLOSS_NUMBERS;
    option->array = &array;
    return true;
  }

  bool gives_number() const {
    const bool by_example = !loss_->is_penalty() && call_.reduction == NUMLOSS_NONE;
    return (call_.want & NUMLOSS_VALUE) != 0 && !by_example;
  }

  // How many arrays options ask for beside the results.
  int extra_count() const {
    int count = 0;
    for (int i = 0; i < call_.option_count; ++i) {
      const Parameter& parameter = loss_->parameters[find_parameter(*loss_, options_[i].name)];
      count += parameter.use == Use::kExtra && options_[i].integer != 0;
    }
    return count;
  }

  // The value, then gradients, then Hessians, then what options ask for: as many as the call gives.
  bool read_results() {
    const bool values = (call_.want & NUMLOSS_VALUE) != 0;
    const int heads = loss_->head_count();
    const int gradients = (call_.want & NUMLOSS_GRADIENT) != 0 ? heads : 0;
    const int hessians = (call_.want & NUMLOSS_HESSIAN) != 0 ? heads : 0;
    const int before = values + gradients + hessians;
    const int extras = extra_count();
    if (frame_.results.count != before + extras) {
      return no(NUMLOSS_COUNT_OF_ARRAYS, "results", "must be as many as the call gives, %d, got %d",
                before + extras, int(frame_.results.count));
    }
    for (int i = 0; i < int(frame_.results.count); ++i) {
      const xla::Buffer& from = buffer(frame_.results, i);
      const bool whole =
          from.rank >= batch_ndim_ && std::equal(batch_, batch_ + batch_ndim_, from.dims);
      if (!whole) return no(NUMLOSS_SHAPE, "results", "must have the axes of the batch");
      const bool is_halved = i >= before && from.type == xla::kU32;
      if (!take("results", from, is_halved ? int32_t(NUMLOSS_INT64) : 0, results_[i])) return false;
    }
    if (gives_number()) {
      const int32_t dtype = results_[0].dtype;
      if (results_[0].ndim > 0 || (dtype != NUMLOSS_FLOAT64 && dtype != NUMLOSS_FLOAT32)) {
        return no(NUMLOSS_OUTPUT_TYPE, "results", "must begin with a number of float64 or float32");
      }
    } else if (values) {
      call_.values = results_;
    }
    if (gradients > 0) call_.gradients = results_ + values;
    call_.gradient_count = gradients;
    if (hessians > 0) call_.hessians = results_ + values + gradients;
    call_.hessian_count = hessians;
    if (extras > 0) call_.extras = results_ + before;
    call_.extra_count = extras;
    return true;
  }

  // ------------------------------------------------------------------------ elements of the batch

  void move_to(const Walk& walk) {
    for (int i = 0; i < count_; ++i) {
      arrays_[i]->data = parts_[i].data + walk.offset(parts_[i].bytes, batch_ndim_);
    }
    for (int i = 0; i < call_.option_count; ++i) {
      if (options_[i].kind == NUMLOSS_NUMBER) options_[i].number = number(numbers_[i]);
    }
    if (denominator_.data != nullptr) call_.denominator_number = number(denominator_);
  }

  static double number(const numloss_array& array) {
    return read_number(DType(array.dtype - 1), false, static_cast<const char*>(array.data));
  }

  void give_number() {
    if (!gives_number()) return;
    if (results_[0].dtype == NUMLOSS_FLOAT64) {
      *static_cast<double*>(results_[0].data) = result_.value;
    } else {
      *static_cast<float*>(results_[0].data) = float(result_.value);
    }
  }

  // Adds to a fault where in the batch it is.
  void name_element(const Walk& walk) {
    if (batch_ndim_ == 0) return;
    const size_t length = std::strlen(report_->text);
    std::snprintf(report_->text + length, sizeof(report_->text) - length,
                  ", in element %s of the batch", ShapeText(walk.place, batch_ndim_).text);
  }

  static constexpr int kMostOperands = kMaxHeads + 4 + kMaxSettings;
  static constexpr int kMostResults = 1 + 2 * kMaxHeads + kMaxSettings;

  const xla::Frame& frame_;
  const Loss* loss_ = nullptr;
  string_view operands_;
  int roles_[kMaxHeads + 2];  // of the inputs, as many as input_count_
  int input_count_ = 0;
  int axes_ = 0;  // of the prediction, the batch's left out
  int batch_ndim_ = 0;
  int64_t batch_[kMaxDims];
  numloss_call call_{};
  numloss_result result_{};
  numloss_array inputs_[kMaxHeads + 2] = {}, weight_{}, denominator_{};
  numloss_option options_[kMaxSettings] = {};
  static constexpr int kLongestChoice = 64;
  char choices_[kMaxSettings][kLongestChoice];
  numloss_array numbers_[kMaxSettings] = {};  // what options are read from, at their places
  numloss_array results_[kMostResults] = {};
  int count_ = 0;  // of the arrays that move along the batch
  numloss_array* arrays_[kMostOperands + kMostResults];
  Parts parts_[kMostOperands + kMostResults];
};

// Tells XLA which version of its interface this handler is made for, where it asks: the one that
// XLA has, as it may take no other, and all that are known have what is read here alike. An XLA
// that does not tell its own when it asks is of the first.
bool tell_version(const xla::Frame& frame) {
  const auto* const given = reinterpret_cast<const xla::MetadataExtension*>(frame.extensions);
  if (given == nullptr || given->base.type != xla::kMetadataExtension) return false;
  const bool has_room = given->base.size >= sizeof(xla::Extension) && given->metadata != nullptr &&
                        given->metadata->size >= offsetof(xla::Metadata, traits) + sizeof(uint32_t);
  if (!has_room) return true;  // XLA then finds no version, and refuses the handler
  const bool is_told = frame.api != nullptr && frame.api->size >= sizeof(xla::Api);
  const int minor = is_told ? std::min(frame.api->version.minor, xla::kNewestMinor) : xla::kMinor;
  given->metadata->version = {sizeof(xla::Version), nullptr, xla::kMajor, minor};
  given->metadata->traits = 0;
  return true;
}

// Whether XLA has all of the members that are read here, and of every attribute a name and a value.
bool is_known(const xla::Frame& frame) {
  const xla::Attributes& attributes = frame.attributes;
  if (frame.size < offsetof(xla::Frame, attributes) + sizeof(xla::Attributes) ||
      frame.arguments.size < sizeof(xla::Buffers) || frame.results.size < sizeof(xla::Buffers) ||
      attributes.size < sizeof(xla::Attributes) || frame.stage != xla::kExecute) {
    return false;
  }
  if (attributes.count <= 0) return true;
  if (attributes.kinds == nullptr || attributes.names == nullptr || attributes.values == nullptr) {
    return false;
  }
  const auto is_there = [](const void* x) { return x != nullptr; };
  return std::all_of(attributes.names, attributes.names + attributes.count, is_there) &&
         std::all_of(attributes.values, attributes.values + attributes.count, is_there);
}

xla::Error* compute(const xla::Frame& frame) {
  numloss_fault fault;
  fault.size = sizeof(fault);
  const numloss_status status = guarded(&fault, [&] {
    if (!is_known(frame)) {
      return refuse(&fault, NUMLOSS_STRUCT,
                    "call:", "must be XLA's to execute, of a version of its FFI from %d.%d on",
                    xla::kMajor, xla::kMinor);
    }
    return CallOfXla(frame, &fault).run();
  });
  if (status == NUMLOSS_OK) return nullptr;
  xla::ErrorArguments error{sizeof(error), nullptr, fault.text, code_of(status)};
  return frame.api->create_error(&error);
}

}  // namespace

}  // namespace numloss

XLA_FFI_Error* numloss_xla_call(XLA_FFI_CallFrame* given) {
  using namespace numloss;
  const auto* const frame = reinterpret_cast<const xla::Frame*>(given);
  if (frame == nullptr || frame->size < offsetof(xla::Frame, context)) return nullptr;
  if (tell_version(*frame)) return nullptr;
  // Without the way to make an error there is none to give.
  const bool can_fail = frame->api != nullptr && frame->api->size >= sizeof(xla::Api) &&
                        frame->api->version.major == xla::kMajor;
  return can_fail ? reinterpret_cast<XLA_FFI_Error*>(compute(*frame)) : nullptr;
}
