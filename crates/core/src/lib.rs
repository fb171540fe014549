//! # plimsoll-core
//!
//! The domain types that every stage shares: ids, labelled seeds, graded outcomes, and the score
//! table, which is what calibration starts from. No IO.
//!
//! | module | what it holds |
//! |---|---|
//! | [`id`] | newtypes for the ids of datasets, domains, models and methods |
//! | [`seed`] | seeds that are derived by label, so that adding work never shifts other work's randomness |
//! | [`question`], [`prompt`], [`label`] | a question, how it is asked, what came of an answer |
//! | [`canonical`] | canonical JSON and hashes, which name what something was made from |
//! | [`decoding`], [`signal`] | how answers are decoded, and what is observed beside them |
//! | [`finish`], [`reasoning`] | how a generation ended; which part of a reply is the answer |
//! | [`reply`], [`stated`] | a reply, and where another turn begins in it; the confidences that it states |
//! | [`exact`], [`view`] | exact numbers; texts as folded characters |
//! | [`json`] | JSON with `NaN` and `Infinity` in it |
//! | [`missing`] | why something that was asked of a model is not there |
//! | [`outcome`] | correct, wrong, or ungraded |
//! | [`records`] | the rows of the tables that are written |
//! | [`scores`] | the score table: questions, and one series of confidences per (SLM, LLM, method) |

pub mod canonical;
pub mod decoding;
pub mod exact;
pub mod finish;
pub mod id;
pub mod json;
pub mod label;
pub mod missing;
mod named;
pub mod outcome;
pub mod prompt;
pub mod question;
pub mod reasoning;
pub mod records;
pub mod reply;
pub mod schema;
pub mod scores;
pub mod seed;
pub mod signal;
pub mod stated;
mod tag;
pub mod view;

pub use decoding::Decoding;
pub use exact::ExactNumber;
pub use finish::Finish;
pub use id::{DatasetId, DomainId, MethodId, ModelId, QuestionId};
pub use label::Label;
pub use missing::MissingSignal;
pub use outcome::Outcome;
pub use prompt::Prompt;
pub use question::{AnswerKind, Choice, Question};
pub use reply::Reply;
pub use scores::{OtherLength, RawScore, RowProblem, ScoreSeries, ScoreTable, ScoreTableBuilder, SeriesKey};
pub use seed::Seed;
pub use signal::SignalRequest;
