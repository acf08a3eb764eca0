// An array of a call, as its owner describes it: NumPy, a C program, a framework.
#pragma once

#include <cstdint>

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

// What makes a description that nobody vouches for none of an array, said as a fault says it: "must
// have..."; null: nothing does. An array that has passed can be counted, and lies in memory.
const char* flaw_of(const Array& array);

int64_t item_size(DType dtype);
const char* name_of(DType dtype);

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
