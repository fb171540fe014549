//! The network's parameters, and its answer to one input.

/// Widths of the inner layers.
pub(super) const INNER: [usize; 3] = [256, 128, 64];

/// Slope of LeakyReLU below zero.
pub(super) const NEGATIVE_SLOPE: f64 = 0.01;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct DenseLayer {
    pub(super) inputs: usize,
    /// Outputs x inputs, row after row.
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// Layers, each but the last followed by LeakyReLU.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProbeNetwork {
    pub(super) layers: Vec<DenseLayer>,
}

/// Inputs and outputs of each layer.
pub(super) fn shapes(width: usize) -> Vec<(usize, usize)> {
    let outputs = INNER.into_iter().chain([1]);
    let inputs = [width].into_iter().chain(INNER);
    inputs.zip(outputs).collect()
}

impl ProbeNetwork {
    /// The log-odds that the answer is right. One row at a time and in f64: its sums depend on nothing
    /// else, so a row's score is the same alone and among others.
    pub(super) fn logit(&self, input: &[f32]) -> f64 {
        let mut values: Vec<f64> = input.iter().map(|value| f64::from(*value)).collect();
        let last = self.layers.len().saturating_sub(1);
        for (index, layer) in self.layers.iter().enumerate() {
            values = layer.apply(&values);
            if index < last {
                for value in &mut values {
                    *value = if *value < 0.0 { *value * NEGATIVE_SLOPE } else { *value };
                }
            }
        }
        values.first().copied().unwrap_or(f64::NAN)
    }
}

impl DenseLayer {
    fn apply(&self, input: &[f64]) -> Vec<f64> {
        let rows = self.weight.chunks_exact(self.inputs);
        let dot = |row: &[f32]| {
            row.iter().zip(input).map(|(weight, value)| f64::from(*weight) * value).sum::<f64>()
        };
        rows.zip(&self.bias).map(|(row, bias)| dot(row) + f64::from(*bias)).collect()
    }
}
