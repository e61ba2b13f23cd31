//! A comparison as a page: its text, and figures that look different beside each other.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use eigenscope_pipeline::diff::Diff;

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 100rem; padding: 0 1rem; color: #1f2328; background: #fff }
pre { overflow-x: auto; font-size: 13px }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); gap: 1rem }
figure { margin: 0 }
figcaption { font-weight: 600 }
img { max-width: 100%; background: #fff }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } }
";

/// The page. It holds its pictures and works offline.
///
/// # Errors
/// A figure cannot be read.
pub(super) fn page(diff: &Diff, text: &str) -> Result<String> {
    let title = escaped(&format!("{} and {}", diff.before, diff.after));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<main>\n<h1>{title}</h1>\n<pre tabindex=\"0\">{}</pre>\n",
        escaped(text)
    );
    for figure in &diff.figures {
        let _ = writeln!(
            page,
            "<section>\n<h2>{}</h2>\n<div class=\"pair\">",
            escaped(&figure.task)
        );
        for (side, path) in [(&diff.before, &figure.before), (&diff.after, &figure.after)] {
            let alternative = escaped(&format!("{} in {side}", figure.task));
            let _ = writeln!(
                page,
                "<figure><figcaption>{}</figcaption><img alt=\"{alternative}\" src=\"{}\"></figure>",
                escaped(side),
                picture(path)?
            );
        }
        page.push_str("</div>\n</section>\n");
    }
    page.push_str("</main>\n</html>\n");
    Ok(page)
}

/// An SVG as an address that holds it.
fn picture(path: &Path) -> Result<String> {
    let svg = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut address = String::with_capacity(svg.len() * 2);
    address.push_str("data:image/svg+xml,");
    for byte in svg {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' | b':' | b'=' => {
                address.push(char::from(byte));
            }
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    Ok(address)
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
