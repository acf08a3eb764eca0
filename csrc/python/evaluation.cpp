// An evaluation's state for Python: arrays come in as they lie, nothing is done a row at a time.
#include "evaluation.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "../evaluation/examples.hpp"
#include "../evaluation/state.hpp"
#include "../runtime/float_environment.hpp"
#include "../runtime/parallel.hpp"
#include "thread_context.hpp"

namespace py = pybind11;

namespace numloss {
namespace {

template <class T>
using Flat = py::array_t<T, py::array::c_style>;

template <class T>
const T* data_of(const std::optional<Flat<T>>& array, int64_t n, const char* name) {
  if (!array) return nullptr;
  if (array->ndim() != 1 || array->size() != n) {
    throw std::invalid_argument(std::string(name) + " must have one number for each loss");
  }
  return array->data();
}

// Whether all of n numbers lie in [0, most).
bool all_below(const int32_t* numbers, int64_t n, int64_t most) {
  const auto last = int32_t(std::min<int64_t>(most, INT32_MAX) - 1);
  int32_t bad = 0;  // without a branch, so that vectors of them are compared
  for (int64_t i = 0; i < n; ++i) bad |= int32_t(numbers[i] < 0) | int32_t(numbers[i] > last);
  return bad == 0;
}

// Marks the values of a dictionary that rows have, one more at the end for rows that have none.
template <class Index>
py::array_t<uint8_t> used_of_dictionary(const Flat<Index>& indices,
                                        const std::optional<Flat<uint8_t>>& missing, int64_t size) {
  const uint8_t* const absent = data_of(missing, indices.size(), "missing");
  if (size < 0) throw std::invalid_argument("a dictionary has 0 values or more");
  py::array_t<uint8_t> used(size + 1);
  uint8_t* const to = used.mutable_data();
  std::fill_n(to, size + 1, uint8_t(0));
  for (int64_t i = 0; i < indices.size(); ++i) {
    const auto index = int64_t(indices.data()[i]);
    const bool is_missing = absent != nullptr && absent[i] != 0;
    if (!is_missing && uint64_t(index) >= uint64_t(size)) {
      throw py::index_error("an index is beyond its dictionary");
    }
    to[is_missing ? size : index] = 1;
  }
  return used;
}

// The codes of rows from those of the values of their dictionary, the last for rows without one.
template <class Index>
py::array_t<int32_t> codes_of_dictionary(const Flat<Index>& indices,
                                         const std::optional<Flat<uint8_t>>& missing,
                                         const Flat<int32_t>& found) {
  const uint8_t* const absent = data_of(missing, indices.size(), "missing");
  const int64_t size = found.size() - 1;
  py::array_t<int32_t> codes(indices.size());
  int32_t* const to = codes.mutable_data();
  for (int64_t i = 0; i < indices.size(); ++i) {
    const auto index = int64_t(indices.data()[i]);
    const bool is_missing = absent != nullptr && absent[i] != 0;
    if (!is_missing && uint64_t(index) >= uint64_t(size)) {
      throw py::index_error("an index is beyond its dictionary");
    }
    to[i] = found.data()[is_missing ? size : index];
  }
  return codes;
}

template <class Index>
void add_dictionary(py::module_& module) {
  module.def("used_of_dictionary", &used_of_dictionary<Index>, py::arg("indices").noconvert(),
             py::arg("missing"), py::arg("size"));
  module.def("codes_of_dictionary", &codes_of_dictionary<Index>, py::arg("indices").noconvert(),
             py::arg("missing"), py::arg("found"));
}

py::array_t<int32_t> buckets(const Flat<uint64_t>& rows, uint64_t salt, uint32_t count) {
  py::array_t<int32_t> buckets(rows.size());
  int32_t* const to = buckets.mutable_data();
  const py::gil_scoped_release release;
  buckets_of_rows(rows.data(), rows.size(), salt, count, to);
  return buckets;
}

template <class T>
py::array_t<int32_t> bins_of_probabilities(const Flat<T>& values, int32_t count) {
  py::array_t<int32_t> bins(values.size());
  int32_t* const to = bins.mutable_data();
  const py::gil_scoped_release release;
  bins_of(values.data(), values.size(), count, to);
  return bins;
}

template <class T>
py::tuple split(const Flat<T>& scores, const Flat<T>& outcomes,
                const std::optional<Flat<double>>& weights,
                const std::optional<Flat<int32_t>>& codes) {
  const int64_t n = scores.size();
  if (outcomes.size() != n) throw std::invalid_argument("outcomes must be as many as scores");
  const double* const weight = data_of(weights, n, "weights");
  const int32_t* const code = data_of(codes, n, "codes");
  static thread_local Scores<T> kinds[2];
  {
    const py::gil_scoped_release release;
    split_by_outcome(scores.data(), outcomes.data(), weight, code, n, kinds);
  }
  const auto found = [&](const Scores<T>& kind) {
    py::object groups = py::none();
    if (code != nullptr) groups = py::array_t<int32_t>(kind.size, kind.codes.data());
    return py::make_tuple(py::array_t<T>(kind.size, kind.scores.data()), groups);
  };
  return py::make_tuple(found(kinds[0]), found(kinds[1]));
}

template <class T>
py::tuple differences(const Flat<T>& first, const Flat<T>& other,
                      const std::optional<Flat<double>>& weights, bool higher_is_better) {
  const int64_t n = first.size();
  if (other.size() != n) throw std::invalid_argument("models must have losses of the same rows");
  const Pairs<T> pairs{first.data(), other.data(), data_of(weights, n, "weights"), n,
                       higher_is_better};
  py::array_t<double> difference(n);
  py::array_t<float> won(n);
  double* const to = difference.mutable_data();
  float* const share = won.mutable_data();
  {
    const py::gil_scoped_release release;
    const FloatEnvironment ieee;
    pairs.compare(to, share);
  }
  return py::make_tuple(difference, won);
}

constexpr int64_t kAhead = 4;  // groups whose memory is asked for before their turn

// Calls f for every group, on several threads where there are many.
template <class F>
void for_groups(int64_t groups, F&& f) {
  constexpr int64_t kBlock = 512, kPicoseconds = 1'000'000;  // a group, roughly
  const int64_t blocks = (groups + kBlock - 1) / kBlock;
  const Team team(groups * kPicoseconds, blocks);
  for_blocks_that_throw(blocks, team.size(), [&](int64_t block) {
    const int64_t end = std::min(groups, (block + 1) * kBlock);
    for (int64_t g = block * kBlock; g < end; ++g) f(g);
  });
}

// What a loss is told to take in, but for the losses themselves.
struct Aside {
  std::optional<Flat<double>> weights;
  bool weighted;
  std::optional<Flat<int32_t>> codes;
  std::optional<Flat<uint64_t>> rows;
  std::optional<uint64_t> first_row;
  int64_t per_row;
};

class EvaluationState {
 public:
  EvaluationState(int losses, int by, bool quantiles, int worst, bool sums_alone, bool ties)
      : state_(losses, by, Wanted{quantiles, worst, sums_alone, ties}), quantiles_(quantiles) {}

