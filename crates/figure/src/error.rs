//! Errors of the figure engine.

use std::fmt::Display;

/// A figure that cannot be drawn, or a drawing that cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// A part of a description that contradicts itself or cannot be drawn.
    #[error("{place}: {reason}")]
    Invalid {
        /// The part, such as `panel 2 "loss", x axis`.
        place: String,
        /// What was found and what was expected.
        reason: String,
    },

    /// A text with malformed [markup](crate::markup).
    #[error("the text \"{text}\" {reason}")]
    Text {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A picture without pixels, or with too many for memory.
    #[error("cannot make a picture of {width} x {height} pixels")]
    PictureSize {
        /// Width in pixels.
        width: f64,
        /// Height in pixels.
        height: f64,
    },

    /// The bundled font cannot be read.
    #[error("the bundled font cannot be read")]
    Font(#[from] skrifa::raw::ReadError),

    /// The renderer refuses the SVG text.
    #[error("the SVG text cannot be parsed")]
    Svg(#[from] resvg::usvg::Error),

    /// A PNG cannot be written.
    #[error("a PNG cannot be encoded")]
    Png(#[from] png::EncodingError),

    /// A part of an SVG that is not written as PDF.
    #[error("a PDF cannot be written: {0}")]
    Pdf(String),
}

impl FigureError {
    pub(crate) fn invalid(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            place: place.into(),
            reason: reason.into(),
        }
    }

    /// A list or a text that must not be empty.
    pub(crate) fn empty(place: impl Into<String>, what: &str) -> Self {
        Self::invalid(place, format!("{what} is empty"))
    }

    /// A list that does not have one entry for each of `expected` others.
    pub(crate) fn length(
        place: impl Into<String>,
        what: &str,
        found: usize,
        expected: usize,
    ) -> Self {
        let reason = format!("{what} has {found} entries, expected {expected}");
        Self::invalid(place, reason)
    }

    /// An infinite or missing value.
    pub(crate) fn not_finite(
        place: impl Into<String>,
        what: &str,
        position: usize,
        value: f64,
    ) -> Self {
        let reason =
            format!("{what} holds {value} at position {position}, expected a finite number");
        Self::invalid(place, reason)
    }

    pub(crate) fn pdf(reason: impl Into<String>) -> Self {
        Self::Pdf(reason.into())
    }

    pub(crate) fn text(text: &str, reason: impl Display) -> Self {
        Self::Text {
            text: text.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// A result of the figure engine.
pub type Result<T> = std::result::Result<T, FigureError>;
