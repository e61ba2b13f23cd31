//! Random bits, sixteen words at a time.

use eigenscope_stage::Seed;

/// Words made at a time.
pub(crate) const LANES: usize = 16;

/// Sixteen interleaved xoshiro128++ generators (Blackman and Vigna), which the compiler turns into vector instructions.
#[derive(Debug, Clone)]
pub(crate) struct BitLanes {
    state: [[u32; LANES]; 4],
}

impl BitLanes {
    /// The generators for (`purpose`, `index`).
    pub(crate) fn new(seed: Seed, purpose: &str, index: u64) -> Self {
        let mut bytes = [0; 4 * 4 * LANES];
        seed.bytes(purpose, index, &mut bytes);
        let (words, _) = bytes.as_chunks::<4>();
        let mut state = [[0; LANES]; 4];
        for (slot, word) in state.iter_mut().flatten().zip(words) {
            *slot = u32::from_le_bytes(*word);
        }
        Self { state }
    }

    /// The states of the generators: their first words, then their second ones, and so on.
    pub(crate) fn state_words(&self) -> [u32; 4 * LANES] {
        let mut words = [0; 4 * LANES];
        words.copy_from_slice(self.state.as_flattened());
        words
    }

    /// The next word of each generator.
    #[inline(always)]
    pub(crate) fn words(&mut self) -> [u32; LANES] {
        let state = &mut self.state;
        let mut out = [0; LANES];
        for lane in 0..LANES {
            out[lane] = state[0][lane]
                .wrapping_add(state[3][lane])
                .rotate_left(7)
                .wrapping_add(state[0][lane]);
            let shifted = state[1][lane] << 9;
            state[2][lane] ^= state[0][lane];
            state[3][lane] ^= state[1][lane];
            state[1][lane] ^= state[2][lane];
            state[0][lane] ^= state[3][lane];
            state[2][lane] ^= shifted;
            state[3][lane] = state[3][lane].rotate_left(11);
        }
        out
    }
}
