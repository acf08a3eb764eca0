// The groups of rows: the values of a column get numbers, in the order in which they first appear.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"

namespace numloss {

// From hashes to codes: open addressing, at most half full.
class HashTable {
 public:
  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash >> shift_]); }
  // The code of the key that has this hash and for which same(code) is true; what add() returns,
  // where there is none.
  template <class Same, class Add>
  int32_t find(uint64_t hash, const Same& same, const Add& add) {
    const uint64_t mask = slots_.size() - 1;
    for (uint64_t i = hash >> shift_;; i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (slot.code < 0) {
        const int32_t code = add();
        slot = {hash, code};
        if (++used_ * 2 > slots_.size()) grow();
        return code;
      }
      if (slot.hash == hash && same(slot.code)) return slot.code;
    }
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    int32_t code = -1;
  };
  static constexpr int kBits = 8;
  void grow();

  std::vector<Slot> slots_ = std::vector<Slot>(1 << kBits);
  int shift_ = 64 - kBits;
  size_t used_ = 0;
};

// One of so many buckets for a number: of numbers in any pattern about as many in each.
int32_t bucket_of(uint64_t bits, uint32_t count);

enum class KeyKind : uint8_t { kNone, kInteger, kReal, kText, kBool, kPair };
const char* name_of(KeyKind kind);

// The values of one column, all of one kind; one of them may be missing.
class Keys {
 public:
  int32_t size() const { return size_; }
  KeyKind kind() const { return kind_; }
  int32_t missing() const { return missing_; }  // its code, or -1
  int64_t integer(int32_t code) const { return int64_t(bits_[size_t(code)]); }
  double real(int32_t code) const { return std::bit_cast<double>(bits_[size_t(code)]); }
  std::string_view text(int32_t code) const {
    return std::string_view(arena_).substr(begin_[size_t(code)],
                                           begin_[size_t(code) + 1] - begin_[size_t(code)]);
  }
  size_t bytes() const { return arena_.capacity() + 8 * begin_.capacity() + 40 * bits_.capacity(); }

  // Codes of n values, of which those with a mark in `missing` (or null) are not there. Throws
  // std::invalid_argument if the column was of another kind before.
  template <class Value>  // int32_t or int64_t
  void encode(KeyKind kind, const Value* values, const uint8_t* missing, int64_t n, int32_t* codes);
  // A NaN is missing.
  void encode(const double* values, const uint8_t* missing, int64_t n, int32_t* codes);
  // Value i is data[offsets[i]] up to data[offsets[i + 1]]. One whose mark is kUnused gets no code,
  // but -1.
  static constexpr uint8_t kUnused = 2;
  template <class Offset>
  void encode(const Offset* offsets, const char* data, const uint8_t* missing, int64_t n,
              int32_t* codes);
  // Codes here of all that another column has.
  std::vector<int32_t> take(const Keys& other);

  // For each code one of so many buckets, by the value alone.
  std::vector<int32_t> buckets(uint32_t count) const;

  // Codes in the order of their values: numbers by size, text by its bytes, what is missing last.
  std::vector<int32_t> order() const;
  void write(const std::vector<int32_t>& order, Writer& writer) const;
  void read(Reader& reader);

 private:
  static constexpr uint64_t kRange = 1 << 18;

  void become(KeyKind kind);
  template <class Value>
  bool encode_direct(const Value* values, int64_t n, int32_t* codes);
  int32_t code_of_new(uint64_t bits);
  int32_t code_of_bits(uint64_t bits, uint64_t hash);
  int32_t code_of_text(std::string_view text, uint64_t hash);
  int32_t code_of_missing();
  // Codes in order, but for what is missing.
  std::vector<int32_t> order_of_text() const;
  std::vector<int32_t> order_of_numbers() const;

  KeyKind kind_ = KeyKind::kNone;
  HashTable table_;
  std::vector<uint64_t> bits_;  // of numbers, by code
  std::string arena_;           // of text
  std::vector<uint64_t> begin_{0};
  int32_t size_ = 0;
  int32_t missing_ = -1;
  std::vector<uint64_t> hashes_;
  // Codes of the whole numbers from lowest_ on, or -1. Once it is there, table_ has the others.
  std::vector<int32_t> direct_;
  uint64_t lowest_ = 0;
};

}  // namespace numloss