  template <class Value>
  py::array_t<int32_t> codes_of_integers(int column, const Flat<Value>& values,
                                         const std::optional<Flat<uint8_t>>& missing,
                                         bool truth_values) {
    const uint8_t* const absent = data_of(missing, values.size(), "missing");
    py::array_t<int32_t> codes(values.size());
    int32_t* const to = codes.mutable_data();
    const KeyKind kind = truth_values ? KeyKind::kBool : KeyKind::kInteger;
    alone([&] { keys(column).encode(kind, values.data(), absent, values.size(), to); });
    return codes;
  }

  py::array_t<int32_t> codes_of_reals(int column, const Flat<double>& values,
                                      const std::optional<Flat<uint8_t>>& missing) {
    const uint8_t* const absent = data_of(missing, values.size(), "missing");
    py::array_t<int32_t> codes(values.size());
    int32_t* const to = codes.mutable_data();
    alone([&] { keys(column).encode(values.data(), absent, values.size(), to); });
    return codes;
  }

  template <class Offset>
  py::array_t<int32_t> codes_of_text(int column, const Flat<Offset>& offsets,
                                     const Flat<uint8_t>& data,
                                     const std::optional<Flat<uint8_t>>& missing) {
    const int64_t n = offsets.size() - 1;
    if (n < 0)
      throw std::invalid_argument("offsets must have one number more than there are texts");
    const Offset* const at = offsets.data();
    for (int64_t i = 0; i < n; ++i) {
      if (at[i] < 0 || at[i] > at[i + 1]) throw std::invalid_argument("offsets must not decrease");
    }
    if (at[n] > data.size()) throw std::invalid_argument("offsets must end within the data");
    const uint8_t* const absent = data_of(missing, n, "missing");
    py::array_t<int32_t> codes(n);
    int32_t* const to = codes.mutable_data();
    alone([&] {
      keys(column).encode(at, reinterpret_cast<const char*>(data.data()), absent, n, to);
    });
    return codes;
  }

