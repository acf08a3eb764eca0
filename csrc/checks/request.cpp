#include "request.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <optional>

#include "../runtime/dispatch.hpp"
#include "../runtime/float_environment.hpp"

namespace numloss {

template <class T>
T* FewOrMany<T>::make(int64_t count) {
  if (count > kFew) {
    // malloc, not new: a sanitizer's new ends the process where there is not the memory.
    const bool fits = count <= INT64_MAX / int64_t(sizeof(T));
    many_.reset(fits ? static_cast<T*>(std::malloc(size_t(count) * sizeof(T))) : nullptr);
    if (!many_) throw std::bad_alloc();
  }
  data_ = count > kFew ? many_.get() : few_;
  return data_;
}
template class FewOrMany<double>;
template class FewOrMany<int64_t>;

int Prepared::output_ndim(int role) const {
  if (groups >= 0) return 1;
  const int gone = is_of_slices(role) && !keeps_axes ? __builtin_popcountll(reduced_axes) : 0;
  return prediction_ndim - gone - (has_class_axis(role) ? 0 : (axis >= 0) + (steps_axis >= 0));
}

void Prepared::output_shape(int role, int64_t* shape) const {
  if (groups >= 0 && !has_class_axis(role)) {
    shape[0] = groups;
    return;
  }
  for (int d = 0, example = 0; d < prediction_ndim; ++d) {
    if ((d == axis || d == steps_axis) && !has_class_axis(role)) continue;
    const bool is_reduced = is_of_slices(role) && (reduced_axes >> example++ & 1) != 0;
    if (!is_reduced) {
      *shape++ = prediction_shape[d];
    } else if (keeps_axes) {
      *shape++ = 1;
    }
  }
}

DType Prepared::output_dtype(int role) const {
  return role == kWeights || is_of_slices(role) ? DType::kFloat64
         : role == kPredicted                   ? DType::kInt64
                                                : result;
}

namespace {

// The part of a request that one function after another fills in.
struct Preparation {
  const Request& request;
  const Plan& plan;
  const Loss& loss;
  Prepared& out;
  Task& task;
  Fault& fault;

  const Array& input(int role) const { return *request.inputs[role]; }
  const Array& prediction() const { return input(kHeads); }
  bool has(int role) const { return request.inputs[role] != nullptr; }

  bool prepare();

 private:
  bool refuse_hessian();
  bool set_axis();
  bool set_sequence_axes();
  void set_shape();
  bool set_groups();
  bool set_slices();
  bool set_heads();
  bool set_type();
  bool set_elements_target();
  bool set_classes_target();
  bool set_labels(const Array& target);
  bool set_distributions(const Array& target);
  bool set_sets(const Array& target);
  bool set_shares(const Array& target);
  bool refuse_shape(const Array& target);
  void attach_portions(const Array& target);
  bool set_lists(const Array& target);
  bool set_sequences(const Array& target);
  bool set_lengths();
  bool read_lengths(const char* name, const Array* given, int64_t most, const char* what,
                    FewOrMany<int64_t>& made, const int64_t*& lengths);
  bool set_numbers(const Array& target);
  void read_booleans_as_signs(const Array& target);
  bool set_vectors();
  bool round_weak_target(const Array& target);
  bool attach_to_examples(const Array& target, const char* what);
  bool set_aside();
  bool attach_columns(const Array& aside);
  bool attach_by_element(const Array& aside);
  bool set_per_column();
  bool set_weight();
  bool refuse_options_of_penalty();
  bool set_reduction();
  bool set_class_numbers();
  bool set_class_offset();
  bool set_mask();
  bool set_soft_labels();
  double sum_tolerance() const;
  bool set_transition();
  bool check_integers(const char* name, const Array& array);
  bool refuse_swapped();

