#include "array.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

namespace numloss {

namespace {

constexpr const char* kNames[] = {"float32", "float64", "float16", "bfloat16", "bool",
                                  "int8",    "int16",   "int32",   "int64",    "uint8",
                                  "uint16",  "uint32",  "uint64"};
static_assert(std::size(kNames) == size_t(DType::kUint64) + 1);

template <class T>
T read(const char* from, bool swapped) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, from, sizeof(T));
  if (swapped) std::reverse(bytes, bytes + sizeof(T));
  return std::bit_cast<T>(bytes);
}

double from_half(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = bits & 1023;
  double x = exponent == 0
                 ? mantissa * 0x1p-24
                 : (1024 + mantissa) * std::bit_cast<double>(uint64_t(exponent - 25 + 1023) << 52);
  if (exponent == 31) x = mantissa == 0 ? __builtin_inf() : __builtin_nan("");
  return bits >> 15 ? -x : x;
}

template <class T>
Integer integer_of(T x) {
  const bool negative = x < T(0);
  return {negative, negative ? 0 - uint64_t(x) : uint64_t(x)};
}

}  // namespace

namespace {

// Farther than any two bytes of a process lie apart; twice as far can still be counted.
constexpr int64_t kFar = int64_t(1) << 61;

bool lies_in_memory(const Array& array) {
  int64_t back = 0, ahead = item_size(array.dtype);
  for (int d = 0; d < array.ndim; ++d) {
    int64_t span;
    if (array.strides[d] == INT64_MIN) return false;
    if (__builtin_mul_overflow(array.strides[d], array.shape[d] - 1, &span)) return false;
    if (span < -kFar || span > kFar) return false;
    (span < 0 ? back : ahead) += span < 0 ? -span : span;
    if (back > kFar || ahead > kFar) return false;
  }
  const uintptr_t first = uintptr_t(array.data);
  return first >= uintptr_t(back) && first <= UINTPTR_MAX - uintptr_t(ahead);
}

}  // namespace

const char* find_flaw(const Array& array) {
  if (array.ndim < 0 || array.ndim > kMaxDims) return "must have from 0 to 64 axes";
  if (array.ndim > 0 && array.shape == nullptr) return "must have a shape";
  bool empty = false;
  int64_t bytes = item_size(array.dtype);
  for (int d = 0; d < array.ndim; ++d) {
    const int64_t length = array.shape[d];
    if (length < 0) return "must have lengths of at least 0";
    empty = empty || length == 0;
    if (length > 0 && __builtin_mul_overflow(bytes, length, &bytes)) {
      return "must have elements that can be counted";
    }
  }
  if (empty) return nullptr;
  if (array.data == nullptr) return "must have memory for its elements";
  if (array.ndim > 0 && array.strides == nullptr) return "must have strides";
  return lies_in_memory(array) ? nullptr : "must have strides that stay within memory";
}

const char* name_of(DType dtype) { return kNames[size_t(dtype)]; }

int64_t element_count(const Array& array) {
  int64_t count = 1;
  for (int d = 0; d < array.ndim; ++d) {
    if (array.shape[d] == 0) return 0;
    if (__builtin_mul_overflow(count, array.shape[d], &count)) count = INT64_MAX;
  }
  return count;
}

bool is_positive(double x) { return std::bit_cast<int64_t>(x) > 0; }

Integer read_integer(DType dtype, bool swapped, const char* from) {
  switch (dtype) {
    case DType::kInt8: return integer_of(read<int8_t>(from, false));
    case DType::kInt16: return integer_of(read<int16_t>(from, swapped));
    case DType::kInt32: return integer_of(read<int32_t>(from, swapped));
    case DType::kInt64: return integer_of(read<int64_t>(from, swapped));
    case DType::kUint16: return integer_of(read<uint16_t>(from, swapped));
    case DType::kUint32: return integer_of(read<uint32_t>(from, swapped));
    case DType::kUint64: return integer_of(read<uint64_t>(from, swapped));
    case DType::kBool: return {false, read<uint8_t>(from, false) != 0};
    default: return integer_of(read<uint8_t>(from, false));
  }
}

