#include "arrow.hpp"

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lent.hpp"

namespace py = pybind11;

namespace numloss {
namespace {

// The C ABI of Arrow's data and stream interfaces (arrow.apache.org/docs/format). Whoever has a
// struct calls its `release` once; null: it has been released, or handed on.
struct ArrowSchema {
  const char *format, *name, *metadata;
  int64_t flags, child_count;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* context;
};
struct ArrowArray {
  int64_t length, null_count, offset, buffer_count, child_count;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* context;
};
struct ArrowStream {
  int (*get_schema)(ArrowStream*, ArrowSchema*);
  int (*get_next)(ArrowStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowStream*);
  void (*release)(ArrowStream*);
  void* context;
};

// One of these structs, released at the end.
template <class T>
class Owned {
 public:
  Owned() : value() {}
  explicit Owned(T& from) : value(from) { from.release = nullptr; }
  Owned(Owned&& other) noexcept : Owned(other.value) {}
  ~Owned() {
    if (value.release != nullptr) value.release(&value);
  }

  T value;
};

// What a capsule holds, moved out of it.
template <class T>
Owned<T> take(const py::capsule& capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule.ptr(), name)) {
    throw Unusable(std::string("must give an Arrow capsule '") + name + "'");
  }
  auto* from = static_cast<T*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (from->release == nullptr) throw Unusable("must give Arrow memory that has not been released");
  return Owned<T>(*from);
}

[[noreturn]] void refuse_type(const ArrowSchema& schema) {
  throw Unusable(std::string("must hold real numbers of at most 64 bits, got a column of Arrow's "
                             "format '") +
                 (schema.format != nullptr ? schema.format : "") + "'" +
                 (schema.dictionary != nullptr ? " with a dictionary" : ""));
}

void refuse_unless(bool sound, const char* needed) {
  if (!sound) throw Unusable(std::string("must be an Arrow column with ") + needed);
}

// ------------------------------------------------------------------------------------------ types

enum class Kind : uint8_t { kNumbers, kBits, kLists, kTable, kNulls };

// What a schema says of one level of a column.
struct Type {
  Kind kind;
  DType dtype;     // of numbers and bits
  int64_t length;  // of each list
};

// The name of an extension type, from the metadata: a number of pairs, each of them a key and a
// value, each of these its length and its bytes.
std::string_view extension_of(const ArrowSchema& schema) {
  const char* from = schema.metadata;
  if (from == nullptr) return {};
  const auto read_length = [&from] {
    int32_t length;
    std::memcpy(&length, from, sizeof(length));
    from += sizeof(length);
    return length;
  };
  const auto read_text = [&]() -> std::string_view {
    const int32_t length = read_length();
    refuse_unless(length >= 0, "metadata of lengths of at least 0");
    const std::string_view text(from, size_t(length));
    from += length;
    return text;
  };
  for (int32_t pairs = read_length(); pairs > 0; --pairs) {
    const std::string_view key = read_text(), value = read_text();
    if (key == "ARROW:extension:name") return value;
  }
  return {};
}

// The length of the lists of a format "+w:LENGTH"; -1: it is another format.
int64_t list_length(std::string_view format) {
  constexpr std::string_view kLists = "+w:";
  if (format.substr(0, kLists.size()) != kLists || format.size() == kLists.size()) return -1;
  int64_t length = 0;
  for (const char digit : format.substr(kLists.size())) {
    if (digit < '0' || digit > '9') return -1;
    if (__builtin_mul_overflow(length, 10, &length)) return -1;
    if (__builtin_add_overflow(length, digit - '0', &length)) return -1;
  }
  return length;
}

Type type_of(const ArrowSchema& schema) {
  if (schema.format == nullptr || schema.dictionary != nullptr) refuse_type(schema);
  const std::string_view format = schema.format;
  if (format == "b") return {Kind::kBits, DType::kBool, 0};
  if (format == "n") return {Kind::kNulls, DType::kFloat64, 0};
  if (format == "+s") return {Kind::kTable, DType::kFloat64, 0};
  if (const int64_t length = list_length(format); length >= 0) {
    refuse_unless(
        schema.child_count == 1 && schema.children != nullptr && schema.children[0] != nullptr,
        "lists of one kind of element");
    return {Kind::kLists, DType::kFloat64, length};
  }
  // In the order of DType, where Arrow has no bfloat16, and booleans are bits.
  constexpr std::string_view kFormats = "fge--csilCSIL";
  const size_t place = kFormats.find(format);
  if (format.size() != 1 || format == "-" || place == std::string_view::npos) refuse_type(schema);
  const bool is_bool = extension_of(schema) == "arrow.bool8";
  return {Kind::kNumbers, is_bool ? DType::kBool : DType(place), 0};
}

// Whether its array is more than its numbers.
bool is_extension(const ArrowSchema& schema) {
  const std::string_view name = extension_of(schema);
  return !name.empty() && name != "arrow.bool8";
}

