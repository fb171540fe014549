//! A thresholds file in service: its operating points, and the one that answers by default. Swapped as a whole when the
//! file changes; requests under way keep the one they began with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use plimsoll_files::FileError;
use plimsoll_remote::openai::{RequestFields, ServedDecoding};
use plimsoll_router::thresholds::{MAX_BYTES, OperatingPoint};
use plimsoll_router::{Router, Target, Thresholds};
use serde_json::{Value, json};

use crate::error::GatewayError;
use crate::identity::{SlmIdentity, decoding, gaps};
use crate::model_name::{AskedPoint, model_name};
use crate::point::{Point, PointSettings};
use crate::state::GatewayState;

/// What is opened of a file.
#[derive(Debug)]
pub struct ServingSettings {
    /// The method of the default point.
    pub method: String,
    /// Its target.
    pub target: Target,
    /// How points decide.
    pub point: PointSettings,
    /// Tokens of an answer, where the file does not record how answers were decoded.
    pub max_tokens: u32,
    /// What requests to the SLM's server carry beside. Where it is something, it must be what the file records, if that records
    /// how answers were decoded.
    pub fields: RequestFields,
    /// Whether fields that nobody verified are all right.
    pub accept_unverified: bool,
}

/// A file in service.
#[derive(Debug)]
pub struct Serving {
    thresholds_sha256: String,
    decoding: ServedDecoding,
    usual: Arc<Point>,
    /// By the id of the operating point.
    points: BTreeMap<String, Arc<Point>>,
    models: Value,
    unverified: Vec<&'static str>,
}

/// A thresholds file.
///
/// # Errors
/// [`GatewayError::File`] for one that cannot be read, [`GatewayError::Thresholds`] for one that is not valid.
pub fn read_thresholds(path: &Path) -> Result<Thresholds, GatewayError> {
    let length = std::fs::metadata(path).map_err(FileError::new("read", path))?.len();
    if length > MAX_BYTES as u64 {
        return Err(GatewayError::config(
            "thresholds",
            format!("names a file of more than {MAX_BYTES} bytes"),
        ));
    }
    let bytes = std::fs::read(path).map_err(FileError::new("read", path))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| GatewayError::config("thresholds", "names a file that is no text"))?;
    Thresholds::from_json(&text).map_err(GatewayError::Thresholds)
}

impl Serving {
    /// Opens every operating point that a gateway can answer by.
    ///
    /// # Errors
    /// [`GatewayError`]: the default point is not there or cannot be computed, the SLM is another one, or its identity is not
    /// verified and nobody said that this is all right.
    pub fn open(
        thresholds: &Thresholds,
        slm: &SlmIdentity,
        settings: &ServingSettings,
    ) -> Result<Self, GatewayError> {
        let decoding = decoding(&thresholds.slm, settings)?;
        let bound = slm.bind(&thresholds.slm, &decoding);
        let open = |method: &str, target: &Target| -> Result<Point, GatewayError> {
            let router = Router::new(thresholds, &bound.device, method, target);
            Point::new(router.map_err(GatewayError::Thresholds)?, settings.point)
        };
        let usual = Arc::new(open(&settings.method, &settings.target)?);
        let mut unverified = gaps(&bound, usual.router().unverified());
        if !usual.method().is_verified() {
            unverified.push("variant_sha256");
        }
        if !unverified.is_empty() && !settings.accept_unverified {
            return Err(GatewayError::Unverified { fields: unverified });
        }
        let mut points = BTreeMap::from([(usual.router().point().id.clone(), usual.clone())]);
        let (mut models, created) =
            (vec![json!({"id": "plimsoll", "object": "model", "owned_by": "plimsoll"})], 0);
        for method in &thresholds.methods {
            for point in &method.operating_points {
                if !points.contains_key(&point.id) {
                    // What cannot answer is listed with its status, and is an error when it is asked for.
                    let opened = open(&method.id, &point.target).ok();
                    points.extend(opened.map(|opened| (point.id.clone(), Arc::new(opened))));
                }
                models.push(listed(&method.id, point, points.contains_key(&point.id), created));
            }
        }
        let models = json!({"object": "list", "data": models});
        let thresholds_sha256 = thresholds.sha256.clone();
        Ok(Self { thresholds_sha256, decoding, usual, points, models, unverified })
    }

    /// The point that a client asks for.
    pub fn find(&self, asked: &AskedPoint) -> Option<&Arc<Point>> {
        match asked {
            AskedPoint::Usual => Some(&self.usual),
            AskedPoint::Named { method, target } => {
                // Whichever way the number is written: 0.30 is 0.3.
                let target: Target = target.parse().ok()?;
                self.points.get(&format!("{method}/{target}"))
            }
        }
    }

