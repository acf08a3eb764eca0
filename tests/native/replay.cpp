// Repeats recorded calls through the C library, every array in several layouts, and compares the
// bits of their results: where there is no Python, under an emulator or a memory checker.
//
//   replay CALLS [ISA [THREADS [LAYOUT ...]]]
//
// tests/recording.py writes the calls; its Recorder and the readers below go together.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "../../csrc/include/numloss.h"

namespace {

template <class T>
T read(std::istream& from) {
  T x;
  if (!from.read(reinterpret_cast<char*>(&x), sizeof(x)))
    throw std::runtime_error("file too short");
  return x;
}

std::string read_text(std::istream& from) {
  std::string text(size_t(read<int64_t>(from)), ' ');
  from.read(text.data(), std::streamsize(text.size()));
  return text;
}

using Shape = std::vector<int64_t>;

int64_t product(const Shape& shape) {
  int64_t size = 1;
  for (int64_t length : shape) size *= length;
  return size;
}

int64_t item_size(int32_t dtype) {
  switch (dtype) {
    case NUMLOSS_FLOAT64:
    case NUMLOSS_INT64:
    case NUMLOSS_UINT64: return 8;
    case NUMLOSS_FLOAT32:
    case NUMLOSS_INT32:
    case NUMLOSS_UINT32: return 4;
    case NUMLOSS_BOOL:
    case NUMLOSS_INT8:
    case NUMLOSS_UINT8: return 1;
    default: return 2;
  }
}

// An array in C order.
struct Array {
  int32_t dtype = 0;
  Shape shape;
  std::vector<char> bytes;
};

Array read_array(std::istream& from) {
  Array array;
  array.dtype = int32_t(read<int64_t>(from));
  array.shape.resize(size_t(read<int64_t>(from)));
  for (int64_t& length : array.shape) length = read<int64_t>(from);
  array.bytes.resize(size_t(product(array.shape) * item_size(array.dtype)));
  from.read(array.bytes.data(), std::streamsize(array.bytes.size()));
  return array;
}

std::vector<Array> read_arrays(std::istream& from) {
  std::vector<Array> arrays(size_t(read<int64_t>(from)));
  for (Array& array : arrays) array = read_array(from);
  return arrays;
}

// Ways to lay an array out; results must not depend on them.
enum class Layout { kContiguous, kSpread, kReversed, kByColumns, kSwapped, kUnaligned };
constexpr const char* kLayouts[] = {"contiguous", "spread",  "reversed",
                                    "by_columns", "swapped", "unaligned"};
constexpr int kLayoutCount = sizeof(kLayouts) / sizeof(kLayouts[0]);

int layout_named(const std::string& name) {
  for (int i = 0; i < kLayoutCount; ++i) {
    if (name == kLayouts[i]) return i;
  }
  throw std::runtime_error("no layout named " + name);
}

// Allocates whole cache lines. How an array lies in its first line then never depends on the heap,
// and neither does the count of instructions.
template <typename T>
struct Lines {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};
  T* allocate(size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kLine)); }
  void deallocate(T* p, size_t) { ::operator delete(p, kLine); }
  bool operator==(const Lines&) const = default;
};

// An array in a layout, as the library takes it. Only the bytes of its elements are memory that may
// be touched.
class Laid {
 public:
  Laid(const Array& array, Layout layout) : item_(item_size(array.dtype)), shape_(array.shape) {
    const int64_t n = product(shape_), gap = layout == Layout::kSpread ? 3 : 1;
    swapped_ = layout == Layout::kSwapped && item_ > 1;
    memory_.resize(size_t(n * gap * item_ + (layout == Layout::kUnaligned ? 1 : 0)));
    strides_.resize(shape_.size());
    int64_t stride = gap * item_;
    for (size_t i = 0; i < shape_.size(); ++i) {
      const size_t d = layout == Layout::kByColumns ? i : shape_.size() - 1 - i;
      strides_[d] = layout == Layout::kReversed ? -stride : stride;
      stride *= shape_[d];
    }
    if (layout == Layout::kReversed) first_ = std::max<int64_t>(0, n - 1) * item_;
    if (layout == Layout::kUnaligned) first_ = 1;
    seen_.data = memory_.data() + (memory_.empty() ? 0 : first_);
    seen_.shape = shape_.data();
    seen_.strides = strides_.data();
    seen_.ndim = int32_t(shape_.size());
    seen_.dtype = array.dtype;
    seen_.flags = swapped_ ? uint32_t(NUMLOSS_SWAPPED) : 0;
    copy(const_cast<char*>(array.bytes.data()), false);
  }
  Laid(const Laid&) = delete;
  Laid& operator=(const Laid&) = delete;

