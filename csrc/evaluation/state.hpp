// An evaluation: groups of rows, and the statistics of every loss in each of them. Whatever comes
// out depends on the rows alone: not on how they were cut, in which order or on which threads they
// came.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "groups.hpp"
#include "keys.hpp"

namespace numloss {

// The statistics of one loss. Of more groups than have all bins of a histogram, all groups together
// are kept as well.
class Column {
 public:
  explicit Column(Wanted wanted);

  void grow(int64_t groups);
  template <class T>
  void add(const Batch<T>& batch);
  // Takes in what of the batches still waits, as all the others expect.
  void settle();
  void merge(const Column& other, const int32_t* codes);
  // All groups together.
  Column total() const;

  void prefetch(int64_t g) const;
  void prefetch_values(int64_t g) const;
  Summary summary(int64_t g) const;
  double mean(int64_t g) const;
  void quantiles(int64_t g, const double* probabilities, int n, double* values) const;
  Integer sum(int64_t g, int name) const;
  // How well the values of a group, scores of positive examples, rank above those of the same group
  // in a column of negative examples.
  Ranking ranking(int64_t g, const Column& negatives) const;
  const std::vector<Worst>& worst() const;
  int coarser() const;
  int64_t groups() const;
  bool weighted() const;
  size_t bytes() const;
  void renumber(const std::vector<uint32_t>& sources, bool keep_unnamed);

  void write(const std::vector<int32_t>& order, Writer& writer) const;
  void read(Reader& reader, int64_t groups);

 private:
  using Any = std::variant<Groups<float>, Groups<double>>;
  void widen();

  Wanted wanted_;
  Any groups_;
  Any total_;
};

class State {
 public:
  // Statistics of so many losses, by so many columns.
  State(int losses, int by, Wanted wanted);

  int losses() const { return int(parts_[0].size()); }
  int by() const { return int(keys_.size()); }
  int64_t groups() const { return groups_; }
  Keys& keys(int column) { return keys_[size_t(column)]; }

  // The groups of n rows, from the codes of their keys, one array for each column.
  void combine(const int32_t* const* codes, int64_t n, int32_t* groups);
  // The code of the key of a group in a column.
  int32_t key(int64_t group, int column) const;
  template <class T>
  void add(int loss, const Batch<T>& batch, int threads);
  // Throws std::invalid_argument if the other has other losses or columns.
  void merge(const State& other);

  Column& column(int loss);
  // Groups in the order of their keys.
  std::vector<int32_t> order() const;
  size_t bytes() const;
  void renumber(const std::vector<uint32_t>& sources, bool keep_unnamed);
  // Brings together what waits and what threads have added: all others but `add` do so first.
  void settle();

  std::string write();
  void read(std::string_view bytes);

 private:
  using Columns = std::vector<Column>;
  static Columns columns_of(int losses, Wanted wanted);

  Wanted wanted_;
  std::vector<Keys> keys_;
  // Pairs of codes: [0] of the first two columns, [1] of a pair of [0] and the third column, ...
  std::vector<Keys> pairs_;
  int64_t groups_ = 0;
  std::vector<Columns> parts_;  // of threads, the first for all that is settled
};

}  // namespace numloss
