//! The matrix nearest in direction that has all singular values near 1.

use plimsoll_kernels::product::{Matrix, Target, multiply};

/// Rounds of the iteration.
const ROUNDS: usize = 5;
/// Coefficients of its polynomial a x + b x^3 + c x^5 (Jordan 2024): singular values end between 0.7 and 1.2.
const A: f32 = 3.4445;
const B: f32 = -4.775;
const C: f32 = 2.0315;

/// Buffers of the iteration.
#[derive(Debug, Default)]
pub(super) struct Orthogonaliser {
    matrix: Vec<f32>,
    next: Vec<f32>,
    square: Vec<f32>,
    polynomial: Vec<f32>,
    result: Vec<f32>,
}

impl Orthogonaliser {
    /// Newton-Schulz on a matrix of rows; 0 for a matrix of zeros.
    pub(super) fn apply(&mut self, parameters: &[f32], rows: usize, columns: usize) -> &[f32] {
        let (short, long) = (rows.min(columns), rows.max(columns));
        let length = super::length(parameters) + f32::MIN_POSITIVE;
        self.matrix.resize(parameters.len(), 0.0);
        for (index, value) in parameters.iter().enumerate() {
            let at = if rows > columns { index % columns * long + index / columns } else { index };
            self.matrix[at] = value / length;
        }
        self.next.resize(parameters.len(), 0.0);
        self.square.resize(short * short, 0.0);
        self.polynomial.resize(short * short, 0.0);
        for _ in 0..ROUNDS {
            let matrix = Matrix::new(&self.matrix, short, long);
            multiply(Target::over(&mut self.square), matrix, matrix.t(), 1.0);
            let square = Matrix::new(&self.square, short, short);
            for (polynomial, square) in self.polynomial.iter_mut().zip(&self.square) {
                *polynomial = B * square;
            }
            multiply(Target::onto(&mut self.polynomial), square, square, C);
            for (next, matrix) in self.next.iter_mut().zip(&self.matrix) {
                *next = A * matrix;
            }
            let polynomial = Matrix::new(&self.polynomial, short, short);
            multiply(Target::onto(&mut self.next), polynomial, matrix, 1.0);
            std::mem::swap(&mut self.matrix, &mut self.next);
        }
        if rows <= columns {
            return &self.matrix;
        }
        self.result.resize(parameters.len(), 0.0);
        for (index, value) in self.result.iter_mut().enumerate() {
            *value = self.matrix[index % columns * long + index / columns];
        }
        &self.result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far from 1 the iteration leaves singular values (Jordan 2024: 0.7 to 1.2), with room for f32.
    const NEAR_ONE: std::ops::RangeInclusive<f32> = 0.6..=1.3;

    #[test]
    fn singular_values_come_near_one() {
        for (rows, columns) in [(4, 4), (3, 8), (8, 3)] {
            let parameters: Vec<f32> =
                (0..rows * columns).map(|i| ((i * i * 31 + 7 * i) % 23) as f32 - 11.0).collect();
            let mut orthogonal = Orthogonaliser::default();
            let found = orthogonal.apply(&parameters, rows, columns).to_vec();
            // Every direction of the shorter side is stretched by a factor near 1.
            for axis in 0..rows.min(columns) {
                let line: f32 = if rows <= columns {
                    (0..columns).map(|j| found[axis * columns + j].powi(2)).sum()
                } else {
                    (0..rows).map(|i| found[i * columns + axis].powi(2)).sum()
                };
                assert!(NEAR_ONE.contains(&line.sqrt()), "{rows} {columns}: {line}");
            }
            // No direction is reversed.
            let along: f32 = found.iter().zip(&parameters).map(|(a, b)| a * b).sum();
            assert!(along > 0.0);
        }
    }
}
