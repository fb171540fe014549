//! What an app can show of the operating point that it decides by.

use serde::Serialize;

use super::Router;
use crate::thresholds::OperatingPoint;

/// An operating point with the file that it is from, as JSON for logs and settings pages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PointDescription<'a> {
    /// SHA-256 of the thresholds file.
    pub thresholds_sha256: &'a str,
    /// The method.
    pub method: &'a str,
    /// Identity fields that the file does not record, so that they could not be checked.
    pub unverified: &'a [&'static str],
    /// The point as the file has it: target, status, threshold, what it achieved, its guarantee.
    pub point: &'a OperatingPoint,
}

impl Router {
    /// The operating point, for people and logs.
    ///
    /// Look at `point.status` before you ship: `tied` and `missing_share` have a threshold, and another routing ratio
    /// than was asked for, which `point.achieved.routing_ratio` says.
    pub fn describe(&self) -> PointDescription<'_> {
        PointDescription {
            thresholds_sha256: self.thresholds_sha256(),
            method: &self.method().id,
            unverified: self.unverified(),
            point: self.point(),
        }
    }
}
