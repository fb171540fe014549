//! # plimsoll-label
//!
//! Says what a generated text answers, and whether that is right. A text goes through three steps:
//!
//! 1. [`extract()`] finds the answer by named [`RULES`], in order of trust, with the bytes that hold it
//!    ([`token_span`] turns them into tokens). Where there is none it says why: refusal, truncated,
//!    empty, ambiguous, no answer, outside the choices.
//! 2. [`grade()`] compares it with the gold answers: choices and yes or no by label, numbers by exact
//!    value, short texts by exact match or F1 as `CoQA` defines them. What a text without an answer
//!    counts as stands in the plan's [`Policy`]; nothing has a default.
//! 3. Where the policy says so, [`judge`] asks another model about short texts. Its reply is a verdict
//!    in one fixed form or none at all.
//!
//! ## Decisions
//!
//! - *The last explicit statement stands*, since models correct themselves. Two different ones in one
//!   breath (one sentence, or nothing but `the answer is` between them) without a word of correction
//!   are ambiguous, and so is `B or C`.
//! - *A letter is a label only where it stands as one.* `A dog` and `I think` are English.
//! - *Numbers are exact.* `0.5`, `1/2` and `.50` are one number. A percentage is a number of hundredths
//!   (`50%` = 0.5) unless the question or its gold answer speaks of percent; then it is the number
//!   before the sign. `3 million` is 3,000,000 unless the question says `million`. A dozen is a unit.
//!   Which comma groups and which is decimal: see the table in `number/groups.rs`.
//! - *Reasoning is no answer*, whatever its marks ([`plimsoll_core::reasoning`]). A reply that ends within its
//!   reasoning is truncated if it was cut, and has no answer if it was not.
//! - *A cut text* (finish reason length, or a content filter that withheld the rest) has an answer only if an
//!   explicit statement, or the text's beginning, gives it, and the text does not go on to question it (`so 12?
//!   Hmm, ..`); a number at the very end may have gone on and is not taken.
//! - *An exponent or index is no number*: `60 m^2` is 60, `x_1 = 5` is 5. A number to a whole power is its value:
//!   `10^2` is 100.
//! - *Stated confidences* (`Confidence: 90 %`, `I am 90% sure`, a second line `0.9`) are blanked out
//!   first, by the recogniser that reads them for methods ([`plimsoll_core::stated`]).
//! - *A base model that runs on* into an invented next question has answered before it.
//!
//! | module | what it holds |
//! |---|---|
//! | `body`, `markup` | the part of a reply that is the answer; Markdown and LaTeX |
//! | `cue`, `rule` | phrases that announce an answer; the registry of rules |
//! | `choice`, `number`, `boolean`, `span` | one reader per answer kind |
//! | `extract`, `doubt`, `refusal`, `reason`, `tokens` | the decision, and why there is none |
//! | `equal` | whether two texts give the same answer |
//! | `grade`, [`coqa`], `policy`, [`judge`] | grades |

mod body;
mod boolean;
mod choice;
pub mod coqa;
mod cue;
mod doubt;
mod equal;
mod error;
mod extract;
mod grade;
pub mod judge;
mod markup;
mod number;
mod page;
mod policy;
mod read;
mod refusal;
mod rule;
mod span;
#[cfg(test)]
mod testing;
mod tokens;

pub use equal::same_answer;
pub use error::{JudgeError, PolicyError, PolicyProblem};
pub use extract::{Extraction, FoundAnswer, extract};
pub use grade::grade;
pub use judge::{Judge, Verdict};
pub use number::parse_number;
pub use plimsoll_core::label::UngradedReason;
pub use policy::{Policy, RawPolicy, References, SpanGrading, Treatment};
pub use rule::{ExtractionRule, RULES, Tier};
pub use tokens::token_span;