double read_number(DType dtype, bool swapped, const char* from) {
  switch (dtype) {
    case DType::kFloat32: return double(read<float>(from, swapped));
    case DType::kFloat64: return read<double>(from, swapped);
    case DType::kFloat16: return from_half(read<uint16_t>(from, swapped));
    case DType::kBfloat16:
      return double(std::bit_cast<float>(uint32_t(read<uint16_t>(from, swapped)) << 16));
    default: {
      const Integer x = read_integer(dtype, swapped, from);
      return x.negative ? -double(x.magnitude) : double(x.magnitude);
    }
  }
}

Walk::Walk(const int64_t* shape, int ndim) : shape_(shape), ndim_(ndim) {
  for (int d = 0; d < ndim; ++d) {
    place[d] = 0;
    empty_ = empty_ || shape[d] == 0;
  }
}

bool Walk::next() {
  if (empty_) return false;
  if (!started_) return started_ = true;
  for (int d = ndim_ - 1; d >= 0; --d) {
    if (++place[d] < shape_[d]) return true;
    place[d] = 0;
  }
  return false;
}

int64_t Walk::offset(const int64_t* strides, int ndim) const {
  int64_t offset = 0;
  for (int d = 0; d < ndim; ++d) offset += place[d] * strides[d];
  return offset;
}

namespace {

template <class T>
uint64_t largest_of(const char* from, int64_t stride, int64_t n) {
  T low = 0, high = 0;
  const auto scan = [&](auto step) {
    for (int64_t i = 0; i < n; ++i) {
      T x;
      std::memcpy(&x, from + i * step(), sizeof(T));
      low = std::min(low, x);
      high = std::max(high, x);
    }
  };
  if (stride == int64_t(sizeof(T))) {
    scan([] { return int64_t(sizeof(T)); });
  } else {
    scan([stride] { return stride; });
  }
  return std::max(integer_of(low).magnitude, uint64_t(high));
}

uint64_t largest_of(const Array& array, const char* from, int64_t stride, int64_t n) {
  if (!array.swapped) {
    switch (array.dtype) {
      case DType::kInt32: return largest_of<int32_t>(from, stride, n);
      case DType::kInt64: return largest_of<int64_t>(from, stride, n);
      case DType::kUint32: return largest_of<uint32_t>(from, stride, n);
      case DType::kUint64: return largest_of<uint64_t>(from, stride, n);
      default: break;
    }
  }
  uint64_t largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const Integer x = read_integer(array.dtype, array.swapped, from + i * stride);
    largest = std::max(largest, x.magnitude);
  }
  return largest;
}

bool is_c_contiguous(const Array& array) {
  int64_t step = item_size(array.dtype);
  for (int d = array.ndim - 1; d >= 0; --d) {
    if (array.shape[d] > 1 && array.strides[d] != step) return false;
    step *= array.shape[d];
  }
  return true;
}

}  // namespace

uint64_t largest_magnitude(const Array& array) {
  const int64_t item = item_size(array.dtype);
  if (is_c_contiguous(array)) return largest_of(array, array.data, item, element_count(array));
  uint64_t largest = 0;
  const int rows = array.ndim - 1;
  for (Walk walk(array.shape, rows); walk.next();) {
    const char* const row = array.data + walk.offset(array.strides, rows);
    largest = std::max(largest, largest_of(array, row, array.strides[rows], array.shape[rows]));
  }
  return largest;
}

bool same_memory(const Array& a, const Array& b) {
  if (a.data != b.data || a.ndim != b.ndim || item_size(a.dtype) != item_size(b.dtype)) {
    return false;
  }
  for (int d = 0; d < a.ndim; ++d) {
    if (a.shape[d] != b.shape[d]) return false;
    if (a.shape[d] > 1 && a.strides[d] != b.strides[d]) return false;
  }
  return true;
}

