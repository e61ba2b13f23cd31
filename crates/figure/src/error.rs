//! What can be wrong with a figure: every message says where, what was found and what was expected.

#![allow(missing_docs, reason = "the fields are what the messages name")]

/// A figure that cannot be drawn, or a drawing that cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// A count or a size that has to be positive is not, or a list that has to hold something is empty.
    #[error("{place}: {what} is empty")]
    Empty { place: String, what: &'static str },

    /// Two lists that describe the same observations differ in length.
    #[error("{place}: {what} has {found} entries, expected {expected}")]
    Length {
        place: String,
        what: &'static str,
        found: usize,
        expected: usize,
    },

    /// Two images of one grid differ in shape (rows, columns).
    #[error(
        "{place}: an image of {} x {} pixels is not of the {} x {} of the first",
        found.0, found.1, expected.0, expected.1
    )]
    ImageShape {
        place: String,
        found: (usize, usize),
        expected: (usize, usize),
    },

    /// A number that has to be finite is not.
    #[error("{place}: {what} holds {value} at position {position}, expected a finite number")]
    NotFinite {
        place: String,
        what: &'static str,
        position: usize,
        value: f64,
    },

    /// A range without extent, or with an end that is not finite.
    #[error(
        "{place}: the range {start} to {end} of {what} is not a range (finite, distinct ends expected)"
    )]
    Range {
        place: String,
        what: &'static str,
        start: f64,
        end: f64,
    },

    /// Zero or a negative number where a logarithm is taken.
    #[error("{place}: {what} holds {value} at position {position}, but the axis is logarithmic")]
    NotPositive {
        place: String,
        what: &'static str,
        position: usize,
        value: f64,
    },

    /// A tick or a cell outside the range it is drawn in.
    #[error("{place}: {what} {value} lies outside {low} to {high}")]
    Outside {
        place: String,
        what: &'static str,
        value: f64,
        low: f64,
        high: f64,
    },

    /// An image layer was put on a logarithmic axis.
    #[error("{place}: an image needs linear axes")]
    ImageOnLogAxis { place: String },

    /// A size, width or opacity that cannot be drawn.
    #[error("{place}: {what} is {value}, expected {expected}")]
    Size {
        place: String,
        what: &'static str,
        value: f64,
        expected: &'static str,
    },

    /// Two layers of one legend share a name but not a look.
    #[error("the legend entry \"{name}\" stands for two different {part}s")]
    LegendConflict { name: String, part: &'static str },

    /// A legend was asked for and no layer has a name.
    #[error("{place}: a legend needs at least one layer with a name")]
    LegendEmpty { place: String },

    /// A character the bundled font has no glyph for.
    #[error("the text \"{text}\" holds '{character}', which the bundled font cannot draw")]
    MissingGlyph { text: String, character: char },

    /// Markup that does not parse: `^{` or `_{` without its `}`.
    #[error("the text \"{text}\" opens a ^{{ or _{{ that it does not close")]
    Markup { text: String },

    /// The bundled font did not parse (cannot happen with the file in `assets`).
    #[error("the bundled font cannot be read")]
    Font(#[from] skrifa::raw::ReadError),

    /// The renderer refused the SVG text.
    #[error("the SVG text cannot be parsed")]
    Svg(#[from] resvg::usvg::Error),

    /// A PNG could not be written.
    #[error("a PNG cannot be encoded")]
    Png(#[from] png::EncodingError),

    /// The scaled picture has no pixel, or too many for memory.
    #[error("cannot make a picture of {width} x {height} pixels")]
    PictureSize { width: f64, height: f64 },
}

/// A result of the figure engine.
pub type Result<T> = std::result::Result<T, FigureError>;
