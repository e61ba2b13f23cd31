//! Writing of SVG text: escaping, number formatting, nesting of elements.
//!
//! No identifiers are written, so that one HTML page can hold several drawings.

use std::fmt::Write;

use crate::colour::Rgb;
use crate::error::Result;
use crate::layout::Rect;
use crate::markup::{self, Shift};
use crate::text::TextStyle;

/// Formats a number with at most two decimals, without trailing zeros or a negative zero.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// Escapes a text for element content and quoted attributes. Characters that XML 1.0 forbids become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Width of the stroke around letters with a rim, px. The letters cover half of it.
const RIM: f64 = 3.0;

/// Horizontal alignment of a text to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Starts at the point.
    Start,
    /// Is centred at the point.
    Middle,
    /// Ends at the point.
    End,
}

/// Style, alignment and colour of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lettering {
    pub style: TextStyle,
    pub anchor: Anchor,
    pub colour: Rgb,
    /// Rotated by a quarter turn, reading upwards.
    pub turned: bool,
    /// White rim around the letters.
    pub rim: bool,
}

impl Lettering {
    /// Horizontal text.
    pub(crate) fn new(style: TextStyle, anchor: Anchor, colour: Rgb) -> Self {
        Self {
            style,
            anchor,
            colour,
            turned: false,
            rim: false,
        }
    }

    /// The same lettering with a white rim.
    #[must_use]
    pub(crate) fn rimmed(mut self) -> Self {
        self.rim = true;
        self
    }

    /// The same lettering, reading upwards.
    #[must_use]
    pub(crate) fn turned(mut self) -> Self {
        self.turned = true;
        self
    }
}

/// A writer of SVG text.
#[derive(Default)]
pub(crate) struct SvgWriter {
    text: String,
    open: Vec<&'static str>,
}

impl SvgWriter {
    /// Starts an element, to be finished by one of the closing methods of [`Tag`].
    pub(crate) fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.text.push('<');
        self.text.push_str(name);
        Tag { writer: self, name }
    }

    /// Opens a group of a class.
    pub(crate) fn group(&mut self, class: &str) {
        self.tag("g").attribute("class", class).open();
    }

    /// Closes the innermost open element.
    pub(crate) fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    /// Writes a straight line.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Rgb, width: f64) {
        let path = Path::default().to(from).to(to);
        self.tag("path")
            .attribute("d", path.data())
            .colour("stroke", colour)
            .number("stroke-width", width)
            .close();
    }

    /// Writes a text with its baseline at `y`; nothing for an empty text.
    ///
    /// # Errors
    /// Malformed markup.
    pub(crate) fn label(&mut self, x: f64, y: f64, text: &str, lettering: Lettering) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        let style = lettering.style;
        let mut tag = self
            .tag("text")
            .number("x", x)
            .number("y", y)
            .number("font-size", style.size);
        if style.strong {
            tag = tag.attribute("font-weight", "500");
        }
        tag = match lettering.anchor {
            Anchor::Start => tag,
            Anchor::Middle => tag.attribute("text-anchor", "middle"),
            Anchor::End => tag.attribute("text-anchor", "end"),
        };
        tag = tag.colour("fill", lettering.colour);
        if lettering.rim {
            tag = tag
                .colour("stroke", Rgb::WHITE)
                .number("stroke-width", RIM)
                .attribute("stroke-linejoin", "round")
                .attribute("paint-order", "stroke");
        }
        if lettering.turned {
            let turn = format!("rotate(-90 {} {})", number(x), number(y));
            tag = tag.attribute("transform", &turn);
        }
        tag.raw_content(&runs(text, style.size)?);
        Ok(())
    }

    /// Closes all elements and returns the text.
    pub(crate) fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }
}

/// Content of a text element, with a `tspan` for each superscript and subscript.
fn runs(text: &str, size: f64) -> Result<String> {
    let mut content = String::new();
    let mut height = 0.0;
    for run in markup::parse(text)? {
        let (wanted, run_size) = match run.shift {
            Shift::Base => (0.0, size),
            Shift::Raised => (-0.36 * size, markup::shifted(size)),
            Shift::Lowered => (0.18 * size, markup::shifted(size)),
        };
        let escaped = escape(&run.text);
        if wanted == height && run.shift == Shift::Base {
            content.push_str(&escaped);
        } else {
            let _ = write!(
                content,
                r#"<tspan dy="{}" font-size="{}">{escaped}</tspan>"#,
                number(wanted - height),
                number(run_size)
            );
        }
        height = wanted;
    }
    Ok(content)
}

