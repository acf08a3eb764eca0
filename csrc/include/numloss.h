// numloss: value, gradient and diagonal of the Hessian of loss functions, the same bits on every
// thread count, instruction set, compiler and layout of memory. This header is the whole interface
// of libnumloss: plain C99, for C, C++ and whatever reads C headers (cgo, bindgen, ctypes). It
// needs no Python.
//
// Example: the mean of Huber losses, and its gradient.
//
//   #include <numloss.h>
//   #include <stdio.h>
//   #include <string.h>
//
//   int main(void) {
//     float prediction[3] = {1.0f, 2.0f, 4.0f}, target[3] = {1.0f, 1.5f, 0.0f}, gradient[3];
//     const int64_t shape[1] = {3};
//     float* const memory[3] = {prediction, target, gradient};
//     numloss_array arrays[3];
//     numloss_option delta;
//     numloss_call call;
//     numloss_result result;
//     numloss_fault fault;
//     int i;
//
//     memset(arrays, 0, sizeof(arrays));
//     for (i = 0; i < 3; ++i) {
//       arrays[i].data = memory[i];
//       arrays[i].shape = shape;
//       arrays[i].ndim = 1;
//       arrays[i].dtype = NUMLOSS_FLOAT32;
//     }
//     memset(&delta, 0, sizeof(delta));
//     delta.name = "delta";
//     delta.kind = NUMLOSS_NUMBER;
//     delta.number = 2.0;
//     memset(&call, 0, sizeof(call));
//     call.size = sizeof(call);
//     call.want = NUMLOSS_VALUE | NUMLOSS_GRADIENT;
//     call.inputs = arrays;
//     call.input_count = 2;
//     call.options = &delta;
//     call.option_count = 1;
//     call.gradients = &arrays[2];
//     call.gradient_count = 1;
//     result.size = sizeof(result);
//     fault.size = sizeof(fault);
//     if (numloss_compute("huber", &call, &result, &fault) != NUMLOSS_OK) {
//       fprintf(stderr, "%s\n", fault.text);
//       return 1;
//     }
//     printf("%g: %g %g %g\n", result.value, gradient[0], gradient[1], gradient[2]);
//     return 0;
//   }
//
// It prints "2.04167: 0 0.166667 0.666667". Clear a struct before its members are set, as here: 0
// or NULL in a member means the default.
//
// Rules
//   - Nothing is silent. Shapes that differ are refused, never broadcast; labels outside [0, C)
//     are refused, never read; a wrong call is refused before anything is written, unless
//     NUMLOSS_SPOIL_OUTPUTS allows it. NUMLOSS_CHANGED and NUMLOSS_MEMORY alone may leave outputs
//     partly written.
//   - A NaN in an input gives NaN for that element and for the sum or mean it is part of. An
//     element of weight 0 may hold anything. A logit of -inf is a class that cannot happen:
//     probability and gradient 0; as the target, the loss is +inf.
//   - Sums and means are computed in float64 and returned so. Derivatives are those of the reduced
//     value; with NUMLOSS_NONE they are per element.
//   - The mean is sum(w l) / sum(w), where w is the weight times the class weight of the label,
//     and 0 for an ignored label. A mean over nothing is NaN, its derivatives are 0, and `empty`
//     is set in the result.
//   - Per-example values and derivatives have one type: that of the prediction, float64 where it
//     holds integers, promoted by other inputs of floats as NumPy does; or `dtype`, to which
//     results are rounded (from float64 to 16 bits by way of float32). numloss_check tells it.
//     float16 and bfloat16 are computed in float32.
//   - An output may be the memory of the prediction itself, element by element (in place), for the
//     derivatives by it. Any other memory that arrays share with an output is refused.
//   - The floating-point environment of the caller (rounding, flushing to zero) changes no result,
//     and is left as it was.
//   - A call keeps no pointer that it was given. A small one, of 64 elements or 64 rows of 8
//     classes, allocates nothing.
//
// Threads: every function may be called by any number of threads at once, but for
// numloss_set_num_threads, which is said there. The library's threads are one set for all callers;
// small calls never leave the calling thread. A child of fork makes its own. A program that forks
// while other threads may be in their first call calls numloss_start before. Text that functions
// return lives as long as the process.
//
// Environment: NUMLOSS_ISA (baseline, v3, v4) and NUMLOSS_NUM_THREADS, then OMP_NUM_THREADS, are
// read on the first call; where one of the first two is wrong, that call and those after it return
// NUMLOSS_ENVIRONMENT.
//
// Stability: functions and members are added, never changed or taken away, as long as the library
// is libnumloss.so.1. What was compiled against an older release of that major version works with a
// newer one, relinked or not. `size`, the first member of every struct that may grow, is the sizeof
// that the caller was compiled with: what an older caller does not have counts as 0, and what a
// newer caller has beyond this library is refused with NUMLOSS_STRUCT unless it is 0. numloss_array
// and numloss_option never grow. Later versions may add status codes.
#ifndef NUMLOSS_H
#define NUMLOSS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The ABI of this header; numloss_abi() is that of the library. A library of the same major version
// and a minor version of at least this one has all that is declared here.
enum { NUMLOSS_ABI_MAJOR = 1, NUMLOSS_ABI_MINOR = 0 };

