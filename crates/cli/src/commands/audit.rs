//! `plimsoll audit`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use plimsoll_core::Seed;
use plimsoll_core::question::AnswerKind;
use plimsoll_core::seed::key_of;
use plimsoll_fit::audit::{AuditedQuestion, audit};
use plimsoll_fit::guarantee::TestOutcome;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::answers_file::{self, AnsweredQuestion};
use plimsoll_router::Threshold;
use plimsoll_router::thresholds::{Guarantee, Infeasible};
use serde::Serialize;

use crate::arguments::values;
use crate::console::Console;
use crate::text_table::complement;

/// Bound what keeping answers loses on your own traffic, without a label.
///
/// Let both models answer some hundred questions of your traffic. Whatever the traffic, P(kept, SLM wrong,
/// LLM right) is at most P(kept, the answers differ), and the system loses no more than that to the LLM
/// alone. The audit finds the loosest threshold at which P(kept, the answers differ) is at most ALPHA, with
/// probability at least 1 - DELTA over which questions were audited. It holds for traffic like the audited;
/// no dataset need look like another. The better the LLM, the less is given away: where the LLM is wrong
/// too, answers differ without a loss.
///
/// FILE is CSV with a header, JSON lines or Parquet, one row a question: `confidence` (empty or null =
/// missing, which is deferred), `slm_answer` and `llm_answer` (the texts of the models), and where there are
/// any `id`, `method`, `question` and `choices` (a list of texts; without one, letters A to J are choices).
/// Answers are found in the texts and compared as the run of a pipeline grades them: by `answer_kind`
/// (choice, number, boolean, span), or that of a built-in `dataset`, or --answer-kind. A text without an
/// answer differs from every other. `plimsoll sample-size` says how many questions an audit needs.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll audit --answers answers.csv --alpha 0.1 --delta 0.1
  plimsoll audit --answers answers.jsonl --answer-kind choice --alpha 0.05 --delta 0.05 --json")]
pub(crate) struct AuditArguments {
    /// Both models' answers: .csv, .tsv, .jsonl, .json or .parquet
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Largest share of all questions that may be kept while the answers differ, in (0, 1)
    #[arg(long, value_name = "A", value_parser = values::open_share, allow_negative_numbers = true)]
    alpha: f64,
    /// Probability that the bound may fail, in (0, 1); with several methods, divide it by their number
    #[arg(long, value_name = "D", value_parser = values::open_share, allow_negative_numbers = true)]
    delta: f64,
    /// How answers are compared where the table does not say: choice, number, boolean or span
    #[arg(long, value_name = "KIND", value_parser = values::answer_kind)]
    answer_kind: Option<AnswerKind>,
    /// Seed that sets the third of the questions apart which gives the thresholds
    #[arg(long, default_value = "50", value_name = "N", value_parser = values::seed, allow_negative_numbers = true)]
    seed: u64,
}

/// What an audit found.
#[derive(Debug, Serialize)]
struct Audit {
    alpha: f64,
    delta: f64,
    seed: u64,
    methods: Vec<AuditedMethod>,
}

/// The audit of one method.
#[derive(Debug, Serialize)]
struct AuditedMethod {
    /// Empty where the table names none.
    method: String,
    questions: u64,
    /// Questions without a confidence, which are deferred.
    missing: u64,
    /// Texts in which no answer was found.
    slm_without_answer: u64,
    llm_without_answer: u64,
    /// Share of the questions on which the answers differ.
    differing: f64,
    /// `certified` or `infeasible`.
    status: &'static str,
    threshold: Option<Threshold>,
    /// Share of the audited questions that the threshold defers.
    routing_ratio: Option<f64>,
    /// The bound on P(kept, the answers differ), and so on the regret.
    guarantee: Option<Guarantee>,
    infeasible: Option<Infeasible>,
}

