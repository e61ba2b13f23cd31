//! What pictures are turned into: size, channels and background of `image-folder` and `parquet`.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;
use serde_json::json;

use crate::error::IngestError;
use crate::picture::Channels;

/// The channels that pictures are to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ChannelChoice {
    /// Grey if all pictures are.
    Auto,
    Grey,
    Rgb,
}

/// What pictures are to be turned into, as far as that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GivenForm {
    pub(crate) channels: Option<Channels>,
    /// `[height, width]`.
    pub(crate) size: Option<[usize; 2]>,
    pub(crate) background: Option<[u8; 3]>,
}

/// What pictures are to be turned into.
pub(super) fn form(
    size: &[usize],
    channels: ChannelChoice,
    background: &[u8],
) -> Result<GivenForm, IngestError> {
    let size = match *size {
        [] => None,
        [height, width] => Some([height, width]),
        _ => {
            let reason = format!("expected [height, width], found {size:?}");
            return Err(IngestError::parameter("size", reason));
        }
    };
    let background = match *background {
        [] => None,
        [grey] => Some([grey; 3]),
        [red, green, blue] => Some([red, green, blue]),
        _ => {
            let reason = format!("expected [grey] or [red, green, blue], found {background:?}");
            return Err(IngestError::parameter("background", reason));
        }
    };
    let channels = match channels {
        ChannelChoice::Auto => None,
        ChannelChoice::Grey => Some(Channels::Grey),
        ChannelChoice::Rgb => Some(Channels::Rgb),
    };
    Ok(GivenForm {
        channels,
        size,
        background,
    })
}

/// Parameters that say what pictures are turned into.
pub(super) fn pictures() -> [Parameter; 3] {
    [
        Parameter::optional(
            "size",
            ParameterType::list(ParameterType::Integer {
                minimum: 1,
                maximum: 4096,
            }),
            json!([]),
            "[height, width] to which all pictures are resized (bilinear with antialiasing, as Pillow); empty: they have one size",
        ),
        Parameter::optional(
            "channels",
            ParameterType::choice(&["auto", "grey", "rgb"]),
            "auto",
            "grey (0.299 R + 0.587 G + 0.114 B) or rgb; auto is grey if all pictures are",
        ),
        Parameter::optional(
            "background",
            ParameterType::list(ParameterType::Integer {
                minimum: 0,
                maximum: 255,
            }),
            json!([]),
            "colour behind transparent pixels, [grey] or [red, green, blue] of 0 to 255; empty: they are refused",
        ),
    ]
}