  void attach(int role, const Array& array);
  bool has_shape_of_examples(const Array& array) const {
    return array.ndim == task.ndim && std::equal(array.shape, array.shape + array.ndim, task.shape);
  }
  // Whether the target holds labels: integers, or floats in their shape, which are to be whole. (An
  // empty list is float64 to NumPy.)
  bool has_labels() const {
    const Array& target = input(kTarget);
    const bool fits = is_real(target.dtype) && has_shape_of_examples(target);
    return loss.takes_labels() && (is_integer(target.dtype) || fits);
  }
  ShapeText examples() const { return ShapeText(task.shape, task.ndim); }
};

// An operand of the task whose strides are still to be set.
Operand& add_operand(Task& task, int role, const Array& array) {
  Operand& operand = task.add(role);
  operand.data = array.data;
  operand.dtype = array.dtype;
  operand.swapped = array.swapped;
  return operand;
}

// Strides over the examples of an array that has all their axes and perhaps those of classes and of
// steps.
void set_strides(const Array& array, int axis, Operand& operand, int steps_axis = -1) {
  int64_t* stride = operand.strides;
  for (int d = 0; d < array.ndim; ++d) {
    if (d == axis) {
      operand.class_stride = array.strides[d];
    } else if (d == steps_axis) {
      operand.step_stride = array.strides[d];
    } else {
      *stride++ = array.strides[d];
    }
  }
}

void repeat(const Task& task, Operand& operand) { std::fill_n(operand.strides, task.ndim, 0); }

// An input with the axes of the prediction, or a scalar.
void Preparation::attach(int role, const Array& array) {
  Operand& operand = add_operand(task, role, array);
  if (array.ndim == 0) {
    repeat(task, operand);
  } else {
    set_strides(array, out.axis, operand, out.steps_axis);
  }
}

bool Preparation::refuse_hessian() {
  if (loss.has_hessian || (request.mode & kHessian) == 0) return true;
  return fault.set(FaultCode::kReduction, loss.name,
                   "has a value and a gradient alone: the diagonal of its Hessian would take the "
                   "work of as many gradients as there are numbers");
}

// Of sequences: (sequences, steps, classes), or of a single one (steps, classes).
bool Preparation::set_sequence_axes() {
  const Array& p = prediction();
  if (p.ndim < 2 || p.ndim > 3) {
    fault.set(FaultCode::kAxis, loss.heads[0],
              "must have the axes (sequences, steps, classes), or (steps, classes)");
    return fault.came("shape %s", ShapeText(p).text);
  }
  out.axis = p.ndim - 1;
  out.steps_axis = p.ndim - 2;
  task.steps = p.shape[out.steps_axis];
  task.step_classes = p.shape[out.axis];
  if (task.step_classes < 1) {
    fault.set(FaultCode::kAxis, loss.heads[0], "must have at least one class");
    return fault.came("shape %s", ShapeText(p).text);
  }
  if (__builtin_mul_overflow(task.steps, task.step_classes, &task.classes)) {
    task.classes = INT64_MAX;
  }
  task.classes = std::max<int64_t>(1, task.classes);
  const int64_t count = task.step_classes;
  task.blank = plan.blank < 0 ? plan.blank + count : plan.blank;
  if (task.blank >= 0 && task.blank < count) return true;
  fault.set(FaultCode::kParameter, "blank", "must be a class, in [%lld, %lld)",
            static_cast<long long>(-count), static_cast<long long>(count));
  return fault.came("%lld", static_cast<long long>(plan.blank));
}

bool Preparation::set_axis() {
  if (!loss.has_classes()) return true;
  if (loss.form == Form::kSequences) return set_sequence_axes();
  const Array& p = prediction();
  const char* const name = loss.heads[0];
  if (p.ndim == 0) {
    fault.set(FaultCode::kAxis, name, "must have an axis of %s",
              loss.is_by_class() ? "classes" : "columns");
    return fault.came("a scalar");
  }
  if (plan.axis < -p.ndim || plan.axis >= p.ndim) {
    fault.set(FaultCode::kAxis, "axis", "must be in [%d, %d) for a prediction of shape %s", -p.ndim,
              p.ndim, ShapeText(p).text);
    return fault.came("%lld", static_cast<long long>(plan.axis));
  }
  out.axis = int(plan.axis < 0 ? plan.axis + p.ndim : plan.axis);
  task.classes = p.shape[out.axis];
  task.more_labels = loss.more_labels();
  if (task.classes > 0) return true;
  fault.set(FaultCode::kAxis, name, "must have at least one %s",
            loss.is_by_class() ? "class" : "column");
  return fault.came("shape %s", ShapeText(p).text);
}

void Preparation::set_shape() {
  const Array& p = prediction();
  out.prediction_ndim = p.ndim;
  task.size = 1;
  for (int d = 0; d < p.ndim; ++d) {
    out.prediction_shape[d] = p.shape[d];
    if (d == out.axis || d == out.steps_axis) continue;
    task.shape[task.ndim++] = p.shape[d];
    // Sizes that cannot be counted belong to repeated elements, which no loop would get through.
    if (__builtin_mul_overflow(task.size, p.shape[d], &task.size)) task.size = INT64_MAX;
  }
}

// Calls f(walk, address) for each element; stops where f returns false, and returns false then.
bool all_elements(const Array& array, auto&& f) {
  for (Walk walk(array); walk.next();) {
    if (!f(walk, array.data + walk.offset(array))) return false;
  }
  return true;
}

// Lists of any lengths along the one axis of the prediction, which are the examples then.
bool Preparation::set_groups() {
  if (plan.groups == nullptr) return true;
  const Array &p = prediction(), &sizes = *plan.groups;
  if (p.ndim != 1) {
    fault.set(FaultCode::kShape, "groups", "divides a prediction of one axis into lists");
    return fault.came("a prediction of shape %s", ShapeText(p).text);
  }
  if (sizes.ndim != 1) {
    fault.set(FaultCode::kShape, "groups", "must have one axis, with the size of each list");
    return fault.came("shape %s", ShapeText(sizes).text);
  }
  const int64_t count = sizes.shape[0];
  int64_t* const begin = out.list_begin.make(count + 1);
  int64_t end = begin[0] = 0, longest = 0, list = 0;
  const bool good = all_elements(sizes, [&](const Walk& walk, const char* from) {
    const double size = read_number(sizes.dtype, sizes.swapped, from);
    const bool is_size = size >= 1 && size <= double(p.shape[0] - end) && size == std::floor(size);
    if (is_size) {
      end = begin[++list] = end + int64_t(size);
      longest = std::max(longest, int64_t(size));
      return true;
    }
    fault.set(FaultCode::kElement, "groups",
              "must hold whole numbers of at least 1 whose sum is the number of scores, %lld",
              static_cast<long long>(p.shape[0]));
    fault.came("%s", NumberText(size, sizes.dtype).text);
    fault.at(walk.place, sizes.ndim);
    return false;
  });
  if (!good) return false;
  if (end != p.shape[0]) {
    fault.set(FaultCode::kElement, "groups", "must have the sum %lld, the number of scores",
              static_cast<long long>(p.shape[0]));
    return fault.came("%lld", static_cast<long long>(end));
  }
  out.groups = count;
  task.list_begin = begin;
  task.ndim = 1;
  task.size = task.shape[0] = count;
  task.classes = std::max<int64_t>(longest, 1);
  return true;
}

bool Preparation::set_slices() {
  if (!request.by_slices) return true;
  const bool names_axes = request.reduce_axis != nullptr;
  const char* const name = names_axes ? "reduce_axis" : "keepdims";
  if (request.reduction == Reduction::kNone) {
    return fault.set(FaultCode::kReduction, name,
                     "is for a mean or a sum: it must be left out with reduction='none'");
  }
  if (out.groups >= 0) {
    return fault.set(FaultCode::kReduction, name,
                     "must be left out with groups: use reduction='none' and reduce the values");
  }
  out.by_slices = true;
  out.keeps_axes = request.keeps_axes;
  out.reduced_axes = names_axes || task.ndim == 0 ? 0 : ~uint64_t(0) >> (kMaxDims - task.ndim);
  for (int i = 0; i < request.reduce_count; ++i) {
    const int64_t given = request.reduce_axis[i];
    const bool is_inside = given >= -task.ndim && given < task.ndim;
    const uint64_t bit = is_inside ? uint64_t(1) << (given < 0 ? given + task.ndim : given) : 0;
    if (is_inside && (out.reduced_axes & bit) == 0) {
      out.reduced_axes |= bit;
      continue;
    }
    if (is_inside) {
      fault.set(FaultCode::kAxis, name, "must name an axis of the examples once");
    } else {
      fault.set(FaultCode::kAxis, name, "must be in [%d, %d) for examples of shape %s", -task.ndim,
                task.ndim, examples().text);
    }
    return fault.came("%lld", static_cast<long long>(given));
  }
  return true;
}

bool Preparation::set_heads() {
  for (int h = 0; h < loss.head_count(); ++h) {
    const Array& head = input(kHeads + h);
    if (h > 0 && !same_shape(head, prediction())) {
      fault.set(FaultCode::kShape, loss.heads[h], "must have the shape of the %s, %s",
                loss.heads[0], ShapeText(prediction()).text);
      return fault.came("%s", ShapeText(head).text);
    }
    attach(kHeads + h, head);
  }
  return true;
}

// The type that holds the numbers of both: none for float16 and bfloat16.
std::optional<DType> common_type(DType a, DType b) {
  if (a == b) return a;
  if (a == DType::kFloat64 || b == DType::kFloat64) return DType::kFloat64;
  if (a == DType::kFloat32 || b == DType::kFloat32) return DType::kFloat32;
  return {};
}

// Results have the type of the prediction, float64 for integers; other arrays of floats promote it.
bool Preparation::set_type() {
  const DType p = prediction().dtype;
  out.result = is_real(p) ? p : DType::kFloat64;
  for (const int role : (kInputs - roles(kHeads) - roles(kWeight) - roles(kMask))) {
    if (!has(role) || !is_real(input(role).dtype)) continue;
    if (role == kTarget && (request.weak_target || loss.takes_labels_alone())) continue;
    if (role == kTarget && has_labels()) continue;
    if (role == kAside && input(role).ndim == 0) continue;
    const std::optional<DType> common = common_type(out.result, input(role).dtype);
    if (!common) {
      fault.set(FaultCode::kTargetType, loss.heads[0],
                "and %s must have dtypes that NumPy promotes to a common one",
                input_name(loss, role));
      fault.came("%s and %s: convert one of them", name_of(out.result), name_of(input(role).dtype));
      fault.is_type = true;
      return false;
    }
    out.result = *common;
  }
  task.in_float64 = out.result == DType::kFloat64;
  if (request.sets_dtype) {
    // Where that is narrower than what is computed, results are rounded as they are written.
    out.result = request.dtype;
    task.in_float64 = task.in_float64 || request.dtype == DType::kFloat64;
  }
  return true;
}

// x rounded to a type of so many bits behind the leading one, least exponent and largest number.
double rounded_to(double x, int bits, int least_exponent, double largest) {
  if (x == 0 || !std::isfinite(x)) return x;
  const double unit = std::ldexp(1.0, std::max(std::ilogb(x), least_exponent) - bits);
  const double rounded = std::nearbyint(x / unit) * unit;
  return std::fabs(rounded) > largest ? std::copysign(__builtin_inf(), x) : rounded;
}

[[gnu::noinline]] double rounded_as(DType dtype, double x) {
  switch (dtype) {
    case DType::kFloat32: return double(float(x));
    case DType::kFloat16: return rounded_to(x, 10, -14, 65504);
    case DType::kBfloat16: return rounded_to(double(float(x)), 7, -126, 0x1.fep127);
    default: return x;
  }
}

bool is_exact(double x, uint64_t magnitude) { return x < 0x1p64 && uint64_t(x) == magnitude; }

constexpr uint64_t kExactInFloat32 = uint64_t(1) << 24, kExactInFloat64 = uint64_t(1) << 53;

// Integers are computed with as they are: in float64 where float32 would round one of them, and not
// at all where float64 would.
bool Preparation::check_integers(const char* name, const Array& array) {
  if (!is_integer(array.dtype) || item_size(array.dtype) < (task.in_float64 ? 8 : 4)) return true;
  const uint64_t largest = largest_magnitude(array);
  if (largest > kExactInFloat32) task.in_float64 = true;
  if (largest <= kExactInFloat64) return true;
  return all_elements(array, [&](const Walk& walk, const char* from) {
    const Integer x = read_integer(array.dtype, array.swapped, from);
    if (is_exact(double(x.magnitude), x.magnitude)) return true;
    fault.set(FaultCode::kInexact, name, "must hold integers that float64 holds exactly");
    fault.came("%s%llu", x.negative ? "-" : "", static_cast<unsigned long long>(x.magnitude));
    fault.at(walk.place, array.ndim);
    return false;
  });
}

// A plain number takes on the type of the prediction.
bool Preparation::round_weak_target(const Array& target) {
  if (!request.weak_target || !is_real(target.dtype)) return true;
  const double given = read_number(target.dtype, target.swapped, target.data);
  out.rounded_target = rounded_as(out.result, given);
  if (std::isinf(out.rounded_target) && !std::isinf(given)) {
    fault.set(FaultCode::kElement, "target", "must fit dtype %s", name_of(out.result));
    return fault.came("%s", NumberText(given, DType::kFloat64).text);
  }
  task[kTarget].data = reinterpret_cast<char*>(&out.rounded_target);
  return true;
}

void Preparation::read_booleans_as_signs(const Array& target) {
  if (loss.target != Domain::kSigned || target.dtype != DType::kBool) return;
  task.parameters[0] = 2;  // 2 t - 1
  task.parameters[1] = -1;
}

bool Preparation::set_elements_target() {
  if (!has(kTarget)) {
    // The kernel of a penalty reads a target, which plays no part.
    out.aside = 0;
    attach(kTarget, {reinterpret_cast<char*>(&out.aside), DType::kFloat64, false, false, 0, nullptr,
                     nullptr});
    return true;
  }
  const Array& target = input(kTarget);
  const bool one_for_each_row =
      has(kAside) && !loss.aside_by_element && input(kAside).ndim == 1 && prediction().ndim > 0 &&
      target.ndim == prediction().ndim - 1 &&
      std::equal(target.shape, target.shape + target.ndim, prediction().shape);
  if (target.ndim > 0 && !one_for_each_row && !same_shape(target, prediction())) {
    return refuse_shape(target);
  }
  attach(kTarget, target);
  if (one_for_each_row) task[kTarget].strides[task.ndim - 1] = 0;
  if (!round_weak_target(target)) return false;
  read_booleans_as_signs(target);
  const bool is_small = loss.target == Domain::kUnit || loss.target == Domain::kSigned;
  return is_small || check_integers("target", target);
}

// Whether all integers of an array are -1, 0 or 1.
bool are_classes(const Array& array) { return largest_magnitude(array) <= 1; }

bool has_fraction(const Array& array) {
  return !all_elements(array, [&](const Walk&, const char* from) {
    const double x = read_number(array.dtype, array.swapped, from);
    return !std::isfinite(x) || x == std::nearbyint(x);
  });
}

// Classes in place of a score, and scores in place of the class: other libraries' order.
bool Preparation::refuse_swapped() {
  if (loss.target != Domain::kUnit && loss.target != Domain::kSigned) return true;
  const Array &p = prediction(), &t = input(kTarget);
  if (is_real(p.dtype) || !is_real(t.dtype) || element_count(p) == 0) return true;
  if (!are_classes(p) || !has_fraction(t)) return true;
  fault.set(FaultCode::kOrder, loss.heads[0], "comes first, then the target");
  return fault.came("classes (%s) and then scores (%s)", name_of(p.dtype), name_of(t.dtype));
}

// A target with one number for each example, or a scalar; `what` is what it holds.
bool Preparation::attach_to_examples(const Array& target, const char* what) {
  if (target.ndim > 0 && !has_shape_of_examples(target)) {
    fault.set(loss.is_by_class() ? FaultCode::kLabelShape : FaultCode::kAxis, "target",
              "must hold a %s per example, of shape %s for a prediction of shape %s with %s on "
              "axis %d",
              what, examples().text, ShapeText(prediction()).text,
              loss.is_by_class() ? "classes" : "its columns", out.axis);
    return fault.came("%s", ShapeText(target).text);
  }
  Operand& operand = add_operand(task, kTarget, target);
  if (target.ndim == 0) {
    repeat(task, operand);
  } else {
    set_strides(target, -1, operand);
  }
  return true;
}

bool Preparation::set_numbers(const Array& target) {
  task.target_kind = Target::kNumber;
  task.loss = plan.labels_kernel;
  return attach_to_examples(target, "number") && round_weak_target(target) &&
         check_integers("target", target);
}

bool Preparation::set_labels(const Array& target) {
  if (!attach_to_examples(target, "label")) return false;
  task.target_kind = Target::kLabel;
  const bool soft = is_positive(plan.label_smoothing) || task.label_table != nullptr;
  task.loss = soft || plan.labels_kernel < 0 ? plan.soft_kernel : plan.labels_kernel;
  return true;
}

bool Preparation::set_distributions(const Array& target) {
  if (!is_real(target.dtype) || !same_shape(target, prediction())) {
    char forms[160] = "";
    if (loss.takes_labels()) {
      std::snprintf(forms, sizeof(forms), "integer labels of shape %s or ", examples().text);
    }
    fault.set(FaultCode::kNotProbabilities, "target",
              "must hold %sprobabilities of the prediction's shape %s", forms,
              ShapeText(prediction()).text);
    fault.came("dtype %s and shape %s", name_of(target.dtype), ShapeText(target).text);
    const bool misfits = loss.takes_labels() && has_shape_of_examples(target);
    fault.is_type = !is_real(target.dtype) || misfits;
    return false;
  }
  if (plan.sets_ignore_index) {
    fault.set(FaultCode::kReduction, "ignore_index",
              "is for labels: with probabilities it must be left out, and examples to ignore have "
              "weight 0");
    return false;
  }
  attach_portions(target);
  return true;
}

// Any sum is one that the type computed in holds.
double Preparation::sum_tolerance() const {
  if (!plan.any_sum) return kSumTolerance;
  return task.in_float64 ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
}

void Preparation::attach_portions(const Array& target) {
  task.target_kind = Target::kDistribution;
  task.loss = plan.soft_kernel;
  attach(kTarget, target);
}

// Booleans are read as distributions are: 0 and 1, of any sum.
bool Preparation::set_sets(const Array& target) {
  if (target.dtype != DType::kBool || !same_shape(target, prediction())) {
    fault.set(FaultCode::kNotSets, "target",
              "must hold booleans of the prediction's shape %s: whether a class is there",
              ShapeText(prediction()).text);
    fault.came("dtype %s and shape %s", name_of(target.dtype), ShapeText(target).text);
    fault.is_type = target.dtype != DType::kBool;
    return false;
  }
  task.portions_in_unit = true;
  task.distribution_tolerance = __builtin_inf();
  attach_portions(target);
  return true;
}

bool Preparation::refuse_shape(const Array& target) {
  fault.set(FaultCode::kShape, loss.heads[0], "and target must have the same shape");
  return fault.came("%s and %s", ShapeText(prediction()).text, ShapeText(target).text);
}

// So are shares: numbers in [0, 1], or booleans.
bool Preparation::set_shares(const Array& target) {
  if (!same_shape(target, prediction())) return refuse_shape(target);
  task.portions_in_unit = true;
  task.distribution_tolerance = __builtin_inf();
  attach_portions(target);
  return true;
}

// A number for each score.
bool Preparation::set_lists(const Array& target) {
  if (!same_shape(target, prediction())) return refuse_shape(target);
  task.target_kind = Target::kDistribution;
  task.loss = plan.labels_kernel;
  attach(kTarget, target);
  return check_integers("target", target) && set_aside();
}

// Rows that are compared, with each other or with the target's.
bool Preparation::set_vectors() {
  task.loss = plan.labels_kernel;
  task.target_kind = Target::kNumber;
  if (!loss.has_target()) return true;
  const Array& target = input(kTarget);
  if (loss.form != Form::kVectors) {
    read_booleans_as_signs(target);
    return set_numbers(target);
  }
  if (!same_shape(target, prediction())) return refuse_shape(target);
  task.target_kind = Target::kDistribution;
  attach(kTarget, target);
  return check_integers("target", target);
}

// Lengths of the sequences, or one for all of them, that are `most` at most.
bool Preparation::read_lengths(const char* name, const Array* given, int64_t most, const char* what,
                               FewOrMany<int64_t>& made, const int64_t*& lengths) {
  if (given == nullptr) return true;
  if (given->ndim > 0 && !has_shape_of_examples(*given)) {
    fault.set(FaultCode::kShape, name,
              "must be a number or have one for each sequence, of shape %s", examples().text);
    return fault.came("shape %s", ShapeText(*given).text);
  }
  int64_t* const to = made.make(task.size);
  int64_t count = 0;
  const bool good = all_elements(*given, [&](const Walk& walk, const char* from) {
    const double x = read_number(given->dtype, given->swapped, from);
    if (x >= 0 && x <= double(most) && x == std::floor(x)) {
      if (count < task.size) to[count++] = int64_t(x);
      return true;
    }
    fault.set(FaultCode::kElement, name, "must hold whole numbers in [0, %lld], as there are %s",
              static_cast<long long>(most), what);
    fault.came("%s", NumberText(x, given->dtype).text);
    fault.at(walk.place, given->ndim);
    return false;
  });
  if (given->ndim == 0 && good) std::fill_n(to, task.size, count > 0 ? to[0] : 0);
  lengths = to;
  return good;
}

bool Preparation::set_lengths() {
  return read_lengths("input_lengths", plan.input_lengths, task.steps, "so many steps",
                      out.input_lengths, task.input_lengths) &&
         read_lengths("target_lengths", plan.target_lengths, task.target_columns,
                      "so many columns of the target", out.target_lengths, task.target_lengths);
}

// A row of labels for each sequence.
bool Preparation::set_sequences(const Array& target) {
  if (!is_integer(target.dtype) && !is_real(target.dtype)) {
    fault.set(FaultCode::kNotLabels, "target", "must hold integer labels");
    fault.came("dtype %s", name_of(target.dtype));
    return !(fault.is_type = true);
  }
  const bool fits =
      target.ndim == task.ndim + 1 && std::equal(task.shape, task.shape + task.ndim, target.shape);
  if (!fits) {
    char axes[32] = "labels";
    if (task.ndim > 0) {
      std::snprintf(axes, sizeof(axes), "%lld, labels", static_cast<long long>(task.size));
    }
    fault.set(FaultCode::kShape, "target",
              "must have a row of labels for each sequence, (%s) for a prediction of shape %s",
              axes, ShapeText(prediction()).text);
    return fault.came("shape %s", ShapeText(target).text);
  }
  task.target_kind = Target::kSequence;
  task.loss = plan.labels_kernel;
  task.target_columns = target.shape[task.ndim];
  set_strides(target, task.ndim, add_operand(task, kTarget, target));
  return set_lengths();
}

bool Preparation::set_classes_target() {
  if (loss.compares_rows()) return set_vectors();
  const Array& target = input(kTarget);
  if (loss.form == Form::kSequences) return set_sequences(target);
  if (loss.form == Form::kSets) {
    return loss.target == Domain::kUnit ? set_shares(target) : set_sets(target);
  }
  if (loss.form == Form::kLists) return set_lists(target);
  if (loss.form == Form::kRows) return set_numbers(target);
  if (!loss.takes_labels()) return set_distributions(target);
  if (has_labels()) return set_labels(target);
  if (loss.takes_distributions()) return set_distributions(target);
  fault.set(FaultCode::kNotLabels, "target", "must hold integer labels");
  fault.came("dtype %s", name_of(target.dtype));
  return !(fault.is_type = true);
}

bool Preparation::set_aside() {
  if (loss.aside == nullptr) return true;
  if (!has(kAside) && std::isnan(loss.aside_standard)) {
    task.add(kAside) = task[kTarget];
    return true;
  }
  out.aside = loss.aside_standard;
  const Array standard{
      reinterpret_cast<char*>(&out.aside), DType::kFloat64, false, false, 0, nullptr, nullptr};
  const Array& aside = has(kAside) ? input(kAside) : standard;
  return loss.aside_by_element ? attach_by_element(aside) : attach_columns(aside);
}

bool Preparation::attach_by_element(const Array& aside) {
  if (aside.ndim > 0 && !same_shape(aside, prediction())) {
    fault.set(FaultCode::kShape, loss.aside,
              "must be a number, or have the shape of the prediction, %s",
              ShapeText(prediction()).text);
    return fault.came("%s", ShapeText(aside).text);
  }
  attach(kAside, aside);
  return loss.aside_domain == Domain::kBooleans || check_integers(loss.aside, aside);
}

bool Preparation::attach_columns(const Array& aside) {
  const Array& p = prediction();
  if (aside.ndim > 1 ||
      (aside.ndim == 1 && (p.ndim == 0 || aside.shape[0] != p.shape[p.ndim - 1]))) {
    fault.set(FaultCode::kShape, loss.aside,
              "must be a number, or one for each column of a prediction of shape %s",
              ShapeText(p).text);
    return fault.came("shape %s", ShapeText(aside).text);
  }
  Operand& operand = add_operand(task, kAside, aside);
  repeat(task, operand);
  if (aside.ndim == 1) operand.strides[task.ndim - 1] = aside.strides[0];
  return true;
}

bool read_numbers(const char* name, const Array& array, double* to, Fault& fault,
                  double most = __builtin_inf()) {
  return all_elements(array, [&](const Walk& walk, const char* from) {
    const double x = *to++ = read_number(array.dtype, array.swapped, from);
    if (x >= 0 && std::isfinite(x) && x <= most) return true;
    fault.set(FaultCode::kElement, name,
              most == 1 ? "must hold numbers in [0, 1]" : "must hold finite numbers of at least 0");
    fault.came("%s", NumberText(x, array.dtype).text);
    fault.at(walk.place, array.ndim);
    return false;
  });
}

// A parameter with a number for each column: the last axis of a prediction.
bool Preparation::set_per_column() {
  if (plan.per_column == nullptr) return true;
  const Array &given = *plan.per_column, &p = prediction();
  const int64_t columns = p.ndim == 0 ? 1 : p.shape[p.ndim - 1];
  if (given.ndim > 1 || (given.ndim == 1 && (p.ndim == 0 || given.shape[0] != columns))) {
    fault.set(FaultCode::kShape, plan.per_column_name,
              "must be a number, or one for each column of a prediction of shape %s",
              ShapeText(p).text);
    return fault.came("shape %s", ShapeText(given).text);
  }
  double* const numbers = out.per_column.make(element_count(given));
  if (!read_numbers(plan.per_column_name, given, numbers, fault)) return false;
  Operand& operand = task.add(kAside);
  operand.data = reinterpret_cast<char*>(numbers);
  repeat(task, operand);
  if (given.ndim == 1) operand.strides[task.ndim - 1] = sizeof(double);
  task.loss = plan.columns_kernel;
  return true;
}

// Weights have the shape of the examples, where an axis may have length 1: one weight for all along
// it. A shape of fewer axes would have two readings, rows and columns.
bool Preparation::set_weight() {
  if (!has(kWeight)) return true;
  const Array& weight = input(kWeight);
  bool fits = weight.ndim == 0 || weight.ndim == task.ndim;
  for (int d = 0; d < weight.ndim && fits; ++d) {
    fits = weight.shape[d] == task.shape[d] || weight.shape[d] == 1;
  }
  if (!fits) {
    fault.set(
        FaultCode::kWeightShape, "weight",
        "must be a number or have the shape of the examples, %s, where an axis may have length 1",
        examples().text);
    return fault.came("shape %s", ShapeText(weight).text);
  }
  Operand& operand = add_operand(task, kWeight, weight);
  repeat(task, operand);
  for (int d = 0; d < weight.ndim; ++d) {
    if (weight.shape[d] == task.shape[d]) operand.strides[d] = weight.strides[d];
  }
  return true;
}

// A penalty is the sum over the elements of one array: nothing else of a call means anything to it.
bool Preparation::refuse_options_of_penalty() {
  const char* name = has(kWeight)                                  ? "weight"
                     : request.sets_dtype                          ? "dtype"
                     : request.denominator != Denominator::kWeight ? "denominator"
                     : request.negative_weights                    ? "allow_negative_weight"
                     : request.reduction == Reduction::kNone       ? "reduction"
                                                                   : nullptr;
  if (!loss.is_penalty() || name == nullptr) return true;
  return fault.set(FaultCode::kReduction, name, "is for losses with a target: %s is always a sum",
                   loss.name);
}

bool Preparation::set_reduction() {
  out.call.reduction = loss.is_penalty() ? Reduction::kSum : request.reduction;
  out.call.denominator = request.denominator;
  out.call.number = request.number;
  task.negative_weights = request.negative_weights;
  if (request.denominator == Denominator::kWeight) return true;
  if (request.reduction != Reduction::kMean) {
    fault.set(FaultCode::kReduction, "denominator",
              "divides a mean: it must be left out with reduction='%s'",
              request.reduction == Reduction::kSum ? "sum" : "none");
    return false;
  }
  if (request.denominator == Denominator::kCount) return true;
  if (is_positive(request.number) && std::isfinite(request.number)) return true;
  fault.set(FaultCode::kParameter, "denominator", "must be a positive finite number");
  return fault.came("%s", NumberText(request.number, DType::kFloat64).text);
}

// A number for each of a row's classes, or columns; a scalar stands for all of them.
bool read_class_numbers(const char* name, const Array& array, int64_t classes, Numbers& numbers,
                        Fault& fault, const char* which = "classes",
                        double most = __builtin_inf()) {
  if (array.ndim > 1 || (array.ndim == 1 && array.shape[0] != classes)) {
    fault.set(FaultCode::kShape, name, "must have one number for each of the %lld %s",
              static_cast<long long>(classes), which);
    return fault.came("shape %s", ShapeText(array).text);
  }
  double* const to = numbers.make(classes);
  if (!read_numbers(name, array, to, fault, most)) return false;
  if (array.ndim == 0) std::fill_n(to, classes, to[0]);
  return true;
}

bool Preparation::set_class_numbers() {
  if (plan.class_weight != nullptr) {
    if (!read_class_numbers("class_weight", *plan.class_weight, task.labels(), out.class_weight,
                            fault)) {
      return false;
    }
    task.class_weight = out.class_weight.data();
  }
  if (plan.class_factor != nullptr) {
    if (!read_class_numbers(plan.class_factor_name, *plan.class_factor, task.labels(),
                            out.class_factor, fault)) {
      return false;
    }
    task.label_factor = out.class_factor.data();
  }
  if (plan.of_columns != nullptr) {
    const double most = plan.columns_range == Range::kUnit ? 1 : __builtin_inf();
    if (!read_class_numbers(plan.of_columns_name, *plan.of_columns, task.classes, out.of_columns,
                            fault, loss.is_by_class() ? "classes" : "columns", most)) {
      return false;
    }
    task.of_columns = out.of_columns.data();
  }
  return set_class_offset() && set_mask() && set_soft_labels() && set_transition();
}

// f(x) in place, as the kernels compute it: libm's depends on the machine.
void apply(const char* name, double* x, int64_t count) { find_function(name).float64(x, x, count); }

// Offsets of the scores: the logarithms of the priors, taken as shares of their sum, times a scale.
[[gnu::noinline]] bool Preparation::set_class_offset() {
  if (plan.priors == nullptr) return true;
  const FloatEnvironment ieee;
  const int64_t classes = task.classes;
  Numbers& numbers = out.class_offset;
  if (!read_class_numbers("priors", *plan.priors, classes, numbers, fault)) return false;
  double* const offset = numbers.data();
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += offset[c];
  if (!(sum > 0 && std::isfinite(sum))) {
    fault.set(FaultCode::kElement, "priors", "must have a positive finite sum");
    return fault.came("%s", NumberText(sum, DType::kFloat64).text);
  }
  for (int64_t c = 0; c < classes; ++c) offset[c] /= sum;
  apply("log", offset, classes);
  const double scale = plan.prior_scale;
  for (int64_t c = 0; c < classes; ++c) offset[c] = scale == 0 ? 0 : scale * offset[c];
  task.class_offset = offset;
  return true;
}

// The classes that can happen, of each example or of all along an axis of length 1; a lone axis is
// that of the classes.
bool Preparation::set_mask() {
  if (plan.mask == nullptr) return true;
  const Array &mask = *plan.mask, &p = prediction();
  const char* const name = "where";
  if (mask.dtype != DType::kBool) {
    fault.set(FaultCode::kElement, name, "must hold booleans: whether a class can happen");
    fault.came("dtype %s", name_of(mask.dtype));
    return !(fault.is_type = true);
  }
  const bool is_row = mask.ndim == 1 && p.ndim > 1;
  bool fits = is_row || mask.ndim == p.ndim;
  fits = fits && mask.shape[is_row ? 0 : out.axis] == task.classes;
  for (int d = 0; d < mask.ndim && fits && !is_row; ++d) {
    fits = mask.shape[d] == p.shape[d] || (mask.shape[d] == 1 && d != out.axis);
  }
  if (!fits) {
    fault.set(FaultCode::kShape, name,
              "must have the shape of the prediction, %s, where an axis of examples may have "
              "length 1, or one boolean for each of the %lld classes",
              ShapeText(p).text, static_cast<long long>(task.classes));
    return fault.came("shape %s", ShapeText(mask).text);
  }
  Operand& operand = add_operand(task, kMask, mask);
  repeat(task, operand);
  operand.class_stride = mask.strides[is_row ? 0 : out.axis];
  for (int d = 0, example = 0; d < mask.ndim && !is_row; ++d) {
    if (d == out.axis) continue;
    if (mask.shape[d] == p.shape[d]) operand.strides[example] = mask.strides[d];
    ++example;
  }
  return true;
}

// x to exp(-x / temperature). Without a temperature the numbers themselves are wanted.
[[gnu::noinline]] void to_shares(double* x, int64_t count, double temperature) {
  if (temperature == 0) return;
  for (int64_t i = 0; i < count; ++i) x[i] = -x[i] / temperature;
  apply("exp_nonpositive", x, count);
}

// Of a distance that depends on |c - y| alone: 2C - 1 shares, those of label y from C - 1 - y on.
[[gnu::noinline]] void make_steps(bool squared, double temperature, int64_t classes,
                                  Prepared& out) {
  double* const mirrored = out.shares.make(2 * classes - 1);
  double* const shares = mirrored + classes - 1;
  for (int64_t c = 0; c < classes; ++c) shares[c] = double(c) * (squared ? double(c) : 1.0);
  to_shares(shares, classes, temperature);
  std::reverse_copy(shares + 1, shares + classes, mirrored);
  double* const scale = out.scale.make(classes);
  if (temperature == 0) return void(std::fill_n(scale, classes, 1.0));
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) scale[c] = sum += shares[c];
  // 1 / (shares of the classes up to y places off on one side + those on the other - its own)
  for (int64_t a = 0, b = classes - 1; a <= b; ++a, --b) {
    scale[a] = scale[b] = 1 / (scale[a] + scale[b] - shares[0]);
  }
}

[[gnu::noinline]] void make_table(double temperature, int64_t classes, double* shares,
                                  Prepared& out) {
  double* const scale = out.scale.make(classes);
  if (temperature == 0) return void(std::fill_n(scale, classes, 1.0));
  for (int64_t y = 0; y < classes; ++y) {
    double* const row = shares + y * classes;
    const double least = *std::min_element(row, row + classes);
    for (int64_t c = 0; c < classes; ++c) row[c] -= least;
    to_shares(row, classes, temperature);
    double sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += row[c];
    scale[y] = 1 / sum;
  }
}

// A table of C x C numbers.
bool read_table(const char* name, const Array& given, int64_t classes, Numbers& numbers,
                Fault& fault) {
  if (given.ndim == 2 && given.shape[0] == classes && given.shape[1] == classes) {
    return read_numbers(name, given, numbers.make(classes * classes), fault);
  }
  const int64_t square[] = {classes, classes};
  fault.set(FaultCode::kShape, name, "must have shape %s for %lld classes",
            ShapeText(square, 2).text, static_cast<long long>(classes));
  return fault.came("%s", ShapeText(given).text);
}

// A label becomes the chances of the classes to be labelled so: its column of the table.
[[gnu::noinline]] bool Preparation::set_transition() {
  if (plan.transition == nullptr) return true;
  const FloatEnvironment ieee;
  const int64_t classes = task.classes;
  if (!read_table("transition", *plan.transition, classes, out.shares, fault)) return false;
  double* const chances = out.shares.data();
  for (int64_t k = 0; k < classes; ++k) {
    double sum = 0;
    for (int64_t y = 0; y < classes; ++y) sum += chances[k * classes + y];
    if (!(std::fabs(sum - 1) > kSumTolerance)) continue;
    fault.set(FaultCode::kElement, "transition", "must hold probabilities whose rows sum to 1");
    fault.came("%s", NumberText(sum, DType::kFloat64).text);
    fault.at(&k, 1);
    return false;
  }
  for (int64_t k = 0; k < classes; ++k) {
    chances[k * classes + k] = std::min(chances[k * classes + k], 1.0);
    for (int64_t y = 0; y < k; ++y) {
      double &below = chances[k * classes + y], &above = chances[y * classes + k];
      const double kept = std::min(below, 1.0);
      below = std::min(above, 1.0);
      above = kept;
    }
  }
  std::fill_n(out.scale.make(classes), classes, 1.0);
  task.label_table = chances;
  task.label_stride = classes;
  task.label_scale = out.scale.data();
  return true;
}

// Labels of ordered classes become rows of probabilities that fall off with the distance, or of the
// distances, which are costs then.
bool Preparation::set_soft_labels() {
  const int64_t classes = task.classes;
  if (plan.distance < 0 && plan.distances == nullptr) return true;
  const FloatEnvironment ieee;
  if (plan.distances == nullptr) {
    make_steps(plan.distance == 1, plan.softness, classes, out);
    task.label_table = out.shares.data() + classes - 1;
    task.label_stride = -1;
  } else {
    if (!read_table(plan.distances_name, *plan.distances, classes, out.shares, fault)) return false;
    double* const shares = out.shares.data();
    make_table(plan.softness, classes, shares, out);
    task.label_table = shares;
    task.label_stride = classes;
  }
  task.label_scale = out.scale.data();
  return true;
}

bool Preparation::prepare() {
  task.mode = request.mode;
  std::copy_n(plan.numbers, kMaxParameters, task.parameters);
  if (!refuse_options_of_penalty() || !refuse_hessian()) return false;
  if (!set_axis()) return false;
  set_shape();
  if (!set_groups() || !set_slices() || !set_type() || !set_heads()) return false;
  if (loss.has_classes()) {
    task.label_smoothing = plan.label_smoothing;
    task.temperature = plan.temperature;
    task.softcap = plan.softcap;
    task.z_loss = plan.z_loss;
    task.log_target = plan.log_target;
    task.probabilities = plan.prediction == Domain::kUnit;
    task.ignore_index = plan.ignore_index;
    task.distribution_tolerance = sum_tolerance();
    if (!set_class_numbers() || !set_classes_target()) return false;
  } else {
    task.loss = plan.labels_kernel;
    if (!set_elements_target() || !set_aside() || !set_per_column()) return false;
    if (has(kTarget) && !refuse_swapped()) return false;
  }
  for (int h = 0; h < loss.head_count(); ++h) {
    if (!check_integers(loss.heads[h], input(kHeads + h))) return false;
  }
  return set_reduction() && set_weight();
}

}  // namespace

