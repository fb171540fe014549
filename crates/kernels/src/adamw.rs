//! A step of `AdamW` (Loshchilov and Hutter 2019), in one pass over the numbers.

use crate::wide;

/// What a step of `AdamW` is taken with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// How far a number goes.
    pub rate: f32,
    /// Share of the first moment that stays from step to step.
    pub first: f32,
    /// The same of the second moment.
    pub second: f32,
    /// What is added to the root of the second moment.
    pub epsilon: f32,
    /// Share of a number that is taken away in a step of rate 1, whatever its gradient.
    pub decay: f32,
}

impl AdamW {
    /// Moves numbers against their gradient. The moments, first and second, are 0 before the first
    /// step; `steps` counts from 1. All slices have one length; what lies beyond the shortest is left alone.
    ///
    /// # Formula
    /// m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
    /// x <- x - rate (decay x + (m / (1 - b1^steps)) / (sqrt(v / (1 - b2^steps)) + epsilon)).
    pub fn step(&self, steps: u64, numbers: &mut [f32], gradient: &[f32], moments: [&mut [f32]; 2]) {
        // Beyond so many steps both corrections are 1.
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        let due = [self.first, self.second].map(|share| 1.0 - share.powi(steps));
        go(self, due, numbers, gradient, moments);
    }
}

wide! {
    fn go(adamw: &AdamW, due: [f32; 2], numbers: &mut [f32], gradient: &[f32], moments: [&mut [f32]; 2]) {
        let AdamW { rate, first: b1, second: b2, epsilon, decay } = *adamw;
        let [first, second] = moments;
        let moments = first.iter_mut().zip(second);
        for ((number, g), (first, second)) in numbers.iter_mut().zip(gradient).zip(moments) {
            *first = b1 * *first + (1.0 - b1) * g;
            *second = b2 * *second + (1.0 - b2) * g * g;
            let root = (*second / due[1]).sqrt() + epsilon;
            *number -= rate * decay * *number;
            *number -= rate * (*first / due[0]) / root;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of numbers near 1 after a hundred steps in f32.
    const TOLERANCE: f64 = 1e-5;

    #[test]
    fn steps_are_those_of_the_definition() {
        let adamw = AdamW { rate: 1e-2, first: 0.9, second: 0.999, epsilon: 1e-8, decay: 0.01 };
        let mut numbers: Vec<f32> = (0_u8..37).map(|index| 1.0 - f32::from(index) / 18.0).collect();
        let mut slow: Vec<[f64; 3]> = numbers.iter().map(|number| [f64::from(*number), 0.0, 0.0]).collect();
        let (mut first, mut second) = (vec![0.0; 37], vec![0.0; 37]);
        for step in 1..=100_u8 {
            let gradient = |index: usize| ((index * 31 + usize::from(step) * 17) % 64) as f32 / 32.0 - 1.0;
            let gradients: Vec<f32> = (0..37).map(gradient).collect();
            adamw.step(u64::from(step), &mut numbers, &gradients, [&mut first, &mut second]);
            for ([number, m, v], g) in slow.iter_mut().zip(&gradients) {
                let g = f64::from(*g);
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.999 * *v + 0.001 * g * g;
                let (m, v) =
                    (*m / (1.0 - 0.9_f64.powi(step.into())), *v / (1.0 - 0.999_f64.powi(step.into())));
                *number -= 1e-2 * (0.01 * *number + m / (v.sqrt() + 1e-8));
            }
        }
        for (found, [expected, ..]) in numbers.iter().zip(slow) {
            assert!((f64::from(*found) - expected).abs() <= TOLERANCE, "{found} {expected}");
        }
    }
}
