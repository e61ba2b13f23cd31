//! The embedded digits, decoded independently of the stage that ingests them.

use std::fs::File;
use std::io::{BufRead, BufReader};

use eigenscope_artifact::Split;
use flate2::read::GzDecoder;

use crate::workspace;

/// The 1797 digits of 8 x 8 pixels in the order of their file; those from [`Digits::TRAIN`] on are the test split.
#[derive(Debug)]
pub struct Digits {
    /// Values 0..=16, `[1797, 64]`.
    pub pixels: Vec<u8>,
    pub labels: Vec<u16>,
}

impl Digits {
    /// Number of training images.
    pub const TRAIN: usize = 1437;

    pub fn read() -> Self {
        let file = File::open(workspace("crates/ingest/assets/digits.csv.gz")).expect("a file");
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for line in BufReader::new(GzDecoder::new(file)).lines() {
            let line = line.expect("a line");
            let mut row: Vec<u8> = line
                .split(',')
                .map(|value| value.parse().expect("a number"))
                .collect();
            labels.extend(row.pop().map(u16::from));
            assert_eq!(row.len(), 64);
            pixels.extend(row);
        }
        assert_eq!(labels.len(), 1797);
        Self { pixels, labels }
    }

    fn image(&self, row: usize) -> &[u8] {
        &self.pixels[64 * row..64 * (row + 1)]
    }

    /// Pixels of some rows divided by 16, as networks see them.
    pub fn inputs(&self, rows: impl IntoIterator<Item = usize>) -> Vec<f32> {
        let pixels = rows.into_iter().flat_map(|row| self.image(row));
        pixels.map(|&value| f32::from(value) / 16.0).collect()
    }

    /// Labels of some rows.
    pub fn labels(&self, rows: impl IntoIterator<Item = usize>) -> Vec<u16> {
        rows.into_iter().map(|row| self.labels[row]).collect()
    }

    /// Some rows as a split of an `images` artifact.
    pub fn split(&self, rows: impl IntoIterator<Item = usize>) -> Split {
        let rows: Vec<usize> = rows.into_iter().collect();
        Split {
            indices: rows.iter().map(|&row| row as u32).collect(),
            labels: self.labels(rows.iter().copied()),
            pixels: rows
                .iter()
                .flat_map(|&row| self.image(row).to_vec())
                .collect(),
        }
    }
}
