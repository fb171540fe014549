//! Which model a file was fitted for, and whether this device runs it.

use serde::{Deserialize, Serialize};

use super::{Method, OperatingPoint, Thresholds};
use crate::confidence::Confidence;
use crate::decision::{decide, Decision, DecisionRecord, Threshold};
use crate::error::Error;
use crate::target::Target;

/// A model as it was run. Null fields are unknown (scores made elsewhere often know no hashes).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelIdentity {
    /// Name of the model.
    pub id: String,
    /// Revision (a commit hash) of its repository, or the served model name of an API.
    pub revision: Option<String>,
    /// SHA-256 of the weights.
    pub weights_sha256: Option<String>,
    /// SHA-256 of the tokenizer.
    pub tokenizer_sha256: Option<String>,
    /// SHA-256 of the chat template.
    pub chat_template_sha256: Option<String>,
    /// Quantisation or number type (`Q4_K_M`, `bf16`).
    pub quantisation: Option<String>,
    /// Decoding parameters in canonical JSON.
    pub decoding: Option<String>,
}

impl ModelIdentity {
    /// An identity of which only the name is known.
    pub fn named(id: impl Into<String>) -> Self {
        Self { id: id.into(), ..Self::default() }
    }

    /// The fields that bind a file to a device, beside the name.
    fn fields(&self) -> [(&'static str, Option<&str>); 6] {
        [
            ("revision", self.revision.as_deref()),
            ("weights_sha256", self.weights_sha256.as_deref()),
            ("tokenizer_sha256", self.tokenizer_sha256.as_deref()),
            ("chat_template_sha256", self.chat_template_sha256.as_deref()),
            ("quantisation", self.quantisation.as_deref()),
            ("decoding", self.decoding.as_deref()),
        ]
    }
}

/// A thresholds file that was checked against the device's model.
#[derive(Debug, Clone)]
pub struct Bound<'a> {
    thresholds: &'a Thresholds,
    unverified: Vec<&'static str>,
}

/// An operating point that has a threshold, ready to decide.
#[derive(Debug, Clone, Copy)]
pub struct BoundPoint<'a> {
    thresholds: &'a Thresholds,
    method: &'a Method,
    point: &'a OperatingPoint,
    threshold: Threshold,
}

impl Thresholds {
    /// Binds the file to the model that this device runs.
    ///
    /// Every field that the file records must be stated by the device and be equal; a field that
    /// the file does not record cannot be checked and is listed by [`Bound::unverified`].
    ///
    /// # Errors
    /// [`Error::Mismatch`] names the first field that differs.
    pub fn bind(&self, device: &ModelIdentity) -> Result<Bound<'_>, Error> {
        let mismatch = |field, expected: &str, found: Option<&str>| Error::Mismatch {
            field,
            expected: expected.to_owned(),
            found: found.unwrap_or("not given").to_owned(),
        };
        if self.slm.id != device.id {
            return Err(mismatch("id", &self.slm.id, Some(&device.id)));
        }
        let mut unverified = Vec::new();
        for ((field, expected), (_, found)) in self.slm.fields().into_iter().zip(device.fields()) {
            match expected {
                None => unverified.push(field),
                Some(expected) if found == Some(expected) => {}
                Some(expected) => return Err(mismatch(field, expected, found)),
            }
        }
        Ok(Bound { thresholds: self, unverified })
    }
}

impl<'a> Bound<'a> {
    /// Fields that the file does not record, so that nothing was checked about them.
    pub fn unverified(&self) -> &[&'static str] {
        &self.unverified
    }

    /// The operating point of a method for a target.
    ///
    /// # Errors
    /// [`Error::UnknownMethod`], [`Error::UnknownTarget`], or [`Error::NoThreshold`] for a target
    /// that could not be met.
    pub fn operating_point(&self, method: &str, target: &Target) -> Result<BoundPoint<'a>, Error> {
        self.thresholds.point(method, target)
    }
}