// ------------------------------------------------------------------------------------------- nulls

// Elements of one level of a column, counted from the first of its buffers.
struct Range {
  int64_t first, count;
  int64_t end() const { return first + count; }
};

bool bit(const void* bits, int64_t i) {
  return (static_cast<const uint8_t*>(bits)[i / 8] >> (i % 8) & 1) != 0;
}

bool all_set(const void* bits, Range range) {
  int64_t i = range.first;
  for (; i < range.end() && i % 64 != 0; ++i) {
    if (!bit(bits, i)) return false;
  }
  for (; i + 64 <= range.end(); i += 64) {
    uint64_t word;
    std::memcpy(&word, static_cast<const char*>(bits) + i / 8, sizeof(word));
    if (word != UINT64_MAX) return false;
  }
  for (; i < range.end(); ++i) {
    if (!bit(bits, i)) return false;
  }
  return true;
}

// Rows of a column, of which some may hold a null.
class Rows {
 public:
  explicit Rows(int64_t count) : count_(count) {}

  // Finds the nulls of a level, of which each row has `range.count / count` elements.
  void mark(const ArrowArray& level, Range range) {
    refuse_unless(level.null_count >= -1, "a number of nulls of at least 0, or -1");
    const void* const bits = level.buffer_count > 0 ? level.buffers[0] : nullptr;
    if (bits == nullptr) {
      refuse_unless(level.null_count <= 0, "a bitmap of its nulls");
      return;
    }
    if (level.null_count == 0 || all_set(bits, range)) return;
    const int64_t each = range.count / count_;
    for (int64_t i = 0; i < range.count; ++i) {
      if (!bit(bits, range.first + i)) valid()[i / each] = false;
    }
  }

  void mark_all() {
    for (int64_t row = 0; row < count_; ++row) valid()[row] = false;
  }

  py::object result() const { return valid_; }

 private:
  bool* valid() {
    if (valid_.is_none()) {
      py::array_t<bool> made(count_);
      std::memset(made.mutable_data(), 1, size_t(count_));
      first_ = made.mutable_data();
      valid_ = std::move(made);
    }
    return first_;
  }

  int64_t count_;
  py::object valid_ = py::none();
  bool* first_ = nullptr;
};

// ----------------------------------------------------------------------------------------- columns

// What a schema says of a column: for each row so many numbers.
struct Column {
  Type numbers;
  std::vector<int64_t> lengths;  // of lists, and of lists in them
  bool gives_itself;             // a table, or an extension type
};

Column describe(const ArrowSchema& schema) {
  Column column = {type_of(schema), {}, is_extension(schema)};
  for (const ArrowSchema* level = &schema; column.numbers.kind == Kind::kLists;) {
    refuse_unless(column.lengths.size() + 1 < size_t(kMaxDims), "at most 64 axes");
    column.lengths.push_back(column.numbers.length);
    level = level->children[0];
    column.numbers = type_of(*level);
    if (column.numbers.kind == Kind::kTable) refuse_type(*level);
  }
  column.gives_itself = column.gives_itself || column.numbers.kind == Kind::kTable;
  return column;
}

// The elements of a level that those of `above`, with `length` of them each, stand for.
Range range_below(const ArrowArray& level, Range above, int64_t length) {
  Range range = {};
  int64_t end = 0;
  const bool fits = !__builtin_mul_overflow(above.first, length, &range.first) &&
                    !__builtin_mul_overflow(above.count, length, &range.count) &&
                    !__builtin_add_overflow(range.first, range.count, &end) && end <= level.length;
  refuse_unless(fits, "as many elements as its length says");
  refuse_unless(level.offset >= 0 && !__builtin_add_overflow(end, level.offset, &end),
                "an offset of at least 0");
  range.first += level.offset;
  return range;
}

void check_level(const Type& type, const ArrowSchema& schema, const ArrowArray& level) {
  const bool has_numbers = type.kind == Kind::kNumbers || type.kind == Kind::kBits;
  const bool has_buffers = level.buffer_count == (has_numbers ? 2 : 1) && level.buffers != nullptr;
  refuse_unless(has_buffers || type.kind == Kind::kNulls, "the buffers of its type");
  refuse_unless(level.child_count == schema.child_count, "the children of its type");
  for (int64_t i = 0; i < level.child_count; ++i) {
    const bool known = schema.children != nullptr && schema.children[i] != nullptr;
    const bool given = level.children != nullptr && level.children[i] != nullptr;
    refuse_unless(known && given, "the children of its type");
  }
}

// Checks a level and what is below it, and finds their nulls.
void find_nulls(const ArrowSchema& schema, const ArrowArray& level, Range range, Rows& rows) {
  const Type type = type_of(schema);
  check_level(type, schema, level);
  if (type.kind == Kind::kNulls) {
    rows.mark_all();
  } else {
    rows.mark(level, range);
  }
  const bool is_table = type.kind == Kind::kTable;
  for (int64_t i = 0; i < level.child_count; ++i) {
    const ArrowSchema& below = *schema.children[i];
    // Tables stand on top, and lists have one child: what leads back to itself ends in `describe`.
    if (is_table && describe(below).numbers.kind == Kind::kTable) refuse_type(below);
    const ArrowArray& child = *level.children[i];
    find_nulls(below, child, range_below(child, range, is_table ? 1 : type.length), rows);
  }
}

