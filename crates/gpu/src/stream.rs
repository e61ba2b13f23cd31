//! Queues of work, and work that is recorded once and started as a whole.

use std::rc::Rc;

use crate::GpuError;
use crate::card::Inner;
use crate::driver::{Handle, NON_BLOCKING, THREAD_LOCAL};

/// A queue: work is done in the order in which it was put in.
#[derive(Debug)]
pub(crate) struct Stream {
    card: Rc<Inner>,
    handle: Handle,
}

impl Stream {
    pub(crate) fn new(card: &Rc<Inner>) -> Result<Self, GpuError> {
        let mut handle = std::ptr::null_mut();
        // SAFETY: a place for a handle; the context is current in this thread.
        let status = unsafe { (card.driver.create_stream)(&raw mut handle, NON_BLOCKING) };
        card.driver.check("cuStreamCreate", status)?;
        Ok(Self {
            card: Rc::clone(card),
            handle,
        })
    }

    /// Waits until the work has been done.
    ///
    /// # Errors
    /// Returns an error if some of it failed.
    pub(crate) fn wait(&self) -> Result<(), GpuError> {
        let driver = &self.card.driver;
        // SAFETY: the stream exists until it is dropped.
        driver.check("cuStreamSynchronize", unsafe {
            (driver.synchronize_stream)(self.handle)
        })
    }

    /// Records the work that `enqueue` puts into this queue, without doing it.
    ///
    /// # Errors
    /// Returns the error of `enqueue`, or that of the driver if something in it cannot be recorded.
    pub(crate) fn record(
        &self,
        enqueue: impl FnOnce() -> Result<(), GpuError>,
    ) -> Result<Graph, GpuError> {
        let driver = &self.card.driver;
        // SAFETY: the stream exists, and no capture is under way: this method ends those that it begins.
        driver.check("cuStreamBeginCapture", unsafe {
            (driver.begin_capture)(self.handle, THREAD_LOCAL)
        })?;
        let enqueued = enqueue();
        let mut graph: Handle = std::ptr::null_mut();
        // SAFETY: a place for a handle, and the capture that was begun above.
        let ended = unsafe { (driver.end_capture)(self.handle, &raw mut graph) };
        enqueued?;
        driver.check("cuStreamEndCapture", ended)?;
        let mut instance: Handle = std::ptr::null_mut();
        // SAFETY: a place for a handle, and the graph that was just captured.
        let made = unsafe { (driver.instantiate)(&raw mut instance, graph, 0) };
        // SAFETY: the graph is not used after this; its instance is independent of it.
        unsafe { (driver.destroy_graph)(graph) };
        driver.check("cuGraphInstantiateWithFlags", made)?;
        Ok(Graph {
            card: Rc::clone(&self.card),
            instance,
        })
    }

    /// Puts the work of `graph` into this queue.
    ///
    /// # Safety
    /// The buffers that the recorded work uses must exist until it has been done.
    ///
    /// # Errors
    /// Returns an error if the driver refuses it.
    pub(crate) unsafe fn start(&self, graph: &Graph) -> Result<(), GpuError> {
        let driver = &self.card.driver;
        // SAFETY: graph and stream exist; the caller keeps the buffers.
        driver.check("cuGraphLaunch", unsafe {
            (driver.launch_graph)(graph.instance, self.handle)
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: made by `new` and destroyed once; the driver ends what is in the queue first.
        unsafe { (self.card.driver.destroy_stream)(self.handle) };
    }
}

/// Work that [`Stream::record`] recorded.
#[derive(Debug)]
pub(crate) struct Graph {
    card: Rc<Inner>,
    instance: Handle,
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: made by `record` and destroyed once; work that was started goes on.
        unsafe { (self.card.driver.destroy_instance)(self.instance) };
    }
}
