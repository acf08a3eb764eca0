// Every way of calling that numloss.hpp has: prints numbers, which tests/test_capi.py compares with
// Python's, then what is refused.
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <numloss.hpp>
#include <span>
#include <string>
#include <vector>

namespace {

template <class R>
void print(const char* name, const R& numbers) {
  std::printf("%s", name);
  for (const auto x : numbers) std::printf(" %.17g", double(x));
  std::printf("\n");
}

template <class F>
void refused(F f) {
  try {
    f();
    std::printf("taken\n");
  } catch (const numloss::Error& error) {
    std::printf("Error %d %s %zu: %s\n", error.status(), error.argument().c_str(),
                error.index().size(), error.what());
  } catch (const std::invalid_argument& error) {
    std::printf("invalid_argument: %s\n", error.what());
  }
}

}  // namespace

int main() {
  const std::vector<double> p{1, 2, 4}, t{1, 1.5, 0}, weight{1, 0, 2};
  const std::array<float, 6> logits{2, 0.5f, -1, 0, 1, 3};
  const std::array<std::int32_t, 2> labels{0, 1};
  std::vector<double> first(3), second(3);
  std::array<float, 6> gradient{};
  std::array<float, 2> lse{};
  std::array<std::int64_t, 2> predicted{};
  const numloss::Array rows = numloss::matrix(logits, 2, 3);

  const numloss::Loss huber("huber", {{"delta", 2.0}});
  print("value", std::array{huber.value({p, std::span(t)})});
  print("sum", std::array{huber.value({p, t}, {.reduction = numloss::Reduction::sum})});
  print("weight", std::array{huber.value({p, t}, {.weight = weight})});
  print("count", std::array{huber.value(
                     {p, t}, {.weight = weight, .denominator = numloss::Denominator::count})});
  numloss_result parts{};
  print("number", std::array{huber.value({p, t}, {.weight = weight, .denominator = 8.0})});
  print("weighted", std::array{huber.value({p, t}, {.weight = weight, .result = &parts})});
  print("parts", std::array{parts.value, parts.weight, double(parts.count), double(parts.empty)});
  const std::vector<double> none(3);
  print("nothing", std::array{huber.value({p, t}, {.weight = none, .result = &parts})});
  print("empty", std::array{parts.weight, double(parts.empty)});
  std::array<double, 6> wide{};
  const numloss::Loss cross_entropy("cross_entropy");
  cross_entropy.gradient({rows, labels}, numloss::matrix(wide, 2, 3), {.dtype = NUMLOSS_FLOAT64});
  print("wide", wide);
  huber.values({p, t}, first);
  print("values", first);
  huber.gradient_and_hessian({p, t}, first, second, {.threads = 1});
  print("gradient", first);
  print("hessian", second);

  const numloss::Loss nll("gaussian_nll", {{"full", true}});
  const std::vector<double> variance{1, 2, 3};
  print("nll", std::array{nll.value_and_gradient({p, t, variance}, {first, second})});
  print("mean", first);
  print("variance", second);
  print("l1", std::array{numloss::Loss("l1_penalty").value(p)});

  numloss::Loss weighted("cross_entropy", {{"class_weight", std::vector<double>{1, 2, 0.5}},
                                           {"ignore_index", 7},
                                           {"return_logsumexp", true},
                                           {"return_predicted", true}});
  auto copy = std::make_unique<numloss::Loss>(weighted);
  const numloss::Arrays extras{lse, predicted};
  print("classes", std::array{copy->value_and_gradient(
                       {rows, labels}, numloss::matrix(gradient, 2, 3), {.extras = extras})});
  print("gradient", gradient);
  print("logsumexp", lse);
  print("predicted", predicted);
  const numloss::Loss singer("multiclass_hinge", {{"variant", "crammer_singer"}});
  print("choice", std::array{singer.value({rows, labels})});
  const numloss::Loss plain("focal", {{"alpha", nullptr}});
  print("nothing", std::array{plain.value({first, std::vector<double>{0, 1, 1}})});

  refused([] { numloss::Loss("hubris"); });
  refused([&] { huber.value({p, logits}); });
  refused([&] { numloss::Loss("cross_entropy").value({rows, std::vector{0, 3}}); });
  refused([&] { huber.gradient({p, t}, t); });
  refused([&] { numloss::Loss("huber", {{"delta", -1.0}}).value({p, t}); });
  refused([&] { huber.value({p, t}, {.denominator = -1.0}); });
  refused([&] { numloss::matrix(logits, 2, 2); });
}
