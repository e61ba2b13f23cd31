//! Writes SVG text: escaping, fixed number formatting, elements closed in order.
//!
//! Knows nothing of figures. No identifiers are ever written, so that drawings can be put side by side into one
//! HTML page.

use std::fmt::Write;

use crate::colour::Rgb;
use crate::error::Result;
use crate::layout::Rect;
use crate::markup::{self, SHIFTED_SIZE, Shift};
use crate::text::TextStyle;

/// A number with at most two decimals, no trailing zeros, and no negative zero.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// Text made safe for element content and quoted attributes. Characters that XML 1.0 forbids become U+FFFD.
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

/// Width of a rim around letters, half of it below them, px.
const RIM: f64 = 3.0;

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It starts there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// How a text is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lettering {
    /// Size and weight.
    pub style: TextStyle,
    /// Which part of the text its point is.
    pub anchor: Anchor,
    /// Of the letters.
    pub colour: Rgb,
    /// Turned by a quarter, reading upwards.
    pub turned: bool,
    /// A white rim around the letters, which sets them off from what lies below.
    pub rim: bool,
}

impl Lettering {
    /// Level text.
    pub fn new(style: TextStyle, anchor: Anchor, colour: Rgb) -> Self {
        Self {
            style,
            anchor,
            colour,
            turned: false,
            rim: false,
        }
    }

    /// The same with a white rim.
    #[must_use]
    pub fn rimmed(mut self) -> Self {
        self.rim = true;
        self
    }

    /// The same, reading upwards.
    #[must_use]
    pub fn turned(mut self) -> Self {
        self.turned = true;
        self
    }
}

/// SVG text being written.
#[derive(Default)]
pub struct SvgWriter {
    text: String,
    open: Vec<&'static str>,
}

impl SvgWriter {
    /// Starts an element; finish it with one of [`Tag`]'s closing methods.
    pub fn tag(&mut self, name: &'static str) -> Tag<'_> {
        self.text.push('<');
        self.text.push_str(name);
        Tag { writer: self, name }
    }

    /// Opens a group of a class.
    pub fn group(&mut self, class: &str) {
        self.tag("g").attribute("class", class).open();
    }

    /// Ends the innermost open element.
    pub fn end(&mut self) {
        if let Some(name) = self.open.pop() {
            let _ = writeln!(self.text, "</{name}>");
        }
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Rgb, width: f64) {
        let path = Path::default().to(from).to(to);
        self.tag("path")
            .attribute("d", path.data())
            .colour("stroke", colour)
            .number("stroke-width", width)
            .close();
    }

    /// A text in markup with its baseline at `y`. Nothing is written for an empty text.
    ///
    /// # Errors
    /// Malformed markup.
    pub fn label(&mut self, x: f64, y: f64, text: &str, lettering: Lettering) -> Result<()> {
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

    /// The finished text.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.text
    }
}

/// The content of a text element: plain characters, and `tspan`s for what is raised or lowered.
fn runs(text: &str, size: f64) -> Result<String> {
    let mut content = String::new();
    let mut height = 0.0;
    for run in markup::parse(text)? {
        let (wanted, run_size) = match run.shift {
            Shift::Base => (0.0, size),
            Shift::Raised => (-0.36 * size, size * SHIFTED_SIZE),
            Shift::Lowered => (0.18 * size, size * SHIFTED_SIZE),
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

/// An element whose attributes are being written.
#[must_use = "an element has to be closed or opened"]
pub struct Tag<'w> {
    writer: &'w mut SvgWriter,
    name: &'static str,
}

impl Tag<'_> {
    /// An attribute, escaped.
    pub fn attribute(self, name: &str, value: &str) -> Self {
        let _ = write!(self.writer.text, r#" {name}="{}""#, escape(value));
        self
    }

    /// A number.
    pub fn number(self, name: &str, value: f64) -> Self {
        self.attribute(name, &number(value))
    }

    /// A colour.
    pub fn colour(self, name: &str, value: Rgb) -> Self {
        self.attribute(name, &value.hex())
    }

    /// `x`, `y`, `width` and `height`.
    pub fn rect(self, rect: Rect) -> Self {
        self.number("x", rect.x)
            .number("y", rect.y)
            .number("width", rect.width)
            .number("height", rect.height)
    }

    /// Ends the element without content.
    pub fn close(self) {
        self.writer.text.push_str("/>\n");
    }

    /// Leaves the element open for others inside it.
    pub fn open(self) {
        self.writer.text.push_str(">\n");
        self.writer.open.push(self.name);
    }

    /// Ends the element with escaped text as content.
    pub fn content(self, text: &str) {
        let escaped = escape(text);
        self.raw_content(&escaped);
    }

    fn raw_content(self, content: &str) {
        let _ = writeln!(self.writer.text, ">{content}</{}>", self.name);
    }
}

/// The data of a path element.
#[derive(Default)]
pub struct Path {
    data: String,
    drawing: bool,
}

impl Path {
    /// Starts here, or draws a line to here if already started.
    #[must_use]
    pub fn to(mut self, point: (f64, f64)) -> Self {
        self.add(point);
        self
    }

    /// As [`Path::to`], in place.
    pub fn add(&mut self, (x, y): (f64, f64)) {
        let command = if self.drawing { 'L' } else { 'M' };
        let _ = write!(self.data, "{command}{} {}", number(x), number(y));
        self.drawing = true;
    }

    /// A single dot: what a round line cap makes of a line without length.
    pub fn dot(&mut self, (x, y): (f64, f64)) {
        let _ = write!(self.data, "M{} {}h0", number(x), number(y));
        self.drawing = false;
    }

    /// Ends the current line; the next point starts another.
    pub fn lift(&mut self) {
        self.drawing = false;
    }

    /// Closes the current outline.
    pub fn close(&mut self) {
        self.data.push('Z');
        self.drawing = false;
    }

    /// The value of the `d` attribute.
    pub fn data(&self) -> &str {
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
            "10<tspan dy=\"-3.6\" font-size=\"7.2\">2</tspan>\
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
