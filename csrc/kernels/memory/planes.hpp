// Planes of an array: bringing one near, whatever dtype, strides or byte order, and taking it out.
// Compiled once per instruction set, in planes.cpp.
#pragma once

#include "dtype.hpp"
#include "lines.hpp"

namespace numloss::NUMLOSS_ISA {

// A plane of an array: `rows` rows and `columns` columns, strides in bytes.
struct Plane {
  int64_t rows, row_stride, columns, column_stride;
  Plane transposed() const { return {columns, column_stride, rows, row_stride}; }
  // Do neighbours in memory lie in a column, and are they enough to be worth a call?
  bool by_columns() const {
    const int64_t row = row_stride < 0 ? -row_stride : row_stride;
    return row < (column_stride < 0 ? -column_stride : column_stride) && rows >= 16;
  }
};

// n elements, `stride` bytes apart, into `to`.
template <class T>
void copy_in(const Operand& operand, const char* from, int64_t stride, int64_t n, T* to);

// n elements of `from` out to an output array, `stride` bytes apart.
template <class T>
void copy_out(const Operand& operand, char* to, int64_t stride, int64_t n, const T* from);

// to[r * to_step + c] = from[r * from_step + c].
template <class T>
void copy_rows(const T* from, int64_t from_step, int64_t rows, int64_t columns, T* to,
               int64_t to_step);

// to[c * to_step + r] = from[r * from_step + c].
template <class T>
void transpose(const T* from, int64_t from_step, int64_t rows, int64_t columns, T* to,
               int64_t to_step);

// A plane that lies by columns, of numbers that have to be converted: element (r, c) into
// to[r * step + c], and the other way round.
template <class T>
void load_columns(const Operand& operand, const char* from, const Plane& plane, T* to,
                  int64_t step);
template <class T>
void store_columns(const Operand& operand, char* to, const Plane& plane, const T* from,
                   int64_t step);

#define NUMLOSS_PLANES(T)                                                             \
  template void copy_in(const Operand&, const char*, int64_t, int64_t, T*);           \
  template void copy_out(const Operand&, char*, int64_t, int64_t, const T*);          \
  template void copy_rows(const T*, int64_t, int64_t, int64_t, T*, int64_t);          \
  template void transpose(const T*, int64_t, int64_t, int64_t, T*, int64_t);          \
  template void load_columns(const Operand&, const char*, const Plane&, T*, int64_t); \
  template void store_columns(const Operand&, char*, const Plane&, const T*, int64_t)

namespace {

// Can elements at `from`, `stride` bytes apart, be read and written where they lie as elements of
// T?
template <class T>
bool is_native(const Operand& operand, const char* from, int64_t stride) {
  return operand.dtype == DTypeOf<T>::value && !operand.swapped &&
         stride % int64_t(sizeof(T)) == 0 && reinterpret_cast<uintptr_t>(from) % alignof(T) == 0;
}

// Can they be used as an array of T?
template <class T>
bool in_place(const Operand& operand, const char* from, int64_t stride) {
  return stride == int64_t(sizeof(T)) && is_native<T>(operand, from, stride);
}

template <class T>
void fill(T x, int64_t n, T* to) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = x;
}

inline int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

// Element (r, c) of the plane at `from` into to[r * step + c].
template <class T>
void load_plane(const Operand& operand, const char* from, const Plane& plane, T* to, int64_t step) {
  const bool rows = is_native<T>(operand, from, plane.row_stride);
  const bool columns = is_native<T>(operand, from, plane.column_stride);
  if (rows && columns && plane.column_stride == int64_t(sizeof(T))) {
    copy_rows(reinterpret_cast<const T*>(from), plane.row_stride / int64_t(sizeof(T)), plane.rows,
              plane.columns, to, step);
  } else if (rows && columns && plane.row_stride == int64_t(sizeof(T))) {
    transpose(reinterpret_cast<const T*>(from), plane.column_stride / int64_t(sizeof(T)),
              plane.columns, plane.rows, to, step);
  } else if (plane.row_stride == plane.columns * plane.column_stride && step == plane.columns) {
    copy_in(operand, from, plane.column_stride, plane.rows * plane.columns, to);
  } else if (plane.by_columns()) {
    load_columns(operand, from, plane, to, step);
  } else {
    for (int64_t r = 0; r < plane.rows; ++r) {
      copy_in(operand, from + r * plane.row_stride, plane.column_stride, plane.columns,
              to + r * step);
    }
  }
}

// The other way round.
template <class T>
void store_plane(const Operand& operand, char* to, const Plane& plane, const T* from,
                 int64_t step) {
  const bool rows = is_native<T>(operand, to, plane.row_stride);
  const bool columns = is_native<T>(operand, to, plane.column_stride);
  if (rows && columns && plane.column_stride == int64_t(sizeof(T))) {
    copy_rows(from, step, plane.rows, plane.columns, reinterpret_cast<T*>(to),
              plane.row_stride / int64_t(sizeof(T)));
  } else if (rows && columns && plane.row_stride == int64_t(sizeof(T))) {
    transpose(from, step, plane.rows, plane.columns, reinterpret_cast<T*>(to),
              plane.column_stride / int64_t(sizeof(T)));
  } else if (plane.row_stride == plane.columns * plane.column_stride && step == plane.columns) {
    copy_out(operand, to, plane.column_stride, plane.rows * plane.columns, from);
  } else if (plane.by_columns()) {
    store_columns(operand, to, plane, from, step);
  } else {
    for (int64_t r = 0; r < plane.rows; ++r) {
      copy_out(operand, to + r * plane.row_stride, plane.column_stride, plane.columns,
               from + r * step);
    }
  }
}

}  // namespace
}  // namespace numloss::NUMLOSS_ISA
