//! NVRTC, CUDA's compiler as a library: source text to code for one architecture.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::null;

use crate::GpuError;
use crate::functions::functions;
use crate::places::Library;

type Program = *mut c_void;

functions! {
    /// The functions of `nvrtc.h`.
    Nvrtc of Library::Nvrtc;
    version = "nvrtcVersion" (*mut c_int, *mut c_int);
    create = "nvrtcCreateProgram" (
        *mut Program, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char,
    );
    destroy = "nvrtcDestroyProgram" (*mut Program);
    compile = "nvrtcCompileProgram" (Program, c_int, *const *const c_char);
    log_size = "nvrtcGetProgramLogSize" (Program, *mut usize);
    log = "nvrtcGetProgramLog" (Program, *mut c_char);
    code_size = "nvrtcGetCUBINSize" (Program, *mut usize);
    code = "nvrtcGetCUBIN" (Program, *mut c_char);
}

/// Compiles `source` for `architecture`, such as `sm_90`, with macros defined as given.
///
/// The compiler makes machine code, not PTX: the driver then translates nothing, so that neither its version nor its cache changes
/// the kernels. Products and sums are fused only where the source says so, which gives the bits of the same expressions in Rust.
pub(crate) fn compile(
    path: &Path,
    source: &str,
    architecture: &str,
    macros: &[(&str, String)],
) -> Result<Vec<u8>, GpuError> {
    let nvrtc = Nvrtc::load(path)?;
    let text = |text: String| {
        CString::new(text).map_err(|_| GpuError::Shape("a text with a byte 0".to_owned()))
    };
    let (source, name) = (text(source.to_owned())?, text("kernels.cu".to_owned())?);
    let fixed = [
        format!("--gpu-architecture={architecture}"),
        "--fmad=false".to_owned(),
        "--std=c++17".to_owned(),
    ];
    let defined = macros
        .iter()
        .map(|(name, value)| format!("--define-macro={name}={value}"));
    let options: Vec<CString> = fixed
        .into_iter()
        .chain(defined)
        .map(text)
        .collect::<Result<_, _>>()?;
    let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
    let mut program: Program = std::ptr::null_mut();
    // SAFETY: the texts end with 0 and live until the program is destroyed; there are no headers.
    let created = unsafe {
        (nvrtc.create)(
            &raw mut program,
            source.as_ptr(),
            name.as_ptr(),
            0,
            null(),
            null(),
        )
    };
    check("nvrtcCreateProgram", created)?;
    // SAFETY: the program was made above, and so many options are there.
    let status = unsafe { (nvrtc.compile)(program, options.len() as c_int, options.as_ptr()) };
    let result = if status == 0 {
        read(nvrtc.code_size, nvrtc.code, program)
    } else {
        let log = read(nvrtc.log_size, nvrtc.log, program).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let log = log.trim_end_matches('\0').trim();
        Err(GpuError::Compile {
            architecture: architecture.to_owned(),
            log: if log.is_empty() {
                format!("error {status}")
            } else {
                log.to_owned()
            },
        })
    };
    // SAFETY: the program was made above and is not used after this.
    unsafe { (nvrtc.destroy)(&raw mut program) };
    result
}

/// The version of NVRTC at `path`, such as `13.0`.
pub(crate) fn version(path: &Path) -> Result<String, GpuError> {
    let nvrtc = Nvrtc::load(path)?;
    let (mut major, mut minor) = (0, 0);
    // SAFETY: two places for whole numbers.
    check("nvrtcVersion", unsafe {
        (nvrtc.version)(&raw mut major, &raw mut minor)
    })?;
    Ok(format!("{major}.{minor}"))
}

/// A result of the compiler: first its size, then its bytes.
fn read(
    size: unsafe extern "C" fn(Program, *mut usize) -> c_int,
    bytes: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
    program: Program,
) -> Result<Vec<u8>, GpuError> {
    let mut length = 0;
    // SAFETY: a program that has been compiled, and a place for a size.
    check("nvrtcGetCUBINSize", unsafe {
        size(program, &raw mut length)
    })?;
    let mut out = vec![0u8; length];
    // SAFETY: there is room for as many bytes as the compiler has just said.
    check("nvrtcGetCUBIN", unsafe {
        bytes(program, out.as_mut_ptr().cast())
    })?;
    Ok(out)
}

fn check(function: &'static str, status: c_int) -> Result<(), GpuError> {
    match status {
        0 => Ok(()),
        status => Err(GpuError::Call {
            library: Library::Nvrtc,
            function,
            reason: format!("error {status}"),
        }),
    }
}