// What a call came to. Codes up to 99 are faults of the call, found before anything is written.
typedef int32_t numloss_status;
enum {
  NUMLOSS_OK = 0,
  NUMLOSS_UNKNOWN_NAME = 1,       // no loss, option or choice is named so
  NUMLOSS_PARAMETER = 2,          // a parameter lies outside its range, or is of another kind
  NUMLOSS_SHAPE = 3,              // shapes do not fit each other
  NUMLOSS_LABEL_SHAPE = 4,        // labels that are not one for each example
  NUMLOSS_NOT_LABELS = 5,         // labels are needed
  NUMLOSS_NOT_PROBABILITIES = 6,  // probabilities are needed
  NUMLOSS_TARGET_TYPE = 7,        // types of inputs that have no common one
  NUMLOSS_AXIS = 8,               // no axis of classes, or an empty one
  NUMLOSS_ELEMENT = 9,            // an element lies outside its domain
  NUMLOSS_SIGNS = 10,             // a binary target is neither -1 nor +1
  NUMLOSS_LOGITS = 11,            // a probability outside [0, 1] looks like a logit
  NUMLOSS_INEXACT = 12,           // an integer that float64 does not hold
  NUMLOSS_ORDER = 13,             // target and prediction look swapped
  NUMLOSS_WEIGHT_SHAPE = 14,      // the weight has not the shape of the examples
  NUMLOSS_OUTPUT = 15,            // an array for results has another shape, or cannot be written
  NUMLOSS_OUTPUT_TYPE = 16,       // it has another type than the results
  NUMLOSS_OVERLAP = 17,           // it shares memory with another array
  NUMLOSS_REDUCTION = 18,         // options that contradict each other
  NUMLOSS_NOT_SETS = 19,          // booleans of the prediction's shape are needed
  NUMLOSS_ARRAY = 20,             // what no array can be: a NULL, a negative length, 65 axes
  NUMLOSS_COUNT_OF_ARRAYS = 21,   // too many or too few inputs or outputs
  NUMLOSS_STRUCT = 22,            // a struct's size, or members beyond what this library knows
  NUMLOSS_ENVIRONMENT = 23,       // NUMLOSS_ISA or NUMLOSS_NUM_THREADS is wrong
  NUMLOSS_WEIGHT_SUM = 24,        // weights whose sum no mean can be divided by
  NUMLOSS_MEMORY = 100,           // there is no memory for the work
  NUMLOSS_CHANGED = 101,          // another thread changed an argument during the call
  NUMLOSS_INTERNAL = 102,         // a defect of the library
};