bool meets_itself(const Array& array) {
  if (element_count(array) == 0) return false;
  struct Axis {
    int64_t stride, length;
  } axes[kMaxDims];
  for (int d = 0; d < array.ndim; ++d) {
    const int64_t stride = array.strides[d];
    axes[d] = {stride < 0 ? -stride : stride, array.shape[d]};
  }
  std::sort(axes, axes + array.ndim,
            [](const Axis& a, const Axis& b) { return a.stride < b.stride; });
  int64_t span = item_size(array.dtype);  // bytes from the first to the last of the axes so far
  for (const Axis* axis = axes; axis < axes + array.ndim; ++axis) {
    if (axis->length <= 1) continue;
    if (axis->stride < span) return true;
    span += axis->stride * (axis->length - 1);
  }
  return false;
}

namespace {

// First byte of an array, and one behind its last.
struct Extent {
  uintptr_t first, end;
  explicit Extent(const Array& array) : first(uintptr_t(array.data)), end(first) {
    for (int d = 0; d < array.ndim; ++d) {
      const int64_t span = array.strides[d] * (array.shape[d] - 1);
      (span < 0 ? first : end) += uintptr_t(span);
    }
    end += uintptr_t(item_size(array.dtype));
  }
};

// Does sum(step[i] * x[i]) with 0 <= x[i] <= most[i] reach a number? Steps are tried from the
// largest on; what the others can still add bounds each of them.
struct Reach {
  struct Term {
    int64_t step, most;
  };
  Term terms[2 * kMaxDims + 1];
  int64_t rest[2 * kMaxDims + 2];  // what the terms from one on add up to at most
  int count = 0;
  int tries = 10'000;

  void add(int64_t step, int64_t most) {
    if (step != 0 && most > 0) terms[count++] = {step, most};
  }

  Overlap solve(int64_t number) {
    std::sort(terms, terms + count, [](const Term& a, const Term& b) { return a.step > b.step; });
    int kept = 0;
    for (int i = 0; i < count; ++i) {
      if (kept > 0 && terms[kept - 1].step == terms[i].step) {
        terms[kept - 1].most += terms[i].most;
      } else {
        terms[kept++] = terms[i];
      }
    }
    count = kept;
    rest[count] = 0;
    for (int i = count - 1; i >= 0; --i) rest[i] = rest[i + 1] + terms[i].step * terms[i].most;
    const bool found = reaches(0, number);
    return tries < 0 ? Overlap::kUnknown : found ? Overlap::kTogether : Overlap::kApart;
  }

 private:
  bool reaches(int i, int64_t number) {
    if (number < 0 || number > rest[i]) return false;
    if (number == 0) return true;
    if (i == count) return false;
    const auto [step, most] = terms[i];
    const int64_t beyond = number - rest[i + 1];
    const int64_t least = beyond <= 0 ? 0 : (beyond + step - 1) / step;
    for (int64_t x = std::min(most, number / step); x >= least && --tries >= 0; --x) {
      if (reaches(i + 1, number - step * x)) return true;
    }
    return false;
  }
};

}  // namespace

Overlap overlap(const Array& a, const Array& b) {
  if (element_count(a) == 0 || element_count(b) == 0) return Overlap::kApart;
  const Extent first(a), second(b);
  if (first.end <= second.first || second.end <= first.first) return Overlap::kApart;
  // Byte x of a is byte y of b: with y counted from b's end, both sides are sums of steps forward.
  Reach reach;
  for (const Array* array : {&a, &b}) {
    for (int d = 0; d < array->ndim; ++d) {
      const int64_t stride = array->strides[d];
      reach.add(stride < 0 ? -stride : stride, array->shape[d] - 1);
    }
  }
  reach.add(1, item_size(a.dtype) + item_size(b.dtype) - 2);
  return reach.solve(int64_t(second.end - 1 - first.first));
}

}  // namespace numloss
