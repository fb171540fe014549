//! A source in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll_core::Question;
use plimsoll_core::prompt::Role;
use plimsoll_ingest::RejectedRow;
use plimsoll_ingest::prompts::VERSION;

use super::prompts::Shown;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::questions::QuestionSet;

/// Reasons that are worth listing.
const MAX_REASONS: usize = 8;
/// Files that are worth listing.
const MAX_FILES: usize = 4;

/// What became of the rows.
pub(super) fn text(read: &QuestionSet) -> String {
    let (dataset, ingested) = (read.dataset.get(), &read.ingested);
    let mut text = format!(
        "{} ({}), domain {}, answers: {}, licence: {}\n",
        dataset.id(),
        dataset.name(),
        dataset.domain(),
        dataset.answer_kind().name(),
        dataset.licence()
    );
    for file in read.files.iter().take(MAX_FILES) {
        let short = &file.sha256[..12.min(file.sha256.len())];
        text.push_str(&line("file", &format!("{} (sha256 {short})", file.name)));
    }
    if let Some(rest) = read.files.len().checked_sub(MAX_FILES + 1) {
        text.push_str(&line("", &format!("and {} more", rest + 1)));
    }
    if let Some(commit) = &read.commit {
        text.push_str(&line("commit", commit));
    }
    if let Some(question) = ingested.questions.first() {
        text.push_str(&line("split", &question.split));
    }
    let (asked, refused) = (ingested.questions.len(), ingested.refused.len());
    text.push_str(&line("rows", &format!("{}: {asked} questions, {refused} refused", ingested.rows)));
    text.push_str(&reasons(&ingested.refused));
    text.push_str(&line("groups", &groups(&ingested.questions)));
    text
}

fn line(name: &str, value: &str) -> String {
    format!("  {name:8} {value}\n")
}

/// Rejected rows by reason, the most frequent first, each with its first row.
fn reasons(refused: &[RejectedRow]) -> String {
    let mut by_reason = BTreeMap::<String, (usize, &RejectedRow)>::new();
    for row in refused {
        by_reason.entry(row.reason.to_string()).or_insert((0, row)).0 += 1;
    }
    let mut reasons: Vec<(String, (usize, &RejectedRow))> = by_reason.into_iter().collect();
    reasons.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
    let mut text = String::new();
    for (index, (reason, (count, first))) in reasons.iter().take(MAX_REASONS).enumerate() {
        let file = first.file.file_name().unwrap_or_default().to_string_lossy();
        let name = if index == 0 { "refused" } else { "" };
        text.push_str(&line(name, &format!("{count} {reason} (first: `{file}` row {})", first.row)));
    }
    if reasons.len() > MAX_REASONS {
        text.push_str(&line(
            "",
            &format!("and {} other reasons; --json lists every row", reasons.len() - MAX_REASONS),
        ));
    }
    text
}

/// How many clusters there are: questions of one cluster are not independent.
fn groups(questions: &[Question]) -> String {
    let mut sizes = BTreeMap::<&str, usize>::new();
    for question in questions {
        *sizes.entry(question.cluster()).or_default() += 1;
    }
    let largest = sizes.values().copied().max().unwrap_or_default();
    match largest {
        0 | 1 => format!("{} (every question stands alone)", sizes.len()),
        _ => format!("{} (questions of one passage, story or scene; the largest has {largest})", sizes.len()),
    }
}

/// One question, and its prompts if they were asked for.
pub(super) fn question(
    read: &QuestionSet,
    id: Option<&str>,
    prompts: Option<&[Shown]>,
) -> Result<String, Failure> {
    let shown_id = id.or_else(|| Some(prompts?.first()?.question_id.as_str()));
    let wanted = |question: &&Question| shown_id.is_none_or(|id| question.question_id.as_str() == id);
    let Some(question) = read.ingested.questions.iter().find(wanted) else {
        return match id {
            Some(id) => Err(Failure::usage(format!("there is no question `{}`", id.escape_debug()))),
            None => Ok(String::new()),
        };
    };
    let mut text = format!("\n{}\n", question.question_id);
    if let Some(context) = &question.context {
        text.push_str(&indented(context));
    }
    text.push_str(&indented(&question.question));
    for choice in &question.choices {
        text.push_str(&indented(&format!("{}. {}", choice.label, choice.text)));
    }
    let _ = writeln!(text, "  gold: {}", question.gold.join(" | "));
    let Some(prompts) = prompts else { return Ok(text) };
    let shown: Vec<&Shown> =
        prompts.iter().filter(|shown| shown.question_id == question.question_id.as_str()).collect();
    if shown.is_empty() {
        let _ = writeln!(text, "\nno prompt: its role is not the main one (see --few-shot)");
    }
    for prompt_shown in shown {
        text.push_str(&prompt(prompt_shown));
    }
    Ok(text)
}

fn prompt(shown: &Shown) -> String {
    let kind = if shown.verbalized { "prompt with a confidence (verbalization_1s)" } else { "main prompt" };
    let mut text = format!("\n{kind}, version {VERSION}, sha256 {}\n", shown.prompt_hash);
    for message in &shown.prompt.messages {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let _ = write!(text, "  [{role}]\n{}", indented(&message.text));
    }
    for follow_up in &shown.prompt.follow_ups {
        let how = if follow_up.continues { "after the answer" } else { "by itself" };
        let _ = write!(text, "  [follow-up {}, {how}]\n{}", follow_up.id, indented(&follow_up.template));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
}
