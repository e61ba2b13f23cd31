//! The random numbers of the stage `train` in parallel: jumps of xoshiro128++ (Blackman and Vigna) to those of any row.
//!
//! A step of the generator is linear over the field of two elements, so `n` steps are a matrix of 128 x 128 bits.

/// The number of generators that take turns; values of one row are made 32 at a time, in two steps of each.
pub const GENERATORS: usize = 16;

/// Rows that one table of matrices is for; the table after it is for multiples of so many rows.
const TABLE: usize = 64;

/// A matrix of bits: a column for each bit of the state, whose words follow each other from the lowest bit on.
type Bits = [u128; 128];

/// One step of the generator, without its output.
fn step(state: u128) -> u128 {
    let mut s: [u32; 4] = std::array::from_fn(|word| (state >> (32 * word)) as u32);
    let shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = s[3].rotate_left(11);
    s.iter()
        .rev()
        .fold(0, |state, &word| (state << 32) | u128::from(word))
}

fn identity() -> Bits {
    std::array::from_fn(|bit| 1 << bit)
}

/// `a` after `b`.
fn product(a: &Bits, b: &Bits) -> Bits {
    b.map(|column| {
        (0..128)
            .filter(|bit| (column >> bit) & 1 == 1)
            .fold(0, |sum, bit| sum ^ a[bit])
    })
}

fn power(base: &Bits, mut exponent: usize) -> Bits {
    let (mut square, mut result) = (*base, identity());
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(&square, &result);
        }
        square = product(&square, &square);
        exponent >>= 1;
    }
    result
}

/// Steps of each generator for a row of `width` values with noise.
pub(super) fn noise_steps(width: usize) -> usize {
    2 * width.div_ceil(2 * GENERATORS)
}

/// The matrices for 0, 1, ..., 63 times `steps` steps, then for 0, 64, ..., as many tables as `rows` jumps need. A matrix is 128
/// columns of four words.
pub(super) fn jumps(steps: usize, rows: usize) -> Vec<u32> {
    let one = std::array::from_fn(|bit| step(1 << bit));
    let mut base = power(&one, steps);
    let mut words = Vec::new();
    let mut covered = 1;
    while covered < rows {
        let mut matrix = identity();
        for _ in 0..TABLE {
            let columns = matrix.iter();
            words.extend(columns.flat_map(|column| {
                std::array::from_fn::<u32, 4, _>(|word| (column >> (32 * word)) as u32)
            }));
            matrix = product(&base, &matrix);
        }
        base = matrix;
        covered *= TABLE;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_as_many_steps() {
        let start = 0x0123_4567_89ab_cdef_0f1e_2d3c_4b5a_6978;
        // 70 values are three blocks of 32: six steps a row.
        let words = jumps(noise_steps(70), 5000);
        assert_eq!(words.len(), 3 * TABLE * 512);
        let matrix = |index: usize| -> Bits {
            let words = &words[512 * index..][..512];
            std::array::from_fn(|column| {
                (0..4).fold(0, |sum, word| {
                    sum | (u128::from(words[4 * column + word]) << (32 * word))
                })
            })
        };
        for row in [0, 1, 63, 64, 65, 4999usize] {
            let mut jumped = start;
            let (mut rest, mut table) = (row, 0);
            while rest > 0 {
                let matrix = matrix(TABLE * table + rest % TABLE);
                jumped = product(&matrix, &[jumped; 128])[0];
                rest /= TABLE;
                table += 1;
            }
            let stepped = (0..6 * row).fold(start, |state, _| step(state));
            assert_eq!(jumped, stepped, "row {row}");
        }
    }
}