bool prepare(const Request& request, Prepared& prepared, Fault& fault) {
  return Preparation{request,  *request.plan,      *request.plan->loss,
                     prepared, prepared.call.task, fault}
      .prepare();
}

namespace {

// Whether an array lies like the prediction of a handful, as numbers that are computed with as they
// are.
inline bool lies_like(const Array& array, const Array& p) {
  const uintptr_t beyond = uintptr_t(item_size(p.dtype)) - 1;  // bits: sizes are powers of 2
  const bool ready =
      array.dtype == p.dtype && !array.swapped && (uintptr_t(array.data) & beyond) == 0;
  if (!ready) return false;
  if (p.ndim == 1) return is_plain_sequence(array) && array.shape[0] == p.shape[0];
  return is_plain_grid(array) && array.shape[0] == p.shape[0] && array.shape[1] == p.shape[1];
}

// Whether a call wants a sum or mean of what it has, in its own type, and nothing more.
bool wants_plain_results(const Request& request) {
  return request.inputs[kWeight] == nullptr && !request.sets_dtype && !request.by_slices &&
         request.reduction != Reduction::kNone && request.denominator == Denominator::kWeight;
}

// Elements side by side.
bool take_elements(const Request& request, Handful& handful) {
  const Plan& plan = *request.plan;
  const Loss& loss = *plan.loss;
  const Array& p = *request.inputs[kHeads];
  if (loss.aside != nullptr || plan.per_column != nullptr || p.ndim != 1) return false;
  handful.size = p.shape[0];
  handful.classes = 1;
  handful.inputs = roles(kHeads, loss.head_count()) | roles(kTarget);
  for (const int role : handful.inputs) {
    if (!lies_like(*request.inputs[role], p)) return false;
  }
  return true;
}

// Rows one behind the other, and a label for each.
bool take_rows(const Request& request, Handful& handful) {
  if (!request.plan->is_plain_label || (request.mode & kHessian) != 0) return false;
  const Array &p = *request.inputs[kHeads], &t = *request.inputs[kTarget];
  if (p.ndim != 2 || !lies_like(p, p)) return false;
  handful.size = p.shape[0];
  handful.classes = p.shape[1];
  handful.inputs = roles(kHeads) | roles(kTarget);
  return handful.size <= kLanes && handful.classes >= 1 && handful.classes <= kLanes &&
         t.dtype == DType::kInt64 && !t.swapped && is_plain_sequence(t) &&
         t.shape[0] == handful.size;
}

bool lie_apart(const char* a, const char* b, int64_t bytes) {
  return uintptr_t(a) + uintptr_t(bytes) <= uintptr_t(b) ||
         uintptr_t(b) + uintptr_t(bytes) <= uintptr_t(a);
}

}  // namespace

