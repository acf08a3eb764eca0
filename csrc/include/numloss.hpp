// numloss for C++20: losses of spans, with exceptions. Header only; it calls numloss.h, which says
// what every loss takes, and links with libnumloss.
//
//   #include <numloss.hpp>
//   #include <iostream>
//   #include <vector>
//
//   int main() {
//     const std::vector<float> prediction{1, 2, 4}, target{1, 1.5f, 0};
//     std::vector<float> gradient(3);
//     const numloss::Loss huber("huber", {{"delta", 2.0}});
//     std::cout << huber.value_and_gradient({prediction, target}, gradient) << ": "
//               << gradient[0] << ' ' << gradient[1] << ' ' << gradient[2] << '\n';
//   }
//
// It prints "2.04167: 0 0.166667 0.666667".
//
// Logits of rows are a matrix, numloss::matrix(logits, rows, classes). An array of another kind
// (strides, more axes, half precision) is a numloss_array.
#ifndef NUMLOSS_HPP
#define NUMLOSS_HPP

#include <numloss.h>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace numloss {
// Its own names, which never meet those inside the library.
inline namespace cpp1 {

// What numloss says of a call: `what()` is the whole sentence.
class Error : public std::runtime_error {
 public:
  explicit Error(const numloss_fault& fault)
      : std::runtime_error(fault.text),
        status_(fault.status),
        argument_(fault.argument),
        index_(fault.index, fault.index + fault.index_ndim) {}

  numloss_status status() const { return status_; }
  // The input, option or member at fault.
  const std::string& argument() const { return argument_; }
  // Of the first bad element; empty where the argument as a whole is at fault.
  const std::vector<std::int64_t>& index() const { return index_; }

 private:
  numloss_status status_;
  std::string argument_;
  std::vector<std::int64_t> index_;
};

template <class T>
concept Number = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, bool> ||
                 (std::integral<T> && sizeof(T) <= 8 && !std::same_as<T, char>);

template <Number T>
constexpr std::int32_t dtype_of() {
  if constexpr (std::same_as<T, float>) return NUMLOSS_FLOAT32;
  if constexpr (std::same_as<T, double>) return NUMLOSS_FLOAT64;
  if constexpr (std::same_as<T, bool>) return NUMLOSS_BOOL;
  constexpr std::int32_t first = std::is_signed_v<T> ? NUMLOSS_INT8 : NUMLOSS_UINT8;
  return first + (sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3);
}

// A range with its numbers side by side: std::span, std::vector, std::array...
template <class R>
concept Numbers = std::ranges::contiguous_range<R> && std::ranges::sized_range<R> &&
                  Number<std::ranges::range_value_t<R>>;

// An array of the caller's, which must outlive the call; made of whatever holds numbers side by
// side.
class Array {
 public:
  Array() = default;
  template <Numbers R>
  Array(R&& numbers) : Array(std::ranges::data(numbers), std::ranges::size(numbers)) {}
  template <class T>
  Array(T* data, std::size_t length) : shape_{std::int64_t(length)} {
    // Inputs are never written, and outputs that are read-only are refused.
    array_.data = const_cast<std::remove_cv_t<T>*>(data);
    array_.ndim = 1;
    array_.dtype = dtype_of<std::remove_cv_t<T>>();
    array_.flags = std::is_const_v<T> ? NUMLOSS_READ_ONLY : 0;
  }
  template <class T>
  Array(T* data, std::size_t rows, std::size_t columns) : Array(data, rows) {
    shape_[1] = std::int64_t(columns);
    array_.ndim = 2;
  }
  // Any array that numloss.h takes, its shape and strides included.
  Array(const numloss_array& array) : array_(array) {}

  // What numloss.h takes, as long as this object lives.
  numloss_array get() const {
    numloss_array made = array_;
    if (made.shape == nullptr) made.shape = shape_;
    return made;
  }

 private:
  numloss_array array_{};
  std::int64_t shape_[2] = {};
};

// Rows of classes, one behind the other.
template <Numbers R>
Array matrix(R&& numbers, std::size_t rows, std::size_t columns) {
  const std::size_t size = std::ranges::size(numbers);
  if (columns == 0 ? size != 0 : size % columns != 0 || size / columns != rows) {
    throw std::invalid_argument("numloss::matrix: numbers must be rows * columns, got " +
                                std::to_string(size) + " for " + std::to_string(rows) + " * " +
                                std::to_string(columns));
  }
  return Array(std::ranges::data(numbers), rows, columns);
}

// One array, or some in braces.
class Arrays {
 public:
  static constexpr std::size_t most = 4;  // more than any loss takes or gives

  Arrays() = default;
  template <class A>
    requires std::convertible_to<A, Array>
  Arrays(A&& array) : Arrays({Array(std::forward<A>(array))}) {}
  Arrays(std::initializer_list<Array> arrays) : count_(arrays.size()) {
    if (count_ > most) throw std::invalid_argument("numloss: no loss takes so many arrays");
    std::ranges::copy(arrays, arrays_);
  }

  std::int32_t count() const { return std::int32_t(count_); }
  // What numloss.h takes: null where there are none, as it wants it.
  const numloss_array* put(numloss_array (&into)[most]) const {
    for (std::size_t i = 0; i < count_; ++i) into[i] = arrays_[i].get();
    return count_ == 0 ? nullptr : into;
  }

 private:
  Array arrays_[most];
  std::size_t count_ = 0;
};

// The value of an option.
using Value =
    std::variant<std::nullptr_t, double, bool, std::int64_t, std::string, std::vector<double>>;

struct Option {
  std::string name;
  Value value;

  // Leaves the parameter without effect, as None does in Python.
  Option(std::string given_name, std::nullptr_t) : name(std::move(given_name)), value(nullptr) {}
  Option(std::string given_name, double number) : name(std::move(given_name)), value(number) {}
  Option(std::string given_name, std::same_as<bool> auto flag)
      : name(std::move(given_name)), value(flag) {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  Option(std::string given_name, I number)
      : name(std::move(given_name)), value(std::int64_t(number)) {}
  Option(std::string given_name, const char* choice)
      : name(std::move(given_name)), value(std::string(choice)) {}
  Option(std::string given_name, std::vector<double> numbers)
      : name(std::move(given_name)), value(std::move(numbers)) {}
};

enum class Reduction : std::int32_t {
  mean = NUMLOSS_MEAN,
  sum = NUMLOSS_SUM,
  none = NUMLOSS_NONE,
};

// What a mean is divided by.
enum class Denominator : std::int32_t { weight = NUMLOSS_BY_WEIGHT, count = NUMLOSS_BY_COUNT };

// What every loss takes.
struct Settings {
  Reduction reduction = Reduction::mean;
  std::optional<Array> weight = {};  // of the examples
  std::variant<Denominator, double> denominator = Denominator::weight;
  std::int32_t threads = 0;  // at most so many; 0: numloss_num_threads()
  Arrays extras = {};        // log-sum-exp, predicted classes, where options ask for them
  std::int32_t dtype = 0;    // of results: NUMLOSS_FLOAT64...; 0: that of the prediction
  bool allow_negative_weight = false;
  // Filled in beside what is returned: the weight and the number of examples of a mean or a sum,
  // with which those of parts are joined, and whether a mean, NaN then, was over nothing.
  numloss_result* result = nullptr;
};

// A loss with its options. Many threads may use one object at once. `inputs` are those that
// numloss.h lists: {prediction, target} of most losses.
class Loss {
 public:
  explicit Loss(const std::string& name, std::vector<Option> options = {})
      : index_(numloss_find(name.c_str())), options_(std::move(options)) {
    if (index_ < 0) throw std::invalid_argument("numloss has no loss named " + name);
    for (const Option& option : options_) add(option);
  }
  Loss(const Loss& other) : Loss(other.name(), other.options_) {}
  Loss& operator=(const Loss&) = delete;

  std::string name() const { return numloss_loss_name(index_); }

  // The mean, or the sum, of the losses.
  double value(const Arrays& inputs, const Settings& settings = {}) const {
    return compute(NUMLOSS_VALUE, inputs, settings, {}, {}, {});
  }

  // The loss of each example, whatever the reduction.
  void values(const Arrays& inputs, const Array& values, Settings settings = {}) const {
    settings.reduction = Reduction::none;
    compute(NUMLOSS_VALUE, inputs, settings, values, {}, {});
  }

  // The gradient of the mean or the sum, or with Reduction::none of each example's loss. It may be
  // the memory of the prediction. A loss of two predictions has two: {first, second}.
  void gradient(const Arrays& inputs, const Arrays& gradients,
                const Settings& settings = {}) const {
    compute(NUMLOSS_GRADIENT, inputs, settings, {}, gradients, {});
  }

  // The mean or the sum, and its gradient, from one pass.
  double value_and_gradient(const Arrays& inputs, const Arrays& gradients,
                            const Settings& settings = {}) const {
    return compute(NUMLOSS_VALUE | NUMLOSS_GRADIENT, inputs, settings, {}, gradients, {});
  }

  // Gradient and diagonal of the Hessian.
  void gradient_and_hessian(const Arrays& inputs, const Arrays& gradients, const Arrays& hessians,
                            const Settings& settings = {}) const {
    compute(NUMLOSS_GRADIENT | NUMLOSS_HESSIAN, inputs, settings, {}, gradients, hessians);
  }

 private:
  // An option's numbers as numloss.h takes them.
  struct OptionArray {
    explicit OptionArray(const std::vector<double>& numbers) : view(numbers), array(view.get()) {}
    OptionArray(const OptionArray&) = delete;
    Array view;
    numloss_array array;
  };

  void add(const Option& option) {
    numloss_option made{};
    made.name = option.name.c_str();
    std::visit([&](const auto& value) { set(made, value); }, option.value);
    given_.push_back(made);
  }
  static void set(numloss_option& made, double number) {
    made.kind = NUMLOSS_NUMBER;
    made.number = number;
  }
  static void set(numloss_option& made, bool flag) {
    made.kind = NUMLOSS_SWITCH;
    made.integer = flag;
  }
  static void set(numloss_option& made, std::int64_t integer) {
    made.kind = NUMLOSS_INTEGER;
    made.integer = integer;
  }
  static void set(numloss_option& made, const std::string& choice) {
    made.kind = NUMLOSS_CHOICE;
    made.choice = choice.c_str();
  }
  static void set(numloss_option& made, std::nullptr_t) { made.kind = NUMLOSS_NOTHING; }
  void set(numloss_option& made, const std::vector<double>& numbers) {
    made.kind = NUMLOSS_NUMBERS;
    made.array = &arrays_.emplace_back(numbers).array;
  }

  double compute(std::uint32_t want, const Arrays& inputs, const Settings& settings,
                 const Arrays& values, const Arrays& gradients, const Arrays& hessians) const {
    numloss_array taken[Arrays::most], first[Arrays::most], second[Arrays::most];
    numloss_array by_example[Arrays::most], extras[Arrays::most], weight;
    numloss_call call{};
    call.size = sizeof(call);
    call.want = want;
    call.inputs = inputs.put(taken);
    call.input_count = inputs.count();
    call.options = given_.data();
    call.option_count = std::int32_t(given_.size());
    call.reduction = std::int32_t(settings.reduction);
    if (settings.weight) {
      weight = settings.weight->get();
      call.weight = &weight;
    }
    if (const double* number = std::get_if<double>(&settings.denominator)) {
      call.denominator = NUMLOSS_BY_NUMBER;
      call.denominator_number = *number;
    } else {
      call.denominator = std::int32_t(std::get<Denominator>(settings.denominator));
    }
    call.dtype = settings.dtype;
    call.flags = settings.allow_negative_weight ? std::uint32_t(NUMLOSS_ALLOW_NEGATIVE_WEIGHT) : 0;
    call.threads = settings.threads;
    call.values = values.put(by_example);
    call.gradients = gradients.put(first);
    call.gradient_count = gradients.count();
    call.hessians = hessians.put(second);
    call.hessian_count = hessians.count();
    call.extras = settings.extras.put(extras);
    call.extra_count = settings.extras.count();
    numloss_result result{};
    result.size = sizeof(result);
    numloss_fault fault;
    fault.size = sizeof(fault);
    if (numloss_compute_index(index_, &call, &result, &fault) != NUMLOSS_OK) throw Error(fault);
    if (settings.result != nullptr) *settings.result = result;
    return result.value;
  }

  std::int32_t index_;
  std::vector<Option> options_;
  std::vector<numloss_option> given_;
  std::deque<OptionArray> arrays_;  // stay where they are
};

}  // namespace cpp1
}  // namespace numloss

#endif