    /// The point of this id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Point>> {
        self.points.get(id)
    }

    /// The default point.
    pub fn usual(&self) -> &Arc<Point> {
        &self.usual
    }

    /// How the SLM decodes.
    pub fn decoding(&self) -> &ServedDecoding {
        &self.decoding
    }

    /// What `GET /v1/models` answers.
    pub fn models(&self) -> &Value {
        &self.models
    }

    /// Identity fields that nobody verified.
    pub fn unverified(&self) -> &[&'static str] {
        &self.unverified
    }

    /// SHA-256 of the file.
    pub fn thresholds_sha256(&self) -> &str {
        &self.thresholds_sha256
    }

    /// What its points have learnt.
    pub fn state(&self) -> GatewayState {
        let states = self.points.iter().map(|(id, point)| (id.clone(), point.state())).collect();
        GatewayState::new(self.thresholds_sha256.clone(), states)
    }

    /// Goes on from a state of the same file; one of another file says nothing about these points. Whether it was of this
    /// file.
    ///
    /// # Errors
    /// [`plimsoll_router::Error`] for a state that no point can have.
    pub fn resume(&mut self, state: &GatewayState) -> Result<bool, plimsoll_router::Error> {
        if state.thresholds_sha256 != self.thresholds_sha256 {
            return Ok(false);
        }
        let usual_id = self.usual.router().point().id.clone();
        // Two owners of one point: the default, and the map.
        if let Some(point) = self.points.remove(&usual_id) {
            drop(point);
        }
        for (id, point) in self.points.iter_mut().chain([(&usual_id, &mut self.usual)]) {
            if let (Some(state), Some(point)) = (state.points.get(id), Arc::get_mut(point)) {
                point.resume(state)?;
            }
        }
        self.points.insert(usual_id, self.usual.clone());
        Ok(true)
    }
}

fn listed(method: &str, point: &OperatingPoint, answers: bool, created: u64) -> Value {
    json!({
        "id": model_name(method, &point.target), "object": "model", "created": created, "owned_by": "plimsoll",
        "plimsoll": {
            "threshold_id": point.id, "status": point.status.name(), "threshold": point.threshold,
            "answers": answers, "guaranteed": point.guarantee.is_some() && point.threshold.is_some(),
        },
    })
}

#[cfg(test)]
mod tests {
    use plimsoll_router::Confidence;
    use plimsoll_router::conformance::example_thresholds;

    use super::*;

    fn settings(target: &str) -> ServingSettings {
        ServingSettings {
            method: "perplexity".into(),
            target: target.parse().unwrap(),
            point: PointSettings { track: true, exploration: None, early_exit: false },
            max_tokens: 64,
            fields: RequestFields::default(),
            accept_unverified: true,
        }
    }

    fn open(settings: &ServingSettings) -> Result<Serving, GatewayError> {
        Serving::open(&example_thresholds(), &SlmIdentity::Server { served_as: "s".into() }, settings)
    }

    #[test]
    fn points_are_found_by_name_and_listed_with_their_status() {
        let serving = open(&settings("routing_ratio=0.3")).unwrap();
        assert_eq!(
            serving.find(&AskedPoint::Usual).unwrap().router().point().id,
            "perplexity/routing_ratio=0.3"
        );
        let asked = AskedPoint::from_model("plimsoll-perplexity-routing_ratio=0.30").unwrap();
        assert!(serving.find(&asked).is_some());
        let models = serving.models()["data"].as_array().unwrap();
        let points = example_thresholds().methods[0].operating_points.len();
        assert_eq!(models.len(), points + 1);
        for model in &models[1..] {
            let asked = AskedPoint::from_model(model["id"].as_str().unwrap()).unwrap();
            assert_eq!(serving.find(&asked).is_some(), model["plimsoll"]["answers"] == true, "{model}");
            assert_eq!(
                model["plimsoll"]["answers"] == true,
                !model["plimsoll"]["threshold"].is_null(),
                "{model}"
            );
        }
        assert!(
            serving
                .find(&AskedPoint::from_model("plimsoll-perplexity-routing_ratio=0.31").unwrap())
                .is_none()
        );
    }

    #[test]
    fn what_is_not_verified_must_be_accepted() {
        let strict = ServingSettings { accept_unverified: false, ..settings("routing_ratio=0.3") };
        let error = open(&strict).unwrap_err().to_string();
        assert!(error.contains("weights_sha256") && error.contains("--accept-unverified"), "{error}");
        assert!(open(&settings("routing_ratio=0.77")).unwrap_err().to_string().contains("cannot be used"));
    }

    #[test]
    fn points_go_on_from_their_state_and_from_no_other() {
        let mut first = open(&settings("routing_ratio=0.3")).unwrap();
        for index in 0..50 {
            let confidence = Confidence::new(f64::from(index) / 50.0).ok();
            first.usual().decide(&index.to_string(), confidence);
        }
        let state = first.state();
        let mut second = open(&settings("routing_ratio=0.3")).unwrap();
        assert_ne!(second.state(), state);
        assert!(second.resume(&state).unwrap());
        assert_eq!(second.state(), state);
        let asked = AskedPoint::from_model("plimsoll-perplexity-routing_ratio=0.3").unwrap();
        assert_eq!(second.find(&asked).unwrap().tracker().unwrap().state().n, 50);
        let other = GatewayState::new("f".repeat(64), state.points);
        assert!(!first.resume(&other).unwrap());
    }
}
