#include "keys.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "fixed.hpp"

namespace numloss {
namespace {

constexpr int64_t kAhead = 16;  // keys whose slots are asked for before their turn
// No harm in other numbers: odd, with about as many ones as zeros.
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15, kOther = 0xd6e8feb86659fd93;
constexpr int32_t kMostKeys = std::numeric_limits<int32_t>::max() - 1;

// One to one, so that equal hashes are equal keys.
uint64_t hash_of(uint64_t bits) {
  const uint64_t mixed = (bits ^ bits >> 32) * kOdd;
  return (mixed ^ mixed >> 29) * kOther;
}

uint64_t folded(uint64_t a, uint64_t b) {
  const Uint128 product = Uint128(a) * b;
  return uint64_t(product) ^ uint64_t(product >> 64);
}

uint64_t hash_of(std::string_view text) {
  uint64_t hash = text.size() * kOdd;
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = folded(hash ^ word, kOther);
  }
  uint64_t word = 0;
  std::memcpy(&word, at, left);
  return folded(hash ^ word, kOdd);
}

// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", 2014): a bit of the argument that flips lets each bit of the result flip in half
// of all cases.
uint64_t mixed(uint64_t bits) {
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

uint64_t bits_of(double value) { return std::bit_cast<uint64_t>(value + 0.0); }  // -0 is 0

}  // namespace

int32_t bucket_of(uint64_t bits, uint32_t count) {
  return int32_t(Uint128(mixed(bits + kOdd)) * count >> 64);
}

void HashTable::grow() {
  std::vector<Slot> before(2 * slots_.size());
  std::swap(before, slots_);
  --shift_;
  const uint64_t mask = slots_.size() - 1;
  for (const Slot& slot : before) {
    if (slot.code < 0) continue;
    uint64_t i = slot.hash >> shift_;
    while (slots_[i].code >= 0) i = (i + 1) & mask;
    slots_[i] = slot;
  }
}

const char* name_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::kInteger: return "whole numbers";
    case KeyKind::kReal: return "real numbers";
    case KeyKind::kText: return "text";
    case KeyKind::kBool: return "truth values";
    default: return "nothing";
  }
}

std::vector<int32_t> Keys::buckets(uint32_t count) const {
  std::vector<int32_t> found(static_cast<size_t>(size_));
  for (int32_t code = 0; code < size_; ++code) {
    const uint64_t bits = code == missing_          ? ~uint64_t(0)
                          : kind_ == KeyKind::kText ? hash_of(text(code))
                                                    : bits_[size_t(code)];
    found[size_t(code)] = bucket_of(bits, count);
  }
  return found;
}

namespace {

// Whether any of n values is there. Those that are missing say nothing of a column's kind.
bool any_there(const uint8_t* missing, int64_t n) {
  return n > 0 && (missing == nullptr || std::find(missing, missing + n, 0) != missing + n);
}

}  // namespace

void Keys::become(KeyKind kind) {
  if (kind_ == KeyKind::kNone) kind_ = kind;
  if (kind_ != kind) {
    throw std::invalid_argument(std::string("groups must be of one kind: they were ") +
                                name_of(kind_) + " before, and are " + name_of(kind) + " now");
  }
}

int32_t Keys::code_of_new(uint64_t bits) {
  bits_.push_back(bits);
  return size_++;
}

int32_t Keys::code_of_bits(uint64_t bits, uint64_t hash) {
  if (!direct_.empty() && bits - lowest_ < kRange) {
    int32_t& code = direct_[bits - lowest_];
    if (code < 0) code = code_of_new(bits);
    return code;
  }
  return table_.find(hash, [](int32_t) { return true; }, [&] { return code_of_new(bits); });
}

int32_t Keys::code_of_text(std::string_view text, uint64_t hash) {
  return table_.find(
      hash, [&](int32_t code) { return this->text(code) == text; },
      [&] {
        arena_ += text;
        begin_.push_back(arena_.size());
        return size_++;
      });
}

int32_t Keys::code_of_missing() {
  if (missing_ < 0) {
    missing_ = size_++;
    bits_.push_back(0);
    begin_.push_back(arena_.size());
  }
  return missing_;
}

