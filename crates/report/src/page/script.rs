//! The scripts of a page, and the policy that allows no others.
//!
//! The policy names the scripts by their digests, so that no other script can run, and allows only addresses of data inside
//! the page (`data:`, `blob:`), so that no request can be made. Pages of a folder share scripts and style: their policy allows
//! those beside them, and no others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::PageError;
use super::pack::pack;

/// What shows figures, and what works around them.
pub(super) const FIGURES: &str = include_str!("../../assets/page/figures.js");
pub(super) const PAGE: &str = include_str!("../../assets/page/page.js");
const OPEN: &str = "<script type=\"text/javascript\">";
const CLOSE: &str = "</script>";

/// The scripts of a page.
pub(super) struct Scripts {
    pub(super) library: String,
}

impl Scripts {
    /// Loads plotly.js from the crate `plotly`, without the typesetter of formulas that it includes.
    pub(super) fn load() -> Result<Self, PageError> {
        let sources = plotly::Plot::offline_js_sources();
        let scripts = sources.split(OPEN).skip(1);
        let library = scripts.filter_map(|rest| Some(rest.split_once(CLOSE)?.0));
        library
            .into_iter()
            .find(|script| script.contains("plotly.js v"))
            .map(|script| Self {
                library: script.to_owned(),
            })
            .ok_or(PageError::Library)
    }

    /// The library, packed: only a page that draws a figure needs it.
    pub(super) fn packed_library(&self) -> std::io::Result<String> {
        pack(&self.library)
    }

    /// Name and version of the library.
    pub(super) fn name_of_library(&self) -> &str {
        let name = self
            .library
            .split_once("plotly.js v")
            .map_or("", |(_, rest)| rest);
        let version = name
            .split(|character: char| character != '.' && !character.is_ascii_digit())
            .next();
        let length = "plotly.js v".len() + version.map_or(0, str::len);
        let start = self.library.find("plotly.js v").unwrap_or(0);
        &self.library[start..start + length]
    }

    /// The value of `Content-Security-Policy`.
    pub(super) fn policy(&self) -> String {
        let allowed: Vec<String> = [self.library.as_str(), FIGURES, PAGE].map(source).into();
        format!(
            "default-src 'none'; script-src {}; style-src 'unsafe-inline'; font-src data:; img-src data: blob:; base-uri 'none'; \
             form-action 'none'",
            allowed.join(" ")
        )
    }
}

/// The policy of pages that share scripts and style: browsers call files of a disk `file:`, and no other page's own.
pub(super) const SHARED_POLICY: &str = "default-src 'none'; script-src 'self' file:; style-src 'unsafe-inline' 'self' file:; \
    font-src data:; img-src data: blob:; base-uri 'none'; form-action 'none'";

/// The scripts of pages that share their style, in which they cannot look for the fonts.
pub(super) fn with_fonts(fonts: &str) -> String {
    let fonts = serde_json::Value::from(fonts);
    format!("window.eigenscopeFonts = {fonts};\n{FIGURES}{PAGE}")
}

/// A script by its digest.
fn source(script: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, script.as_bytes());
    format!("'sha256-{}'", STANDARD.encode(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_plotly_and_nothing_else() {
        let scripts = Scripts::load().unwrap();
        let version = scripts
            .name_of_library()
            .strip_prefix("plotly.js v")
            .unwrap();
        assert_eq!(version.split('.').count(), 3, "{version}");
        assert!(!scripts.library.contains("MathJax.loader"));
    }

    #[test]
    fn no_script_ends_before_its_end() {
        let library = Scripts::load().unwrap().library;
        for script in [library.as_str(), FIGURES, PAGE] {
            assert!(!script.contains("</script") && !script.contains("<!--"));
        }
    }
}
