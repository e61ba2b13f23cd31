//! Windows of convolutions and pooling.

use eigenscope_checkpoint::onnx::Node;

use super::error::GraphError;

/// A square window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainWindow {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    pub(super) dilation: usize,
}

impl PlainWindow {
    /// The window of `node`; `kernel` is that of the weight, where there is one.
    ///
    /// # Errors
    /// It is not square, or padded on one side more than on the other.
    pub(super) fn of(node: &Node, kernel: Option<[usize; 2]>) -> Result<Self, GraphError> {
        let kernel = match kernel {
            Some([height, width]) if height == width && height > 0 => height,
            Some([height, width]) => {
                let reason = format!(
                    "its windows are {height} x {width}; steps have square ones of at least 1 x 1 only"
                );
                return Err(GraphError::of(node, reason));
            }
            None => one(node, "kernel_shape", None)?,
        };
        let stride = one(node, "strides", Some(1))?;
        let dilation = one(node, "dilations", Some(1))?;
        let padding = match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "" => one(node, "pads", Some(0))?,
            "VALID" => 0,
            // As many on both sides as keep the size.
            "SAME_UPPER" | "SAME_LOWER" if stride == 1 && (kernel - 1) * dilation % 2 == 0 => {
                (kernel - 1) * dilation / 2
            }
            other => {
                let reason = format!(
                    "its padding is `{other}`, with more pixels on one side than on the other; steps pad all sides alike"
                );
                return Err(GraphError::of(node, reason));
            }
        };
        Ok(Self {
            kernel,
            stride,
            padding,
            dilation,
        })
    }

    /// Windows in a side of so many pixels.
    pub(super) fn count(self, side: usize) -> Option<usize> {
        let padded = side.checked_add(self.padding.checked_mul(2)?)?;
        let extent = (self.kernel - 1)
            .checked_mul(self.dilation)?
            .checked_add(1)?;
        Some(padded.checked_sub(extent)? / self.stride + 1)
    }

    /// Whether windows leave pixels at the end, so that rounding up makes one more.
    pub(super) fn leaves_rest(self, side: usize) -> bool {
        let extent = (self.kernel - 1).saturating_mul(self.dilation) + 1;
        let room = (side.saturating_add(2 * self.padding)).checked_sub(extent);
        room.is_none_or(|room| room % self.stride != 0)
    }
}

/// The number that all entries of an attribute are.
fn one(node: &Node, name: &str, default: Option<usize>) -> Result<usize, GraphError> {
    const LARGEST: i64 = 1 << 16;
    let least = i64::from(name != "pads");
    let Some(values) = node.ints(name) else {
        return default.ok_or_else(|| GraphError::of(node, format!("it lacks `{name}`")));
    };
    let values = match values {
        [] => return default.ok_or_else(|| GraphError::of(node, format!("it lacks `{name}`"))),
        values => values,
    };
    let first = values[0];
    let is_one = values.iter().all(|&value| value == first) && matches!(values.len(), 2 | 4);
    match usize::try_from(first) {
        Ok(value) if is_one && (least..=LARGEST).contains(&first) => Ok(value),
        _ => {
            let reason = format!(
                "`{name}` is {values:?}; steps treat height and width, and all sides, alike"
            );
            Err(GraphError::of(node, reason))
        }
    }
}