  const numloss_array& seen() const { return seen_; }

  // The elements in C order.
  std::vector<char> contents() {
    std::vector<char> bytes(size_t(product(shape_) * item_));
    copy(bytes.data(), true);
    return bytes;
  }

 private:
  void copy(char* contiguous, bool out) {
    const int64_t n = product(shape_);
    Shape place(shape_.size(), 0);
    for (int64_t i = 0; i < n; ++i, contiguous += item_) {
      char* lies = memory_.data() + first_;
      for (size_t d = 0; d < place.size(); ++d) lies += place[d] * strides_[d];
      char* const from = out ? lies : contiguous;
      char* const to = out ? contiguous : lies;
      if (swapped_) {
        std::reverse_copy(from, from + item_, to);
      } else {
        std::copy_n(from, item_, to);
      }
      for (size_t d = place.size(); d-- > 0;) {
        if (++place[d] < shape_[d]) break;
        place[d] = 0;
      }
    }
  }

  const int64_t item_;
  const Shape shape_;
  bool swapped_ = false;
  int64_t first_ = 0;
  Shape strides_;
  std::vector<char, Lines<char>> memory_;
  numloss_array seen_{};
};

// Arrays in a layout, one behind the other as calls take them.
class Several {
 public:
  void add(const Array& array, Layout layout) {
    seen_.push_back(laid_.emplace_back(array, layout).seen());
  }
  const numloss_array* data() const { return seen_.empty() ? nullptr : seen_.data(); }
  int32_t count() const { return int32_t(seen_.size()); }
  std::vector<char> contents(size_t i) { return laid_[i].contents(); }

 private:
  std::deque<Laid> laid_;
  std::vector<numloss_array> seen_;
};

// Whether two numbers have the same bits or are both NaN: exponent all ones, and a mantissa.
bool same(const char* a, const char* b, int32_t dtype) {
  const auto size = size_t(item_size(dtype));
  if (std::memcmp(a, b, size) == 0) return true;
  if (dtype > NUMLOSS_BFLOAT16) return false;
  uint64_t bits[2] = {0, 0};
  std::memcpy(&bits[0], a, size);
  std::memcpy(&bits[1], b, size);
  const uint64_t infinity = dtype == NUMLOSS_FLOAT64   ? 0x7ff0000000000000
                            : dtype == NUMLOSS_FLOAT32 ? 0x7f800000
                            : dtype == NUMLOSS_FLOAT16 ? 0x7c00
                                                       : 0x7f80;
  const uint64_t magnitude = (uint64_t(1) << (8 * size - 1)) - 1;
  return (bits[0] & magnitude) > infinity && (bits[1] & magnitude) > infinity;
}

bool same(const std::vector<char>& a, const Array& b) {
  if (a.size() != b.bytes.size()) return false;
  const auto size = size_t(item_size(b.dtype));
  for (size_t at = 0; at < a.size(); at += size) {
    if (!same(&a[at], &b.bytes[at], b.dtype)) return false;
  }
  return true;
}

struct Option {
  std::string name, choice;
  int32_t kind = 0;
  double number = 0;
  int64_t integer = 0;
  Array array;
};

