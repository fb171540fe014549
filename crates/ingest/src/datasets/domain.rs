//! Domains of the paper.

pub(super) const MATH: &str = "math";
pub(super) const COMMONSENSE: &str = "commonsense";
pub(super) const CONVERSATIONAL: &str = "conversational";
pub(super) const PROBLEM_SOLVING: &str = "problem_solving";
