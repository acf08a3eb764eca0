// An array of a call, as its owner describes it: NumPy, a C program, a framework.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "../runtime/table.hpp"

namespace numloss {

// Shape and strides belong to the owner and must live as long as the call.
struct Array {
  char* data;
  DType dtype;
  bool swapped;  // holds numbers in the other byte order
  bool writeable;
  int ndim;
  const int64_t* shape;
  const int64_t* strides;  // in bytes
};

inline bool is_real(DType dtype) { return dtype <= DType::kBfloat16; }
inline bool is_integer(DType dtype) { return dtype >= DType::kInt8; }

inline constexpr int8_t kItemSizes[] = {4, 8, 2, 2, 1, 1, 2, 4, 8, 1, 2, 4, 8};
static_assert(std::size(kItemSizes) == size_t(DType::kUint64) + 1);
inline int64_t item_size(DType dtype) { return kItemSizes[size_t(dtype)]; }
const char* name_of(DType dtype);

// Whether an array is, at a glance, a row of numbers side by side that lies in memory: addresses
// and lengths below 2^56 add up to less than any pointer can hold.
inline bool is_plain_sequence(const Array& array) {
  if (array.ndim != 1 || array.shape == nullptr || array.strides == nullptr) return false;
  const uint64_t length = uint64_t(array.shape[0]), first = uintptr_t(array.data);
  return first != 0 && (first | length) >> 56 == 0 && array.strides[0] == item_size(array.dtype);
}

// The same for rows that lie one behind the other.
inline bool is_plain_grid(const Array& array) {
  if (array.ndim != 2 || array.shape == nullptr || array.strides == nullptr) return false;
  const uint64_t rows = uint64_t(array.shape[0]), columns = uint64_t(array.shape[1]);
  const uint64_t first = uintptr_t(array.data);
  const int64_t size = item_size(array.dtype);
  return first != 0 && first >> 56 == 0 && (rows | columns) >> 28 == 0 &&
         array.strides[1] == size && array.strides[0] == array.shape[1] * size;
}

const char* find_flaw(const Array& array);
// What makes a description that nobody vouches for none of an array, said as a fault says it: "must
// have..."; null: nothing does. An array that has passed can be counted, and lies in memory.
inline const char* flaw_of(const Array& array) {
  return is_plain_sequence(array) ? nullptr : find_flaw(array);
}

inline bool same_shape(const Array& a, const Array& b) {
  if (a.ndim != b.ndim) return false;
  if (a.ndim == 1) return a.shape[0] == b.shape[0];  // sooner than by a call of memcmp
  return std::equal(a.shape, a.shape + a.ndim, b.shape);
}

// Number of elements, INT64_MAX where they cannot be counted.
int64_t element_count(const Array& array);

// Whether x > 0, even where the caller's environment takes subnormal numbers for 0.
bool is_positive(double x);

// One element, converted to double; int64 and uint64 beyond 2^53 are rounded.
double read_number(DType dtype, bool swapped, const char* from);
// One element of an integer type; `*negative` tells -x from a huge unsigned x.
struct Integer {
  bool negative;
  uint64_t magnitude;
};
Integer read_integer(DType dtype, bool swapped, const char* from);

// Walks through places of a shape in C order: while (walk.next()) uses walk.place.
class Walk {
 public:
  Walk(const int64_t* shape, int ndim);
  explicit Walk(const Array& array) : Walk(array.shape, array.ndim) {}
  bool next();
  // Bytes from the first element to the one at the place, by strides of its leading axes.
  int64_t offset(const int64_t* strides, int ndim) const;
  int64_t offset(const Array& array) const { return offset(array.strides, array.ndim); }

  int64_t place[kMaxDims];

 private:
  const int64_t* shape_;
  int ndim_;
  bool started_ = false, empty_ = false;
};

// The largest magnitude among integers.
uint64_t largest_magnitude(const Array& array);

// Whether two arrays have every element in the same place.
bool same_memory(const Array& a, const Array& b);
// Whether two elements of an array may share memory, as in views that repeat or slide.
bool meets_itself(const Array& array);

enum class Overlap : uint8_t { kApart, kTogether, kUnknown };
// Whether two arrays share a byte: exactly, or kUnknown where that takes too long to tell.
Overlap overlap(const Array& a, const Array& b);

}  // namespace numloss