bool make_handful(const Request& request, HandfulCall& made) {
  const Plan& plan = *request.plan;
  const Array& p = *request.inputs[kHeads];
  Handful& handful = made.handful;
  if (!wants_plain_results(request) || p.dtype > DType::kFloat64) return false;
  const bool taken = plan.loss->form == Form::kElements ? take_elements(request, handful)
                                                        : take_rows(request, handful);
  if (!taken || handful.size < 1 || handful.size * handful.classes > kHandful) return false;
  for (const int role : handful.inputs) handful.data[role] = request.inputs[role]->data;
  handful.outputs = {0};
  handful.loss = plan.labels_kernel;
  handful.mode = request.mode;
  handful.in_float64 = p.dtype == DType::kFloat64;
  handful.parameters = plan.numbers;
  made.reduction = request.reduction;
  return true;
}

bool add_output(const Request& request, int role, const Array& array, HandfulCall& made) {
  const Array& p = *request.inputs[kHeads];
  if (!array.writeable || !lies_like(array, p)) return false;
  Handful& handful = made.handful;
  constexpr int64_t kLabel = sizeof(int64_t);
  const int64_t bytes = handful.size * std::max(kLabel, handful.classes * item_size(p.dtype));
  for (const int other : (handful.inputs | handful.outputs)) {
    const bool in_place = other == kHeads && array.data == p.data;
    if (!in_place && !lie_apart(array.data, handful.data[other], bytes)) return false;
  }
  handful.data[role] = array.data;
  handful.outputs = handful.outputs | roles(role);
  return true;
}