// What a call computes: one of NUMLOSS_VALUE, NUMLOSS_GRADIENT, NUMLOSS_VALUE | NUMLOSS_GRADIENT
// and NUMLOSS_GRADIENT | NUMLOSS_HESSIAN.
enum { NUMLOSS_VALUE = 1, NUMLOSS_GRADIENT = 2, NUMLOSS_HESSIAN = 4 };

// What becomes of the losses of the examples. A penalty is always a sum.
enum {
  NUMLOSS_MEAN = 0,
  NUMLOSS_SUM = 1,
  NUMLOSS_NONE = 2,
};

// Flags of a call; others must be 0.
enum {
  // Outputs may hold anything after a fault: their memory was made for this call. It saves a pass
  // over targets, predictions or weights that are checked, where values or derivatives are written.
  NUMLOSS_SPOIL_OUTPUTS = 1,
  // Weights may be negative. A mean by their sum is refused where that is not above 0.
  NUMLOSS_ALLOW_NEGATIVE_WEIGHT = 2,
};

// What a mean is divided by.
enum {
  NUMLOSS_BY_WEIGHT = 0,  // the sum of the weights
  NUMLOSS_BY_COUNT = 1,   // the number of examples that are not ignored
  NUMLOSS_BY_NUMBER = 2,  // denominator_number
};

// Types of numbers. 0 is none, so that a member left out is noticed.
enum {
  NUMLOSS_FLOAT32 = 1,
  NUMLOSS_FLOAT64 = 2,
  NUMLOSS_FLOAT16 = 3,
  NUMLOSS_BFLOAT16 = 4,
  NUMLOSS_BOOL = 5,  // a byte: 0 is false, all else true
  NUMLOSS_INT8 = 6,
  NUMLOSS_INT16 = 7,
  NUMLOSS_INT32 = 8,
  NUMLOSS_INT64 = 9,
  NUMLOSS_UINT8 = 10,
  NUMLOSS_UINT16 = 11,
  NUMLOSS_UINT32 = 12,
  NUMLOSS_UINT64 = 13,
};

// Flags of an array; others must be 0.
enum {
  NUMLOSS_SWAPPED = 1,    // its numbers are in the other byte order
  NUMLOSS_READ_ONLY = 2,  // refused as an output; inputs are never written
  // A target of no axes that has no type of its own, as a number in a program's text: it takes the
  // type of the prediction, and does not promote it.
  NUMLOSS_PLAIN_NUMBER = 4,
};

// An array of the caller's. Elements may begin at any byte. Never grows.
typedef struct numloss_array {
  void* data;              // its first element; NULL only where there are no elements
  const int64_t* shape;    // ndim lengths; NULL only without axes
  const int64_t* strides;  // bytes from one element to the next on each axis; NULL: C order
  int32_t ndim;            // from 0 (a number) to 64
  int32_t dtype;           // NUMLOSS_FLOAT32...
  uint32_t flags;          // sum of NUMLOSS_SWAPPED...
  uint32_t reserved;       // 0
} numloss_array;

// Kinds of options. A parameter takes one of them, or some.
enum {
  NUMLOSS_NUMBER = 1,
  NUMLOSS_SWITCH = 2,
  NUMLOSS_INTEGER = 4,
  NUMLOSS_CHOICE = 8,
  NUMLOSS_NUMBERS = 16,  // an array
  NUMLOSS_NOTHING = 32,  // leaves the parameter without effect, as None does in Python
};

// A parameter by name, such as delta, alpha or class_weight. Those that are not given have their
// defaults. Never grows.
typedef struct numloss_option {
  const char* name;
  const char* choice;          // of NUMLOSS_CHOICE: its text
  const numloss_array* array;  // of NUMLOSS_NUMBERS
  double number;               // of NUMLOSS_NUMBER
  int64_t integer;             // of NUMLOSS_INTEGER; of NUMLOSS_SWITCH 0 or 1
  int32_t kind;
  uint32_t reserved;  // 0
} numloss_option;

