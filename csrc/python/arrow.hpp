// Columns of Arrow as arrays of NumPy's over the same memory, by the Arrow C data interface.
#pragma once

#include <pybind11/numpy.h>

namespace numloss {

// What a column or a piece of one holds:
// - its numbers, read-only in the column's own memory, but for booleans, which are bits there;
//   those of a null mean nothing. None: a table or an extension type, which gives its array itself.
// - for each row whether it holds no null. None: there are no nulls.
// - how many rows there are.

// Of the capsules that `__arrow_c_array__` returned; throws Unusable.
pybind11::tuple from_arrow_array(const pybind11::capsule& schema, const pybind11::capsule& array);

// Of the capsule that `__arrow_c_stream__` returned: a list of the pieces with a row, or of one
// without; throws Unusable.
pybind11::list from_arrow_stream(const pybind11::capsule& stream);

}  // namespace numloss
