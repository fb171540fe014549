//! Why a decoder cannot be as described.

/// A size or factor that makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// A size of zero, or beyond what is believed.
    #[error("`{field}` is {value}; it must be between 1 and {max}")]
    Size {
        /// The field of the spec.
        field: &'static str,
        /// Its value.
        value: usize,
        /// The limit.
        max: usize,
    },
    /// A factor that is not finite, or not positive where it must be.
    #[error("`{field}` is {value}, which is no usable factor")]
    Factor {
        /// The field of the spec.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// Query heads that cannot be shared out.
    #[error("{heads} query heads cannot be shared out among {key_value_heads} key and value heads")]
    Heads {
        /// Query heads.
        heads: usize,
        /// Key and value heads.
        key_value_heads: usize,
    },
    /// A layer that names a rotary embedding which is not there.
    #[error("layer {layer} names rotary embedding {rope} of {ropes}")]
    NoRope {
        /// The layer, from 0.
        layer: usize,
        /// The index that it names.
        rope: usize,
        /// How many there are.
        ropes: usize,
    },
    /// Pairs of entries are rotated.
    #[error("a rotary embedding of {width} entries has no pairs")]
    OddRope {
        /// How many entries are rotated.
        width: usize,
    },
    /// As many divisors as frequencies.
    #[error("`{field}` has {count} entries; the rotary embedding has {wanted} frequencies")]
    Divisors {
        /// The field of the spec.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// How many there must be.
        wanted: usize,
    },
}
