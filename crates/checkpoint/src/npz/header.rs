//! The header of an array: a dictionary as Python writes it, with the keys `descr`, `fortran_order` and `shape`.

use crate::DType;
use crate::error::shown;

/// What every array begins with.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// What a header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    /// Bytes before the values.
    pub(super) len: u64,
    pub(super) dtype: DType,
    pub(super) big_endian: bool,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<usize>,
}

/// Reads the header that `bytes` begin with.
///
/// # Errors
/// Returns what is wrong.
pub(super) fn read(bytes: &[u8]) -> Result<Header, String> {
    let cut = || "its header is cut".to_owned();
    let rest = bytes.strip_prefix(MAGIC).ok_or("it is no array of NumPy")?;
    let ([major, _], rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    let (len, rest) = match major {
        1 => {
            let (len, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*len)), rest)
        }
        2 | 3 => {
            let (len, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            let len = u32::from_le_bytes(*len);
            (
                usize::try_from(len).map_err(|error| error.to_string())?,
                rest,
            )
        }
        _ => return Err(format!("version {major} of the format is not known")),
    };
    let text = rest
        .get(..len)
        .ok_or_else(|| format!("its header of {len} bytes is cut or longer than the limit"))?;
    let text = std::str::from_utf8(text).map_err(|_| "its header is no text")?;
    let mut parser = Parser(text.trim());
    let fields = parser.fields()?;
    let (dtype, big_endian) = dtype(&fields.descr)?;
    Ok(Header {
        len: (bytes.len() - rest.len() + len) as u64,
        dtype,
        big_endian,
        fortran_order: fields.fortran_order,
        shape: fields.shape,
    })
}

#[derive(Default)]
struct Fields {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

/// Reads a dictionary of Python with a text, a truth value and a tuple of sizes.
struct Parser<'a>(&'a str);

impl<'a> Parser<'a> {
    fn fields(&mut self) -> Result<Fields, String> {
        let mut fields = Fields::default();
        let mut seen = Vec::new();
        self.expect('{')?;
        while !self.take('}') {
            let key = self.text()?;
            self.expect(':')?;
            match key {
                "descr" => fields.descr = self.descr()?,
                "fortran_order" => fields.fortran_order = self.truth()?,
                "shape" => fields.shape = self.sizes()?,
                other => return Err(format!("its header has the key `{}`", shown(other))),
            }
            if seen.contains(&key) {
                return Err(format!("its header has the key `{key}` twice"));
            }
            seen.push(key);
            if !self.take(',') {
                self.expect('}')?;
                break;
            }
        }
        match seen.len() {
            3 => Ok(fields),
            _ => Err("its header lacks one of `descr`, `fortran_order` and `shape`".to_owned()),
        }
    }

    fn descr(&mut self) -> Result<String, String> {
        if self.0.trim_start().starts_with(['[', '(', '{']) {
            return Err("an array of records; store each field as an array of its own".to_owned());
        }
        self.text().map(str::to_owned)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        match self.take(wanted) {
            true => Ok(()),
            false => Err(format!(
                "its header lacks `{wanted}` before `{}`",
                shown(self.0)
            )),
        }
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let quote = match self.take('\'') {
            true => '\'',
            false => {
                self.expect('"')?;
                '"'
            }
        };
        let (text, rest) = self
            .0
            .split_once(quote)
            .ok_or("a text in its header has no end")?;
        self.0 = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.0 = self.0.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(rest) = self.0.strip_prefix(word) {
                self.0 = rest;
                return Ok(value);
            }
        }
        Err("`fortran_order` in its header is neither True nor False".to_owned())
    }

    fn sizes(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut sizes = Vec::new();
        while !self.take(')') {
            self.0 = self.0.trim_start();
            let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = self.0.split_at(digits);
            let number = number.parse();
            sizes.push(number.map_err(|_| "a size in its header is no number".to_owned())?);
            // Python 2 marks long integers.
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
            if sizes.len() > crate::limits::DIMENSIONS {
                return Err("its header has too many dimensions".to_owned());
            }
        }
        Ok(sizes)
    }
}

/// A type such as `<f4`: byte order, kind, bytes; and whether it is big-endian.
fn dtype(descr: &str) -> Result<(DType, bool), String> {
    let (order, kind) = match descr.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), kind)) => (order, kind),
        _ => ("|", descr),
    };
    let other = |name, bits| DType::Other { name, bits };
    let dtype = match kind {
        "b1" | "?" => DType::Bool,
        "u1" | "B" => DType::U8,
        "i1" | "b" => DType::I8,
        "u2" => DType::U16,
        "i2" => DType::I16,
        "u4" => DType::U32,
        "i4" => DType::I32,
        "u8" => DType::U64,
        "i8" => DType::I64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "f16" => other("float128", 128),
        "c8" => other("complex64", 64),
        "c16" => other("complex128", 128),
        _ if kind.starts_with('O') => {
            return Err("an array of Python objects, which only Python can read; \
                        store it as numbers, for example `array.astype('float32')`"
                .to_owned());
        }
        _ if kind.starts_with(['U', 'S', 'a']) => {
            return Err(
                "an array of texts; store numbers, for labels the index of each class".into(),
            );
        }
        _ => return Err(format!("values of type `{}` are not known", shown(descr))),
    };
    Ok((dtype, order == ">"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Header, String> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend(u16::try_from(text.len()).expect("short").to_le_bytes());
        bytes.extend(text.as_bytes());
        read(&bytes)
    }

    #[test]
    fn headers_as_python_writes_them_are_read() {
        let header = parsed("{'descr': '>f8', 'fortran_order': True, 'shape': (3, 4L), }  \n");
        let header = header.expect("a header");
        assert_eq!(header.shape, [3, 4]);
        assert!(header.big_endian && header.fortran_order);
        assert_eq!(header.dtype, DType::F64);
        let scalar = parsed("{\"shape\":(),\"descr\":\"|u1\",\"fortran_order\":False}");
        assert!(scalar.expect("a header").shape.is_empty());
        let one = parsed("{'descr': '<i4', 'fortran_order': False, 'shape': (5,)}");
        assert_eq!(one.expect("a header").shape, [5]);
    }

    #[test]
    fn other_headers_are_refused_with_the_reason() {
        for (text, reason) in [
            (
                "{'descr': '|O', 'fortran_order': False, 'shape': (5,)}",
                "Python objects",
            ),
            (
                "{'descr': '<U3', 'fortran_order': False, 'shape': (5,)}",
                "texts",
            ),
            (
                "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}",
                "records",
            ),
            (
                "{'descr': '<M8[s]', 'fortran_order': False, 'shape': ()}",
                "<M8[s]",
            ),
            ("{'descr': '<f4', 'fortran_order': False}", "lacks one of"),
            (
                "{'descr': '<f4', 'fortran_order': 1, 'shape': ()}",
                "neither True nor False",
            ),
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
                "no number",
            ),
            ("{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", "twice"),
            ("{'descr': '<f4', 'x': 1}", "the key `x`"),
            ("", "lacks `{`"),
        ] {
            let found = parsed(text).expect_err(text);
            assert!(found.contains(reason), "{text}: {found}");
        }
        assert!(read(b"\x93NUMPY\x04\x00").is_err());
        assert!(read(b"\x93NUMPY\x01\x00\xff\xff{}").is_err());
    }
}