// By a table over a range of values, once all of a batch lie in it.
template <class Value>
bool Keys::encode_direct(const Value* values, int64_t n, int32_t* codes) {
  if (n == 0) return true;
  if (direct_.empty()) {
    const auto [least, most] = std::minmax_element(values, values + n);
    if (uint64_t(*most) - uint64_t(*least) >= kRange / 2) return false;
    direct_.assign(kRange, -1);
    lowest_ = uint64_t(*least) - kRange / 4;
    for (int32_t code = 0; code < size_; ++code) {
      const uint64_t place = bits_[size_t(code)] - lowest_;
      if (code != missing_ && place < kRange) direct_[place] = code;
    }
  }
  uint64_t outside = 0;
  for (int64_t i = 0; i < n; ++i) outside |= uint64_t(values[i]) - lowest_;
  if (outside >= kRange) return false;
  int32_t* const direct = direct_.data();
  for (int64_t i = 0; i < n; ++i) {
    int32_t& code = direct[uint64_t(values[i]) - lowest_];
    if (code < 0) code = code_of_new(uint64_t(values[i]));
    codes[i] = code;
  }
  return true;
}

template <class Value>
void Keys::encode(KeyKind kind, const Value* values, const uint8_t* missing, int64_t n,
                  int32_t* codes) {
  if (any_there(missing, n)) become(kind);
  if (missing == nullptr && encode_direct(values, n, codes)) return;
  for (int64_t i = 0; i < n; ++i) {
    table_.prefetch(hash_of(uint64_t(values[std::min(i + kAhead, n - 1)])));
    const bool absent = missing != nullptr && missing[i] != 0;
    const auto bits = uint64_t(values[i]);
    codes[i] = absent ? code_of_missing() : code_of_bits(bits, hash_of(bits));
  }
}

template void Keys::encode(KeyKind, const int32_t*, const uint8_t*, int64_t, int32_t*);
template void Keys::encode(KeyKind, const int64_t*, const uint8_t*, int64_t, int32_t*);

void Keys::encode(const double* values, const uint8_t* missing, int64_t n, int32_t* codes) {
  const auto is_absent = [&](int64_t i) {
    return std::isnan(values[i]) || (missing != nullptr && missing[i] != 0);
  };
  int64_t first = 0;
  while (first < n && is_absent(first)) ++first;
  if (first < n) become(KeyKind::kReal);
  for (int64_t i = 0; i < n; ++i) {
    table_.prefetch(hash_of(bits_of(values[std::min(i + kAhead, n - 1)])));
    const uint64_t bits = bits_of(values[i]);
    codes[i] = is_absent(i) ? code_of_missing() : code_of_bits(bits, hash_of(bits));
  }
}

template <class Offset>
void Keys::encode(const Offset* offsets, const char* data, const uint8_t* missing, int64_t n,
                  int32_t* codes) {
  if (any_there(missing, n)) become(KeyKind::kText);
  const auto value = [&](int64_t i) {
    return std::string_view(data + offsets[i], size_t(offsets[i + 1] - offsets[i]));
  };
  // Hashes first: to ask for a slot ahead means to know its hash.
  constexpr int64_t kPiece = 4096;
  hashes_.resize(size_t(std::min(n, kPiece)));
  for (int64_t begin = 0; begin < n; begin += kPiece) {
    const int64_t end = std::min(n, begin + kPiece);
    for (int64_t i = begin; i < end; ++i) hashes_[size_t(i - begin)] = hash_of(value(i));
    for (int64_t i = begin; i < end; ++i) {
      table_.prefetch(hashes_[size_t(std::min(i + kAhead, end - 1) - begin)]);
      const uint8_t mark = missing != nullptr ? missing[i] : 0;
      if (mark == kUnused) {
        codes[i] = -1;
      } else {
        codes[i] =
            mark != 0 ? code_of_missing() : code_of_text(value(i), hashes_[size_t(i - begin)]);
      }
    }
  }
}

template void Keys::encode(const int32_t*, const char*, const uint8_t*, int64_t, int32_t*);
template void Keys::encode(const int64_t*, const char*, const uint8_t*, int64_t, int32_t*);

