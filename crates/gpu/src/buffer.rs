//! Memory of a card.

use std::marker::PhantomData;
use std::rc::Rc;

use crate::GpuError;
use crate::card::Inner;
use crate::driver::Address;

/// A value that a card and this machine store alike: any bytes are a value, and it has no padding.
pub(crate) trait Value: Copy + Default + 'static {}

macro_rules! values {
    ($($value:ty)*) => { $(impl Value for $value {})* };
}
values!(u8 u16 u32 f32 f64);

/// Values in the memory of a card. They are freed when it is dropped.
///
/// Copies wait for all work of the card, so that none overtakes it.
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    card: Rc<Inner>,
    address: Address,
    length: usize,
    values: PhantomData<T>,
}

impl<T: Value> Buffer<T> {
    /// `length` zeros.
    ///
    /// # Errors
    /// Returns an error if the card has no room.
    pub(crate) fn zeros(card: &Rc<Inner>, length: usize) -> Result<Self, GpuError> {
        let bytes = length * size_of::<T>();
        let driver = &card.driver;
        let mut address = 0;
        // SAFETY: a place for an address; the card's context is current in this thread, which it does not leave (`Rc`).
        driver.check("cuMemAlloc", unsafe {
            (driver.allocate)(&raw mut address, bytes.max(16))
        })?;
        let buffer = Self {
            card: Rc::clone(card),
            address,
            length,
            values: PhantomData,
        };
        // SAFETY: so many bytes have just been allocated there.
        driver.check("cuMemsetD8", unsafe {
            (driver.fill)(address, 0, bytes.max(16))
        })?;
        card.synchronize()?;
        Ok(buffer)
    }

    /// A copy of `values`.
    pub(crate) fn copy_of(card: &Rc<Inner>, values: &[T]) -> Result<Self, GpuError> {
        let mut buffer = Self::zeros(card, values.len())?;
        buffer.write(values)?;
        Ok(buffer)
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Replaces the first values.
    ///
    /// # Errors
    /// Returns an error if there are more of them than room, or if work on the card failed.
    pub(crate) fn write(&mut self, values: &[T]) -> Result<(), GpuError> {
        self.write_at(0, values)
    }

    /// Replaces the values from `offset` on.
    pub(crate) fn write_at(&mut self, offset: usize, values: &[T]) -> Result<(), GpuError> {
        if offset > self.length || values.len() > self.length - offset {
            let (values, length) = (values.len(), self.length);
            return Err(GpuError::Shape(format!(
                "{values} values from {offset} on for a buffer of {length}"
            )));
        }
        let address = self.address + (offset * size_of::<T>()) as Address;
        self.card.synchronize()?;
        let driver = &self.card.driver;
        // SAFETY: the buffer has room for these values, as checked, and nothing on the card works with it.
        let status =
            unsafe { (driver.to_card)(address, values.as_ptr().cast(), size_of_val(values)) };
        driver.check("cuMemcpyHtoD", status)?;
        self.card.synchronize()
    }

    /// All values, after all work of the card has ended.
    ///
    /// # Errors
    /// Returns an error if work on the card failed.
    pub(crate) fn read(&self) -> Result<Vec<T>, GpuError> {
        self.card.synchronize()?;
        let driver = &self.card.driver;
        let mut values = vec![T::default(); self.length];
        let bytes = size_of_val(values.as_slice());
        // SAFETY: source and destination have so many bytes, and any bytes are values (`Value`).
        let status = unsafe { (driver.from_card)(values.as_mut_ptr().cast(), self.address, bytes) };
        driver.check("cuMemcpyDtoH", status)?;
        Ok(values)
    }

    pub(crate) fn address(&self) -> Address {
        self.address
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let driver = &self.card.driver;
        // SAFETY: allocated by `zeros` and freed once; freeing waits for the work that uses it. A failure is one of earlier work.
        unsafe { (driver.free)(self.address) };
    }
}
