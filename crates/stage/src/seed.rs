//! Random numbers that depend on nothing but a seed, a purpose and an index.
//!
//! Every use of chance has its own stream, so the order in which tasks, threads or batches run cannot
//! change a result. Streams are xoshiro256++ (Blackman and Vigna) started from BLAKE3 output.

/// Seed of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// Seed of the task `id` in a pipeline with seed `pipeline`: 53 bits, exact in every JSON reader.
    pub fn derive(pipeline: u64, id: &str) -> Self {
        let mut bytes = [0; 8];
        Seed(pipeline).fill("task", 0, id.as_bytes(), &mut bytes);
        Self(u64::from_le_bytes(bytes) >> 11)
    }

    /// Fills `out` with the start state of the stream for (`purpose`, `index`).
    pub fn bytes(self, purpose: &str, index: u64, out: &mut [u8]) {
        self.fill(purpose, index, &[], out);
    }

    /// The stream for (`purpose`, `index`).
    pub fn stream(self, purpose: &str, index: u64) -> Stream {
        let mut bytes = [0; 32];
        self.bytes(purpose, index, &mut bytes);
        let (words, _) = bytes.as_chunks::<8>();
        let mut state = [0; 4];
        for (slot, word) in state.iter_mut().zip(words) {
            *slot = u64::from_le_bytes(*word);
        }
        Stream { state }
    }

    fn fill(self, purpose: &str, index: u64, extra: &[u8], out: &mut [u8]) {
        blake3::Hasher::new_derive_key("eigenscope 2026 random streams")
            .update(&self.0.to_le_bytes())
            .update(&(purpose.len() as u64).to_le_bytes())
            .update(purpose.as_bytes())
            .update(&index.to_le_bytes())
            .update(extra)
            .finalize_xof()
            .fill(out);
    }
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream {
    state: [u64; 4],
}

impl Stream {
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in 0..1 (1 excluded), a multiple of 2^-53.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal (Box and Muller): `sqrt(-2 ln(1 - u)) cos(2 pi v)` of two uniform numbers u and v in f64. It
    /// always takes two numbers of the stream and is at most 8.6 in size, since 1 - u is at least 2^-53.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Uniform in 0..bound without bias (Lemire's multiplication with rejection); 0 for bound 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let threshold = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.next_u64()) * u128::from(bound);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// Uniformly random order of `items` (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xoshiro_follows_the_published_recurrence() {
        // First outputs of the reference C program with state {1, 2, 3, 4}.
        let mut stream = Stream {
            state: [1, 2, 3, 4],
        };
        let expected: [u64; 4] = [41943041, 58720359, 3588806011781223, 3591011842654386];
        assert_eq!(expected.map(|_| stream.next_u64()), expected);
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed: u64, purpose: &str, index| Seed(seed).stream(purpose, index).next_u64();
        let base = first(1, "noise", 0);
        assert_eq!(base, first(1, "noise", 0));
        assert_ne!(base, first(2, "noise", 0));
        assert_ne!(base, first(1, "shuffle", 0));
        assert_ne!(base, first(1, "noise", 1));
    }

    #[test]
    fn derived_seeds_are_exact_in_double_precision() {
        for id in ["train.a", "train.b", "data.digits"] {
            let Seed(seed) = Seed::derive(0, id);
            assert_eq!(seed as f64 as u64, seed);
        }
        assert_ne!(Seed::derive(0, "train.a"), Seed::derive(1, "train.a"));
    }

    #[test]
    fn below_reaches_every_value_evenly() {
        let mut stream = Seed(3).stream("test", 0);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        // Binomial: mean 10,000, standard deviation 91; five of them allowed.
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 456),
            "{counts:?}"
        );
        assert_eq!(stream.below(1), 0);
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn normal_numbers_have_the_moments_of_the_standard_normal() {
        let mut stream = Seed(5).stream("test", 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        // Moments 0, 1, 0, 3 and 15 of orders 1, 2, 3, 4 and 6; five standard deviations of their estimates,
        // sqrt((m_2k - m_k^2) / 100,000).
        for (order, moment, allowed) in [
            (1, 0.0, 0.016),
            (2, 1.0, 0.023),
            (3, 0.0, 0.062),
            (4, 3.0, 0.155),
            (6, 15.0, 1.6),
        ] {
            let powers = draws.iter().map(|draw| draw.powi(order));
            let mean = powers.sum::<f64>() / draws.len() as f64;
            assert!((mean - moment).abs() < allowed, "order {order}: {mean}");
        }
        // P(|x| > 1.96) = 0.05, with a standard deviation of 69 of 100,000; five of them allowed.
        let outside = draws.iter().filter(|draw| draw.abs() > 1.959_964).count();
        assert!(outside.abs_diff(5000) < 345, "{outside}");
        let products = draws.windows(2).map(|pair| pair[0] * pair[1]);
        assert!((products.sum::<f64>() / draws.len() as f64).abs() < 0.016);
    }

    #[test]
    fn a_shuffle_is_a_permutation() {
        let mut items: Vec<u32> = (0..1000).collect();
        Seed(1).stream("shuffle", 0).shuffle(&mut items);
        assert_ne!(items, (0..1000).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..1000).collect::<Vec<_>>());
    }
}
