//! `plimsoll model generate`.

use clap::Args;
use plimsoll_core::Seed;
use plimsoll_core::prompt::{Message, Role};
use plimsoll_engine::generation::Generated;
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{GenerationOptions, LanguageModel};
use serde::Serialize;

use super::Token;
use crate::arguments::model::{ComputeArguments, ModelArguments, TemplateArguments};
use crate::console::Console;
use crate::progress::tokens;
use plimsoll_pipeline::config::models::{Date, TEMPLATE_DATE};
use plimsoll_pipeline::models::engine_failure;
use plimsoll_pipeline::observer::Progress as _;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// Let a model answer a prompt.
///
/// The prompt becomes a chat with one message, written by the model's own template; with --raw it is
/// continued as it stands. Temperature 0 takes the likeliest token each time; above 0 the tokens depend on the
/// prompt and the seed alone. Log-probabilities are those before temperature and truncation. On a terminal the
/// answer is shown as it grows.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll model generate --model models/SmolLM2-135M-Instruct --prompt \"What is 12 * 12?\"
  plimsoll model generate --model model.gguf --prompt \"Once upon a time\" --raw --temperature 0.8 --seed 7
  plimsoll model generate --model hf://Qwen/Qwen3-0.6B --prompt \"Hello\" --template-variable enable_thinking=false
  plimsoll model generate --model hf://Qwen/Qwen2.5-0.5B-Instruct --prompt \"Hello\" --json")]
pub(crate) struct GenerateArguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    compute: ComputeArguments,
    #[command(flatten)]
    template: TemplateArguments,
    /// The prompt
    #[arg(long, value_name = "P")]
    prompt: String,
    /// Continue the prompt as it stands, without a chat template
    #[arg(long, conflicts_with = "variables")]
    raw: bool,
    /// What a system message says
    #[arg(long, value_name = "TEXT", conflicts_with = "raw")]
    system: Option<String>,
    /// What logits are divided by; 0 takes the likeliest token
    #[arg(long, value_name = "T", default_value_t = 0.0, allow_negative_numbers = true)]
    temperature: f64,
    /// Draw from the smallest set of tokens whose probability reaches this
    #[arg(long, value_name = "P", default_value_t = 1.0, allow_negative_numbers = true)]
    top_p: f64,
    /// Draw from the likeliest so many tokens
    #[arg(long, value_name = "K")]
    top_k: Option<usize>,
    /// Draw from tokens at least this share as likely as the likeliest
    #[arg(long, value_name = "P", default_value_t = 0.0, allow_negative_numbers = true)]
    min_p: f64,
    /// What samples are drawn from
    #[arg(long, value_name = "N", default_value_t = 50)]
    seed: u64,
    /// Most tokens of the answer
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    max_new_tokens: u32,
    /// A string that ends the answer; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// The day that templates take for today; fixed, so that a prompt has the same tokens on any day
    #[arg(long, value_name = "YYYY-MM-DD", default_value_t = TEMPLATE_DATE, value_parser = Date::parse)]
    date: Date,
}

#[derive(Debug, Serialize)]
struct Document {
    text: String,
    finish_reason: &'static str,
    tokens: Vec<Token>,
}

/// Runs the command.
pub(super) fn run(arguments: &GenerateArguments, console: &Console) -> Result<(), Failure> {
    let sampling = sampling(arguments)?;
    let located = arguments.template.give(arguments.model.open(console)?)?;
    let model = arguments.compute.load(located, console)?;
    let prompt = if arguments.raw {
        model.encode_text(&arguments.prompt)
    } else {
        model.encode_chat(&messages(arguments), arguments.date.moment())
    };
    let prompt = prompt.map_err(engine_failure)?;
    let answer = GenerationOptions {
        sampling,
        max_tokens: arguments.max_new_tokens as usize,
        stop_strings: arguments.stop.clone(),
        seed: Seed::new(arguments.seed),
    };
    if console.streams() {
        return stream(&model, &prompt, &answer);
    }
    let progress = tokens(console, "generate");
    let generated = model.generate(&prompt, &answer, &mut |_| progress.step()).map_err(engine_failure)?;
    drop(progress);
    if console.json() { console.document(&document(&generated)) } else { console.text(generated.text + "\n") }
}

/// Shows the answer as it grows.
fn stream(model: &LanguageModel, prompt: &[u32], answer: &GenerationOptions) -> Result<(), Failure> {
    let mut shown = String::new();
    let mut written = Ok(());
    let generated = model.generate(prompt, answer, &mut |settled| {
        if let Some(new) = settled.strip_prefix(&shown)
            && written.is_ok()
        {
            written = Console::stream(new);
            settled.clone_into(&mut shown);
        }
    });
    let generated = generated.map_err(engine_failure)?;
    written?;
    match generated.text.strip_prefix(&shown) {
        Some(rest) => Console::stream(&format!("{rest}\n")),
        // A tokenizer whose parts do not join: what was shown is not what the text has become.
        None => Console::stream(&format!("\n{}\n", generated.text)),
    }
}

fn sampling(arguments: &GenerateArguments) -> Result<Sampling, Failure> {
    let sampling = Sampling::at(arguments.temperature).or_fail(FailureKind::Usage)?;
    let sampling = sampling.with_top_p(arguments.top_p).or_fail(FailureKind::Usage)?;
    let sampling = sampling.with_min_p(arguments.min_p).or_fail(FailureKind::Usage)?;
    match arguments.top_k {
        Some(top_k) => sampling.with_top_k(top_k).or_fail(FailureKind::Usage),
        None => Ok(sampling),
    }
}

fn messages(arguments: &GenerateArguments) -> Vec<Message> {
    let system = arguments.system.iter().map(|text| Message { role: Role::System, text: text.clone() });
    system.chain([Message { role: Role::User, text: arguments.prompt.clone() }]).collect()
}

fn document(generated: &Generated) -> Document {
    let tokens = generated.tokens.iter().zip(generated.token_texts());
    Document {
        text: generated.text.clone(),
        finish_reason: generated.finish.name(),
        tokens: tokens
            .map(|(token, text)| Token { id: token.id, text: text.to_owned(), logprob: Some(token.logprob) })
            .collect(),
    }
}
