// A state as bytes: numbers that are small take few.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace numloss {

// What from_bytes throws: the bytes are no state.
struct Damaged : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

class Writer {
 public:
  void number(uint64_t x) {
    for (; x > 127; x >>= 7) bytes_.push_back(char(x | 128));
    bytes_.push_back(char(x));
  }
  void signed_number(int64_t x) { number(uint64_t(x) << 1 ^ uint64_t(x >> 63)); }
  template <class T>
  void plain(T x) {
    static_assert(std::endian::native == std::endian::little);
    bytes_.append(reinterpret_cast<const char*>(&x), sizeof x);
  }
  void text(std::string_view x) {
    number(x.size());
    bytes_.append(x);
  }
  void raw(const void* from, size_t size) { bytes_.append(static_cast<const char*>(from), size); }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t number() {
    uint64_t x = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = uint64_t(uint8_t(*take(1)));
      x |= (byte & 127) << shift;
      if (byte < 128) return x;
    }
    throw Damaged("a number is too long");
  }
  int64_t signed_number() {
    const uint64_t x = number();
    return int64_t(x >> 1) ^ -int64_t(x & 1);
  }
  // A number that says how many of something follow, at least one byte each.
  size_t count() {
    const uint64_t n = number();
    if (n > bytes_.size()) throw Damaged("more is announced than there is");
    return size_t(n);
  }
  template <class T>
  T plain() {
    T x;
    std::memcpy(&x, take(sizeof x), sizeof x);
    return x;
  }
  std::string_view text() {
    const size_t size = count();
    return {take(size), size};
  }
  const char* take(size_t size) {
    if (size > bytes_.size()) throw Damaged("it ends too early");
    const char* at = bytes_.data();
    bytes_.remove_prefix(size);
    return at;
  }
  bool empty() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace numloss