void add_fresh_output(Prepared& prepared, int role, const Array& array) {
  Operand& operand = add_operand(prepared.call.task, role, array);
  const bool has_classes = prepared.has_class_axis(role);
  set_strides(array, has_classes ? prepared.axis : -1, operand,
              has_classes ? prepared.steps_axis : -1);
}

void take_slices(Prepared& prepared, Slices& slices) {
  Task& task = prepared.call.task;
  slices.axes = prepared.reduced_axes;
  slices.values.data = nullptr;
  int other = 0;
  if (task.has(kValues)) slices.values.data = task[kValues].data;
  for (int d = 0; d < task.ndim; ++d) {
    if ((slices.axes >> d & 1) != 0) continue;
    const int from = prepared.keeps_axes ? d : other;
    slices.values.strides[other++] = task.has(kValues) ? task[kValues].strides[from] : 0;
  }
  task.drop(kValues);
}

namespace {

bool refuse_overlap(const Request& request, const Prepared& prepared, int role, const Array& array,
                    const Array* const* outputs, Fault& fault) {
  const Loss& loss = *request.plan->loss;
  for (int input = 0; input < kValues; ++input) {
    const Array* other = request.inputs[input];
    if (other == nullptr) continue;
    const bool is_head = input == kHeads;
    const bool in_place = is_head && prepared.has_class_axis(role) == (prepared.axis >= 0) &&
                          same_memory(array, *other);
    if (in_place || overlap(array, *other) == Overlap::kApart) continue;
    fault.set(FaultCode::kOverlap, "out", "overlaps %s: it must %s", input_name(loss, input),
              is_head ? "be the same array or apart from it" : "lie apart from it");
    return false;
  }
  const Array* const mask = request.plan->mask;
  if (mask != nullptr && overlap(array, *mask) != Overlap::kApart) {
    fault.set(FaultCode::kOverlap, "out", "overlaps where: it must lie apart from it");
    return false;
  }
  for (const int other : (prepared.call.task.present & kOutputs)) {
    if (overlap(array, *outputs[other]) == Overlap::kApart) continue;
    fault.set(FaultCode::kOverlap, "out:", "the arrays for the results overlap each other");
    return false;
  }
  return true;
}

}  // namespace

