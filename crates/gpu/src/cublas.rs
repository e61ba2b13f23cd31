//! The functions of cuBLAS, as its header `cublas_api.h` declares them.

use std::ffi::{c_int, c_void};

use crate::GpuError;
use crate::driver::Handle;
use crate::functions::functions;
use crate::places::Library;

/// `CUBLAS_OP_N` and `CUBLAS_OP_T`.
pub(crate) const PLAIN: c_int = 0;
pub(crate) const TRANSPOSED: c_int = 1;
/// `CUDA_R_32F`.
pub(crate) const FLOAT: c_int = 0;
/// `CUBLAS_COMPUTE_32F` and `CUBLAS_COMPUTE_32F_FAST_TF32`.
pub(crate) const COMPUTE_F32: c_int = 68;
pub(crate) const COMPUTE_TF32: c_int = 77;
/// `CUBLAS_GEMM_DEFAULT`.
pub(crate) const ALGORITHM: c_int = -1;

functions! {
    /// cuBLAS.
    Cublas of Library::Cublas;
    create = "cublasCreate_v2" (*mut Handle);
    destroy = "cublasDestroy_v2" (Handle);
    property = "cublasGetProperty" (c_int, *mut c_int);
    set_stream = "cublasSetStream_v2" (Handle, Handle);
    set_workspace = "cublasSetWorkspace_v2" (Handle, *mut c_void, usize);
    multiply = "cublasGemmEx" (
        Handle, c_int, c_int, c_int, c_int, c_int, *const c_void, *const c_void, c_int, c_int, *const c_void, c_int, c_int,
        *const c_void, *mut c_void, c_int, c_int, c_int, c_int,
    );
}

pub(crate) fn check(function: &'static str, status: c_int) -> Result<(), GpuError> {
    let reason = match status {
        0 => return Ok(()),
        1 => "not initialised".to_owned(),
        3 => "no memory".to_owned(),
        7 => "an invalid value".to_owned(),
        8 => "the card lacks a feature".to_owned(),
        13 => "the card did not execute the work".to_owned(),
        15 => "not supported".to_owned(),
        status => format!("error {status}"),
    };
    Err(GpuError::Call {
        library: Library::Cublas,
        function,
        reason,
    })
}
