//! `plimsoll import`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::foreign_scores::{
    ForeignFiles, LlmRouterFiles, LmEvalFiles, RouteLlmFiles, convert, find,
};
use serde_json::json;

use crate::console::Console;

/// Write results of another program as a table of scores.
///
/// From lm-evaluation-harness: the files `samples_TASK_DATE.jsonl` of `--log_samples`, of tasks of
/// `output_type: multiple_choice`. The softmax over the log-likelihoods of the choices gives two methods, the largest probability
/// and its margin over the second. With --llm the same tasks answered by a large model say where it is right.
/// Questions are matched by task, number and hash.
///
/// From RouteLLM: responses as its evaluations write them (a row a prompt, a column of grades for each model; --slm-id and
/// --llm-id name the columns), with a column of win rates for each router, which `batch_calculate_win_rate` gives. The
/// confidence is 1 less the win rate.
///
/// From LLMRouter: `routing_data_*.jsonl` with --routing, the scores of a hybrid router by `llmrouter infer --router hybrid_llm
/// --route-only --output-format jsonl`; or `router_automix_llamapair_ver_outputs.jsonl`, whose self-verification is the
/// confidence. An error of a server, which LLMRouter grades as a wrong answer, is a missing grade here.
///
/// LM-Polygraph and uqlm keep their results as objects of Python: `scores_from_lm_polygraph` and `scores_from_uqlm`
/// of the Python package plimsoll turn them into the same table. Logs of any other shape are mapped by SQL: a
/// pipeline with `import`, docs/quickstart.md.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  lm_eval --model hf --model_args pretrained=SMALL --tasks arc_easy --log_samples --output_path small
  plimsoll import --from lm-eval 'small/*/samples_*.jsonl' --llm 'large/*/samples_*.jsonl' --out scores.parquet
  plimsoll fit --scores scores.parquet --out calibration/mine

  plimsoll import --from routellm gsm8k_responses.csv --slm-id mixtral --llm-id gpt-4 --router mf --out scores.parquet

  plimsoll import --from llmrouter routing_data_test.jsonl --routing hybrid.jsonl --slm-id small --llm-id large \\
    --out scores.parquet")]
pub(crate) struct ImportArguments {
    /// The program that wrote the files
    #[arg(long, value_name = "TOOL", value_enum)]
    from: Tool,
    /// The files; patterns are expanded. Of lm-eval: the small model's
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<String>,
    /// lm-eval: the large model's files
    #[arg(long, num_args = 1.., value_name = "FILE")]
    llm: Vec<String>,
    /// routellm: a column of win rates [default: those named like a router of RouteLLM]
    #[arg(long, value_name = "COLUMN")]
    router: Vec<String>,
    /// llmrouter: files with scores of a hybrid router
    #[arg(long, num_args = 1.., value_name = "FILE")]
    routing: Vec<String>,
    /// Name of the small model, for the thresholds file; of routellm and llmrouter: its name in the files
    #[arg(long, value_name = "ID", required_if_eq_any([("from", "routellm"), ("from", "llmrouter")]))]
    slm_id: Option<String>,
    /// Name of the large model; of routellm and llmrouter: its name in the files
    #[arg(long, value_name = "ID", required_if_eq_any([("from", "routellm"), ("from", "llmrouter")]))]
    llm_id: Option<String>,
    /// lm-eval: the metric that says whether an answer is correct [default: the first of each file]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// From which value of the metric or grade on an answer is correct, where it is not 0 or 1 alone
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    correct_from: Option<f64>,
    /// The table to write, .parquet or .csv
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The programs whose files can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    /// Files of lm-evaluation-harness
    LmEval,
    /// Responses of RouteLLM's evaluations
    #[value(name = "routellm")]
    RouteLlm,
    /// Routing data of LLMRouter, or outputs of its AutoMix
    #[value(name = "llmrouter")]
    LlmRouter,
}

impl ImportArguments {
    /// Refuses an option that says nothing about the files of this program.
    fn check(&self) -> Result<(), Failure> {
        let of_one = [
            ("--llm", !self.llm.is_empty(), Tool::LmEval),
            ("--metric", self.metric.is_some(), Tool::LmEval),
            ("--router", !self.router.is_empty(), Tool::RouteLlm),
            ("--routing", !self.routing.is_empty(), Tool::LlmRouter),
        ];
        for (option, is_given, tool) in of_one {
            if is_given && tool != self.from {
                let name =
                    tool.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                return Err(Failure::usage(format!("{option} is for --from {name} alone")));
            }
        }
        if self.from == Tool::LmEval && self.llm_id.is_some() && self.llm.is_empty() {
            return Err(Failure::usage(
                "--llm-id names a model of which there are no files: give them with --llm",
            ));
        }
        Ok(())
    }

    fn files(&self) -> Result<ForeignFiles, Failure> {
        self.check()?;
        let files = find(&self.files)?;
        let name = |id: &Option<String>| id.clone().unwrap_or_default();
        Ok(match self.from {
            Tool::LmEval => ForeignFiles::LmEval(LmEvalFiles {
                slm: files,
                llm: find(&self.llm)?,
                slm_id: self.slm_id.clone(),
                llm_id: self.llm_id.clone(),
                metric: self.metric.clone(),
                correct_from: self.correct_from,
            }),
            Tool::RouteLlm => ForeignFiles::RouteLlm(RouteLlmFiles {
                responses: files,
                slm_id: name(&self.slm_id),
                llm_id: name(&self.llm_id),
                routers: self.router.clone(),
                correct_from: self.correct_from,
            }),
            Tool::LlmRouter => ForeignFiles::LlmRouter(LlmRouterFiles {
                data: files,
                routing: find(&self.routing)?,
                slm_id: name(&self.slm_id),
                llm_id: name(&self.llm_id),
                correct_from: self.correct_from,
            }),
        })
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ImportArguments, console: &Console) -> Result<(), Failure> {
    let scores = convert(&arguments.files()?, &arguments.out)?;
    for note in &scores.notes {
        console.note(note);
    }
    let methods: BTreeSet<&str> = scores.rows.iter().map(|row| row.method.as_str()).collect();
    console.document(&json!({"path": arguments.out, "rows": scores.rows.len(), "methods": methods}))?;
    let names = methods.into_iter().collect::<Vec<_>>().join(", ");
    console.text(format!("wrote {} rows of {names} to {}\n", scores.rows.len(), arguments.out.display()))
}
