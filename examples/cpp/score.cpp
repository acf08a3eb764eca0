// Scores rows of three classes, and shows what a label out of range comes to.
//
//   cmake -S . -B build -DCMAKE_PREFIX_PATH=/where/numloss/is && cmake --build build
#include <cstdint>
#include <cstdio>
#include <numloss.hpp>
#include <vector>

int main() {
  const std::vector<float> logits{2.0f, 0.5f, -1.0f, 0.0f, 1.0f, 3.0f};
  const std::vector<std::int64_t> labels{0, 1}, wrong{0, 3};
  std::vector<float> gradient(logits.size());
  const numloss::Loss cross_entropy("cross_entropy");
  const numloss::Array rows = numloss::matrix(logits, 2, 3);

  const double value =
      cross_entropy.value_and_gradient({rows, labels}, numloss::matrix(gradient, 2, 3));
  std::printf("%.17g", value);
  for (const float x : gradient) std::printf(" %.9g", double(x));
  std::printf("\n");

  try {
    cross_entropy.value({rows, wrong});
  } catch (const numloss::Error& error) {
    std::printf("refused: %s\n", error.what());
    return 0;
  }
  return 1;
}
