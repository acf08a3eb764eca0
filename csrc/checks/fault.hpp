// What is wrong with a call: one description, from which Python raises and C reports.
#pragma once

#include <cstdarg>
#include <cstdint>

#include "array.hpp"

namespace numloss {

// Kinds of faults. A client may add what its own users can do about one; the text stands without.
enum class FaultCode : uint8_t {
  kNone,
  kParameter,         // a parameter lies outside its range
  kShape,             // shapes do not fit each other
  kLabelShape,        // labels that are not one for each example
  kNotLabels,         // labels are needed: `is_type`
  kNotProbabilities,  // probabilities are needed: `is_type` where the type is at fault
  kTargetType,        // types that have no common one
  kAxis,              // no axis of classes, or an empty one, or not that of the target's rows
  kElement,           // an element lies outside its domain
  kSigns,             // a binary target is neither -1 nor +1
  kLogits,            // a probability looks like a logit
  kInexact,           // an integer that float64 does not hold
  kOrder,             // target and prediction look swapped
  kWeightShape,       // the weight has not the shape of the examples
  kOutput,            // an array for results does not fit
  kOutputType,        // it has another type than the results
  kOverlap,           // it shares memory with another array
  kReduction,         // options that contradict each other
  kNotSets,           // booleans are needed: `is_type` where the type is at fault
  kWeightSum,         // weights whose sum no mean can be divided by
  kChanged,           // an argument was changed while it was read
};

// Its name in Python, such as "label_shape".
const char* name_of(FaultCode code);

// The text is "<argument> <needed>[, got <got>][ at index <index>]".
struct Fault {
  static constexpr int kMaxIndex = 8;  // of arrays with more axes the index is left out

  FaultCode code = FaultCode::kNone;
  bool is_type = false;  // the type is wrong, not the value
  char argument[24];
  char needed[200];
  char got[120];       // empty where `needed` says it all
  int index_ndim = 0;  // of the first bad element; 0: the argument as a whole
  int64_t index[kMaxIndex];

  Fault() { argument[0] = needed[0] = got[0] = '\0'; }  // most calls need no more of it

  explicit operator bool() const { return code != FaultCode::kNone; }

  // Says what is wrong with an argument, `needed` as printf makes it; returns false, as checks do.
  [[gnu::format(printf, 4, 5)]] bool set(FaultCode what, const char* name, const char* format, ...);
  [[gnu::format(printf, 2, 3)]] bool came(const char* format, ...);

  // Notes the place of an element, of so many axes.
  void at(const int64_t* place, int ndim);

  // Writes the text, cut to `size` with its final 0; returns its whole length.
  int text(char* to, int size) const;
};

// A shape as Python writes it: "(2, 3)", "(3,)", "()".
struct ShapeText {
  char text[100];
  ShapeText(const int64_t* shape, int ndim);
  explicit ShapeText(const Array& array) : ShapeText(array.shape, array.ndim) {}
};

// The shortest digits that mean a number of a type: "0.1" of the float32 nearest to it.
struct NumberText {
  char text[32];
  NumberText(double x, DType dtype);
};

}  // namespace numloss
