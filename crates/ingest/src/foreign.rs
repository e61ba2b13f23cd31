//! Files of other formats, recognised by their first bytes.

/// Number of bytes that suffice to recognise every format.
pub(crate) const START_BYTES: usize = 512;

/// A format that users give by mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    /// The name with its article.
    pub(crate) name: &'static str,
    pub(crate) advice: &'static str,
}

const WEB_PAGE: Format = Format {
    name: "a web page (HTML)",
    advice: "download the file itself, not the page that links to it",
};
const CONVERT: &str = "this is another format: convert it, or give the right file";
const PICTURE: &str = "for folders of pictures use `kind = \"image-folder\"`";
const UNPACK: &str = "unpack it first, or compress it with gzip";

/// Formats by the bytes at their start.
const SIGNATURES: &[(&[u8], Format)] = &[
    (
        b"\x93NUMPY",
        format(
            "a NumPy array (.npy)",
            "write images and labels with `numpy.savez(\"images.npz\", x_train=images, y_train=labels)`, and use `kind = \"npz\"`",
        ),
    ),
    (
        b"PK\x03\x04",
        format(
            "a zip archive (.zip, .npz, .pt)",
            "unpack it first; for `.npz` use `kind = \"npz\"`",
        ),
    ),
    (b"\x89PNG", format("a PNG picture", PICTURE)),
    (b"\xff\xd8\xff", format("a JPEG picture", PICTURE)),
    (b"GIF8", format("a GIF picture", PICTURE)),
    (
        b"PAR1",
        format("a Parquet table", "use `kind = \"parquet\"`"),
    ),
    (b"\x89HDF", format("an HDF5 file", CONVERT)),
    (b"MATLAB 5.0", format("a MATLAB file (.mat)", CONVERT)),
    (
        b"\x1f\x8b",
        format("gzip data inside gzip", "unpack it once"),
    ),
    (b"BZh", format("a bzip2 file", UNPACK)),
    (b"\xfd7zXZ\0", format("an xz file", UNPACK)),
    (b"\x28\xb5\x2f\xfd", format("a zstd file", UNPACK)),
    (b"7z\xbc\xaf", format("a 7z archive", UNPACK)),
    (
        b"version https://git-lfs",
        format("a Git LFS pointer", "fetch the file with `git lfs pull`"),
    ),
];

const fn format(name: &'static str, advice: &'static str) -> Format {
    Format { name, advice }
}

/// The format of a file that starts with `start`; `None` if it is none of the known ones.
pub(crate) fn recognise(start: &[u8]) -> Option<Format> {
    let signature = SIGNATURES
        .iter()
        .find(|(magic, _)| start.starts_with(magic));
    if let Some((_, format)) = signature {
        return Some(*format);
    }
    if start.get(257..262) == Some(b"ustar") {
        return Some(format("a tar archive", "unpack it first"));
    }
    if matches!(start, [0x80, 2..=5, ..]) {
        return Some(format("a Python pickle", CONVERT));
    }
    let text = start.trim_ascii_start();
    let begins_with = |words: &str| {
        let head = text.get(..words.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(words.as_bytes()))
    };
    if ["<!doctype html", "<html", "<head"]
        .into_iter()
        .any(begins_with)
    {
        return Some(WEB_PAGE);
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let is_text = !start.is_empty() && start.iter().all(printable);
    is_text.then_some(format(
        "a text file",
        "give the right file; for a table of text use `kind = \"csv\"`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_mistakes_have_names() {
        let tar = [vec![1; 257], b"ustar".to_vec()].concat();
        let cases: [(&[u8], &str); 12] = [
            (b"<html>404</html>", "a web page (HTML)"),
            (b"\n<!DOCTYPE HTML PUBLIC", "a web page (HTML)"),
            (b"\x93NUMPY\x01\0", "a NumPy array (.npy)"),
            (b"PK\x03\x04rest", "a zip archive (.zip, .npz, .pt)"),
            (b"\x80\x04\x95", "a Python pickle"),
            (b"\x89PNG\r\n", "a PNG picture"),
            (b"\xff\xd8\xff\xe0", "a JPEG picture"),
            (b"\x1f\x8b\x08", "gzip data inside gzip"),
            (
                b"version https://git-lfs.github.com/spec/v1",
                "a Git LFS pointer",
            ),
            (b"0,12,255\n", "a text file"),
            (b"<svg", "a text file"),
            (&tar, "a tar archive"),
        ];
        for (start, name) in cases {
            assert_eq!(recognise(start).map(|format| format.name), Some(name));
        }
        for unknown in [&b""[..], &[0, 0, 8, 3], &[0x80, 9], &[7; 600]] {
            assert_eq!(recognise(unknown), None);
        }
    }
}
