//! What all requests share, and what happens beside them: a new thresholds file, the state on disk, readiness.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use plimsoll_backend::Backend;
use plimsoll_router::{DriftState, ModelIdentity};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::alarm::Alarms;
use crate::config::{GatewayConfig, Incumbent, Limits, LlmFailure, ModelLocation};
use crate::error::GatewayError;
use crate::identity::SlmIdentity;
use crate::in_process::InProcess;
use crate::keys::ClientKeys;
use crate::llm::Llm;
use crate::log::DecisionLog;
use crate::metrics::Metrics;
use crate::point::Point;
use crate::recent::RecentDecisions;
use crate::serving::{Serving, ServingSettings, read_thresholds};
use crate::slm::Slm;
use crate::state::GatewayState;
use crate::upstream::Upstream;

/// A model in this process, loaded and hashed by whoever starts the gateway.
#[derive(Debug)]
pub struct LoadedModel {
    /// Answers.
    pub backend: Box<dyn Backend>,
    /// The hashes of its files, as the pipeline writes them into a thresholds file.
    pub identity: ModelIdentity,
}

/// The models of this process, as far as the settings name any.
#[derive(Debug, Default)]
pub struct LoadedModels {
    /// The SLM.
    pub slm: Option<LoadedModel>,
    /// The LLM.
    pub llm: Option<LoadedModel>,
}

/// How requests are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering {
    pub(crate) limits: Limits,
    pub(crate) shadow: Option<Incumbent>,
    pub(crate) llm_failure: LlmFailure,
}

/// A gateway.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) serving: ArcSwap<Serving>,
    pub(crate) slm: Slm,
    pub(crate) llm: Llm,
    pub(crate) metrics: Metrics,
    pub(crate) log: Option<DecisionLog>,
    pub(crate) recent: RecentDecisions,
    pub(crate) alarms: Alarms,
    pub(crate) keys: ClientKeys,
    pub(crate) permits: Arc<Semaphore>,
    /// For the side of shadow mode that no client waits for.
    pub(crate) shadow_permits: Arc<Semaphore>,
    pub(crate) answering: Answering,
    /// Why the SLM is not bound; `None` once it is.
    unbound: Mutex<Option<String>>,
    file: PathBuf,
    settings: ServingSettings,
    identity: SlmIdentity,
    state: Option<(PathBuf, Duration)>,
    pub(crate) reload: Duration,
}