  py::array_t<int32_t> combine(const std::vector<Flat<int32_t>>& codes) {
    if (int(codes.size()) != state_.by()) {
      throw std::invalid_argument("combine takes the codes of every column");
    }
    const int64_t n = codes[0].size();
    std::vector<const int32_t*> from;
    for (size_t k = 0; k < codes.size(); ++k) {
      if (codes[k].size() != n) throw std::invalid_argument("columns must be of one length");
      if (!all_below(codes[k].data(), n, state_.keys(int(k)).size())) {
        throw std::invalid_argument("a code must be one that the column has");
      }
      from.push_back(codes[k].data());
    }
    if (state_.by() == 1) {  // the groups are the keys
      alone([&] { state_.combine(from.data(), 0, nullptr); });
      return codes[0];
    }
    py::array_t<int32_t> groups(n);
    int32_t* const to = groups.mutable_data();
    alone([&] { state_.combine(from.data(), n, to); });
    return groups;
  }

  void add(int loss, const py::array& losses, const std::optional<Flat<double>>& weights,
           bool weighted, const std::optional<Flat<int32_t>>& codes,
           const std::optional<Flat<uint64_t>>& rows, std::optional<uint64_t> first_row,
           int64_t per_row, int threads) {
    check_loss(loss);
    if (losses.ndim() != 1 || (losses.flags() & py::array::c_style) == 0 || per_row < 1) {
      throw std::invalid_argument("losses must be one after the other, some for each row");
    }
    if ((state_.by() > 0) != codes.has_value()) {
      throw std::invalid_argument("codes of groups belong to columns that rows are grouped by");
    }
    const Aside aside{weights, weighted, codes, rows, first_row, per_row};
    if (py::isinstance<py::array_t<float>>(losses)) {
      add_as<float>(loss, losses, aside, threads);
    } else if (py::isinstance<py::array_t<double>>(losses)) {
      add_as<double>(loss, losses, aside, threads);
    } else {
      throw std::invalid_argument("losses must be float32 or float64");
    }
  }

  void merge(EvaluationState& other) {
    if (&other == this) throw std::invalid_argument("an evaluation cannot be merged with itself");
    const py::gil_scoped_release release;
    const std::scoped_lock lock(mutex_, other.mutex_);
    state_.merge(other.state_);
  }

  void renumber(const std::vector<uint32_t>& sources, bool keep_unnamed) {
    alone([&] { state_.renumber(sources, keep_unnamed); });
  }

  void settle() {
    alone([&] { state_.settle(); });
  }

  int by() const { return state_.by(); }
  int64_t groups() const { return state_.groups(); }
  bool quantiles() const { return quantiles_; }

  // The keys of a column, those of each group in the order of `order`.
  py::list keys_of_groups(int column, const Flat<int32_t>& order) {
    const std::lock_guard lock(mutex_);
    const Keys& all = keys(column);
    std::vector<py::object> made(static_cast<size_t>(all.size()));
    py::list result;
    for (int64_t i = 0; i < order.size(); ++i) {
      const int32_t group = order.data()[i];
      if (group < 0 || group >= state_.groups()) throw py::index_error("no such group");
      const int32_t code = state_.key(group, column);
      py::object& object = made[size_t(code)];
      if (!object) object = key_object(all, code);
      result.append(object);
    }
    return result;
  }

  // The codes of the keys of groups in a column.
  py::array_t<int32_t> codes_of_groups(int column, const Flat<int32_t>& groups) {
    check_groups(groups);
    keys(column);
    py::array_t<int32_t> codes(groups.size());
    int32_t* const to = codes.mutable_data();
    alone([&] {
      for (int64_t i = 0; i < groups.size(); ++i) to[i] = state_.key(groups.data()[i], column);
    });
    return codes;
  }

  // What the keys of a column are: "whole numbers", "text", ..., or "nothing" as long as all that
  // came are missing.
  std::string kind_of_keys(int column) {
    const std::lock_guard lock(mutex_);
    return name_of(keys(column).kind());
  }

