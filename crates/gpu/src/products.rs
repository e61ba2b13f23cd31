//! Matrix products by cuBLAS, with the same bits from run to run.

use std::ffi::c_int;
use std::path::Path;
use std::rc::Rc;

use crate::card::Inner;
use crate::cublas::{
    ALGORITHM, COMPUTE_F32, COMPUTE_TF32, Cublas, FLOAT, PLAIN, TRANSPOSED, check,
};
use crate::driver::Handle;
use crate::{Buffer, GpuError, Stream};

/// Bytes of the workspace of cuBLAS: what its documentation names for the largest cards. With a workspace of its own, one queue
/// and no atomics, cuBLAS promises the same bits for the same card and version.
const WORKSPACE: usize = 32 << 20;

/// Arithmetic of matrix products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Math {
    /// IEEE single precision.
    F32,
    /// Factors rounded to 10 bits of mantissa, sums in single precision: faster, with a relative error of about 5e-4 a product.
    Tf32,
}

/// A row-major matrix of `rows` x `columns` in a buffer, from `offset` on; from one row to the next there are `pitch` values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    buffer: &'a Buffer<f32>,
    offset: usize,
    rows: usize,
    columns: usize,
    pitch: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// The matrix at `offset` of `buffer`, without gaps.
    pub(crate) fn new(buffer: &'a Buffer<f32>, offset: usize, rows: usize, columns: usize) -> Self {
        Self {
            buffer,
            offset,
            rows,
            columns,
            pitch: columns,
            transposed: false,
        }
    }

    /// A block of a matrix that is not transposed: `rows.1` rows from `rows.0` on, and likewise columns.
    #[must_use]
    pub(crate) fn block(self, rows: (usize, usize), columns: (usize, usize)) -> Self {
        Self {
            offset: self.offset + rows.0 * self.pitch + columns.0,
            rows: rows.1,
            columns: columns.1,
            ..self
        }
    }

    /// The same values, rows and columns exchanged.
    #[must_use]
    pub(crate) fn transposed(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }

    /// Rows and columns as the product sees them.
    pub(crate) fn shape(self) -> (usize, usize) {
        match self.transposed {
            false => (self.rows, self.columns),
            true => (self.columns, self.rows),
        }
    }

    /// Its address, after a check that it lies within its buffer.
    fn address(self) -> Result<u64, GpuError> {
        let end = (self.rows.saturating_sub(1))
            .checked_mul(self.pitch)
            .and_then(|values| values.checked_add(self.offset)?.checked_add(self.columns));
        let overlaps = self.columns > self.pitch;
        if overlaps || end.is_none_or(|end| end > self.buffer.len()) {
            return Err(GpuError::Shape(format!(
                "a matrix of {} x {} from {} on in a buffer of {}",
                self.rows,
                self.columns,
                self.offset,
                self.buffer.len()
            )));
        }
        Ok(self.buffer.address() + (self.offset * size_of::<f32>()) as u64)
    }
}

/// Matrix products on one queue.
#[derive(Debug)]
pub(crate) struct Products {
    cublas: Cublas,
    handle: Handle,
    compute: c_int,
    // Dropped after the handle that uses it, as fields are dropped after `Drop::drop`.
    workspace: Buffer<u8>,
}

impl Products {
    pub(crate) fn new(
        path: &Path,
        card: &Rc<Inner>,
        stream: &Stream,
        math: Math,
    ) -> Result<Self, GpuError> {
        let cublas = Cublas::load(path)?;
        let workspace = Buffer::zeros(card, WORKSPACE)?;
        let mut handle = std::ptr::null_mut();
        // SAFETY: a place for a handle; the card's context is current in this thread.
        check("cublasCreate", unsafe { (cublas.create)(&raw mut handle) })?;
        let compute = match math {
            Math::F32 => COMPUTE_F32,
            Math::Tf32 => COMPUTE_TF32,
        };
        let products = Self {
            cublas,
            handle,
            compute,
            workspace,
        };
        // SAFETY: handle and stream exist. The stream comes first: setting it resets the workspace.
        check("cublasSetStream", unsafe {
            (products.cublas.set_stream)(handle, stream.handle())
        })?;
        let address = products.workspace.address() as *mut std::ffi::c_void;
        // SAFETY: so many bytes are there until after the handle is destroyed.
        let status = unsafe { (products.cublas.set_workspace)(handle, address, WORKSPACE) };
        check("cublasSetWorkspace", status)?;
        Ok(products)
    }