typedef struct numloss_call {
  size_t size;                    // sizeof(numloss_call)
  uint32_t want;                  // sum of NUMLOSS_VALUE...
  int32_t input_count;            // as many as the loss has, but for one that may be left out
  const numloss_array* inputs;    // mostly prediction and target; numloss_input tells
  const numloss_option* options;  // option_count of them, in any order
  int32_t option_count;
  int32_t reduction;
  const numloss_array* weight;  // of the examples, axes of length 1 for all along them; NULL: 1
  int32_t denominator;
  int32_t dtype;              // of values and derivatives; 0: that of the prediction, promoted
  double denominator_number;  // of NUMLOSS_BY_NUMBER
  int32_t threads;            // at most so many, from 1 to 4096; 0: numloss_num_threads()
  int32_t gradient_count;     // as many as the loss has, mostly 1, where gradients are wanted
  // Arrays to write to. A place that nothing is wanted for must be NULL.
  const numloss_array* values;     // of the examples: NUMLOSS_VALUE with NUMLOSS_NONE
  const numloss_array* gradients;  // in the order of the inputs they are by
  const numloss_array* hessians;   // the same
  int32_t hessian_count;
  uint32_t flags;  // sum of NUMLOSS_SPOIL_OUTPUTS...
  // As many as options ask for, the log-sum-exp before the predicted classes: the former of the
  // type of values, the latter of NUMLOSS_INT64, both of the shape of the examples.
  const numloss_array* extras;
  int32_t extra_count;
  int32_t reserved;  // 0
} numloss_call;

// All 0 where no sum or mean is wanted. Members that this library does not know stay as they were.
typedef struct numloss_result {
  size_t size;    // sizeof(numloss_result), from the caller
  double value;   // sum or mean, where it is wanted
  double weight;  // sum of the weights that went into the value
  int64_t count;  // examples that did, ignored ones left out
  int32_t empty;  // 1: a mean over nothing
  int32_t reserved;
} numloss_result;

// What is wrong with a call. Written where a function does not return NUMLOSS_OK.
typedef struct numloss_fault {
  size_t size;            // sizeof(numloss_fault), from the caller
  numloss_status status;  // what the function returned
  int32_t is_type;        // 1: the type of the argument is wrong, not its value
  int32_t index_ndim;     // axes of `index`; 0: the argument as a whole, or more than 8 axes
  int32_t reserved;
  int64_t index[8];   // of the first bad element
  char argument[24];  // the input, parameter or member at fault
  char needed[200];   // "must be a positive finite number"
  char got[120];      // "-1.0"; empty where `needed` says it all
  char text[520];     // all of it as a sentence, without its full stop
} numloss_fault;

// What a call would give.
typedef struct numloss_outline {
  size_t size;         // sizeof(numloss_outline), from the caller
  int32_t dtype;       // of values and derivatives
  int32_t class_axis;  // of the prediction, from 0; -1: it has none
} numloss_outline;

// Computes a loss by its name. `result` may be NULL where no value is wanted as a number; `fault`
// may always be NULL, and neither is read but for its size. Many threads may call it at once, also
// with the same inputs.
numloss_status numloss_compute(const char* loss, const numloss_call* call, numloss_result* result,
                               numloss_fault* fault);
// The same, by its place in the list: what numloss_find returned.
numloss_status numloss_compute_index(int32_t loss, const numloss_call* call, numloss_result* result,
                                     numloss_fault* fault);

// One call of a batch. Never grows.
typedef struct numloss_item {
  const numloss_call* call;
  numloss_result* result;  // as in numloss_compute
  int32_t loss;            // what numloss_find returned
  numloss_status status;   // written: what the call came to
} numloss_item;

