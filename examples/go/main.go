// Scores rows of three classes, and shows what a label out of range comes to.
//
//	PKG_CONFIG_PATH=/where/numloss/is/lib/pkgconfig CGO_LDFLAGS_ALLOW='.*' go run .
package main

/*
#cgo pkg-config: numloss
#include <numloss.h>
#include <string.h>

// Go may not put pointers to its memory into C's structs; so the structs are made here, and a
// batch costs one call into C.
static numloss_status cross_entropy(const float* logits, const int64_t* labels, int64_t rows,
                                    int64_t classes, float* gradient, double* value,
                                    numloss_fault* fault) {
  const int64_t shape[2] = {rows, classes};
  numloss_array arrays[3];
  numloss_call call;
  numloss_result result;
  numloss_status status;
  memset(arrays, 0, sizeof(arrays));
  arrays[0].data = (void*)logits;
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
  result.size = sizeof(result);
  fault->size = sizeof(*fault);
  status = numloss_compute("cross_entropy", &call, &result, fault);
  *value = result.value;
  return status;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"log"
)

// crossEntropy returns the mean cross-entropy of rows of logits, and writes its gradient.
func crossEntropy(logits []float32, labels []int64, gradient []float32) (float64, error) {
	rows := len(labels)
	if rows == 0 || len(logits)%rows != 0 || len(gradient) != len(logits) {
		return 0, errors.New("logits and gradient must be rows of as many numbers for each label")
	}
	var value C.double
	var fault C.numloss_fault
	status := C.cross_entropy((*C.float)(&logits[0]), (*C.int64_t)(&labels[0]), C.int64_t(rows),
		C.int64_t(len(logits)/rows), (*C.float)(&gradient[0]), &value, &fault)
	if status != C.NUMLOSS_OK {
		return 0, errors.New(C.GoString(&fault.text[0]))
	}
	return float64(value), nil
}

func main() {
	logits := []float32{2, 0.5, -1, 0, 1, 3}
	gradient := make([]float32, len(logits))

	value, err := crossEntropy(logits, []int64{0, 1}, gradient)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.17g", value)
	for _, x := range gradient {
		fmt.Printf(" %.9g", x)
	}
	fmt.Println()

	if _, err := crossEntropy(logits, []int64{0, 3}, gradient); err != nil {
		fmt.Println("refused:", err)
	} else {
		log.Fatal("a label out of range was read")
	}
}