/// A started element, to which attributes can be added.
#[must_use = "an element has to be closed or opened"]
pub(crate) struct Tag<'w> {
    writer: &'w mut SvgWriter,
    name: &'static str,
}

impl Tag<'_> {
    /// Adds an attribute; the value is escaped.
    pub(crate) fn attribute(self, name: &str, value: &str) -> Self {
        let _ = write!(self.writer.text, r#" {name}="{}""#, escape(value));
        self
    }

    /// Adds an attribute that is a number.
    pub(crate) fn number(self, name: &str, value: f64) -> Self {
        self.attribute(name, &number(value))
    }

    /// Adds an attribute that is a colour.
    pub(crate) fn colour(self, name: &str, value: Rgb) -> Self {
        self.attribute(name, &value.hex())
    }

    /// Adds `x`, `y`, `width` and `height`.
    pub(crate) fn rect(self, rect: Rect) -> Self {
        self.number("x", rect.x)
            .number("y", rect.y)
            .number("width", rect.width)
            .number("height", rect.height)
    }

    /// Closes the element, without content.
    pub(crate) fn close(self) {
        self.writer.text.push_str("/>\n");
    }

    /// Leaves the element open for inner elements.
    pub(crate) fn open(self) {
        self.writer.text.push_str(">\n");
        self.writer.open.push(self.name);
    }

    /// Writes escaped text as content and closes the element.
    pub(crate) fn content(self, text: &str) {
        let escaped = escape(text);
        self.raw_content(&escaped);
    }

    fn raw_content(self, content: &str) {
        let _ = writeln!(self.writer.text, ">{content}</{}>", self.name);
    }
}

/// Data of a path element.
#[derive(Default)]
pub(crate) struct Path {
    data: String,
    drawing: bool,
}

impl Path {
    /// Draws a line to this point, or starts a line here.
    #[must_use]
    pub(crate) fn to(mut self, point: (f64, f64)) -> Self {
        self.add(point);
        self
    }

    /// As [`Path::to`], in place.
    pub(crate) fn add(&mut self, (x, y): (f64, f64)) {
        let command = if self.drawing { 'L' } else { 'M' };
        let _ = write!(self.data, "{command}{} {}", number(x), number(y));
        self.drawing = true;
    }

    /// Draws a dot, which is a line of length zero with round caps.
    pub(crate) fn dot(&mut self, (x, y): (f64, f64)) {
        let _ = write!(self.data, "M{} {}h0", number(x), number(y));
        self.drawing = false;
    }

    /// Ends the current line. The next point starts another.
    pub(crate) fn lift(&mut self) {
        self.drawing = false;
    }

    /// Closes the current outline.
    pub(crate) fn close(&mut self) {
        self.data.push('Z');
        self.drawing = false;
    }

    /// The value of the `d` attribute.
    pub(crate) fn data(&self) -> &str {
        &self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_fixed() {
        assert_eq!(number(1.0), "1");
        assert_eq!(number(0.125), "0.12");
        assert_eq!(number(-0.001), "0");
        assert_eq!(number(-2.5), "-2.5");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(12.340), "12.34");
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape(r#"a<b> & "c""#), "a&lt;b&gt; &amp; &quot;c&quot;");
        assert_eq!(escape("a\u{1}b\n"), "a\u{fffd}b\n");
    }

    #[test]
    fn markup_becomes_tspans_that_return_to_the_baseline() {
        assert_eq!(
            runs("10^{2} <m>", 10.0).unwrap(),
            "10<tspan dy=\"-3.6\" font-size=\"7.92\">2</tspan>\
             <tspan dy=\"3.6\" font-size=\"10\"> &lt;m&gt;</tspan>"
        );
    }

    #[test]
    fn elements_are_closed_in_order() {
        let mut writer = SvgWriter::default();
        writer.tag("svg").open();
        writer.group("a");
        writer.tag("desc").content("x & y");
        assert_eq!(
            writer.finish(),
            "<svg>\n<g class=\"a\">\n<desc>x &amp; y</desc>\n</g>\n</svg>\n"
        );
    }
}