// Computes calls one after the other, for callers to whom a call of C costs as much as a small loss
// (cgo, JNI). A call that fails stops none that follow. Returns the first status that is not
// NUMLOSS_OK; `fault` says what was wrong there.
numloss_status numloss_compute_batch(numloss_item* items, int64_t count, numloss_fault* fault);

// Checks all of a call that does not need its floats or its labels read, and tells the type of its
// results: for the caller to make arrays. Values have the shape of the examples (the prediction's
// without the axis of classes, of sequences without that of steps either), derivatives the
// prediction's. Outputs are not looked at, and may be absent.
numloss_status numloss_check(int32_t loss, const numloss_call* call, numloss_outline* outline,
                             numloss_fault* fault);

// Reads the environment and looks up what calls need, as the first call does otherwise.
numloss_status numloss_start(numloss_fault* fault);

// What there is: for bindings, and for programs that let their users choose. Places are from 0 on;
// beyond the last, pointers are NULL, numbers -1 or NUMLOSS_UNKNOWN_NAME is returned. The order of
// losses may be another in another version.

int32_t numloss_loss_count(void);
const char* numloss_loss_name(int32_t loss);
int32_t numloss_find(const char* name);

// What an input may hold. Type and shape are told by `inputs` and `classes` below.
enum {
  NUMLOSS_ANY_NUMBER = 0,
  NUMLOSS_UNIT_INTERVAL = 1,  // [0, 1]
  NUMLOSS_MINUS_PLUS = 2,     // -1 or +1, or booleans
  NUMLOSS_ABOVE_ZERO = 3,
  NUMLOSS_ABOVE_MINUS_ONE = 4,
  NUMLOSS_AT_LEAST_ZERO = 5,
  NUMLOSS_BOOLEANS = 6,  // whether a class is there; beside a target 0 or 1 as numbers, too
};

// How a loss walks its prediction.
enum {
  NUMLOSS_ELEMENTS = 0,  // every element is an example
  NUMLOSS_PENALTY = 1,   // the same, without a target; always the sum
  // An example is a row of scores, along `axis`, or of thresholds, members..., or several rows that
  // are compared.
  NUMLOSS_CLASSES = 2,
  // An example is a sequence of such rows, (steps, classes), the prediction one or several of them;
  // the target holds a row of labels for each. There is no Hessian.
  NUMLOSS_SEQUENCES = 3,
};

typedef struct numloss_loss_info {
  size_t size;  // sizeof(numloss_loss_info), from the caller
  const char* name;
  int32_t form;  // NUMLOSS_ELEMENTS...
  int32_t input_count;
  int32_t gradient_count;  // and Hessians
  int32_t parameter_count;
  // Of NUMLOSS_CLASSES: integers as the target, one an example; 2: of one class more than a row has
  // numbers, which stand between the classes. A loss that takes neither these nor probabilities has
  // a target of the prediction's shape (crps_ensemble, crps_quantile, cosine_embedding and
  // contrastive: a number an example; triplet_margin: none).
  int32_t takes_labels;
  int32_t takes_probabilities;  // floats, of the prediction's shape
} numloss_loss_info;

typedef struct numloss_input_info {
  size_t size;  // sizeof(numloss_input_info), from the caller
  const char* name;
  int32_t domain;    // NUMLOSS_ANY_NUMBER...; a prediction of probabilities follows from_logits
  int32_t gradient;  // place of its gradient; -1: it has none
  // Where it is left out, which the last input alone may be; NaN: the target.
  double standard;
  int32_t may_be_left_out;
  int32_t reserved;
} numloss_input_info;

