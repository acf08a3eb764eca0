/* A program that uses the C library, and no Python: C99, and C++20 as well.

     client threads   many threads at once get the bits of one
     client fork      a child of a process whose threads are at work computes on its own
     client memory    with failing_malloc.c preloaded, every allocation of a call fails in turn
     client environment NAME VALUE    a wrong variable is a status, until it is right
     client once CALLS    calls huber on 64 elements so many times: for a count of instructions

   Exit status 0 where all is well, else 1 and a line on standard error. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <numloss.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANY 600000
#define THREADS 16

static float prediction[MANY], target[MANY], gradient[MANY], expected[MANY];

static int fail(const char* what) {
  fprintf(stderr, "%s\n", what);
  return 1;
}

/* Value and gradient of n elements. */
static numloss_status huber(int64_t n, float* to, numloss_result* result, numloss_fault* fault) {
  numloss_array arrays[3];
  numloss_call call;
  int i;
  memset(arrays, 0, sizeof(arrays));
  for (i = 0; i < 3; ++i) {
    arrays[i].data = i == 0 ? prediction : i == 1 ? target : to;
    arrays[i].shape = &n;
    arrays[i].ndim = 1;
    arrays[i].dtype = NUMLOSS_FLOAT32;
  }
  memset(&call, 0, sizeof(call));
  call.size = sizeof(call);
  call.want = to == NULL ? NUMLOSS_VALUE : NUMLOSS_VALUE | NUMLOSS_GRADIENT;
  call.inputs = arrays;
  call.input_count = 2;
  if (to != NULL) {
    call.gradients = &arrays[2];
    call.gradient_count = 1;
  }
  result->size = sizeof(*result);
  fault->size = sizeof(*fault);
  return numloss_compute("huber", &call, result, fault);
}

/* Value of rows of 8 classes. */
static numloss_status cross_entropy(int64_t rows, numloss_fault* fault) {
  static int32_t labels[64];
  const int64_t shape[2] = {rows, 8};
  numloss_array arrays[2];
  numloss_call call;
  numloss_result result;
  memset(arrays, 0, sizeof(arrays));
  arrays[0].data = prediction;
  arrays[0].shape = shape;
  arrays[0].ndim = 2;
  arrays[0].dtype = NUMLOSS_FLOAT32;
  arrays[1].data = labels;
  arrays[1].shape = shape;
  arrays[1].ndim = 1;
  arrays[1].dtype = NUMLOSS_INT32;
  memset(&call, 0, sizeof(call));
  call.size = sizeof(call);
  call.want = NUMLOSS_VALUE;
  call.inputs = arrays;
  call.input_count = 2;
  result.size = sizeof(result);
  fault->size = sizeof(*fault);
  return numloss_compute("cross_entropy", &call, &result, fault);
}

static void fill(void) {
  int i;
  for (i = 0; i < MANY; ++i) {
    prediction[i] = (float)(i % 1013) / 256;
    target[i] = (float)(i % 997) / 128;
  }
}

struct seen {
  double value;
  int differs;
};

static void* work(void* given) {
  struct seen* seen = (struct seen*)given;
  float* mine = (float*)malloc(sizeof(expected));
  numloss_result result;
  numloss_fault fault;
  int i;
  seen->differs = mine == NULL;
  for (i = 0; i < 20 && mine != NULL; ++i) {
    if (huber(MANY, mine, &result, &fault) != NUMLOSS_OK || result.value != seen->value ||
        memcmp(mine, expected, sizeof(expected)) != 0) {
      seen->differs = 1;
    }
    /* Faults are the caller's own, too. */
    if (huber(-1, mine, &result, &fault) != NUMLOSS_ARRAY ||
        strstr(fault.text, "lengths") == NULL) {
      seen->differs = 1;
    }
  }
  free(mine);
  return NULL;
}

static int threads(void) {
  pthread_t thread[THREADS];
  struct seen seen[THREADS];
  numloss_result result;
  numloss_fault fault;
  int i, differs = 0;
  if (numloss_set_num_threads(1, &fault) != NUMLOSS_OK) return fail("one thread");
  if (huber(MANY, expected, &result, &fault) != NUMLOSS_OK) return fail(fault.text);
  if (numloss_set_num_threads(4, &fault) != NUMLOSS_OK) return fail("four threads");
  if (numloss_num_threads() != 4) return fail("not four threads");
  for (i = 0; i < THREADS; ++i) {
    seen[i].value = result.value;
    if (pthread_create(&thread[i], NULL, work, &seen[i]) != 0) return fail("no thread");
  }
  for (i = 0; i < THREADS; ++i) {
    pthread_join(thread[i], NULL);
    differs |= seen[i].differs;
  }
  return differs ? fail("other bits") : 0;
}

