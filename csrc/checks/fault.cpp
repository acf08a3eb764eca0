#include "fault.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace numloss {

namespace {

constexpr const char* kCodes[] = {
    "none",        "parameter",    "shape",   "label_shape", "not_labels", "not_probabilities",
    "target_type", "axis",         "element", "signs",       "logits",     "inexact",
    "order",       "weight_shape", "output",  "output_type", "overlap",    "reduction",
    "not_sets",    "weight_sum",   "changed"};
static_assert(std::size(kCodes) == size_t(FaultCode::kChanged) + 1);

// Appends as printf does, and leaves the text whole where there is no room.
[[gnu::format(printf, 3, 4)]] void append(char* text, size_t size, const char* format, ...) {
  const size_t length = std::strlen(text);
  va_list arguments;
  va_start(arguments, format);
  const int added = std::vsnprintf(text + length, size - length, format, arguments);
  va_end(arguments);
  if (added < 0 || size_t(added) >= size - length) text[length] = '\0';
}

}  // namespace

const char* name_of(FaultCode code) { return kCodes[size_t(code)]; }

bool Fault::set(FaultCode what, const char* name, const char* format, ...) {
  code = what;
  std::snprintf(argument, sizeof(argument), "%s", name);
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(needed, sizeof(needed), format, arguments);
  va_end(arguments);
  got[0] = '\0';
  index_ndim = 0;
  return false;
}

bool Fault::came(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(got, sizeof(got), format, arguments);
  va_end(arguments);
  return false;
}

void Fault::at(const int64_t* place, int ndim) {
  index_ndim = ndim <= kMaxIndex ? ndim : 0;
  std::copy_n(place, index_ndim, index);
}

int Fault::text(char* to, int size) const {
  char whole[sizeof(Fault) + 32 * kMaxIndex] = "";
  append(whole, sizeof(whole), "%s %s", argument, needed);
  if (got[0] != '\0') append(whole, sizeof(whole), ", got %s", got);
  if (index_ndim == 1) {
    append(whole, sizeof(whole), " at index %lld", static_cast<long long>(index[0]));
  } else if (index_ndim > 1) {
    append(whole, sizeof(whole), " at index %s", ShapeText(index, index_ndim).text);
  }
  return std::snprintf(to, size_t(size), "%s", whole);
}

ShapeText::ShapeText(const int64_t* shape, int ndim) : text("(") {
  for (int d = 0; d < ndim; ++d) {
    const char* const end = d + 1 < ndim ? ", " : ndim == 1 ? "," : "";
    append(text, sizeof(text) - 5, "%lld%s", static_cast<long long>(shape[d]), end);
  }
  append(text, sizeof(text), ")");
}

NumberText::NumberText(double x, DType dtype) : text("") {
  if (!is_real(dtype)) {
    std::snprintf(text, sizeof(text), "%.0f", x);
    return;
  }
  char* const end = text + sizeof(text) - 3;
  const std::to_chars_result result =
      dtype == DType::kFloat64 ? std::to_chars(text, end, x) : std::to_chars(text, end, float(x));
  *result.ptr = '\0';
  const bool whole = std::strpbrk(text, ".en") == nullptr;
  if (whole) append(text, sizeof(text), ".0");
}

}  // namespace numloss