// Booleans, a byte each.
py::array unpacked(const void* bits, Range range, const std::vector<int64_t>& shape) {
  refuse_unless(bits != nullptr || range.count == 0, "memory for its elements");
  py::array_t<bool> result(shape);
  bool* const to = result.mutable_data();
  for (int64_t i = 0; i < range.count; ++i) to[i] = bit(bits, range.first + i);
  return result;
}

py::array lent(const void* numbers, Range range, DType dtype, const std::vector<int64_t>& shape,
               const py::capsule& owner) {
  Array memory = {};
  memory.dtype = dtype;
  memory.ndim = int(shape.size());
  memory.shape = shape.data();
  int64_t bytes = 0;
  uintptr_t first = 0;
  const bool counted = !__builtin_mul_overflow(range.first, item_size(dtype), &bytes) &&
                       !__builtin_add_overflow(uintptr_t(numbers), uintptr_t(bytes), &first);
  refuse_unless(counted, "an offset within memory");
  memory.data = numbers != nullptr ? reinterpret_cast<char*>(first) : nullptr;
  return lent_array(memory, owner);
}

// The numbers of a column whose levels have been checked.
py::object numbers_of(const Column& column, const ArrowArray& array, Range range,
                      const py::capsule& owner) {
  if (column.gives_itself) return py::none();
  std::vector<int64_t> shape = {range.count};
  const ArrowArray* level = &array;
  for (const int64_t length : column.lengths) {
    level = level->children[0];
    range = range_below(*level, range, length);
    shape.push_back(length);
  }
  switch (column.numbers.kind) {
    case Kind::kNulls: return py::array_t<double>(shape);
    case Kind::kBits: return unpacked(level->buffers[1], range, shape);
    default: return lent(level->buffers[1], range, column.numbers.dtype, shape, owner);
  }
}

py::tuple read_piece(const ArrowSchema& schema, const Column& column, Owned<ArrowArray> piece) {
  auto kept = std::make_unique<Owned<ArrowArray>>(std::move(piece));
  const ArrowArray& array = kept->value;
  const py::capsule owner(kept.get(),
                          [](void* pointer) { delete static_cast<Owned<ArrowArray>*>(pointer); });
  kept.release();
  refuse_unless(array.length >= 0, "a length of at least 0");
  const Range range = range_below(array, {0, array.length}, 1);
  Rows rows(array.length);
  find_nulls(schema, array, range, rows);
  return py::make_tuple(numbers_of(column, array, range, owner), rows.result(), array.length);
}

py::tuple without_a_row(const Column& column) {
  std::vector<int64_t> shape = {0};
  shape.insert(shape.end(), column.lengths.begin(), column.lengths.end());
  const py::object numbers = column.gives_itself
                                 ? py::object(py::none())
                                 : py::object(py::array(numpy_type(column.numbers.dtype), shape));
  return py::make_tuple(numbers, py::none(), 0);
}

// ------------------------------------------------------------------------------------------
// streams

// Asks a stream for its schema or its next piece.
template <class T>
Owned<T> ask(ArrowStream& stream, int (*function)(ArrowStream*, T*)) {
  refuse_unless(function != nullptr, "the functions of a stream");
  Owned<T> result;
  const int code = function(&stream, &result.value);
  if (code == 0) return result;
  result.value.release = nullptr;  // nothing has been handed over
  const char* const text =
      stream.get_last_error != nullptr ? stream.get_last_error(&stream) : nullptr;
  throw Unusable("must be an Arrow stream that can be read, got error " + std::to_string(code) +
                 (text != nullptr ? std::string(": ") + text : ""));
}

}  // namespace

py::tuple from_arrow_array(const py::capsule& schema, const py::capsule& array) {
  const auto described = take<ArrowSchema>(schema, "arrow_schema");
  auto piece = take<ArrowArray>(array, "arrow_array");
  return read_piece(described.value, describe(described.value), std::move(piece));
}

py::list from_arrow_stream(const py::capsule& capsule) {
  auto stream = take<ArrowStream>(capsule, "arrow_array_stream");
  const auto schema = ask(stream.value, stream.value.get_schema);
  const Column column = describe(schema.value);
  py::list pieces;
  for (;;) {
    auto piece = ask(stream.value, stream.value.get_next);
    if (piece.value.release == nullptr) break;
    if (piece.value.length != 0) pieces.append(read_piece(schema.value, column, std::move(piece)));
  }
  if (pieces.empty()) pieces.append(without_a_row(column));
  return pieces;
}

}  // namespace numloss
