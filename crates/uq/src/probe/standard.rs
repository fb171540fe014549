//! Standardised inputs: mean 0 and standard deviation 1 over the rows trained on.

/// Means and scales of the values of a hidden state.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standard {
    pub(super) mean: Vec<f32>,
    /// 1 / standard deviation; 0 for a value that never varies, which then carries nothing.
    pub(super) scale: Vec<f32>,
}

impl Standard {
    /// Population mean and standard deviation of each value, summed in f64.
    #[expect(clippy::cast_possible_truncation, reason = "states are f32; the sums are not")]
    pub(super) fn fit<'a>(states: impl Iterator<Item = &'a [f32]> + Clone, width: usize) -> Self {
        let mut mean = vec![0.0f64; width];
        let mut count = 0.0;
        for state in states.clone() {
            count += 1.0;
            for (sum, value) in mean.iter_mut().zip(state) {
                *sum += f64::from(*value);
            }
        }
        for sum in &mut mean {
            *sum /= count;
        }
        let mut variance = vec![0.0f64; width];
        for state in states {
            for ((sum, value), mean) in variance.iter_mut().zip(state).zip(&mean) {
                *sum += (f64::from(*value) - mean).powi(2);
            }
        }
        let scale = variance.iter().map(|sum| {
            let deviation = (sum / count).sqrt();
            if deviation > 0.0 { (1.0 / deviation) as f32 } else { 0.0 }
        });
        Self { mean: mean.iter().map(|mean| *mean as f32).collect(), scale: scale.collect() }
    }

    /// Places.
    pub(super) fn width(&self) -> usize {
        self.mean.len()
    }

    /// A state in standard units.
    pub(super) fn apply(&self, state: &[f32]) -> impl Iterator<Item = f32> {
        state.iter().zip(&self.mean).zip(&self.scale).map(|((value, mean), scale)| (value - mean) * scale)
    }
}