bool add_output(const Request& request, Prepared& prepared, int role, const Array& array,
                const Array* const* outputs, Fault& fault) {
  int64_t shape[kMaxDims];
  prepared.output_shape(role, shape);
  const int ndim = prepared.output_ndim(role);
  const char* const whose = role == kLogSumExp   ? "for the log-sum-exp "
                            : role == kPredicted ? "for the predicted classes "
                                                 : "";
  if (array.ndim != ndim || !std::equal(shape, shape + ndim, array.shape)) {
    fault.set(FaultCode::kOutput, "out", "%smust have shape %s", whose,
              ShapeText(shape, ndim).text);
    return fault.came("%s", ShapeText(array).text);
  }
  const DType dtype = prepared.output_dtype(role);
  if (array.dtype != dtype || array.swapped) {
    fault.set(FaultCode::kOutputType, "out", "%smust have dtype %s", whose, name_of(dtype));
    fault.came("%s%s", name_of(array.dtype), array.swapped ? " of the other byte order" : "");
    return !(fault.is_type = true);
  }
  if (!array.writeable) {
    fault.set(FaultCode::kOutput, "out", "must be writeable");
    return fault.came("a read-only array");
  }
  if (meets_itself(array)) {
    fault.set(FaultCode::kOutput, "out", "must have memory for every element");
    return fault.came("a view that shares it");
  }
  if (!refuse_overlap(request, prepared, role, array, outputs, fault)) return false;
  add_fresh_output(prepared, role, array);
  // What is bad is looked for after the run: the prediction must then be what it was.
  const bool in_place = array.data == request.inputs[kHeads]->data;
  if (!request.spoils_outputs || in_place) prepared.call.outputs_are_ours = false;
  return true;
}

