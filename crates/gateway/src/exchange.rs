//! One request: the SLM is asked, the operating point decides, and what is to be shown is known.

use std::sync::Arc;

use plimsoll_router::{DecisionRecord, Drift, Reason, Route, WindowReport};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use crate::config::Incumbent;
use crate::draft::{Draft, Usage};
use crate::gateway::Gateway;
use crate::point::{Point, PointDecision};
use crate::reason::NoConfidence;
use crate::recent::RecentDecision;
use crate::request::ChatRequest;
use crate::route_notice::{RouteNotice, route_name};
use crate::serving::Serving;
use crate::slm::{SlmAnswer, SlmOutcome, SlmQuestion};

/// A request under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) request: ChatRequest,
    pub(crate) draft: Draft,
    serving: Arc<Serving>,
    point: Arc<Point>,
    /// One request fewer may come while this one lasts.
    _permit: Option<OwnedSemaphorePermit>,
}

/// What is to be shown.
#[derive(Debug)]
pub(crate) struct Settled {
    /// What the client reads of the decision; its route says whose answer is shown.
    pub(crate) notice: RouteNotice,
    /// The SLM's answer, if there is one.
    pub(crate) kept: Option<Value>,
}

impl Exchange {
    /// A request that was read; `None` for an operating point that is not there.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        request: ChatRequest,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Option<Self> {
        let serving = gateway.serving();
        let point = serving.find(request.asked())?.clone();
        let draft = Draft::new(gateway.clone(), new_id());
        Some(Self { gateway, request, draft, serving, point, _permit: permit })
    }

    /// Asks the SLM and decides.
    pub(crate) async fn settle(&mut self) -> Settled {
        if let Some(field) = self.request.unsupported(self.serving.decoding().decoding) {
            let mut record = self.point.router().record(None);
            record.route = Route::Llm;
            let notice = RouteNotice::unsupported(&self.draft.id, &record, field);
            return self.settled(notice, None);
        }
        match self.gateway.answering.shadow {
            Some(Incumbent::Llm) => {
                let record = self.point.router().record(None);
                let mut notice = RouteNotice::decided(&self.draft.id, &record, None);
                "shadow".clone_into(&mut notice.reason);
                self.settled(notice, None)
            }
            incumbent => self.decide(incumbent.is_some()).await,
        }
    }

    /// Decides; in shadow mode with the SLM as incumbent, its answer is shown whatever is decided.
    async fn decide(&mut self, is_shadow: bool) -> Settled {
        let (decision, answer, missing) = self.ask().await;
        let mut notice = RouteNotice::decided(&self.draft.id, &decision.record, missing);
        if is_shadow {
            self.gateway.metrics.shadow(route_name(decision.record.route));
            self.draft.host.shadow = true;
            notice.shadow = Some(decision.record.route);
            notice.route = if answer.is_some() { Route::Slm } else { Route::Llm };
            "shadow".clone_into(&mut notice.reason);
        }
        self.take(decision);
        self.settled(notice, answer.map(|answer| answer.document))
    }

    /// The decision, the answer of the SLM, and why there is no confidence.
    async fn ask(&mut self) -> (PointDecision, Option<SlmAnswer>, Option<NoConfidence>) {
        let calibrated = self.serving.decoding();
        let (id, request, point) = (&self.draft.id, &self.request, &*self.point);
        let question = SlmQuestion { id, request, point, calibrated };
        let outcome = self.gateway.slm.ask(question, &self.gateway.metrics).await;
        self.draft.host.slm_ms = Some(self.draft.milliseconds());
        let answer = match outcome {
            SlmOutcome::Answered(answer) => *answer,
            SlmOutcome::Early(exit) => {
                self.draft.host.early_exit = true;
                return (self.point.exit_early(&exit), None, None);
            }
            SlmOutcome::Failed(reason) => return (self.missing(reason), None, Some(reason)),
        };
        self.draft.host.slm = Usage::read(&answer.document, self.gateway.slm.price());
        match self.point.method().confidence(&answer.row) {
            Ok(confidence) => (self.point.decide(&self.draft.id, Some(confidence)), Some(answer), None),
            Err(reason) => (self.missing(reason.into()), Some(answer), Some(reason.into())),
        }
    }

    fn missing(&mut self, reason: NoConfidence) -> PointDecision {
        self.gateway.metrics.missing(reason.name());
        self.draft.host.missing_reason = Some(reason);
        self.point.decide(&self.draft.id, None)
    }

    /// Keeps a decision for the log, and takes its alarm.
    fn take(&mut self, decision: PointDecision) {
        hear(&self.gateway, &self.point, decision.drift);
        self.draft.record = Some(decision.record);
    }

    fn settled(&mut self, notice: RouteNotice, kept: Option<Value>) -> Settled {
        self.draft.tell(&notice);
        self.remember(&notice);
        Settled { notice, kept }
    }

    /// So that a label may come back.
    fn remember(&self, notice: &RouteNotice) {
        let was_kept = notice.route == Route::Slm && self.draft.record.as_ref().is_some_and(is_kept);
        let threshold_id = notice.threshold_id.clone();
        let decision = RecentDecision { threshold_id, answered_by: notice.route, was_kept };
        self.gateway.recent.add(&notice.id, decision);
    }

    /// The LLM failed, and the SLM's answer is shown instead.
    pub(crate) fn fall_back(&mut self, notice: &RouteNotice) -> RouteNotice {
        let mut notice = RouteNotice { route: Route::Slm, ..notice.clone() };
        "llm_failed".clone_into(&mut notice.reason);
        self.draft.tell(&notice);
        let threshold_id = notice.threshold_id.clone();
        let decision = RecentDecision { threshold_id, answered_by: Route::Slm, was_kept: false };
        self.gateway.recent.add(&notice.id, decision);
        notice
    }

    /// In shadow mode with the LLM as incumbent: asks the SLM on the side, decides, and writes the line. Where too many are
    /// under way, the request is counted as skipped.
    pub(crate) fn shadow(&mut self, body: &[u8]) {
        let is_shadow = self.gateway.answering.shadow == Some(Incumbent::Llm);
        if !is_shadow || self.request.unsupported(self.serving.decoding().decoding).is_some() {
            return;
        }
        let permit = self.gateway.shadow_permits.clone().try_acquire_owned().ok();
        let (Some(permit), Ok(request)) = (permit, ChatRequest::read(body)) else {
            self.gateway.metrics.shadow("skipped");
            return;
        };
        let mut side = Self {
            gateway: self.gateway.clone(),
            request,
            draft: Draft::new(self.gateway.clone(), self.draft.id.clone()),
            serving: self.serving.clone(),
            point: self.point.clone(),
            _permit: Some(permit),
        };
        tokio::spawn(async move {
            let (decision, _, _) = side.ask().await;
            side.gateway.metrics.shadow(route_name(decision.record.route));
            side.draft.host.shadow = true;
            side.draft.host.answered_by = Some(Route::Llm);
            side.take(decision);
            side.draft.finish();
        });
    }
}

/// Whether the operating point kept the answer: a coin's choice is none of its own.
fn is_kept(record: &DecisionRecord) -> bool {
    record.route == Route::Slm && record.reason != Reason::Explored
}

/// Raises the alarm of a window that is full.
pub(crate) fn hear(gateway: &Gateway, point: &Point, drift: Option<Drift>) {
    if let Some(report) = drift.and_then(|drift| drift.report).filter(WindowReport::alarm) {
        let detail = json!({"threshold_id": point.router().point().id, "window": report});
        gateway.alarms.raise("drift", &detail, &gateway.metrics);
    }
}

/// A new id: 128 bits by chance.
pub(crate) fn new_id() -> String {
    let mut bytes = [0u8; 16];
    // Without the system's randomness the clock has to do: an id must be new, not secret.
    if getrandom::fill(&mut bytes).is_err() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        bytes = now.as_nanos().to_le_bytes();
    }
    format!("dec-{:032x}", u128::from_le_bytes(bytes))
}