Option read_option(std::istream& from) {
  Option option;
  option.name = read_text(from);
  option.kind = int32_t(read<int64_t>(from));
  switch (option.kind) {
    case NUMLOSS_NUMBER: option.number = read<double>(from); break;
    case NUMLOSS_SWITCH:
    case NUMLOSS_INTEGER: option.integer = read<int64_t>(from); break;
    case NUMLOSS_CHOICE: option.choice = read_text(from); break;
    case NUMLOSS_NUMBERS: option.array = read_array(from); break;
    default: break;
  }
  return option;
}

// A call of the file, and what it gave.
struct Recorded {
  std::string loss;
  numloss_call call{};
  std::vector<Array> inputs, weight, results;
  std::vector<Option> options;
};

// Examples in a row become a plane, with the fewest columns that there can be beyond one, so that
// every layout is another one.
void make_plane(Recorded& recorded) {
  const int32_t loss = numloss_find(recorded.loss.c_str());
  numloss_loss_info info{};
  info.size = sizeof(info);
  if (numloss_loss(loss, &info) != NUMLOSS_OK) throw std::runtime_error("no loss " + recorded.loss);
  const Shape prediction = recorded.inputs.front().shape;
  if (prediction.size() != (info.form == NUMLOSS_CLASSES ? 2 : 1)) return;
  // Numbers for each column tell which axis is the last.
  if (recorded.inputs.size() > size_t(info.gradient_count) + 1 &&
      !recorded.inputs.back().shape.empty()) {
    return;
  }
  const int64_t n = prediction[0];
  int64_t columns = std::min<int64_t>(n, 2);
  while (columns > 0 && n % columns != 0) ++columns;
  if (columns == 0) return;
  for (std::vector<Array>* arrays : {&recorded.inputs, &recorded.weight, &recorded.results}) {
    for (Array& array : *arrays) {
      if (array.shape != prediction && array.shape != Shape{n}) continue;
      array.shape[0] = n / columns;
      array.shape.insert(array.shape.begin() + 1, columns);
    }
  }
}

Recorded read_call(std::istream& from) {
  Recorded recorded;
  recorded.loss = read_text(from);
  numloss_call& call = recorded.call;
  call.size = sizeof(call);
  call.want = uint32_t(read<int64_t>(from));
  call.reduction = int32_t(read<int64_t>(from));
  call.denominator = int32_t(read<int64_t>(from));
  call.dtype = int32_t(read<int64_t>(from));
  call.denominator_number = read<double>(from);
  recorded.inputs = read_arrays(from);
  recorded.weight = read_arrays(from);
  recorded.options.resize(size_t(read<int64_t>(from)));
  for (Option& option : recorded.options) option = read_option(from);
  recorded.results = read_arrays(from);
  make_plane(recorded);
  return recorded;
}

