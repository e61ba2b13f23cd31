//! Compiled kernels.

use std::ffi::{CString, c_void};
use std::rc::Rc;

use crate::card::Inner;
use crate::driver::Handle;
use crate::{Buffer, GpuError, Stream, Value};

/// Kernels that were compiled together.
#[derive(Debug)]
pub(crate) struct Module {
    loaded: Rc<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    card: Rc<Inner>,
    handle: Handle,
}

impl Module {
    pub(crate) fn new(card: &Rc<Inner>, code: &[u8]) -> Result<Self, GpuError> {
        let mut handle = std::ptr::null_mut();
        // SAFETY: a place for a handle, and code that NVRTC has just made for this card, which says itself how long it is.
        let status = unsafe { (card.driver.load_module)(&raw mut handle, code.as_ptr().cast()) };
        card.driver.check("cuModuleLoadData", status)?;
        let card = Rc::clone(card);
        Ok(Self {
            loaded: Rc::new(Loaded { card, handle }),
        })
    }

    /// The kernel called `name`.
    ///
    /// # Errors
    /// Returns an error if there is none.
    pub(crate) fn kernel(&self, name: &str) -> Result<Kernel, GpuError> {
        let name =
            CString::new(name).map_err(|_| GpuError::Shape("a name with a byte 0".to_owned()))?;
        let driver = &self.loaded.card.driver;
        let mut function = std::ptr::null_mut();
        // SAFETY: a place for a handle, a module that is loaded, and a name that ends with 0.
        let status =
            unsafe { (driver.function)(&raw mut function, self.loaded.handle, name.as_ptr()) };
        driver.check("cuModuleGetFunction", status)?;
        Ok(Kernel {
            module: Rc::clone(&self.loaded),
            function,
        })
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: loaded by `new` and unloaded once; its kernels hold on to it.
        unsafe { (self.card.driver.unload_module)(self.handle) };
    }
}

/// A function that runs on a card, once in each of many threads.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    module: Rc<Loaded>,
    function: Handle,
}

/// Threads of a block.
const BLOCK: u32 = 256;

/// An argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Argument {
    /// A pointer into the memory of the card.
    Address(u64),
    /// An `unsigned int`.
    Whole(u32),
    /// A `float`.
    Real(f32),
    /// A `double`.
    Precise(f64),
}

/// The address of a value in a buffer.
pub(crate) fn at<T: Value>(buffer: &Buffer<T>, offset: usize) -> Argument {
    Argument::Address(buffer.address() + (offset * size_of::<T>()) as u64)
}

/// A pointer that is not followed.
pub(crate) const NULL: Argument = Argument::Address(0);

impl Argument {
    /// Its bytes in the order of the card, which is that of this machine: every machine that has such cards puts the lowest first.
    fn bytes(self) -> u64 {
        match self {
            Argument::Address(address) => address,
            Argument::Whole(number) => u64::from(number),
            Argument::Real(number) => u64::from(number.to_bits()),
            Argument::Precise(number) => number.to_bits(),
        }
        .to_le()
    }
}

impl Kernel {
    /// Puts the kernel into the queue, to run in at least `threads` threads, in blocks of 256.
    ///
    /// # Safety
    /// `arguments` must be those of the kernel, each of its type. What the kernel reads and writes through them must lie in buffers
    /// that exist until it has run, and it must leave threads beyond `threads` idle.
    ///
    /// # Errors
    /// Returns an error if the driver refuses it.
    pub(crate) unsafe fn launch(
        &self,
        stream: &Stream,
        threads: usize,
        arguments: &[Argument],
    ) -> Result<(), GpuError> {
        let blocks = u32::try_from(threads.div_ceil(BLOCK as usize))
            .ok()
            .filter(|&blocks| blocks < 1 << 24)
            .ok_or_else(|| {
                GpuError::Shape(format!("{threads} values are more than a kernel can count"))
            })?;
        if blocks == 0 {
            return Ok(());
        }
        let mut values: Vec<u64> = arguments.iter().map(|argument| argument.bytes()).collect();
        let mut pointers: Vec<*mut c_void> = values
            .iter_mut()
            .map(|value| (&raw mut *value).cast())
            .collect();
        let driver = &self.module.card.driver;
        // SAFETY: function and stream exist; the driver copies the arguments, which live until the call returns; the sizes are within the limits of all cards; the caller answers for the arguments.
        let status = unsafe {
            (driver.launch)(
                self.function,
                blocks,
                1,
                1,
                BLOCK,
                1,
                1,
                0,
                stream.handle(),
                pointers.as_mut_ptr(),
                std::ptr::null_mut(),
            )
        };
        driver.check("cuLaunchKernel", status)
    }
}
