//! Figures: what of a file is the drawing, and how large it is.

use std::path::Path;

use eigenscope_artifact::{ArtifactError, Digest, KindName, PDF, PNG, SVG, regular};

/// A figure without what it says about its origin.
pub(super) struct Figure {
    /// Digest of the drawing. An SVG names the code and the inputs it was made from, which can change while it does not.
    pub(super) content: Digest,
    /// Width and height, of a PDF in points and otherwise in pixels; `None` if the file does not say.
    pub(super) size: Option<[String; 2]>,
}

pub(super) fn figure(path: &Path, kind: &KindName) -> Result<Figure, ArtifactError> {
    let bytes = regular::read(path).map_err(|source| ArtifactError::io("read", path, source))?;
    Ok(match *kind == SVG {
        true => {
            let text = String::from_utf8_lossy(&bytes);
            let (before, rest) = text.split_once("<metadata>").unwrap_or((&text, ""));
            let after = rest
                .split_once("</metadata>")
                .map_or(rest, |(_, rest)| rest);
            Figure {
                content: Digest::of(format!("{before}{after}").as_bytes()),
                size: svg_size(before),
            }
        }
        false => Figure {
            content: Digest::of(&bytes),
            size: match kind {
                kind if *kind == PNG => png_size(&bytes),
                kind if *kind == PDF => pdf_size(&bytes),
                _ => None,
            },
        },
    })
}

/// The attributes of the first element.
fn svg_size(text: &str) -> Option<[String; 2]> {
    let element = text.split_once('>')?.0;
    let attribute = |name: &str| {
        let (_, value) = element.split_once(&format!(" {name}=\""))?;
        Some(value.split_once('"')?.0.to_owned())
    };
    Some([attribute("width")?, attribute("height")?])
}

/// Both sides stand in the header: 8 bytes of signature, 8 of the chunk, 4 and 4 of the sides.
fn png_size(bytes: &[u8]) -> Option<[String; 2]> {
    let side = |at: usize| {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes).to_string())
    };
    Some([side(16)?, side(20)?])
}

/// The corners of the page are two points, the first of which is 0 0.
fn pdf_size(bytes: &[u8]) -> Option<[String; 2]> {
    let text = String::from_utf8_lossy(bytes);
    let (_, corners) = text.split_once("/MediaBox [0 0 ")?;
    let (width, height) = corners.split_once(']')?.0.split_once(' ')?;
    Some([width, height].map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_is_the_same_whatever_it_was_made_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("figure.svg");
        let read = |origin: &str, line: &str| {
            let text = format!(
                "<svg width=\"860\" height=\"588\">\n<metadata>{origin}</metadata>\n{line}</svg>"
            );
            std::fs::write(&path, text).expect("written");
            figure(&path, &SVG.into()).expect("readable")
        };
        let one = read("code 1", "<line/>");
        assert_eq!(one.content, read("code 2", "<line/>").content);
        assert_ne!(one.content, read("code 1", "<rect/>").content);
        assert_eq!(one.size, Some(["860".to_owned(), "588".to_owned()]));
    }

    #[test]
    fn the_sides_of_a_png_are_in_its_header() {
        let mut bytes = vec![0; 16];
        bytes.extend([0, 0, 1, 2, 0, 0, 0, 3]);
        assert_eq!(png_size(&bytes), Some(["258".to_owned(), "3".to_owned()]));
        assert_eq!(png_size(&bytes[..20]), None);
    }
    #[test]
    fn the_corners_of_a_page_are_in_a_pdf() {
        let bytes = b"%PDF-1.7\n%\x80\n<< /Type /Page /MediaBox [0 0 645 450.5] >>";
        let size = Some(["645".to_owned(), "450.5".to_owned()]);
        assert_eq!(pdf_size(bytes), size);
        assert_eq!(pdf_size(b"%PDF-1.7"), None);
    }

    #[test]
    fn what_is_no_picture_has_no_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("figure.json");
        std::fs::write(&path, "{\"version\": 1, \"title\": \"a\", \"data\": []}").expect("written");
        let kind = KindName::from(eigenscope_artifact::INTERACTIVE);
        assert_eq!(figure(&path, &kind).expect("readable").size, None);
    }
}