// Whether a call gives the recorded bits, every array in a layout.
bool repeats(const Recorded& recorded, Layout layout) {
  numloss_call call = recorded.call;
  Several inputs, weight, values, gradients, hessians, extras;
  for (const Array& array : recorded.inputs) inputs.add(array, layout);
  for (const Array& array : recorded.weight) weight.add(array, layout);
  call.inputs = inputs.data();
  call.input_count = inputs.count();
  call.weight = weight.data();

  std::deque<Laid> arrays;
  std::vector<numloss_option> options;
  for (const Option& option : recorded.options) {
    numloss_option given{};
    given.name = option.name.c_str();
    given.kind = option.kind;
    given.number = option.number;
    given.integer = option.integer;
    given.choice = option.choice.c_str();
    if (option.kind == NUMLOSS_NUMBERS) {
      given.array = &arrays.emplace_back(option.array, layout).seen();
    }
    options.push_back(given);
  }
  call.options = options.data();
  call.option_count = int32_t(options.size());

  // Results come in the order of value, gradients, Hessians, and those that options ask for.
  const bool is_number = (call.want & NUMLOSS_VALUE) && recorded.results.front().shape.empty();
  const bool by_example = (call.want & NUMLOSS_VALUE) && !is_number;
  const size_t first = (call.want & NUMLOSS_VALUE) ? 1 : 0;
  const size_t kinds = (call.want & NUMLOSS_HESSIAN) ? 2 : 1;
  const auto asks = [](const Option& option) {
    return option.name.starts_with("return_") && option.integer != 0;
  };
  const auto extra_count = std::count_if(recorded.options.begin(), recorded.options.end(), asks);
  const size_t end = recorded.results.size() - size_t(extra_count);
  const size_t heads = (end - first) / kinds;
  const auto add = [&](Several& to, size_t i) {
    // Byte order is the system's in results, whose layouts are otherwise those of the inputs.
    Array empty = recorded.results.at(i);
    std::fill(empty.bytes.begin(), empty.bytes.end(), char(0));
    to.add(empty, layout == Layout::kSwapped ? Layout::kContiguous : layout);
  };
  if (by_example) add(values, 0);
  for (size_t i = first; i < recorded.results.size(); ++i) {
    add(i >= end ? extras : i < first + heads ? gradients : hessians, i);
  }
  call.values = values.data();
  call.gradients = gradients.data();
  call.gradient_count = gradients.count();
  call.hessians = hessians.data();
  call.hessian_count = hessians.count();
  call.extras = extras.data();
  call.extra_count = extras.count();
  call.flags = NUMLOSS_SPOIL_OUTPUTS;

  numloss_result result{};
  result.size = sizeof(result);
  numloss_fault fault{};
  fault.size = sizeof(fault);
  if (numloss_compute(recorded.loss.c_str(), &call, &result, &fault) != NUMLOSS_OK) {
    std::cout << fault.text << "\n";
    return false;
  }
  std::vector<std::vector<char>> found;
  if (is_number) {
    const char* const bytes = reinterpret_cast<const char*>(&result.value);
    found.emplace_back(bytes, bytes + sizeof(double));
  }
  if (by_example) found.push_back(values.contents(0));
  for (size_t i = 0; i < size_t(gradients.count()); ++i) found.push_back(gradients.contents(i));
  for (size_t i = 0; i < size_t(hessians.count()); ++i) found.push_back(hessians.contents(i));
  for (size_t i = 0; i < size_t(extras.count()); ++i) found.push_back(extras.contents(i));
  return std::equal(found.begin(), found.end(), recorded.results.begin(), recorded.results.end(),
                    [](const std::vector<char>& a, const Array& b) { return same(a, b); });
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 2) throw std::runtime_error("usage: replay CALLS [ISA [THREADS [LAYOUT ...]]]");
  std::ifstream from(arguments[1], std::ios::binary);
  if (!from) throw std::runtime_error(std::string("cannot read ") + arguments[1]);
  if (count > 2) setenv("NUMLOSS_ISA", arguments[2], 1);
  numloss_fault fault{};
  fault.size = sizeof(fault);
  if (numloss_start(&fault) != NUMLOSS_OK) throw std::runtime_error(fault.text);
  if (count > 3 && numloss_set_num_threads(std::stoi(arguments[3]), &fault) != NUMLOSS_OK) {
    throw std::runtime_error(fault.text);
  }
  bool wanted[kLayoutCount];
  std::fill_n(wanted, kLayoutCount, count <= 4);
  for (int i = 4; i < count; ++i) wanted[layout_named(arguments[i])] = true;
  int64_t calls = 0, differ = 0;
  while (from.peek() != EOF) {
    const Recorded recorded = read_call(from);
    for (int layout = 0; layout < kLayoutCount; ++layout) {
      if (!wanted[layout]) continue;
      ++calls;
      if (repeats(recorded, Layout(layout))) continue;
      std::cout << recorded.loss << ", " << kLayouts[layout] << ": other bits\n";
      ++differ;
    }
  }
  std::cout << numloss_isa() << ": " << calls << " calls, " << differ << " with other bits\n";
  return calls > 0 && differ == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 2;
}