static int forks(void) {
  numloss_result result, again;
  numloss_fault fault;
  int i, status;
  numloss_set_num_threads(4, NULL);
  if (huber(MANY, expected, &result, &fault) != NUMLOSS_OK) return fail(fault.text);
  for (i = 0; i < 5; ++i) {
    const pid_t child = fork();
    if (child < 0) return fail("no child");
    if (child == 0) {
      const numloss_status found = huber(MANY, gradient, &again, &fault);
      _exit(found != NUMLOSS_OK || again.value != result.value ||
            memcmp(gradient, expected, sizeof(expected)) != 0);
    }
    if (waitpid(child, &status, 0) != child || status != 0) return fail("the child fails");
  }
  return 0;
}

/* Of failing_malloc.c. */
static long *passes, *failures;

static long allocations(int64_t n) {
  const long many = 1L << 40;
  numloss_result result;
  numloss_fault fault;
  long count;
  *failures = 0;
  *passes = many;
  huber(n, gradient, &result, &fault);
  count = many - *passes;
  *passes = -1;
  return count;
}

static int memory(void) {
  numloss_result result;
  numloss_fault fault;
  double value;
  long count, i;
  passes = (long*)dlsym(RTLD_DEFAULT, "passes");
  failures = (long*)dlsym(RTLD_DEFAULT, "failures");
  if (passes == NULL || failures == NULL) return fail("nothing is preloaded");
  /* The very first call, too, says that there is no memory, or does without. */
  *failures = 1L << 40;
  *passes = 0;
  i = huber(64, gradient, &result, &fault);
  *passes = -1;
  if (i != NUMLOSS_OK && i != NUMLOSS_MEMORY) return fail(fault.text);
  numloss_set_num_threads(2, NULL);
  if (huber(64, gradient, &result, &fault) != NUMLOSS_OK) return fail(fault.text);
  if (allocations(64) != 0) return fail("a small call allocates");
  *failures = 1L << 40;
  *passes = 0;
  i = cross_entropy(64, &fault);
  *passes = -1;
  if (i != NUMLOSS_OK) return fail(fault.text);
  if (huber(MANY, expected, &result, &fault) != NUMLOSS_OK) return fail(fault.text);
  value = result.value;
  *failures = 0;
  count = allocations(MANY);
  if (count == 0) return fail("a large call does not allocate");
  for (i = 0; i < count; ++i) {
    numloss_status status;
    memset(gradient, 0, sizeof(gradient));
    *failures = 1;
    *passes = i;
    status = huber(MANY, gradient, &result, &fault);
    *passes = -1;
    if (status == NUMLOSS_MEMORY) {
      if (strstr(fault.text, "memory") == NULL) return fail(fault.text);
    } else if (status != NUMLOSS_OK || result.value != value) {
      return fail("neither refused nor right");
    }
  }
  return 0;
}

static int once(int calls) {
  numloss_result result;
  numloss_fault fault;
  int i;
  for (i = 0; i < calls; ++i) {
    if (huber(64, NULL, &result, &fault) != NUMLOSS_OK) return fail(fault.text);
  }
  return 0;
}

/* Prints what the first call says of a variable of the environment. */
static int environment(const char* name, const char* value) {
  numloss_result result;
  numloss_fault fault;
  setenv(name, value, 1);
  if (huber(3, NULL, &result, &fault) != NUMLOSS_ENVIRONMENT) return fail("the variable is right");
  printf("%s\n", fault.text);
  if (numloss_start(NULL) != NUMLOSS_ENVIRONMENT) return fail("it starts");
  if (numloss_num_threads() != 0 || numloss_isa() != NULL) return fail("it has started");
  unsetenv(name);
  if (huber(3, NULL, &result, &fault) != NUMLOSS_OK) return fail(fault.text);
  return 0;
}

int main(int count, char** arguments) {
  const char* what = count > 1 ? arguments[1] : "";
  fill();
  if (strcmp(what, "threads") == 0) return threads();
  if (strcmp(what, "fork") == 0) return forks();
  if (strcmp(what, "memory") == 0) return memory();
  if (strcmp(what, "environment") == 0 && count > 3) {
    return environment(arguments[2], arguments[3]);
  }
  if (strcmp(what, "once") == 0 && count > 2) return once(atoi(arguments[2]));
  return fail("client threads | fork | memory | environment NAME VALUE | once CALLS");
}