  // For each code of a column one of so many buckets, by its value alone.
  py::array_t<int32_t> buckets_of_keys(int column, uint32_t count) {
    std::vector<int32_t> found;
    alone([&] { found = keys(column).buckets(count); });
    return py::array_t<int32_t>(int64_t(found.size()), found.data());
  }

  py::array_t<int32_t> order() {
    std::vector<int32_t> order;
    alone([&] { order = state_.order(); });
    return py::array_t<int32_t>(int64_t(order.size()), order.data());
  }

  // Arrays over groups, or of all groups together.
  py::dict summary(int loss, const std::vector<double>& probabilities, bool total,
                   const std::optional<Flat<int32_t>>& groups) {
    check_loss(loss);
    if (groups) check_groups(*groups);
    for (const double p : probabilities) {
      if (!(p >= 0 && p <= 1)) throw std::invalid_argument("probabilities lie between 0 and 1");
    }
    std::vector<Summary> found;
    std::vector<double> values;
    const int each = int(probabilities.size());
    bool weighted = false;
    int coarser = 0;
    alone([&] {
      Column& column = state_.column(loss);
      std::optional<Column> whole;
      if (total) whole = column.total();
      const Column& shown = total ? *whole : column;
      const int64_t n = total ? 1 : groups ? groups->size() : state_.groups();
      values.resize(size_t(n * each));
      found.resize(size_t(n));
      const auto group_at = [&](int64_t i) -> int64_t {
        return groups && !total ? groups->data()[std::min(i, n - 1)] : std::min(i, n - 1);
      };
      for_groups(n, [&](int64_t i) {
        const int64_t g = group_at(i);
        shown.prefetch(group_at(i + 2 * kAhead));
        if (each > 0) shown.prefetch_values(group_at(i + kAhead));
        found[size_t(i)] = shown.summary(g);
        shown.quantiles(g, probabilities.data(), each, values.data() + i * each);
      });
      weighted = column.weighted();
      coarser = total ? 0 : column.coarser();
    });
    const auto n = int64_t(found.size());
    py::dict result;
    const auto put = [&]<class T>(const char* name, T Summary::* member) {
      py::array_t<T> array(n);
      for (int64_t g = 0; g < n; ++g) array.mutable_data()[g] = found[size_t(g)].*member;
      result[name] = array;
    };
    put("count", &Summary::count);
    put("ignored", &Summary::ignored);
    put("nan", &Summary::nan);
    put("weight", &Summary::weight);
    put("sum", &Summary::sum);
    put("mean", &Summary::mean);
    put("standard_error", &Summary::standard_error);
    put("minimum", &Summary::low);
    put("maximum", &Summary::high);
    put("maximum_row", &Summary::high_row);
    put("first_nan", &Summary::first_nan);
    put("exact", &Summary::exact);
    result["quantiles"] = py::array_t<double>({n, int64_t(each)}, values.data());
    result["weighted"] = weighted;
    result["bins_per_octave"] = (1 << kFineBits) >> coarser;
    return result;
  }

  py::array_t<double> means(int loss, const Flat<int32_t>& groups) {
    check_loss(loss);
    check_groups(groups);
    py::array_t<double> result(groups.size());
    double* const to = result.mutable_data();
    alone([&] {
      const Column& column = state_.column(loss);
      const int64_t n = groups.size();
      for_groups(n, [&](int64_t i) {
        column.prefetch(groups.data()[std::min(i + 2 * kAhead, n - 1)]);
        to[i] = column.mean(groups.data()[i]);
      });
    });
    return result;
  }

  // Bounds of the area under the ROC curve and of the average precision, a row for each group or
  // one for all: of scores of positive examples in one column and of negative ones in another.
  py::array_t<double> ranking(int positives, int negatives, bool total,
                              const std::optional<Flat<int32_t>>& groups) {
    check_loss(positives);
    check_loss(negatives);
    if (total == groups.has_value()) throw std::invalid_argument("ranking takes groups, or all");
    if (groups) check_groups(*groups);
    const int64_t n = total ? 1 : groups->size();
    py::array_t<double> result({n, int64_t(4)});
    double* const to = result.mutable_data();
    alone([&] {
      const Column &of = state_.column(positives), &others = state_.column(negatives);
      const auto put = [&](int64_t i, const Ranking& found) {
        const double row[] = {found.auc_low, found.auc_high, found.precision_low,
                              found.precision_high};
        std::copy_n(row, 4, to + 4 * i);
      };
      if (total) {
        put(0, of.total().ranking(0, others.total()));
      } else {
        for_groups(n, [&](int64_t i) { put(i, of.ranking(groups->data()[i], others)); });
      }
    });
    return result;
  }