impl Thresholds {
    /// The operating point of a method for a target, without asking which model the device runs;
    /// [`Bound::operating_point`] is what a deployment wants.
    ///
    /// # Errors
    /// As [`Bound::operating_point`].
    pub fn point(&self, method: &str, target: &Target) -> Result<BoundPoint<'_>, Error> {
        let method = self.method(method)?;
        let point = method.operating_point(target)?;
        let threshold = point
            .threshold
            .ok_or_else(|| Error::NoThreshold { id: point.id.clone(), status: point.status.name() })?;
        Ok(BoundPoint { thresholds: self, method, point, threshold })
    }
}

impl<'a> BoundPoint<'a> {
    /// Decides about one question.
    pub fn decide(&self, confidence: Option<Confidence>) -> Decision<'a> {
        let (route, reason) = decide(self.threshold, confidence);
        Decision { route, reason, threshold_id: &self.point.id }
    }

    /// Decides and writes down everything that an audit or a new fit needs.
    pub fn record(&self, confidence: Option<Confidence>) -> DecisionRecord {
        let decision = self.decide(confidence);
        let map = self.method.maps.isotonic.as_ref();
        DecisionRecord {
            thresholds_sha256: self.thresholds.sha256.clone(),
            threshold_id: self.point.id.clone(),
            method: self.method.id.clone(),
            threshold: self.threshold,
            confidence: confidence.map(Confidence::get),
            probability: confidence.zip(map).and_then(|(c, map)| map.apply(c)),
            route: decision.route,
            reason: decision.reason,
        }
    }

    /// The threshold.
    pub const fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// The operating point, with what it achieved on the calibration data.
    pub const fn point(&self) -> &'a OperatingPoint {
        self.point
    }

    /// The method.
    pub const fn method(&self) -> &'a Method {
        self.method
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::example_thresholds;
    use crate::decision::{Reason, Route};

    #[test]
    fn binds_to_the_same_model_only() {
        let mut thresholds = example_thresholds();
        thresholds.slm.weights_sha256 = Some("aa".to_owned());
        thresholds.slm.quantisation = Some("Q4_K_M".to_owned());
        let device = thresholds.slm.clone();
        assert_eq!(thresholds.bind(&device).unwrap().unverified().len(), 4);
        for (change, field) in [
            (ModelIdentity { id: "other".to_owned(), ..device.clone() }, "id"),
            (ModelIdentity { weights_sha256: Some("bb".to_owned()), ..device.clone() }, "weights_sha256"),
            (ModelIdentity { quantisation: None, ..device }, "quantisation"),
        ] {
            match thresholds.bind(&change) {
                Err(Error::Mismatch { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_bound_point_decides_and_records() {
        let thresholds = example_thresholds();
        let bound = thresholds.bind(&thresholds.slm).unwrap();
        let target = "routing_ratio=0.3".parse().unwrap();
        let point = bound.operating_point("perplexity", &target).unwrap();
        let tie = Confidence::new(point.threshold().get()).unwrap();
        assert_eq!(point.decide(Some(tie)).route, Route::Slm);
        let record = point.record(None);
        assert_eq!((record.route, record.reason, record.confidence), (Route::Llm, Reason::Missing, None));
        assert_eq!(record.thresholds_sha256, thresholds.sha256);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let thresholds = example_thresholds();
        let target: Target = "routing_ratio=0.3".parse().unwrap();
        let error = thresholds.point("p_true", &target).unwrap_err().to_string();
        assert!(error.contains("perplexity"), "{error}");
        let error = thresholds.point("perplexity", &"accuracy=0.5".parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains("routing_ratio=0.3"), "{error}");
        let infeasible = "selective_error=0.01:0.1".parse().unwrap();
        assert!(matches!(thresholds.point("perplexity", &infeasible), Err(Error::NoThreshold { .. })));
    }
}