impl Gateway {
    /// Opens the thresholds file, binds the SLM, and goes on from the state; nothing is sent yet.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn new(config: GatewayConfig, loaded: LoadedModels) -> Result<Self, GatewayError> {
        let limits = config.limits;
        let (slm, identity, unbound) = open_slm(config.slm, loaded.slm, &limits)?;
        let mut serving = Serving::open(&read_thresholds(&config.thresholds)?, &identity, &config.serving)?;
        if let Some((path, _)) = &config.state
            && let Some(state) = GatewayState::read(path)?
        {
            let file = path.display().to_string();
            let resumed = serving.resume(&state);
            if !resumed.map_err(|source| GatewayError::State { file, source: Box::new(source) })? {
                tracing::warn!(
                    "the state in `{}` is of another thresholds file: starting anew",
                    path.display()
                );
            }
        }
        Ok(Self {
            serving: ArcSwap::from_pointee(serving),
            slm,
            llm: open_llm(config.llm, loaded.llm, &limits)?,
            metrics: Metrics::new(),
            log: config.log.as_ref().map(DecisionLog::open).transpose()?,
            recent: RecentDecisions::new(limits.recent),
            alarms: Alarms::new(config.webhook)?,
            keys: ClientKeys::new(config.client_keys),
            permits: Arc::new(Semaphore::new(limits.concurrency)),
            shadow_permits: Arc::new(Semaphore::new(limits.concurrency)),
            answering: Answering { limits, shadow: config.shadow, llm_failure: config.llm_failure },
            unbound: Mutex::new(unbound),
            file: config.thresholds,
            settings: config.serving,
            identity,
            state: config.state,
            reload: config.reload,
        })
    }

    /// The file in service.
    pub fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// Why it is not ready; `None` if it is.
    pub fn not_ready(&self) -> Option<String> {
        self.unbound.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_bound(&self, problem: Option<String>) {
        *self.unbound.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Asks the SLM's server whether it is there.
    pub(crate) async fn probe(&self) {
        if let Slm::Server(server) = &self.slm {
            let problem = server.probe().await.err();
            if let Some(problem) = &problem {
                tracing::warn!("not ready: {problem}");
            }
            self.set_bound(problem);
        }
    }

    /// Takes the thresholds file as it is now; a file that cannot be used leaves the one in service. What trackers and
    /// monitors have learnt belongs to a file, so the new one's begin anew.
    pub(crate) fn reload_file(&self) {
        let before = self.serving();
        let opened =
            read_thresholds(&self.file).and_then(|file| Serving::open(&file, &self.identity, &self.settings));
        let serving = match opened {
            Ok(serving) => serving,
            Err(error) => {
                self.metrics.reloaded("refused");
                tracing::error!("the changed thresholds file is not taken: {}", with_causes(&error));
                return;
            }
        };
        if serving.thresholds_sha256() == before.thresholds_sha256() {
            return;
        }
        tracing::info!(sha256 = serving.thresholds_sha256(), "a new thresholds file is in service");
        self.serving.store(Arc::new(serving));
        self.metrics.reloaded("taken");
    }

    /// When the thresholds file was written and how long it is, to see a change.
    pub(crate) fn file_stamp(&self) -> Option<(std::time::SystemTime, u64)> {
        let metadata = std::fs::metadata(&self.file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }

    /// How often the state is written.
    pub(crate) fn state_interval(&self) -> Option<Duration> {
        self.state.as_ref().map(|(_, interval)| *interval)
    }

    /// Writes the state.
    pub(crate) fn write_state(&self) {
        if let Some((path, _)) = &self.state
            && let Err(error) = self.serving().state().write(path)
        {
            tracing::error!("the state is not written: {}", with_causes(&error));
        }
    }

    /// Sets the gauges that are read off other places.
    pub(crate) fn refresh_metrics(&self) {
        let usual = self.serving().usual().clone();
        let state = match usual.router().drift_state() {
            DriftState::Collecting => 1,
            DriftState::Normal => 2,
            DriftState::Alarm => 3,
            _ => 0,
        };
        self.metrics.drift_state.set(state);
        if let Some(monitor) = usual.error_monitor() {
            self.metrics.error_log_e.set(monitor.log_e());
        }
        if let Some(tracker) = usual.tracker() {
            let state = tracker.state();
            self.metrics.tracked_ratio.set(state.routed as f64 / (state.n as f64).max(1.0));
        }
        if let Some(log) = &self.log {
            self.metrics.log_lost.set(i64::try_from(log.lost()).unwrap_or(i64::MAX));
        }
    }

    /// Takes a label of a kept answer.
    pub(crate) fn observe_label(&self, point: &Point, correct: bool) {
        if point.labelled(correct) == Some(true)
            && let Some(monitor) = point.error_monitor()
        {
            let id = &point.router().point().id;
            let detail = json!({"threshold_id": id, "state": monitor.state(), "p_value": monitor.p_value()});
            self.alarms.raise("error", &detail, &self.metrics);
        }
    }
}

fn open_slm(
    location: ModelLocation,
    loaded: Option<LoadedModel>,
    limits: &Limits,
) -> Result<(Slm, SlmIdentity, Option<String>), GatewayError> {
    match (location, loaded) {
        (ModelLocation::Server(config), _) => {
            let identity = SlmIdentity::Server { served_as: config.spec.served_as().to_owned() };
            let server = Slm::Server(Box::new(Upstream::new(&config, limits)?));
            Ok((server, identity, Some("the SLM's server was not yet reached".to_owned())))
        }
        (ModelLocation::InProcess { queue, total, price, .. }, Some(LoadedModel { backend, identity })) => {
            let model = InProcess::start(backend, queue, total, price)?;
            Ok((Slm::InProcess(model), SlmIdentity::InProcess(Box::new(identity)), None))
        }
        (ModelLocation::InProcess { .. }, None) => Err(not_loaded("slm")),
    }
}

fn open_llm(
    location: ModelLocation,
    loaded: Option<LoadedModel>,
    limits: &Limits,
) -> Result<Llm, GatewayError> {
    match (location, loaded) {
        (ModelLocation::Server(config), _) => Ok(Llm::Server(Box::new(Upstream::new(&config, limits)?))),
        (
            ModelLocation::InProcess { queue, total, price, max_tokens, .. },
            Some(LoadedModel { backend, .. }),
        ) => Ok(Llm::InProcess { model: InProcess::start(backend, queue, total, price)?, max_tokens }),
        (ModelLocation::InProcess { .. }, None) => Err(not_loaded("llm")),
    }
}

fn not_loaded(name: &str) -> GatewayError {
    GatewayError::config(&format!("{name}.in_process"), "names a model that was not loaded")
}

/// An error with its causes, in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