    /// Puts `c = a b` into the queue.
    ///
    /// # Safety
    /// The buffers must exist until the product has been computed, and nothing else may write `c` meanwhile. `c` must not be
    /// part of `a` or `b`.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if the shapes do not fit together or reach beyond a buffer.
    pub(crate) unsafe fn multiply(
        &self,
        a: Matrix<'_>,
        b: Matrix<'_>,
        c: Matrix<'_>,
    ) -> Result<(), GpuError> {
        // SAFETY: as the caller promises.
        unsafe { self.enqueue(a, b, c, 0.0) }
    }

    /// As [`Products::multiply`], `c = a b + c`.
    ///
    /// # Safety
    /// As there.
    ///
    /// # Errors
    /// As there.
    pub(crate) unsafe fn multiply_onto(
        &self,
        a: Matrix<'_>,
        b: Matrix<'_>,
        c: Matrix<'_>,
    ) -> Result<(), GpuError> {
        // SAFETY: as the caller promises.
        unsafe { self.enqueue(a, b, c, 1.0) }
    }

    /// c = a b + `kept` c.
    unsafe fn enqueue(
        &self,
        a: Matrix<'_>,
        b: Matrix<'_>,
        c: Matrix<'_>,
        kept: f32,
    ) -> Result<(), GpuError> {
        let ((m, k), (inner, n), (rows, columns)) = (a.shape(), b.shape(), c.shape());
        if c.transposed || inner != k || (rows, columns) != (m, n) {
            return Err(GpuError::Shape(format!(
                "a product of {m} x {k} and {inner} x {n} as {rows} x {columns}"
            )));
        }
        let whole = |value: usize| {
            c_int::try_from(value).map_err(|_| {
                GpuError::Shape(format!(
                    "a side of {value} values is more than cuBLAS can count"
                ))
            })
        };
        let transposition = |matrix: Matrix<'_>| if matrix.transposed { TRANSPOSED } else { PLAIN };
        let one = 1.0f32;
        // cuBLAS reads columns: to it, row-major matrices are transposed, and c' = b' a'.
        // SAFETY: handle, sizes and addresses have been checked, the numbers are read before the call returns, and the caller keeps
        // the buffers.
        let status = unsafe {
            (self.cublas.multiply)(
                self.handle,
                transposition(b),
                transposition(a),
                whole(n)?,
                whole(m)?,
                whole(k)?,
                (&raw const one).cast(),
                b.address()? as *const std::ffi::c_void,
                FLOAT,
                whole(b.pitch)?,
                a.address()? as *const std::ffi::c_void,
                FLOAT,
                whole(a.pitch)?,
                (&raw const kept).cast(),
                c.address()? as *mut std::ffi::c_void,
                FLOAT,
                whole(c.pitch)?,
                self.compute,
                ALGORITHM,
            )
        };
        check("cublasGemmEx", status)
    }
}

impl Drop for Products {
    fn drop(&mut self) {
        // SAFETY: made by `new` and destroyed once, after the work that it enqueued: cuBLAS waits for it.
        unsafe { (self.cublas.destroy)(self.handle) };
    }
}

/// The version of cuBLAS at `path`, such as `13.0.2`.
pub(crate) fn version(path: &Path) -> Result<String, GpuError> {
    let cublas = Cublas::load(path)?;
    let property = |number| {
        let mut value = 0;
        // SAFETY: a place for a whole number; cuBLAS checks the number of the property.
        check("cublasGetProperty", unsafe {
            (cublas.property)(number, &raw mut value)
        })?;
        Ok::<_, GpuError>(value.to_string())
    };
    // MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL
    Ok([property(0)?, property(1)?, property(2)?].join("."))
}