/// Runs the command.
pub(super) fn run(arguments: &AuditArguments, console: &Console) -> Result<(), Failure> {
    let questions = answers_file::read(&arguments.answers, arguments.answer_kind)?;
    let mut by_method: BTreeMap<&str, Vec<&AnsweredQuestion>> = BTreeMap::new();
    for question in &questions {
        by_method.entry(&question.method).or_default().push(question);
    }
    if by_method.len() > 1 {
        console.note(format_args!(
            "{} methods: the best of them by these results has the guarantee only if delta was divided by {0}",
            by_method.len()
        ));
    }
    let methods = by_method.into_iter().map(|(method, own)| audited(arguments, method, &own)).collect();
    let AuditArguments { alpha, delta, seed, .. } = *arguments;
    let audit = Audit { alpha, delta, seed, methods };
    console.document(&audit)?;
    console.text(audit.methods.iter().map(|method| text(method, alpha, delta)).collect::<String>())
}

fn audited(arguments: &AuditArguments, method: &str, own: &[&AnsweredQuestion]) -> AuditedMethod {
    let question = |question: &&AnsweredQuestion| AuditedQuestion {
        key: key_of(0, &question.id),
        confidence: question.confidence,
        differ: question.differ,
    };
    let questions: Vec<AuditedQuestion> = own.iter().map(question).collect();
    let seed = Seed::new(arguments.seed).derive("audit");
    let outcome = audit(&questions, arguments.alpha, arguments.delta, &seed);
    let (threshold, guarantee, infeasible) = match outcome {
        TestOutcome::Certified(threshold, guarantee) => (Some(threshold), Some(guarantee), None),
        TestOutcome::Infeasible(infeasible) => (None, None, Some(infeasible)),
    };
    let count = |is: fn(&AnsweredQuestion) -> bool| own.iter().filter(|question| is(question)).count() as u64;
    let share = |count: u64| count as f64 / own.len().max(1) as f64;
    let deferred = |threshold: Threshold| {
        let defers = |question: &&&AnsweredQuestion| question.confidence.is_none_or(|c| !threshold.keeps(c));
        share(own.iter().filter(defers).count() as u64)
    };
    AuditedMethod {
        method: method.to_owned(),
        questions: own.len() as u64,
        missing: count(|question| question.confidence.is_none()),
        slm_without_answer: count(|question| !question.slm_answers),
        llm_without_answer: count(|question| !question.llm_answers),
        differing: share(count(|question| question.differ)),
        status: if threshold.is_some() { "certified" } else { "infeasible" },
        routing_ratio: threshold.map(deferred),
        threshold,
        guarantee,
        infeasible,
    }
}

fn text(method: &AuditedMethod, alpha: f64, delta: f64) -> String {
    let mut text = String::new();
    let name = if method.method.is_empty() { "audit" } else { &method.method };
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "{name}: {} questions, {} without a confidence; answers differ on {:.4} of them",
        method.questions, method.missing, method.differing
    );
    let (slm, llm) = (method.slm_without_answer, method.llm_without_answer);
    if slm + llm > 0 {
        let _ = writeln!(text, "  without an answer, which counts as differing: SLM {slm}, LLM {llm}");
    }
    let probability = complement(delta);
    match (method.threshold, &method.guarantee, &method.infeasible) {
        (Some(Threshold::DEFER_ALL), ..) => {
            let _ = writeln!(text, "  certified only if every question is deferred");
        }
        (Some(threshold), Some(guarantee), _) => {
            let ratio = method.routing_ratio.unwrap_or_default();
            let Guarantee { trials, losses, .. } = guarantee;
            let _ = writeln!(
                text,
                "  keep iff confidence >= {:.6}: {ratio:.4} deferred\n  \
                 with probability at least {probability}, at most {alpha} of the questions are kept and differ ({losses} of \
                 {trials} tested);\n  on traffic like this the system is at most {alpha} less accurate than the LLM alone",
                threshold.get()
            );
        }
        (_, _, Some(infeasible)) => {
            let questions = infeasible.rows_pool_needed.unwrap_or_default();
            let _ = writeln!(
                text,
                "  not certified: {} tested questions are too few for {alpha} with probability at least {probability}; \
                 audit about {questions}",
                infeasible.rows_tested
            );
        }
        _ => {}
    }
    text
}