namespace {

// A search for the first element outside its domain, in the order of the examples.
struct Search {
  const Request& request;
  const Plan& plan;
  const Loss& loss;
  const Prepared& prepared;
  const Task& task;
  Fault& fault;

  bool bad_weight();
  bool bad_element(int role, Domain domain);
  bool bad_aside();
  bool bad_aside_by_element();
  bool bad_label();
  bool bad_distribution();
  bool bad_share();
  bool bad_list(int role, Domain domain);
  bool bad_sequence();
  bool bad_classes();

 private:
  double read(int role, const Walk& walk) const {
    const Operand& operand = task[role];
    const int64_t offset = walk.offset(operand.strides, task.ndim);
    return read_number(operand.dtype, operand.swapped, operand.data + offset);
  }
  double weight_at(const int64_t* place) const {
    const Operand& weight = task[kWeight];
    int64_t offset = 0;
    for (int d = 0; d < task.ndim; ++d) offset += place[d] * weight.strides[d];
    return read_number(weight.dtype, weight.swapped, weight.data + offset);
  }
  // Whether an example counts; one of weight 0 may hold anything.
  bool counts(const Walk& walk) const { return counts(walk.place); }
  bool counts(const int64_t* place) const { return !task.has(kWeight) || weight_at(place) != 0; }
  bool report(const char* name, Domain domain, double x, DType dtype, const int64_t* place,
              int ndim);
  bool report_sum(double sum, const int64_t* place);
  // The place of a class of an example in an array with an axis of classes.
  void place_of_class(const Walk& walk, int64_t c, int64_t* place) const {
    std::copy_n(walk.place, prepared.axis, place);
    place[prepared.axis] = c;
    std::copy(walk.place + prepared.axis, walk.place + task.ndim, place + prepared.axis + 1);
  }
  // Whether an example's label says that it is not there.
  bool is_ignored(const Walk& walk) const {
    if (task.target_kind != Target::kLabel) return false;
    const double label = read(kTarget, walk);
    return label == double(task.ignore_index);
  }
  bool is_integer_label(const Operand& operand, const char* from) const;
  bool is_whole_label(const Operand& operand, const char* from) const;
  bool report_label(const Operand& operand, const char* from, const int64_t* place, int ndim);
  void came_label(const Operand& operand, const char* from);
};

bool is_outside(Domain domain, double x) {
  switch (domain) {
    case Domain::kUnit: return x < -kUnitSlack || x > 1 + kUnitSlack;
    case Domain::kSigned: return std::fabs(x) != 1 && !std::isnan(x);
    case Domain::kPositive: return x <= 0;
    case Domain::kAboveMinusOne: return x <= -1;
    case Domain::kNonnegative: return x < 0;
    case Domain::kBooleans: return x != 0 && x != 1 && !std::isnan(x);
    default: return false;
  }
}

bool Search::report(const char* name, Domain domain, double x, DType dtype, const int64_t* place,
                    int ndim) {
  switch (domain) {
    case Domain::kSigned: fault.set(FaultCode::kSigns, name, "must be -1 or +1 (or bool)"); break;
    case Domain::kPositive: fault.set(FaultCode::kElement, name, "must be above 0"); break;
    case Domain::kAboveMinusOne: fault.set(FaultCode::kElement, name, "must be above -1"); break;
    case Domain::kNonnegative: fault.set(FaultCode::kElement, name, "must be at least 0"); break;
    case Domain::kBooleans: fault.set(FaultCode::kElement, name, "must be 0 or 1 (or bool)"); break;
    default: {
      const bool is_score = std::strcmp(name, loss.heads[0]) == 0;
      fault.set(is_score ? FaultCode::kLogits : FaultCode::kElement, name, "must be in [0, 1]");
    }
  }
  fault.came("%s", NumberText(x, dtype).text);
  fault.at(place, ndim);
  return true;
}

bool Search::bad_weight() {
  if (request.inputs[kWeight] == nullptr) return false;
  const Array& weight = *request.inputs[kWeight];
  return !all_elements(weight, [&](const Walk& walk, const char* from) {
    const double x = read_number(weight.dtype, weight.swapped, from);
    if (!(x < 0 && !request.negative_weights) && !std::isinf(x)) return true;
    fault.set(FaultCode::kElement, "weight", "must hold finite numbers%s",
              request.negative_weights ? "" : " of at least 0");
    fault.came("%s", NumberText(x, weight.dtype).text);
    fault.at(walk.place, weight.ndim);
    return false;
  });
}

bool Search::bad_element(int role, Domain domain) {
  if (domain == Domain::kAny) return false;
  const Array& array = *request.inputs[role];
  if (array.dtype == DType::kBool) return false;
  for (Walk walk(task.shape, task.ndim); walk.next();) {
    const double x = read(role, walk);
    if (!is_outside(domain, x) || !counts(walk)) continue;
    return report(input_name(loss, role), domain, x, array.dtype, walk.place, array.ndim);
  }
  return false;
}

bool Search::bad_aside() {
  if (loss.aside == nullptr || request.inputs[kAside] == nullptr) return false;
  const Array& aside = *request.inputs[kAside];
  return !all_elements(aside, [&](const Walk& walk, const char* from) {
    const double x = read_number(aside.dtype, aside.swapped, from);
    if (!is_outside(loss.aside_domain, x)) return true;
    return !report(loss.aside, loss.aside_domain, x, aside.dtype, walk.place, aside.ndim);
  });
}

bool Search::bad_aside_by_element() {
  if (request.inputs[kAside] == nullptr) return false;
  const Array& array = *request.inputs[kAside];
  // As the kernels compare them.
  const auto computed = [&](double x) { return task.in_float64 ? x : double(float(x)); };
  for (Walk walk(task.shape, task.ndim); walk.next();) {
    const double x = read(kAside, walk), target = read(kTarget, walk);
    const bool crossed = loss.aside_from_target && computed(target) > computed(x);
    if (!(crossed || is_outside(loss.aside_domain, x)) || !counts(walk)) continue;
    if (!crossed) {
      return report(loss.aside, loss.aside_domain, x, array.dtype, walk.place, array.ndim);
    }
    fault.set(FaultCode::kElement, loss.aside, "must be at least the target, %s",
              NumberText(target, task[kTarget].dtype).text);
    fault.came("%s", NumberText(x, array.dtype).text);
    fault.at(walk.place, task.ndim);
    return true;
  }
  return false;
}

bool Search::bad_label() {
  const Array& target = *request.inputs[kTarget];
  const Operand& operand = task[kTarget];
  for (Walk walk(task.shape, task.ndim); walk.next();) {
    const char* const from = operand.data + walk.offset(operand.strides, task.ndim);
    const bool is_good =
        is_real(operand.dtype) ? is_whole_label(operand, from) : is_integer_label(operand, from);
    if (is_good || !counts(walk)) continue;
    return report_label(operand, from, walk.place, target.ndim);
  }
  return false;
}

bool Search::is_integer_label(const Operand& operand, const char* from) const {
  const int64_t label = task.ignore_index;
  const uint64_t ignored = label < 0 ? uint64_t(-(label + 1)) + 1 : uint64_t(label);
  const Integer y = read_integer(operand.dtype, operand.swapped, from);
  const bool fits = !y.negative && y.magnitude < uint64_t(task.labels());
  return fits || (y.negative == (label < 0) && y.magnitude == ignored);
}

bool Search::is_whole_label(const Operand& operand, const char* from) const {
  const double y = read_number(operand.dtype, operand.swapped, from);
  if (!(std::fabs(y) < 0x1p63) || y != std::floor(y)) return false;
  const int64_t label = int64_t(y);
  return uint64_t(label) < uint64_t(task.labels()) || label == task.ignore_index;
}

bool Search::report_label(const Operand& operand, const char* from, const int64_t* place,
                          int ndim) {
  fault.set(FaultCode::kElement, "target", "must hold %slabels in [0, %lld) or ignore_index=%lld",
            is_real(operand.dtype) ? "whole numbers, " : "", static_cast<long long>(task.labels()),
            static_cast<long long>(task.ignore_index));
  came_label(operand, from);
  fault.at(place, ndim);
  return true;
}

void Search::came_label(const Operand& operand, const char* from) {
  if (is_real(operand.dtype)) {
    const double y = read_number(operand.dtype, operand.swapped, from);
    fault.came("%s", NumberText(y, operand.dtype).text);
  } else {
    const Integer y = read_integer(operand.dtype, operand.swapped, from);
    fault.came("%s%llu", y.negative ? "-" : "", static_cast<unsigned long long>(y.magnitude));
  }
}

// A label of a sequence that is no class, or blank.
bool Search::bad_sequence() {
  const Operand& operand = task[kTarget];
  const bool padded = task.target_lengths == nullptr;
  int64_t sequence = 0;
  for (Walk walk(task.shape, task.ndim); walk.next(); ++sequence) {
    if (!counts(walk)) continue;
    const char* const row = operand.data + walk.offset(operand.strides, task.ndim);
    const int64_t labels = padded ? task.target_columns : task.target_lengths[sequence];
    for (int64_t i = 0; i < labels; ++i) {
      const char* const from = row + i * operand.class_stride;
      const double label = read_number(operand.dtype, operand.swapped, from);
      if (padded && label == double(task.ignore_index)) break;
      const bool is_class =
          label >= 0 && label < double(task.step_classes) && label == std::floor(label);
      if (is_class && label != double(task.blank)) continue;
      fault.set(FaultCode::kElement, "target",
                "must hold labels in [0, %lld) other than blank=%lld%s",
                static_cast<long long>(task.step_classes), static_cast<long long>(task.blank),
                padded ? ", up to the first ignore_index" : " within target_lengths");
      came_label(operand, from);
      int64_t place[kMaxDims];
      std::copy_n(walk.place, task.ndim, place);
      place[task.ndim] = i;
      fault.at(place, task.ndim + 1);
      return true;
    }
  }
  return false;
}

bool Search::report_sum(double sum, const int64_t* place) {
  fault.set(FaultCode::kElement, "target",
            plan.any_sum ? "must hold %snumbers with a finite sum over axis %d"
                         : "must hold %sprobabilities that sum to 1 over axis %d",
            task.log_target ? "logarithms of " : "", prepared.axis);
  fault.came("%s", NumberText(sum, DType::kFloat64).text);
  fault.at(place, task.ndim);
  return true;
}

bool Search::bad_share() {
  const Operand& operand = task[kTarget];
  if (operand.dtype == DType::kBool) return false;
  for (Walk walk(task.shape, task.ndim); walk.next();) {
    if (!counts(walk)) continue;
    const char* const row = operand.data + walk.offset(operand.strides, task.ndim);
    for (int64_t c = 0; c < task.classes; ++c) {
      const double x = read_number(operand.dtype, operand.swapped, row + c * operand.class_stride);
      if (!is_outside(loss.target, x)) continue;
      int64_t place[kMaxDims];
      place_of_class(walk, c, place);
      return report("target", loss.target, x, operand.dtype, place, task.ndim + 1);
    }
  }
  return false;
}

// Lists of weight 0 may hold anything.
bool Search::bad_list(int role, Domain domain) {
  if (request.inputs[role] == nullptr) return false;
  const Array& array = *request.inputs[role];
  const int64_t* const begin = task.list_begin;
  return !all_elements(array, [&](const Walk& walk, const char* from) {
    const double x = read_number(array.dtype, array.swapped, from);
    if (!is_outside(domain, x)) return true;
    if (array.ndim == 0) return !report(input_name(loss, role), domain, x, array.dtype, nullptr, 0);
    int64_t list[kMaxDims];
    std::copy_n(walk.place, prepared.axis, list);
    std::copy(walk.place + prepared.axis + 1, walk.place + array.ndim, list + prepared.axis);
    if (begin != nullptr) {
      list[0] = std::upper_bound(begin, begin + prepared.groups, walk.place[0]) - begin - 1;
    }
    return !counts(list) ||
           !report(input_name(loss, role), domain, x, array.dtype, walk.place, array.ndim);
  });
}

// The kernels' sum may be a rounding further off than this one: then it is the worst row.
bool Search::bad_distribution() {
  const Operand& operand = task[kTarget];
  const double tolerance = task.distribution_tolerance;
  double worst = -1, worst_sum = 1;
  int64_t worst_place[kMaxDims];
  for (Walk walk(task.shape, task.ndim); walk.next();) {
    if (!counts(walk)) continue;
    const char* const row = operand.data + walk.offset(operand.strides, task.ndim);
    double sum = 0;
    for (int64_t c = 0; c < task.classes; ++c) {
      double q = read_number(operand.dtype, operand.swapped, row + c * operand.class_stride);
      if (task.log_target) apply("exp", &q, 1);
      sum += q;
      if (!(q < 0)) continue;
      int64_t place[kMaxDims];
      place_of_class(walk, c, place);
      fault.set(FaultCode::kElement, "target", "must hold %s",
                plan.any_sum ? "numbers of at least 0" : "probabilities");
      fault.came("%s", NumberText(q, operand.dtype).text);
      fault.at(place, task.ndim + 1);
      return true;
    }
    const double off = std::fabs(sum - 1);
    if (off > tolerance) return report_sum(sum, walk.place);
    if (off > worst) {
      worst = off;
      worst_sum = sum;
      std::copy_n(walk.place, task.ndim, worst_place);
    }
  }
  return worst > 0.9 * tolerance && report_sum(worst_sum, worst_place);
}

// A probability of a class that is none.
bool Search::bad_classes() {
  const Operand& operand = task[kHeads];
  for (Walk walk(task.shape, task.ndim); walk.next();) {
    const char* const row = operand.data + walk.offset(operand.strides, task.ndim);
    for (int64_t c = 0; c < task.classes; ++c) {
      const double p = read_number(operand.dtype, operand.swapped, row + c * operand.class_stride);
      if (!is_outside(plan.prediction, p) || !counts(walk) || is_ignored(walk)) continue;
      int64_t place[kMaxDims];
      place_of_class(walk, c, place);
      return report(loss.heads[0], plan.prediction, p, operand.dtype, place, task.ndim + 1);
    }
  }
  return false;
}

[[gnu::noinline]] bool search(Search& all) {
  if (all.bad_weight()) return true;
  if (all.loss.has_classes()) {
    if (all.loss.form == Form::kLists) {
      return all.bad_list(kTarget, all.plan.target) || all.bad_list(kAside, all.loss.aside_domain);
    }
    if (all.loss.form == Form::kSequences) return all.bad_sequence();
    if (all.loss.form == Form::kPairs) return all.bad_element(kTarget, all.plan.target);
    if (all.task.target_kind == Target::kLabel && all.bad_label()) return true;
    if (all.task.portions_in_unit && all.bad_share()) return true;
    if (all.loss.takes_distributions() && all.task.target_kind == Target::kDistribution &&
        all.bad_distribution()) {
      return true;
    }
    return all.task.probabilities && all.bad_classes();
  }
  const bool is_bound = all.loss.aside_from_target && all.request.inputs[kAside] != nullptr;
  const Domain target = is_bound ? Domain::kNonnegative : all.plan.target;
  if (all.bad_element(kTarget, target)) return true;
  if (all.bad_element(kHeads, all.plan.prediction)) return true;
  if (all.loss.head_count() > 1 && all.bad_element(kHeads + 1, all.plan.second_head)) return true;
  return all.loss.aside_by_element ? all.bad_aside_by_element() : all.bad_aside();
}

}  // namespace

void explain_bad(const Request& request, const Result& result, Fault& fault) {
  const FloatEnvironment ieee;
  if (result.unfit) {
    fault.set(FaultCode::kWeightSum, "weight",
              "must have a sum above 0, which the mean is divided by");
    return void(fault.came("%s", NumberText(result.weight, DType::kFloat64).text));
  }
  // Anew: the run has joined axes of the task that it was given.
  Prepared prepared;
  if (!prepare(request, prepared, fault)) return;
  const Plan& plan = *request.plan;
  Search all{request, plan, *plan.loss, prepared, prepared.call.task, fault};
  if (search(all)) return;
  fault.set(FaultCode::kChanged, plan.loss->heads[0],
            "or another argument was changed by another thread while it was read");
}

}  // namespace numloss