std::vector<int32_t> Keys::take(const Keys& other) {
  if (other.kind_ != KeyKind::kNone) become(other.kind_);
  std::vector<int32_t> codes(size_t(other.size_));
  for (int32_t code = 0; code < other.size_; ++code) {
    int32_t& mine = codes[size_t(code)];
    if (code == other.missing_) {
      mine = code_of_missing();
    } else if (kind_ == KeyKind::kText) {
      mine = code_of_text(other.text(code), hash_of(other.text(code)));
    } else {
      const uint64_t bits = other.bits_[size_t(code)];
      mine = code_of_bits(bits, hash_of(bits));
    }
  }
  return codes;
}

std::vector<int32_t> Keys::order() const {
  std::vector<int32_t> codes = kind_ == KeyKind::kText ? order_of_text() : order_of_numbers();
  if (missing_ >= 0) codes.push_back(missing_);
  return codes;
}

std::vector<int32_t> Keys::order_of_text() const {
  std::vector<int32_t> codes(static_cast<size_t>(size_));
  std::iota(codes.begin(), codes.end(), 0);
  std::erase(codes, missing_);
  std::sort(codes.begin(), codes.end(), [&](int32_t a, int32_t b) { return text(a) < text(b); });
  return codes;
}

std::vector<int32_t> Keys::order_of_numbers() const {
  // As whole numbers without a sign, which are in the same order.
  constexpr uint64_t kSign = uint64_t(1) << 63;
  const auto rank_of = [&](uint64_t bits) {
    return kind_ == KeyKind::kReal && bits >= kSign ? ~bits : bits ^ kSign;
  };
  std::vector<std::pair<uint64_t, int32_t>> ranked;
  ranked.reserve(size_t(size_));
  uint64_t least = ~uint64_t(0), most = 0;
  for (int32_t code = 0; code < size_; ++code) {
    if (code == missing_) continue;
    const uint64_t rank = rank_of(bits_[size_t(code)]);
    least = std::min(least, rank);
    most = std::max(most, rank);
    ranked.emplace_back(rank, code);
  }
  std::vector<int32_t> codes;
  if (ranked.empty()) return codes;
  if (most - least < 4 * uint64_t(size_)) {  // side by side: each has a place in a table
    codes.assign(size_t(most - least) + 1, -1);
    for (const auto& [rank, code] : ranked) codes[size_t(rank - least)] = code;
    std::erase(codes, -1);
  } else {
    std::sort(ranked.begin(), ranked.end());
    for (const auto& [rank, code] : ranked) codes.push_back(code);
  }
  return codes;
}

void Keys::write(const std::vector<int32_t>& order, Writer& writer) const {
  const bool has_missing = !order.empty() && order.back() == missing_;
  writer.plain(uint8_t(order.size() > size_t(has_missing) ? kind_ : KeyKind::kNone));
  writer.plain(uint8_t(has_missing ? 1 : 0));
  writer.number(order.size());
  int64_t last = 0;
  for (const int32_t code : order) {
    if (code == missing_) continue;
    if (kind_ == KeyKind::kText) {
      writer.text(text(code));
    } else if (kind_ == KeyKind::kReal) {
      writer.plain(real(code));
    } else {
      writer.signed_number(int64_t(uint64_t(integer(code)) - uint64_t(last)));
      last = integer(code);
    }
  }
}

void Keys::read(Reader& reader) {
  const auto kind = reader.plain<uint8_t>(), has_missing = reader.plain<uint8_t>();
  if (kind > uint8_t(KeyKind::kPair) || has_missing > 1) throw Damaged("groups of an unknown kind");
  const size_t count = reader.count() - has_missing;
  if (count > size_t(kMostKeys)) throw Damaged("too many groups");
  if (kind != 0) become(KeyKind(kind));
  if (kind == 0 && count > 0) throw Damaged("groups of no kind");
  uint64_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    int32_t code;
    if (kind_ == KeyKind::kText) {
      const std::string_view text = reader.text();
      code = code_of_text(text, hash_of(text));
    } else if (kind_ == KeyKind::kReal) {
      const uint64_t bits = bits_of(reader.plain<double>());
      code = code_of_bits(bits, hash_of(bits));
    } else {
      last += uint64_t(reader.signed_number());
      code = code_of_bits(last, hash_of(last));
    }
    if (code != int32_t(i)) throw Damaged("a group is there twice");
  }
  if (has_missing != 0) code_of_missing();
}

}  // namespace numloss
