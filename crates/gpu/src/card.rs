//! Cards: what the driver lists, and one that is open.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use crate::driver::{CAPABILITY, Driver, Handle, WARP_SIZE};
use crate::places::Libraries;
use crate::{Buffer, GpuError, Math, Module, Products, Stream, Value, nvrtc};

/// A card as the driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardDescription {
    /// Number by which the driver knows it.
    pub index: u32,
    /// Such as `NVIDIA H100 80GB HBM3`.
    pub name: String,
    /// Compute capability, such as `(9, 0)`.
    pub capability: (u32, u32),
    /// Its memory.
    pub memory_mib: u64,
}

impl fmt::Display for CardDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            capability: (major, minor),
            memory_mib,
            ..
        } = self;
        write!(
            f,
            "{name}, compute capability {major}.{minor}, {memory_mib} MiB"
        )
    }
}

/// The cards that the driver at `path` lists. Variables such as `CUDA_VISIBLE_DEVICES` are obeyed by the driver itself.
///
/// # Errors
/// Returns an error if the driver cannot be loaded or does not start. No card is no error.
pub fn cards(path: &Path) -> Result<Vec<CardDescription>, GpuError> {
    let driver = Driver::load(path)?;
    let count = start(&driver)?;
    (0..count)
        .map(|index| describe(&driver, index).map(|(card, _)| card))
        .collect()
}

/// `CUDA_ERROR_NO_DEVICE`, which the driver also returns where all cards are hidden.
const NO_DEVICE: c_int = 100;

/// Starts the driver; the number of its cards.
fn start(driver: &Driver) -> Result<u32, GpuError> {
    // SAFETY: no flags are defined.
    let status = unsafe { (driver.init)(0) };
    if status == NO_DEVICE {
        return Ok(0);
    }
    driver.check("cuInit", status)?;
    let mut count = 0;
    // SAFETY: a place for a whole number.
    driver.check("cuDeviceGetCount", unsafe {
        (driver.device_count)(&raw mut count)
    })?;
    Ok(u32::try_from(count).unwrap_or(0))
}

/// A card and the driver's name of it.
fn describe(driver: &Driver, index: u32) -> Result<(CardDescription, c_int), GpuError> {
    let mut device = 0;
    // SAFETY: a place for a whole number; the driver checks the index.
    driver.check("cuDeviceGet", unsafe {
        (driver.device)(&raw mut device, index as c_int)
    })?;
    let mut name = [0 as c_char; 256];
    // SAFETY: room for 255 bytes and a 0.
    driver.check("cuDeviceGetName", unsafe {
        (driver.device_name)(name.as_mut_ptr(), 255, device)
    })?;
    // SAFETY: the driver ends the name with 0, and the last byte is one in any case.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    let mut bytes = 0;
    // SAFETY: a place for a size.
    driver.check("cuDeviceTotalMem", unsafe {
        (driver.device_memory)(&raw mut bytes, device)
    })?;
    let [major, minor] = CAPABILITY;
    let capability = (
        attribute(driver, device, major)?,
        attribute(driver, device, minor)?,
    );
    let card = CardDescription {
        index,
        name: name.to_string_lossy().into_owned(),
        capability,
        memory_mib: (bytes as u64) >> 20,
    };
    Ok((card, device))
}

fn attribute(driver: &Driver, device: c_int, attribute: c_int) -> Result<u32, GpuError> {
    let mut value = 0;
    // SAFETY: a place for a whole number; the driver checks attribute and device.
    let status = unsafe { (driver.device_attribute)(&raw mut value, attribute, device) };
    driver.check("cuDeviceGetAttribute", status)?;
    Ok(u32::try_from(value).unwrap_or(0))
}

/// An open card: what all that lives on it holds on to.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) driver: Driver,
    device: c_int,
}

impl Inner {
    /// Waits until all work has ended.
    pub(crate) fn synchronize(&self) -> Result<(), GpuError> {
        // SAFETY: the context is current in this thread.
        self.driver
            .check("cuCtxSynchronize", unsafe { (self.driver.synchronize)() })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: retained once by `Card::open`; everything on the card is gone, as it holds on to this.
        unsafe { (self.driver.release_context)(self.device) };
    }
}

/// A card that is open in this thread. What is made on it stays in this thread.
#[derive(Debug, Clone)]
pub struct Card {
    inner: Rc<Inner>,
    libraries: Libraries,
    description: CardDescription,
    warp: u32,
}