  // The exact sums of w, w l, (w l)^2, w^2 l and w^2 as (multiple, exponent of two).
  py::dict sums(int loss, std::optional<int64_t> group) {
    check_loss(loss);
    if (group && (*group < 0 || *group >= state_.groups())) throw py::index_error("no such group");
    std::vector<Integer> found;
    alone([&] {
      Column& column = state_.column(loss);
      std::optional<Column> whole;
      if (!group) whole = column.total();
      for (int name = 0; name < kSums; ++name) {
        found.push_back((group ? column : *whole).sum(group.value_or(0), name));
      }
    });
    static constexpr const char* kNames[] = {"wl", "wlwl", "w", "wwl", "ww"};
    const py::object from_bytes = py::type::of(py::int_()).attr("from_bytes");
    py::dict result;
    for (int name = 0; name < kSums; ++name) {
      const Integer& x = found[size_t(name)];
      const py::bytes bytes(reinterpret_cast<const char*>(x.word), 8 * size_t(x.size));
      py::object multiple = from_bytes(bytes, "little");
      if (x.negative) multiple = -multiple;
      result[kNames[name]] = py::make_tuple(multiple, x.exponent);
    }
    return result;
  }

  py::list worst(int loss) {
    check_loss(loss);
    const std::lock_guard lock(mutex_);
    py::list result;
    for (const Worst& worst : state_.column(loss).worst()) {
      result.append(py::make_tuple(worst.loss, worst.row));
    }
    return result;
  }

  size_t nbytes() {
    size_t bytes = 0;
    alone([&] { bytes = state_.bytes(); });
    return bytes;
  }

  py::bytes write() {
    std::string bytes;
    alone([&] { bytes = state_.write(); });
    return py::bytes(bytes);
  }

  void read(const py::bytes& bytes) {
    const std::string_view view = bytes;
    alone([&] { state_.read(view); });
  }

 private:
  // Runs f while no other thread uses the state, and lets Python go on meanwhile.
  template <class F>
  void alone(const F& f) {
    const py::gil_scoped_release release;
    const std::lock_guard lock(mutex_);
    const FloatEnvironment ieee;
    f();
  }

  void check_loss(int loss) const {
    if (loss < 0 || loss >= state_.losses()) throw py::index_error("no such loss");
  }

  void check_groups(const Flat<int32_t>& groups) const {
    for (int64_t i = 0; i < groups.size(); ++i) {
      if (groups.data()[i] < 0 || groups.data()[i] >= state_.groups()) {
        throw py::index_error("no such group");
      }
    }
  }

  Keys& keys(int column) {
    if (column < 0 || column >= state_.by()) throw py::index_error("no such column");
    return state_.keys(column);
  }

  static py::object key_object(const Keys& keys, int32_t code) {
    if (code == keys.missing()) return py::none();
    switch (keys.kind()) {
      case KeyKind::kText: {
        const std::string_view text = keys.text(code);
        return py::reinterpret_steal<py::object>(
            PyUnicode_DecodeUTF8(text.data(), py::ssize_t(text.size()), "backslashreplace"));
      }
      case KeyKind::kReal: return py::float_(keys.real(code));
      case KeyKind::kBool: return py::bool_(keys.integer(code) != 0);
      default: return py::int_(keys.integer(code));
    }
  }

  template <class T>
  void add_as(int loss, const py::array& losses, const Aside& aside, int threads) {
    Batch<T> batch{static_cast<const T*>(losses.data()), losses.size()};
    const int64_t n = batch.size;
    batch.weights = data_of(aside.weights, n, "weights");
    batch.weighted = aside.weighted && batch.weights != nullptr;
    batch.codes = data_of(aside.codes, n, "codes");
    batch.rows = data_of(aside.rows, n, "rows");
    batch.first_row = aside.first_row.value_or(kNoRow);
    batch.per_row = aside.per_row;
    if (batch.codes != nullptr && !all_below(batch.codes, n, state_.groups())) {
      throw std::invalid_argument("a code must be that of a group");
    }
    const int most = threads > 0 ? threads : num_threads_of_context();
    const ThreadOverride override(most);
    alone([&] { state_.add(loss, batch, most); });
  }

