//! The values that runtimes give for tokens.

/// The natural log of a probability, as a runtime gives it: an `f32` or an `f64`, by value or by
/// reference, so that slices and iterators of both are taken as they are. Other types are mapped
/// first (`.map(f32::from)` for the half-precision ones). Implemented here alone.
pub trait LogProb: sealed::Sealed {
    /// The number, widened without rounding.
    fn nats(self) -> f64;
}

impl LogProb for f32 {
    fn nats(self) -> f64 {
        f64::from(self)
    }
}

impl LogProb for f64 {
    fn nats(self) -> f64 {
        self
    }
}

impl LogProb for &f32 {
    fn nats(self) -> f64 {
        f64::from(*self)
    }
}

impl LogProb for &f64 {
    fn nats(self) -> f64 {
        *self
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for &f32 {}
    impl Sealed for &f64 {}
}
