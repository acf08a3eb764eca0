// The C ABI of XLA's FFI (openxla.org/xla/custom_call): what a handler reads of it, which versions
// 0.1 to 0.3 have alike. Every struct begins with the size that XLA has of it, and members are only
// added behind the last.
#pragma once

#include <cstddef>
#include <cstdint>

namespace numloss::xla {

inline constexpr int kMajor = 0, kMinor = 1, kNewestMinor = 3;

struct Extension {
  size_t size;
  int type;
  Extension* next;
};
inline constexpr int kMetadataExtension = 1;

struct Version {
  size_t size;
  Extension* extensions;
  int major, minor;
};

struct ErrorArguments {
  size_t size;
  Extension* extensions;
  const char* message;
  int code;
};
// Those of absl::StatusCode.
enum Code { kInvalidArgument = 3, kResourceExhausted = 8, kFailedPrecondition = 9, kInternal = 13 };

struct Error;

struct Api {
  size_t size;
  Extension* extensions;
  Version version;
  const void* internal;
  Error* (*create_error)(ErrorArguments*);
};

// Those of xla::PrimitiveType.
// clang-format off
enum Type {
  kPred = 1, kS8 = 2, kS16 = 3, kS32 = 4, kS64 = 5, kU8 = 6, kU16 = 7, kU32 = 8, kU64 = 9,
  kF16 = 10, kF32 = 11, kF64 = 12, kBf16 = 16
};
// clang-format on

// An array in C order.
struct Buffer {
  size_t size;
  Extension* extensions;
  int type;
  void* data;
  int64_t rank;
  int64_t* dims;
};

// Arguments or results. The one kind that there is of either is a buffer.
struct Buffers {
  size_t size;
  Extension* extensions;
  int64_t count;
  int* kinds;
  void** buffers;
};
inline constexpr int kBuffer = 1;

struct Text {
  const char* data;
  size_t length;
};

struct Scalar {
  int type;
  void* value;
};

struct Attributes {
  size_t size;
  Extension* extensions;
  int64_t count;
  int* kinds;
  Text** names;
  void** values;
};
enum AttributeKind { kScalar = 3, kText = 4 };

struct Frame {
  size_t size;
  Extension* extensions;
  const Api* api;
  void* context;
  int stage;
  Buffers arguments, results;
  Attributes attributes;
};
inline constexpr int kExecute = 3;

struct Metadata {
  size_t size;
  Version version;
  uint32_t traits;
};
struct MetadataExtension {
  Extension base;
  Metadata* metadata;
};

static_assert(sizeof(Extension) == 24 && sizeof(Version) == 24 && sizeof(ErrorArguments) == 32);
static_assert(offsetof(Api, create_error) == 48 && sizeof(Buffer) == 48 && sizeof(Buffers) == 40);
static_assert(sizeof(Attributes) == 48 && offsetof(Frame, attributes) == 120);
static_assert(offsetof(Metadata, traits) == 32);

}  // namespace numloss::xla