  State state_;
  bool quantiles_;
  std::mutex mutex_;
};

}  // namespace

void add_evaluation(py::module_& module) {
  using S = EvaluationState;
  add_dictionary<int8_t>(module);
  add_dictionary<int16_t>(module);
  add_dictionary<int32_t>(module);
  add_dictionary<int64_t>(module);
  const auto none = py::none();
  module.def("bins_of", &bins_of_probabilities<float>, py::arg("values").noconvert(),
             py::arg("count"));
  module.def("bins_of", &bins_of_probabilities<double>, py::arg("values").noconvert(),
             py::arg("count"));
  module.def("split_by_outcome", &split<float>, py::arg("scores").noconvert(), py::arg("outcomes"),
             py::arg("weights"), py::arg("codes"));
  module.def("split_by_outcome", &split<double>, py::arg("scores").noconvert(), py::arg("outcomes"),
             py::arg("weights"), py::arg("codes"));
  module.def("differences", &differences<float>, py::arg("first").noconvert(),
             py::arg("other").noconvert(), py::arg("weights"), py::arg("higher_is_better"));
  module.def("differences", &differences<double>, py::arg("first"), py::arg("other"),
             py::arg("weights"), py::arg("higher_is_better"));
  module.def("buckets_of_rows", &buckets, py::arg("rows"), py::arg("salt"), py::arg("count"));
  py::class_<S>(module, "EvaluationState", "The statistics of losses, by group.")
      .def(py::init<int, int, bool, int, bool, bool>(), py::arg("losses"), py::arg("by") = 0,
           py::arg("quantiles") = true, py::arg("worst") = 0, py::arg("sums_alone") = false,
           py::arg("ties") = false)
      .def("codes_of_integers", &S::codes_of_integers<int32_t>, py::arg("column"),
           py::arg("values").noconvert(), py::arg("missing") = none,
           py::arg("truth_values") = false)
      .def("codes_of_integers", &S::codes_of_integers<int64_t>, py::arg("column"),
           py::arg("values"), py::arg("missing") = none, py::arg("truth_values") = false)
      .def("codes_of_reals", &S::codes_of_reals, py::arg("column"), py::arg("values"),
           py::arg("missing") = none)
      .def("codes_of_text", &S::codes_of_text<int32_t>, py::arg("column"),
           py::arg("offsets").noconvert(), py::arg("data"), py::arg("missing") = none)
      .def("codes_of_text", &S::codes_of_text<int64_t>, py::arg("column"), py::arg("offsets"),
           py::arg("data"), py::arg("missing") = none)
      .def("combine", &S::combine, py::arg("codes"))
      .def("add", &S::add, py::arg("loss"), py::arg("losses"), py::arg("weights") = none,
           py::arg("weighted") = false, py::arg("codes") = none, py::arg("rows") = none,
           py::arg("first_row") = none, py::arg("per_row") = 1, py::arg("threads") = 0)
      .def("merge", &S::merge, py::arg("other"))
      .def("renumber", &S::renumber, py::arg("sources"), py::arg("keep_unnamed"))
      .def("settle", &S::settle)
      .def_property_readonly("by", &S::by)
      .def_property_readonly("groups", &S::groups)
      .def_property_readonly("quantiles", &S::quantiles)
      .def("keys_of_groups", &S::keys_of_groups, py::arg("column"), py::arg("order"))
      .def("order", &S::order)
      .def("summary", &S::summary, py::arg("loss"), py::arg("probabilities"),
           py::arg("total") = false, py::arg("groups") = none)
      .def("codes_of_groups", &S::codes_of_groups, py::arg("column"), py::arg("groups"))
      .def("kind_of_keys", &S::kind_of_keys, py::arg("column"))
      .def("buckets_of_keys", &S::buckets_of_keys, py::arg("column"), py::arg("count"))
      .def("ranking", &S::ranking, py::arg("positives"), py::arg("negatives"),
           py::arg("total") = false, py::arg("groups") = none)
      .def("means", &S::means, py::arg("loss"), py::arg("groups"))
      .def("sums", &S::sums, py::arg("loss"), py::arg("group") = none)
      .def("worst", &S::worst, py::arg("loss"))
      .def_property_readonly("nbytes", &S::nbytes)
      .def("write", &S::write)
      .def("read", &S::read, py::arg("bytes"));
}

}  // namespace numloss
