// A call as a client makes it, and its way to the runtime.
#pragma once

#include <cstdlib>
#include <memory>

#include "../runtime/run.hpp"
#include "plan.hpp"

namespace numloss {

// The modes that there are kernels for.
constexpr bool is_mode(unsigned mode) {
  return mode == kValue || mode == kGradient || mode == (kValue | kGradient) ||
         mode == (kGradient | kHessian);
}

// What a client asks for. The plan and the arrays must live until the call has been answered.
struct Request {
  const Plan* plan = nullptr;
  unsigned mode = kValue;
  const Array* inputs[kValues] = {};  // by role, the weight among them; null: absent
  bool weak_target = false;           // a plain number, which has no type of its own
  Reduction reduction = Reduction::kMean;
  Denominator denominator = Denominator::kWeight;
  double number = 0;              // the denominator, where it is a number
  bool negative_weights = false;  // weights may be negative
  // A mean or a sum along some axes of the examples: these, or all where there is no array of them.
  bool by_slices = false;
  bool keeps_axes = false;  // with length 1
  const int64_t* reduce_axis = nullptr;
  int reduce_count = 0;
  bool sets_dtype = false;        // asks for a type of results,
  DType dtype = DType::kFloat32;  // this one
  bool spoils_outputs = false;    // what outputs hold after a refusal means nothing to anyone
};

// Outputs with a number for each example.
inline constexpr Roles kOfExamples = roles(kValues) | roles(kWeights) | kExtras;

// A row of numbers: on the stack where there are few.
template <class T>
class FewOrMany {
 public:
  // Room for so many; throws std::bad_alloc.
  T* make(int64_t count);
  T* data() const { return data_; }

 private:
  static constexpr int kFew = 32;
  T few_[kFew];
  struct Free {
    void operator()(T* numbers) const { std::free(numbers); }
  };
  std::unique_ptr<T, Free> many_;
  T* data_ = nullptr;
};
using Numbers = FewOrMany<double>;

// A request that has been found right: what the runtime computes, and what it reads meanwhile.
struct Prepared {
  Call call;
  DType result;         // the type of derivatives and of the examples' values
  int axis = -1;        // of the classes, counted from the first; -1: none
  int steps_axis = -1;  // of the steps of sequences, the same
  int prediction_ndim;
  int64_t prediction_shape[kMaxDims];
  bool by_slices = false;
  bool keeps_axes;        // that are reduced,
  uint64_t reduced_axes;  // these of the examples, a bit each
  int64_t groups = -1;    // lists along the one axis of the prediction; -1: the lists are rows
  Numbers class_weight, class_factor, class_offset, of_columns, per_column, shares, scale;
  FewOrMany<int64_t> list_begin, input_lengths, target_lengths;
  double rounded_target;  // of a plain number, in the type of the prediction
  double aside;           // where none was given

  // Number of axes of an output, and its shape, which may be the prediction's.
  int output_ndim(int role) const;
  void output_shape(int role, int64_t* shape) const;
  bool is_of_slices(int role) const { return by_slices && role == kValues; }
  bool has_class_axis(int role) const { return axis >= 0 && !kOfExamples.has(role); }
  DType output_dtype(int role) const;
};

// Makes a handful of a request, but for the outputs: each derivative that its mode has is then to
// be added. False: it is none, or not at a glance, or something is wrong with it; prepare() and its
// add_output(), which then tell, have nothing to refuse in what is a handful.
bool make_handful(const Request& request, HandfulCall& made);
bool add_output(const Request& request, int role, const Array& array, HandfulCall& made);

// Fills in all of `prepared` but the outputs. False: `fault` says what is wrong; nothing has been
// written, and no element but those of class numbers and integers has been read.
bool prepare(const Request& request, Prepared& prepared, Fault& fault);

// Takes an array of the client's for an output: of the right shape and type, writeable, and apart
// from all inputs and the outputs before it, which `outputs` has by role; the first derivative may
// be the prediction itself.
bool add_output(const Request& request, Prepared& prepared, int role, const Array& array,
                const Array* const* outputs, Fault& fault);
// Takes an array that was made for it, and needs no check.
void add_fresh_output(Prepared& prepared, int role, const Array& array);
// The slices of a request by slices that has its outputs.
void take_slices(Prepared& prepared, Slices& slices);

// What is wrong in a request that the runtime found bad: the first element outside its domain, or
// the sum of the weights.
void explain_bad(const Request& request, const Result& result, Fault& fault);

// How far from 1 the probabilities of a row may add up, for every type: bfloat16 numbers are off by
// up to 0.4 % each, also after they have been widened.
inline constexpr double kSumTolerance = 1e-2;

}  // namespace numloss
