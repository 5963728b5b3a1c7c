//! A small, fast, seeded generator of random numbers: xoshiro256++, seeded by SplitMix64.
//!
//! Only integers and IEEE additions are used, so a seed gives the same workload on every platform.

/// The finalizer of SplitMix64: spreads any number over all 64 bits.
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Xoshiro256++ of Blackman and Vigna (2019).
#[derive(Clone, Debug)]
pub(super) struct Rng([u64; 4]);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        Self([1, 2, 3, 4].map(|number: u64| mix(seed.wrapping_add(step.wrapping_mul(number)))))
    }

    pub(super) fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `bound` (0 for 0); its bias is below `bound` / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True `per_million` times out of a million.
    pub(super) fn chance(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(per_million)
    }

    pub(super) fn pick<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len() as u64) as usize]
    }

    /// Puts `list` in random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Zipf's law with exponent 1 over ranks 1 to n: rank k comes with a share of (1/k) / (1/1 + ... + 1/n).
///
/// Holds 8 bytes a rank.
#[derive(Clone, Debug)]
pub(super) struct Zipf {
    /// Sums of 1/k up to each rank.
    sums: Vec<f64>,
}

impl Zipf {
    pub(super) fn new(ranks: u64) -> Self {
        let mut sum = 0.0;
        let harmonic = |rank: u64| {
            sum += 1.0 / rank as f64;
            sum
        };
        Self { sums: (1..=ranks.max(1)).map(harmonic).collect() }
    }

    pub(super) fn sample(&self, rng: &mut Rng) -> u64 {
        let total = self.sums[self.sums.len() - 1];
        let at = (rng.next() >> 11) as f64 / (1_u64 << 53) as f64 * total;
        self.sums.partition_point(|sum| *sum <= at) as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_zipf() {
        let (zipf, mut rng, mut counts) = (Zipf::new(1000), Rng::new(7), vec![0_u64; 1001]);
        for _ in 0..1_000_000 {
            counts[zipf.sample(&mut rng) as usize] += 1;
        }
        let harmonic: f64 = (1..=1000).map(|k| 1.0 / f64::from(k)).sum();
        assert_eq!(counts[0], 0);
        for rank in [1, 2, 10, 100] {
            let want = 1_000_000.0 / harmonic / rank as f64;
            let got = counts[rank] as f64;
            assert!((got - want).abs() < 5.0 * want.sqrt(), "rank {rank}: {got} instead of {want}");
        }
    }

    #[test]
    fn below_keeps_its_bound() {
        let mut rng = Rng::new(1);
        assert!((0..10_000).all(|_| rng.below(3) < 3));
        assert_eq!(rng.below(0), 0);
    }
}
