#include "state.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "../runtime/parallel.hpp"

namespace numloss {

// ------------------------------------------------------------------------------------- column

Column::Column(Wanted wanted)
    : wanted_(wanted),
      groups_(Groups<float>(wanted)),
      total_(Groups<float>(wanted.without_worst())) {
  grow(1);
}

void Column::grow(int64_t groups) {
  std::visit(
      [&](auto& held) {
        using G = std::decay_t<decltype(held)>;
        if (held.size() <= kFewGroups && groups > kFewGroups) {
          held.settle();
          held.total_into(std::get<G>(total_));
        }
        held.grow(groups);
      },
      groups_);
}

void Column::settle() {
  std::visit([](auto& held) { held.settle(); }, groups_);
}

// From here on in float64.
void Column::widen() {
  if (std::holds_alternative<Groups<double>>(groups_)) return;
  settle();
  for (Any* part : {&groups_, &total_}) {
    const auto narrow = std::get<Groups<float>>(std::move(*part));
    Groups<double> wide(part == &groups_ ? wanted_ : wanted_.without_worst());
    wide.grow(narrow.size());
    wide.merge(narrow, nullptr);
    *part = std::move(wide);
  }
}

template <class T>
void Column::add(const Batch<T>& batch) {
  if (sizeof(T) == 8 || batch.weighted) widen();
  const auto add_to = [&](auto& held) {
    using U = std::conditional_t<std::is_same_v<std::decay_t<decltype(held)>, Groups<float>>, float,
                                 double>;
    const auto add_batch = [&](const Batch<U>& converted) {
      held.add(converted);
      if (held.size() > kFewGroups) {
        Batch<U> ungrouped = converted;
        ungrouped.codes = nullptr;
        std::get<Groups<U>>(total_).add(ungrouped);
      }
    };
    if constexpr (std::is_same_v<T, U>) {
      add_batch(batch);
    } else {
      const std::vector<U> losses(batch.losses, batch.losses + batch.size);
      add_batch({losses.data(), batch.size, batch.weights, batch.weighted, batch.codes, batch.rows,
                 batch.first_row, batch.per_row});
    }
  };
  std::visit(add_to, groups_);
}

template void Column::add(const Batch<float>&);
template void Column::add(const Batch<double>&);

void Column::merge(const Column& other, const int32_t* codes) {
  if (std::holds_alternative<Groups<double>>(other.groups_)) widen();
  std::visit(
      [&](auto& mine, const auto& theirs) {
        using G = std::decay_t<decltype(mine)>;
        using H = std::decay_t<decltype(theirs)>;
        if constexpr (!(std::is_same_v<G, Groups<float>> && std::is_same_v<H, Groups<double>>)) {
          if (mine.size() > kFewGroups) {
            auto& total = std::get<G>(total_);
            if (theirs.size() > kFewGroups) {
              total.merge(std::get<H>(other.total_), nullptr);
            } else {
              theirs.total_into(total);
            }
          }
          mine.merge(theirs, codes);
        }
      },
      groups_, other.groups_);
}

Column Column::total() const {
  Column result(wanted_);
  result.groups_ = std::visit(
      [&](const auto& held) -> Any {
        using G = std::decay_t<decltype(held)>;
        G total(wanted_);
        total.grow(1);
        if (held.size() > kFewGroups) {
          total.merge(std::get<G>(total_), nullptr);
        } else {
          held.total_into(total);
        }
        return total;
      },
      groups_);
  return result;
}

#define NUMLOSS_OF_GROUPS(call) std::visit([&](const auto& held) { return held.call; }, groups_)

void Column::prefetch(int64_t g) const { NUMLOSS_OF_GROUPS(prefetch(g)); }
void Column::prefetch_values(int64_t g) const { NUMLOSS_OF_GROUPS(prefetch_values(g)); }
Summary Column::summary(int64_t g) const { return NUMLOSS_OF_GROUPS(summary(g)); }
double Column::mean(int64_t g) const { return NUMLOSS_OF_GROUPS(mean(g)); }
void Column::quantiles(int64_t g, const double* p, int n, double* values) const {
  NUMLOSS_OF_GROUPS(quantiles(g, p, n, values));
}
Integer Column::sum(int64_t g, int name) const { return NUMLOSS_OF_GROUPS(sum(g, name)); }
Ranking Column::ranking(int64_t g, const Column& negatives) const {
  const auto rank = [&](const auto& mine, const auto& theirs) -> Ranking {
    using G = std::decay_t<decltype(mine)>;
    if constexpr (std::is_same_v<G, std::decay_t<decltype(theirs)>>) {
      return ranking_of(mine.cells(g, theirs, g));
    } else {
      throw std::invalid_argument("scores of both kinds must be of one type");
    }
  };
  return std::visit(rank, groups_, negatives.groups_);
}
const std::vector<Worst>& Column::worst() const {
  return std::visit([](const auto& held) -> const std::vector<Worst>& { return held.worst(); },
                    groups_);
}
int Column::coarser() const { return resolution(groups()).coarser; }
int64_t Column::groups() const { return NUMLOSS_OF_GROUPS(size()); }
bool Column::weighted() const { return NUMLOSS_OF_GROUPS(weighted()); }
size_t Column::bytes() const {
  return NUMLOSS_OF_GROUPS(bytes()) +
         std::visit([](const auto& held) { return held.bytes(); }, total_);
}
void Column::renumber(const std::vector<uint32_t>& sources, bool keep_unnamed) {
  for (Any* part : {&groups_, &total_}) {
    std::visit([&](auto& held) { held.renumber(sources, keep_unnamed); }, *part);
  }
}

void Column::write(const std::vector<int32_t>& order, Writer& writer) const {
  const auto write_groups = [&](const auto& held) {
    using G = std::decay_t<decltype(held)>;
    writer.plain(uint8_t(held.weighted() ? 1 : 0));
    for (const int32_t g : order) held.write(g, writer);
    if (held.size() > kFewGroups) std::get<G>(total_).write(0, writer);
    writer.number(held.worst().size());
    for (const Worst& worst : held.worst()) {
      writer.plain(worst.loss);
      writer.number(worst.row + 1);
    }
  };
  std::visit(write_groups, groups_);
}

void Column::read(Reader& reader, int64_t groups) {
  const auto weighted = reader.plain<uint8_t>();
  if (weighted > 1) throw Damaged("neither with weights nor without");
  widen();
  auto& held = std::get<Groups<double>>(groups_);
  auto& total = std::get<Groups<double>>(total_);
  held.grow(groups);
  if (weighted != 0) held.begin_weights();
  for (int64_t g = 0; g < groups; ++g) held.read(g, reader);
  if (groups > kFewGroups) {
    total = Groups<double>(wanted_.without_worst());
    total.grow(1);
    if (weighted != 0) total.begin_weights();
    total.read(0, reader);
  }
  held.read_worst(reader);
}

// -------------------------------------------------------------------------------------- state

State::State(int losses, int by, Wanted wanted)
    : wanted_(wanted),
      keys_(size_t(by)),
      pairs_(size_t(std::max(by - 1, 0))),
      groups_(by == 0 ? 1 : 0) {
  parts_.push_back(columns_of(losses, wanted));
}

State::Columns State::columns_of(int losses, Wanted wanted) {
  Columns columns;
  for (int loss = 0; loss < losses; ++loss) columns.emplace_back(wanted);
  return columns;
}

void State::combine(const int32_t* const* codes, int64_t n, int32_t* groups) {
  if (by() == 1) {
    std::copy_n(codes[0], n, groups);
    groups_ = keys_[0].size();
    return;
  }
  constexpr int64_t kPiece = 4096;
  int64_t pairs[kPiece];
  for (int64_t begin = 0; begin < n; begin += kPiece) {
    const int64_t size = std::min(kPiece, n - begin);
    const int32_t* left = codes[0] + begin;
    for (size_t k = 0; k < pairs_.size(); ++k) {
      for (int64_t i = 0; i < size; ++i) {
        pairs[i] = int64_t(left[i]) << 32 | uint32_t(codes[k + 1][begin + i]);
      }
      pairs_[k].encode(KeyKind::kPair, pairs, nullptr, size, groups + begin);
      left = groups + begin;
    }
  }
  groups_ = pairs_.back().size();
}

int32_t State::key(int64_t group, int column) const {
  auto code = int32_t(group);
  for (int k = by() - 1; k > 0; --k) {
    const int64_t pair = pairs_[size_t(k) - 1].integer(code);
    if (column == k) return int32_t(uint32_t(pair));
    code = int32_t(pair >> 32);
  }
  return code;
}

template <class T>
void State::add(int loss, const Batch<T>& batch, int threads) {
  // Fewer examples are not worth a thread's own state.
  constexpr int64_t kLeast = 1 << 17;
  const auto wanted = std::min<int64_t>(threads, batch.size / kLeast);
  constexpr int64_t kPicoseconds = 2000;  // an example, roughly
  const Team team(wanted > 1 ? batch.size * kPicoseconds : 0, std::max<int64_t>(wanted, 1));
  const int parts = wanted > 1 ? team.size() : 1;
  while (int(parts_.size()) < parts) parts_.push_back(columns_of(losses(), wanted_));
  const int64_t rows = (batch.size / batch.per_row + parts - 1) / parts * batch.per_row;
  for_blocks_that_throw(parts, parts, [&](int64_t part) {
    const int64_t begin = std::min(part * rows, batch.size);
    const int64_t end = part == parts - 1 ? batch.size : std::min(begin + rows, batch.size);
    Batch<T> share = batch;
    share.losses += begin;
    share.size = end - begin;
    if (share.weights != nullptr) share.weights += begin;
    if (share.codes != nullptr) share.codes += begin;
    if (share.rows != nullptr) share.rows += begin;
    if (share.first_row != kNoRow) share.first_row += uint64_t(begin / share.per_row);
    Column& column = parts_[size_t(part)][size_t(loss)];
    column.grow(groups_);
    column.add(share);
  });
}

template void State::add(int, const Batch<float>&, int);
template void State::add(int, const Batch<double>&, int);

void State::settle() {
  for (Columns& columns : parts_) {
    for (Column& column : columns) {
      column.settle();
      column.grow(groups_);
    }
  }
  for (size_t part = 1; part < parts_.size(); ++part) {
    for (size_t loss = 0; loss < parts_[part].size(); ++loss) {
      parts_[0][loss].merge(parts_[part][loss], nullptr);
    }
  }
  parts_.resize(1);
}

Column& State::column(int loss) {
  settle();
  return parts_[0][size_t(loss)];
}

void State::merge(const State& other) {
  auto& theirs = const_cast<State&>(other);
  theirs.settle();
  settle();
  if (other.losses() != losses() || other.by() != by() || !(other.wanted_ == wanted_)) {
    throw std::invalid_argument("only evaluations of the same losses and columns can be merged");
  }
  std::vector<std::vector<int32_t>> codes;
  for (int k = 0; k < by(); ++k) codes.push_back(keys_[size_t(k)].take(other.keys_[size_t(k)]));
  const int64_t n = other.groups_;
  std::vector<int32_t> groups(static_cast<size_t>(n), 0);
  if (by() > 0) {
    std::vector<std::vector<int32_t>> columns(keys_.size(), std::vector<int32_t>(groups.size()));
    std::vector<const int32_t*> pointers;
    for (int k = 0; k < by(); ++k) {
      for (int64_t g = 0; g < n; ++g) {
        columns[size_t(k)][size_t(g)] = codes[size_t(k)][size_t(other.key(g, k))];
      }
      pointers.push_back(columns[size_t(k)].data());
    }
    combine(pointers.data(), n, groups.data());
  }
  for (int loss = 0; loss < losses(); ++loss) {
    Column& mine = parts_[0][size_t(loss)];
    mine.grow(groups_);
    mine.merge(theirs.parts_[0][size_t(loss)], groups.data());
  }
}

std::vector<int32_t> State::order() const {
  if (by() == 1) {
    std::vector<int32_t> codes = keys_[0].order();
    std::erase_if(codes, [&](int32_t code) { return code >= groups_; });
    return codes;
  }
  std::vector<std::vector<int32_t>> rank(keys_.size());
  for (size_t k = 0; k < keys_.size(); ++k) {
    const std::vector<int32_t> sorted = keys_[k].order();
    rank[k].resize(sorted.size());
    for (size_t i = 0; i < sorted.size(); ++i) rank[k][size_t(sorted[i])] = int32_t(i);
  }
  std::vector<int32_t> groups(static_cast<size_t>(groups_));
  std::iota(groups.begin(), groups.end(), 0);
  std::sort(groups.begin(), groups.end(), [&](int32_t a, int32_t b) {
    for (int k = 0; k < by(); ++k) {
      const int32_t x = rank[size_t(k)][size_t(key(a, k))], y = rank[size_t(k)][size_t(key(b, k))];
      if (x != y) return x < y;
    }
    return false;
  });
  return groups;
}

size_t State::bytes() const {
  size_t sum = 0;
  for (const Columns& columns : parts_) {
    for (const Column& column : columns) sum += column.bytes();
  }
  for (const Keys& keys : keys_) sum += keys.bytes();
  for (const Keys& pairs : pairs_) sum += pairs.bytes();
  return sum;
}

void State::renumber(const std::vector<uint32_t>& sources, bool keep_unnamed) {
  settle();
  for (Column& column : parts_[0]) column.renumber(sources, keep_unnamed);
}

std::string State::write() {
  settle();
  Writer writer;
  // A key that no group has came with a batch that was refused.
  std::vector<std::vector<int32_t>> rank;
  for (int k = 0; k < by(); ++k) {
    const Keys& keys = keys_[size_t(k)];
    std::vector<char> used(static_cast<size_t>(keys.size()));
    for (int64_t g = 0; g < groups_; ++g) used[size_t(key(g, k))] = 1;
    std::vector<int32_t> sorted = keys.order();
    std::erase_if(sorted, [&](int32_t code) { return used[size_t(code)] == 0; });
    keys.write(sorted, writer);
    std::vector<int32_t>& ranks = rank.emplace_back(used.size());
    for (size_t i = 0; i < sorted.size(); ++i) ranks[size_t(sorted[i])] = int32_t(i);
  }
  const std::vector<int32_t> sorted = order();
  if (by() > 0) {
    writer.number(sorted.size());
    for (const int32_t g : sorted) {
      for (int k = 0; k < by(); ++k) writer.number(uint64_t(rank[size_t(k)][size_t(key(g, k))]));
    }
  }
  for (const Column& column : parts_[0]) column.write(sorted, writer);
  return std::move(writer.bytes());
}

void State::read(std::string_view bytes) {
  Reader reader(bytes);
  for (Keys& keys : keys_) keys.read(reader);
  if (by() > 0) {
    const size_t n = reader.count();
    std::vector<std::vector<int32_t>> columns(keys_.size(), std::vector<int32_t>(n));
    for (size_t g = 0; g < n; ++g) {
      for (int k = 0; k < by(); ++k) {
        const uint64_t code = reader.number();
        if (code >= uint64_t(keys_[size_t(k)].size())) throw Damaged("a group has no key");
        columns[size_t(k)][g] = int32_t(code);
      }
    }
    std::vector<const int32_t*> pointers;
    for (const auto& column : columns) pointers.push_back(column.data());
    std::vector<int32_t> groups(n);
    combine(pointers.data(), int64_t(n), groups.data());
    for (size_t g = 0; g < n; ++g) {
      if (groups[g] != int32_t(g)) throw Damaged("a group is there twice");
    }
  }
  for (Column& column : parts_[0]) column.read(reader, groups_);
  if (!reader.empty()) throw Damaged("there is more than a state");
}

}  // namespace numloss
