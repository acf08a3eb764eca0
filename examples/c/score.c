// Scores rows of three classes, and shows what a label out of range comes to.
//
//   cc -std=c99 score.c $(pkg-config --cflags --libs numloss) -o score
#include <numloss.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 2, CLASSES = 3 };

// The mean cross-entropy of `rows` rows, and its gradient.
static numloss_status score(const float* logits, const int64_t* labels, int64_t rows,
                            float* gradient, numloss_result* result, numloss_fault* fault) {
  const int64_t shape[2] = {rows, CLASSES};
  numloss_array arrays[3];
  numloss_call call;
  memset(arrays, 0, sizeof(arrays));
  arrays[0].data = (void*)logits;  // inputs are never written
  arrays[1].data = (void*)labels;
  arrays[2].data = gradient;
  arrays[0].shape = arrays[1].shape = arrays[2].shape = shape;
  arrays[0].ndim = arrays[2].ndim = 2;
  arrays[1].ndim = 1;
  arrays[0].dtype = arrays[2].dtype = NUMLOSS_FLOAT32;
  arrays[1].dtype = NUMLOSS_INT64;
  memset(&call, 0, sizeof(call));
  call.size = sizeof(call);
  call.want = NUMLOSS_VALUE | NUMLOSS_GRADIENT;
  call.inputs = arrays;
  call.input_count = 2;
  call.gradients = &arrays[2];
  call.gradient_count = 1;
  result->size = sizeof(*result);
  fault->size = sizeof(*fault);
  return numloss_compute("cross_entropy", &call, result, fault);
}

int main(void) {
  const float logits[ROWS * CLASSES] = {2.0f, 0.5f, -1.0f, 0.0f, 1.0f, 3.0f};
  const int64_t labels[ROWS] = {0, 1}, wrong[ROWS] = {0, 3};
  float gradient[ROWS * CLASSES];
  numloss_result result;
  numloss_fault fault;
  int i;

  if (score(logits, labels, ROWS, gradient, &result, &fault) != NUMLOSS_OK) {
    fprintf(stderr, "%s\n", fault.text);
    return 1;
  }
  printf("%.17g", result.value);
  for (i = 0; i < ROWS * CLASSES; ++i) printf(" %.9g", gradient[i]);
  printf("\n");

  if (score(logits, wrong, ROWS, gradient, &result, &fault) != NUMLOSS_ELEMENT) return 1;
  printf("refused: %s\n", fault.text);
  return 0;
}
