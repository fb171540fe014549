//! The options of `fit`, which `transfer` takes too.

use clap::Args;
use plimsoll_router::Target;

use super::values;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::config::pipeline_config::{
    CalibrationConfig, CostTarget, LabelsConfig, RiskTarget, TargetsConfig,
};
use plimsoll_pipeline::fit_parameters::FitParameters;

/// Ratios without any target on the command line.
const DEFAULT_RATIOS: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// How to draw and what to fit.
#[derive(Debug, Args)]
pub(crate) struct FitOptions {
    /// Equal-width bins over [0, 1] in the draw
    #[arg(long, default_value = "30", value_name = "N", value_parser = values::bins)]
    #[arg(allow_negative_numbers = true, help_heading = "Calibration set")]
    bins: u32,
    /// Share of the scored rows that is drawn
    #[arg(long, default_value = "0.1", value_name = "F", value_parser = values::fraction)]
    #[arg(allow_negative_numbers = true, help_heading = "Calibration set")]
    fraction: f64,
    /// Seed of everything random
    #[arg(long, default_value = "50", value_name = "N", value_parser = values::seed)]
    #[arg(allow_negative_numbers = true, help_heading = "Calibration set")]
    seed: u64,
    /// Routing ratios: shares of the questions to defer [default, without any target: 0.1 to 0.9]
    #[arg(long, value_name = "R", num_args = 1.., value_parser = values::share)]
    #[arg(allow_negative_numbers = true, help_heading = "Targets")]
    ratio: Vec<f64>,
    /// Accuracies, each to be reached with the smallest routing ratio
    #[arg(long, value_name = "A", num_args = 1.., value_parser = values::share)]
    #[arg(allow_negative_numbers = true, help_heading = "Targets")]
    accuracy: Vec<f64>,
    /// Accuracies to stay within of the LLM's, each with the smallest routing ratio; they transfer better than
    /// absolute ones
    #[arg(long, value_name = "G", num_args = 1.., value_parser = values::share)]
    #[arg(allow_negative_numbers = true, help_heading = "Targets")]
    llm_gap: Vec<f64>,
    /// Budgets in US dollars per 1,000 questions
    #[arg(long, value_name = "USD", num_args = 1.., value_parser = values::dollars)]
    #[arg(allow_negative_numbers = true, help_heading = "Targets")]
    cost: Vec<f64>,
    /// Risks (`selective_error`, `joint_error`, `regret`) to keep at or under ALPHA with probability 1 - DELTA
    #[arg(long, value_name = "KIND:ALPHA:DELTA", num_args = 1.., value_parser = values::risk)]
    #[arg(help_heading = "Targets")]
    risk: Vec<Target>,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals
    #[arg(long, default_value = "1000", value_name = "N", value_parser = values::bootstrap)]
    #[arg(allow_negative_numbers = true, help_heading = "Intervals")]
    bootstrap: u32,
}

impl FitOptions {
    /// Whether any target was given.
    pub(crate) fn has_targets(&self) -> bool {
        let numbers = [&self.ratio, &self.accuracy, &self.llm_gap, &self.cost];
        numbers.iter().any(|given| !given.is_empty()) || !self.risk.is_empty()
    }

    /// The options with their defaults filled in.
    pub(crate) fn parameters(&self) -> Result<FitParameters, Failure> {
        let cost = self.cost.iter().map(|usd| CostTarget { usd_per_1k_questions: *usd }).collect();
        let risk = self.risk.iter().filter_map(Target::risk);
        let risk = risk.map(|(kind, alpha, delta)| RiskTarget { kind, alpha, delta }).collect();
        let (routing_ratio, accuracy) = (self.ratio.clone(), self.accuracy.clone());
        let llm_gap = self.llm_gap.clone();
        let mut thresholds = TargetsConfig { routing_ratio, accuracy, llm_gap, cost, risk };
        if thresholds.all().is_empty() {
            thresholds.routing_ratio = DEFAULT_RATIOS.to_vec();
        }
        if let Some(twice) = thresholds.repeated() {
            return Err(Failure::usage(format!("the target {twice} is given twice")));
        }
        Ok(FitParameters {
            seed: self.seed,
            calibration: CalibrationConfig { bins: self.bins, fraction: self.fraction },
            thresholds,
            bootstrap: self.bootstrap,
            labels: LabelsConfig::default(),
        })
    }
}
