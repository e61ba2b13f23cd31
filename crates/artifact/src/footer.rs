//! The end of a Parquet file, in the form that older readers parse, too.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// Marks the columns of a finished Parquet file as ordered by their type (`TYPE_ORDER`).
///
/// The Parquet crate marks columns of floats as `IEEE_754_TOTAL_ORDER`, which is new in 2026; polars before 1.43.1
/// refuses such a file. The mark says how minima and maxima are to be read, and floats are written without these.
///
/// The file metadata is Thrift in the compact protocol. Its last field is the list of column orders, a union of empty structures for
/// each of the `columns` primitive columns (parquet.thrift, `FileMetaData::column_orders`); its length and `PAR1` follow.
///
/// # Errors
///
/// If reading or writing fails, or if the file does not end so.
pub fn mark_type_order(file: &mut (impl Read + Write + Seek), columns: usize) -> io::Result<()> {
    let mut orders = vec![[0; 3]; columns];
    let distance = -i64::try_from(3 * columns + 9).map_err(io::Error::other)?;
    file.seek(SeekFrom::End(distance))?;
    file.read_exact(orders.as_flattened_mut())?;
    let mut end = [0; 9];
    file.read_exact(&mut end)?;
    if end[0] != STOP || end[5..] != *b"PAR1" {
        return Err(unexpected());
    }
    for order in &mut orders {
        match *order {
            TYPE_ORDER => {}
            TOTAL_ORDER => *order = TYPE_ORDER,
            _ => return Err(unexpected()),
        }
    }
    file.seek(SeekFrom::End(distance))?;
    file.write_all(orders.as_flattened())
}

/// Ends a structure.
const STOP: u8 = 0;
/// Field 1, an empty structure.
const TYPE_ORDER: [u8; 3] = [0x1c, STOP, STOP];
/// Field 2, an empty structure.
const TOTAL_ORDER: [u8; 3] = [0x2c, STOP, STOP];

fn unexpected() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the Parquet metadata does not end with column orders",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn only_the_orders_of_floats_are_changed() {
        let file = |second: u8| {
            let orders = [&[0x1c, 0, 0, second, 0, 0, 0][..], b"\x2c\0\0\0PAR1"].concat();
            [b"before".to_vec(), orders].concat()
        };
        let mut found = Cursor::new(file(0x2c));
        mark_type_order(&mut found, 2).expect("two orders");
        assert_eq!(found.into_inner(), file(0x1c));
        let mut other = Cursor::new(file(0x3c));
        mark_type_order(&mut other, 2).expect_err("another order");
        assert_eq!(other.into_inner(), file(0x3c), "left as it is");
        mark_type_order(&mut Cursor::new(b"PAR1PAR1".to_vec()), 0).expect_err("no metadata");
    }
}
