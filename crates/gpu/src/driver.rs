//! The functions of the driver, `libcuda`, as CUDA's header `cuda.h` declares them.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use crate::GpuError;
use crate::functions::functions;
use crate::places::Library;

/// An opaque object of the driver: a context, a stream, a graph, a module, a function.
pub(crate) type Handle = *mut c_void;
/// An address in the memory of a card.
pub(crate) type Address = u64;

/// `CU_DEVICE_ATTRIBUTE_WARP_SIZE`.
pub(crate) const WARP_SIZE: c_int = 10;
/// `CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR` and `_MINOR`.
pub(crate) const CAPABILITY: [c_int; 2] = [75, 76];
/// `CU_STREAM_NON_BLOCKING`: the stream does not wait for the default one.
pub(crate) const NON_BLOCKING: c_uint = 1;
/// `CU_STREAM_CAPTURE_MODE_THREAD_LOCAL`: what other threads do does not disturb a capture.
pub(crate) const THREAD_LOCAL: c_int = 1;

functions! {
    /// The driver.
    Driver of Library::Driver;
    init = "cuInit" (c_uint);
    version = "cuDriverGetVersion" (*mut c_int);
    device_count = "cuDeviceGetCount" (*mut c_int);
    device = "cuDeviceGet" (*mut c_int, c_int);
    device_name = "cuDeviceGetName" (*mut c_char, c_int, c_int);
    device_attribute = "cuDeviceGetAttribute" (*mut c_int, c_int, c_int);
    device_memory = "cuDeviceTotalMem_v2" (*mut usize, c_int);
    retain_context = "cuDevicePrimaryCtxRetain" (*mut Handle, c_int);
    release_context = "cuDevicePrimaryCtxRelease_v2" (c_int);
    set_context = "cuCtxSetCurrent" (Handle);
    synchronize = "cuCtxSynchronize" ();
    memory = "cuMemGetInfo_v2" (*mut usize, *mut usize);
    allocate = "cuMemAlloc_v2" (*mut Address, usize);
    free = "cuMemFree_v2" (Address);
    fill = "cuMemsetD8_v2" (Address, u8, usize);
    to_card = "cuMemcpyHtoD_v2" (Address, *const c_void, usize);
    from_card = "cuMemcpyDtoH_v2" (*mut c_void, Address, usize);
    create_stream = "cuStreamCreate" (*mut Handle, c_uint);
    destroy_stream = "cuStreamDestroy_v2" (Handle);
    synchronize_stream = "cuStreamSynchronize" (Handle);
    begin_capture = "cuStreamBeginCapture_v2" (Handle, c_int);
    end_capture = "cuStreamEndCapture" (Handle, *mut Handle);
    instantiate = "cuGraphInstantiateWithFlags" (*mut Handle, Handle, u64);
    launch_graph = "cuGraphLaunch" (Handle, Handle);
    destroy_graph = "cuGraphDestroy" (Handle);
    destroy_instance = "cuGraphExecDestroy" (Handle);
    load_module = "cuModuleLoadData" (*mut Handle, *const c_void);
    unload_module = "cuModuleUnload" (Handle);
    function = "cuModuleGetFunction" (*mut Handle, Handle, *const c_char);
    launch = "cuLaunchKernel" (
        Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void,
    );
    error_text = "cuGetErrorString" (c_int, *mut *const c_char);
}

impl Driver {
    /// Turns the status of `function` into an error with the driver's own words.
    pub(crate) fn check(&self, function: &'static str, status: c_int) -> Result<(), GpuError> {
        if status == 0 {
            return Ok(());
        }
        let mut text = std::ptr::null();
        // SAFETY: `text` is a place for a pointer; the driver leaves null there for a status that it does not know.
        unsafe { (self.error_text)(status, &raw mut text) };
        let reason = if text.is_null() {
            format!("error {status}")
        } else {
            // SAFETY: the driver hands out texts that end with 0 and are never freed.
            let text = unsafe { CStr::from_ptr(text) };
            format!("{} (error {status})", text.to_string_lossy())
        };
        Err(GpuError::Call {
            library: Library::Driver,
            function,
            reason,
        })
    }
}
