//! Ties broken by the request's id: the same request gets the same position among equal confidences, on any device.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What hashes a request's id. There is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum TieHash {
    /// FNV-1a over the id's UTF-8 bytes, then the finaliser of splitmix64.
    #[default]
    #[serde(rename = "fnv1a64-splitmix64")]
    Fnv1a64Splitmix64,
}

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;
/// 2^-53: a double holds every multiple of it in [0, 1).
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The seed of the tie-break. Keep it secret where clients choose their ids: who knows it can choose an id
/// that is kept.
///
/// In JSON it is a text of 16 hexadecimal digits, since JSON numbers are doubles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TieSeed(
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = "^[0-9a-f]{16}$")))] u64,
);

impl TieSeed {
    /// A seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed's 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// A number in [0, 1) for a request, uniform over ids.
    ///
    /// # Formula
    /// h = FNV-1a 64 of the id's UTF-8 bytes, exclusive-or the seed, through splitmix64's finaliser; the
    /// upper 53 bits of h times 2^-53.
    ///
    /// ```
    /// use plimsoll_router::TieSeed;
    /// let seed = TieSeed::new(0x9E37_79B9_7F4A_7C15);
    /// assert_eq!(seed.uniform("0"), 0.291_664_080_294_402_5);
    /// ```
    pub fn uniform(self, id: &str) -> f64 {
        self.finish(id.bytes().fold(FNV_OFFSET, |h, byte| (h ^ u64::from(byte)).wrapping_mul(FNV_PRIME)))
    }

    /// As [`TieSeed::uniform`], for what has a key of 64 bits in place of an id.
    pub const fn uniform_key(self, key: u64) -> f64 {
        self.finish(key)
    }

    const fn finish(self, h: u64) -> f64 {
        let mut h = h ^ self.0;
        h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        h ^= h >> 31;
        (h >> 11) as f64 * UNIT
    }
}

impl Serialize for TieSeed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl<'de> Deserialize<'de> for TieSeed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_hexadecimal =
            text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let bits = u64::from_str_radix(&text, 16).ok().filter(|_| is_hexadecimal);
        bits.map(Self).ok_or_else(|| serde::de::Error::custom("a seed is 16 hexadecimal digits, lower case"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: TieSeed = TieSeed::new(0x9E37_79B9_7F4A_7C15);

    #[test]
    fn the_published_values() {
        assert_eq!(SEED.uniform("0"), 0.291_664_080_294_402_5);
        assert_eq!(SEED.uniform("req-00000000"), 0.726_016_393_124_545_9);
    }

    /// Upper 1e-6 quantile of chi-square with 99 degrees of freedom (scipy.stats.chi2.isf(1e-6, 99)).
    const CHI_SQUARE_99: f64 = 181.9;
    /// Bound of a lag-1 correlation of 20,000 independent uniforms at five standard deviations.
    const LAG_ONE: f64 = 0.036;

    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "values are in [0, 1)")]
    fn consecutive_ids_look_independent_and_uniform() {
        let patterns: [fn(u32) -> String; 4] = [
            |i| i.to_string(),
            |i| format!("req-{i:08}"),
            |i| format!("{i:08x}-user"),
            |i| format!("a/{}/b", i * 7),
        ];
        for pattern in patterns {
            let values: Vec<f64> = (0..20_000).map(|i| SEED.uniform(&pattern(i))).collect();
            let mut counts = [0u32; 100];
            for value in &values {
                counts[(value * 100.0) as usize] += 1;
            }
            let chi_square: f64 =
                counts.iter().map(|count| (f64::from(*count) - 200.0).powi(2) / 200.0).sum();
            assert!(chi_square < CHI_SQUARE_99, "{chi_square}");
            let lag: f64 = values.windows(2).map(|pair| (pair[0] - 0.5) * (pair[1] - 0.5)).sum();
            assert!((lag / 20_000.0 * 12.0).abs() < LAG_ONE, "{lag}");
        }
    }

    #[test]
    fn seeds_read_back_and_other_texts_are_refused() {
        let text = serde_json::to_string(&SEED).unwrap();
        assert_eq!(text, "\"9e3779b97f4a7c15\"");
        assert_eq!(serde_json::from_str::<TieSeed>(&text).unwrap(), SEED);
        for bad in [
            "\"\"",
            "\"9E3779B97F4A7C15\"",
            "\"+e3779b97f4a7c15\"",
            "\"9e3779b97f4a7c1\"",
            "7",
            "\"é\"",
            "null",
        ] {
            assert!(serde_json::from_str::<TieSeed>(bad).is_err(), "{bad}");
        }
    }
}