impl Card {
    /// Opens the card number `index`.
    ///
    /// # Errors
    /// Returns an error if the driver cannot be loaded, does not start, or has no such card.
    pub fn open(libraries: &Libraries, index: u32) -> Result<Self, GpuError> {
        libraries.open_companions();
        let driver = Driver::load(&libraries.driver)?;
        let count = start(&driver)?;
        if index >= count {
            return Err(GpuError::NoCard { index, count });
        }
        let (description, device) = describe(&driver, index)?;
        let warp = attribute(&driver, device, WARP_SIZE)?.max(1);
        let mut context: Handle = std::ptr::null_mut();
        // SAFETY: a place for a handle, and a device of this driver.
        driver.check("cuDevicePrimaryCtxRetain", unsafe {
            (driver.retain_context)(&raw mut context, device)
        })?;
        let inner = Inner { driver, device };
        // SAFETY: the context is retained until `inner` is dropped.
        inner.driver.check("cuCtxSetCurrent", unsafe {
            (inner.driver.set_context)(context)
        })?;
        Ok(Self {
            inner: Rc::new(inner),
            libraries: libraries.clone(),
            description,
            warp,
        })
    }

    /// What the driver says about it.
    pub fn description(&self) -> &CardDescription {
        &self.description
    }

    /// The card with the versions of driver and libraries, in one line: what the last bits of a result depend on.
    ///
    /// # Errors
    /// Returns an error if a library does not say its version.
    pub fn versions(&self) -> Result<String, GpuError> {
        let mut driver = 0;
        // SAFETY: a place for a whole number.
        self.inner.driver.check("cuDriverGetVersion", unsafe {
            (self.inner.driver.version)(&raw mut driver)
        })?;
        let nvrtc = nvrtc::version(&self.libraries.nvrtc)?;
        let cublas = crate::products::version(&self.libraries.cublas)?;
        let CardDescription {
            name,
            capability: (major, minor),
            ..
        } = &self.description;
        Ok(format!(
            "{name} (compute capability {major}.{minor}), driver for CUDA {}.{}, NVRTC {nvrtc}, cuBLAS {cublas}",
            driver / 1000,
            driver % 1000 / 10
        ))
    }

    /// Threads that run in step.
    pub(crate) fn warp(&self) -> u32 {
        self.warp
    }

    /// Memory that is free now, in MiB.
    ///
    /// # Errors
    /// Returns an error if the driver does not say.
    pub fn free_mib(&self) -> Result<u64, GpuError> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: two places for sizes; the context is current in this thread.
        let status = unsafe { (self.inner.driver.memory)(&raw mut free, &raw mut total) };
        self.inner.driver.check("cuMemGetInfo", status)?;
        Ok((free as u64) >> 20)
    }

    /// Refuses work for which there is no room now.
    ///
    /// # Errors
    /// Returns [`GpuError::Memory`] if less is free.
    pub(crate) fn require_mib(&self, needed_mib: u64) -> Result<(), GpuError> {
        let free_mib = self.free_mib()?;
        if free_mib < needed_mib {
            return Err(GpuError::Memory {
                card: self.description.name.clone(),
                free_mib,
                needed_mib,
            });
        }
        Ok(())
    }

    /// A buffer of zeros.
    ///
    /// # Errors
    /// Returns an error if the card has no room.
    pub(crate) fn zeros<T: Value>(&self, length: usize) -> Result<Buffer<T>, GpuError> {
        Buffer::zeros(&self.inner, length)
    }

    /// A buffer with a copy of `values`.
    ///
    /// # Errors
    /// Returns an error if the card has no room.
    pub(crate) fn copy_of<T: Value>(&self, values: &[T]) -> Result<Buffer<T>, GpuError> {
        Buffer::copy_of(&self.inner, values)
    }

    /// A queue of work.
    ///
    /// # Errors
    /// Returns an error if the driver makes none.
    pub(crate) fn stream(&self) -> Result<Stream, GpuError> {
        Stream::new(&self.inner)
    }

    /// Matrix products on `stream`.
    ///
    /// # Errors
    /// Returns an error if cuBLAS cannot be loaded or does not start.
    pub(crate) fn products(&self, stream: &Stream, math: Math) -> Result<Products, GpuError> {
        Products::new(&self.libraries.cublas, &self.inner, stream, math)
    }

    /// The kernels of `source`, compiled for this card with macros defined as given.
    ///
    /// # Errors
    /// Returns [`GpuError::Compile`] with the compiler's words if it refuses the source or does not know the card.
    pub(crate) fn compile(
        &self,
        source: &str,
        macros: &[(&str, String)],
    ) -> Result<Module, GpuError> {
        let (major, minor) = self.description.capability;
        let architecture = format!("sm_{major}{minor}");
        let code = nvrtc::compile(&self.libraries.nvrtc, source, &architecture, macros)?;
        Module::new(&self.inner, &code)
    }
}