// The numbers that a parameter may be.
enum {
  NUMLOSS_ANY_INTEGER = 0,
  NUMLOSS_POSITIVE = 1,        // finite, above 0
  NUMLOSS_NONNEGATIVE = 2,     // finite, at least 0
  NUMLOSS_UNIT = 3,            // [0, 1]
  NUMLOSS_INSIDE_UNIT = 4,     // (0, 1)
  NUMLOSS_OUTSIDE_UNIT = 5,    // finite, at most 0 or at least 1
  NUMLOSS_UNBOUNDED = 6,       // any number, infinite or not
  NUMLOSS_HALF = 7,            // [0, 0.5]
  NUMLOSS_FROM_MINUS_ONE = 8,  // finite, at least -1
  NUMLOSS_ONE_OR_TWO = 9,
  NUMLOSS_COUNT = 10,  // whole, at least 1
};

typedef struct numloss_parameter_info {
  size_t size;  // sizeof(numloss_parameter_info), from the caller
  const char* name;
  int32_t kinds;          // sum of NUMLOSS_NUMBER... that it takes
  int32_t default_kind;   // one of them, whose default is in the member that an option has it in
  int32_t range;          // of numbers, and of the elements of arrays
  int32_t default_place;  // of the default among the choices
  double number;
  int64_t integer;
  const char* const* choices;  // ends with NULL; NULL: there are none
} numloss_parameter_info;

numloss_status numloss_loss(int32_t loss, numloss_loss_info* info);
numloss_status numloss_input(int32_t loss, int32_t input, numloss_input_info* info);
numloss_status numloss_parameter(int32_t loss, int32_t parameter, numloss_parameter_info* info);

// A handler of XLA's FFI, for programs of JAX and of others that XLA compiles: the loss as a custom
// call on the CPU. It is registered under a name with `api_version` 1, and needs nothing of XLA's
// to be built. Its attributes, integers as int64:
//   - loss: the name; want, reduction, denominator, dtype: as in numloss_call.
//   - allow_negative_weight: a switch, for NUMLOSS_ALLOW_NEGATIVE_WEIGHT.
//   - operands: what the operands are, words that blanks part: the inputs in their order, then
//     "weight", "denominator" (a number) and options by their names, numbers and arrays, so that
//     another value compiles nothing anew. Behind a word, ":number" says that the operand holds
//     float64 numbers as pairs of uint32, their halves, along a last axis; such a target is a
//     NUMLOSS_PLAIN_NUMBER.
//   - axes: how many axes the first operand has as an input. Those before them are a batch's, which
//     all operands have, of length 1 where its elements share an operand: each element is a call.
//   - other options by their names: integers, switches (i1), texts of choices, "" for
//     NUMLOSS_NOTHING.
// Results: the number (float64, or float32 to round it to) or the values, then gradients, then
// Hessians, then the extras that options ask for; predicted classes are int64, or pairs of uint32,
// their halves, along a last axis. What is wrong comes as INVALID_ARGUMENT with the text of a
// numloss_fault; RESOURCE_EXHAUSTED is NUMLOSS_MEMORY. No thread of XLA's is waited for.
struct XLA_FFI_Error;
struct XLA_FFI_CallFrame;
struct XLA_FFI_Error* numloss_xla_call(struct XLA_FFI_CallFrame* frame);

// How many threads a call may use: those of numloss_set_num_threads, else of NUMLOSS_NUM_THREADS,
// else of OMP_NUM_THREADS, else as many as the process may have (affinity, control groups). 0: the
// environment is wrong, and numloss_start says how.
int32_t numloss_num_threads(void);
// From 1 to 4096, for all threads of the process and the calls that begin after it. It may be
// called at any time; which of two that are called at once holds is not said.
numloss_status numloss_set_num_threads(int32_t count, numloss_fault* fault);

// The instruction set in use: "baseline", "v3" or "v4". NULL: the environment is wrong.
const char* numloss_isa(void);
// "0.1.0": of the library, not of this header.
const char* numloss_version(void);
// 1000 * major + minor of the library's ABI.
int32_t numloss_abi(void);

#ifdef __cplusplus
}
#endif

#endif
