//! What the example needs of numloss.h, and a safe function around it. `bindgen` makes the whole.
use std::ffi::{c_char, c_void, CStr};
use std::fmt;
use std::mem::{size_of, zeroed};
use std::ptr;

#[repr(C)]
struct Array {
    data: *mut c_void,
    shape: *const i64,
    strides: *const i64,
    ndim: i32,
    dtype: i32,
    flags: u32,
    reserved: u32,
}

const FLOAT32: i32 = 1;
const INT64: i32 = 9;
/// An element outside its domain, such as a label out of range.
pub const ELEMENT: i32 = 9;
const VALUE: u32 = 1;
const GRADIENT: u32 = 2;

#[repr(C)]
struct Call {
    size: usize,
    want: u32,
    input_count: i32,
    inputs: *const Array,
    options: *const c_void,
    option_count: i32,
    reduction: i32,
    weight: *const Array,
    denominator: i32,
    dtype: i32,
    denominator_number: f64,
    threads: i32,
    gradient_count: i32,
    values: *const Array,
    gradients: *const Array,
    // Members of later releases may follow: `size` tells the library which this caller has.
}

#[repr(C)]
struct Outcome {
    size: usize,
    value: f64,
}

#[repr(C)]
struct Fault {
    size: usize,
    status: i32,
    is_type: i32,
    index_ndim: i32,
    reserved: i32,
    index: [i64; 8],
    argument: [c_char; 24],
    needed: [c_char; 200],
    got: [c_char; 120],
    text: [c_char; 520],
}

extern "C" {
    fn numloss_find(name: *const c_char) -> i32;
    fn numloss_compute_index(
        loss: i32,
        call: *const Call,
        result: *mut Outcome,
        fault: *mut Fault,
    ) -> i32;
}

/// What numloss says of a call that it refuses.
#[derive(Debug)]
pub struct Error {
    pub status: i32,
    pub text: String,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

fn array(data: *mut c_void, dtype: i32, shape: &[i64]) -> Array {
    Array {
        data,
        shape: shape.as_ptr(),
        strides: ptr::null(),
        ndim: shape.len() as i32,
        dtype,
        flags: 0,
        reserved: 0,
    }
}

/// The mean cross-entropy of rows of `classes` logits. Its gradient is written to `gradient`.
pub fn cross_entropy(
    logits: &[f32],
    labels: &[i64],
    classes: usize,
    gradient: &mut [f32],
) -> Result<f64, Error> {
    let rows = labels.len();
    assert_eq!(logits.len(), rows * classes);
    assert_eq!(gradient.len(), logits.len());
    let matrix = [rows as i64, classes as i64];
    let inputs = [
        // Inputs are never written.
        array(logits.as_ptr() as *mut c_void, FLOAT32, &matrix),
        array(labels.as_ptr() as *mut c_void, INT64, &matrix[..1]),
    ];
    let output = array(gradient.as_mut_ptr() as *mut c_void, FLOAT32, &matrix);
    // SAFETY: 0 and null are the defaults of every member; all pointers outlive the call, which
    // keeps none, and shapes are those of the slices.
    unsafe {
        let mut call: Call = zeroed();
        call.size = size_of::<Call>();
        call.want = VALUE | GRADIENT;
        call.inputs = inputs.as_ptr();
        call.input_count = 2;
        call.gradients = &output;
        call.gradient_count = 1;
        let mut outcome: Outcome = zeroed();
        outcome.size = size_of::<Outcome>();
        let mut fault: Fault = zeroed();
        fault.size = size_of::<Fault>();
        let loss = numloss_find(b"cross_entropy\0".as_ptr() as *const c_char);
        match numloss_compute_index(loss, &call, &mut outcome, &mut fault) {
            0 => Ok(outcome.value),
            status => Err(Error {
                status,
                text: CStr::from_ptr(fault.text.as_ptr()).to_string_lossy().into_owned(),
            }),
        }
    }
}
