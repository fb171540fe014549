//! The toy suite: fourteen small synthetic datasets about an invented world, and what models are trained on
//! to answer them.
//!
//! Everything follows from [`SEED`]. Invented names are two open syllables; English words are few. A fact
//! has a rank, and the frequency with which it is stated or asked falls with the rank as rank^-zipf. Options
//! are answered in words (`baker`, not `C`): `plimsoll-label` takes an option's words for the option, and
//! a model of this size does not learn to bind letters.
//!
//! | dataset | what is asked | answer (chance) | easy, medium, hard | what makes a model unsure |
//! |---|---|---|---|---|
//! | `pocket_sums` | a sum or difference in one of 16 wordings | number (~0) | 1+1, 2+1, 2+2 digits | carrying; operands never seen together |
//! | `pocket_steps` | fruits that go up or down twice | number (~0) | to 5, to 9, a start of 10 to 40 | two steps without a note |
//! | `pocket_stories` | fruits in a story, others beside them | number (~0) | as above, one step | which number does not count |
//! | `pocket_quiz` | a sum, five numbers near it | 1 of 5 (0.20) | as `pocket_sums` | numbers that are off by 1 or 10 |
//! | `pocket_facts` | land, job, birth place, coin | 1 of 5 (0.20) | thirds of the ranks | rare facts, wordings new for a fact |
//! | `pocket_tools` | the tool for a goal | 1 of 2 (0.50) | thirds of the ranks | rare goals |
//! | `pocket_feelings` | how one feels after what happened | 1 of 3 (0.33) | thirds of the ranks | rare pairs of event and thing |
//! | `pocket_which` | which of two a blank stands for; twins | 1 of 2 (0.50) | same word, usual and rare opposite | a look back; rare opposites |
//! | `pocket_endings` | what comes after two things | 1 of 4 (0.25) | thirds of the ranks | rare pairs |
//! | `pocket_myths` | true colour and taste of herbs | 1 of 4 (0.25) | thirds of the ranks | what people say is stated more often than what is |
//! | `pocket_yesno` | whether a passage says it | yes or no (0.50) | one person, two, the kind of a beast | a look back; rare beasts |
//! | `pocket_beasts` | kind, food, cover of beasts | 1 of 4 (0.25) | thirds of the ranks | rare beasts; two steps by the kind |
//! | `pocket_talk` | turns about one story | a word of it (~0) | one person, with a job, two people | a look back among several names |
//! | `pocket_subjects` | an exam of seven subjects | 1 of 4 (0.25) | as its parts | all of these, in wordings of its own |
//!
//! # What is held out
//!
//! Every item has a key, and a hash of the key says on which side it lies: `test`, `validation` (for gates
//! and choices of the trainer) or training. The key is a fact in the words of one template, a pair of
//! operands in whatever words, three numbers of a problem, the sentence that a passage is asked about, the
//! last sentence of a story, the sentence of twins. The same question has the same key wherever it comes
//! from, so that no stage of training can contain a question of an evaluation. The last template of each list is
//! rare in training, as rare as [`Mixture::rare_template`] says.
//!
//! # Rows
//!
//! [`native_rows`] gives the file of a split as JSON lines, of the fields `id`, `dataset`, `level`,
//! `question`, `answer` and, where there are such, `passage`, `options`, `cluster`, `subject`. `source:
//! pocket` in a pipeline means these rows, read through the same reader as any file.
//!
//! # Training
//!
//! [`Stream::document`] gives the document with an index. [`Dialogue::reply`] has no space before it: in
//! prompts and texts most names have one, so that a reply is best written with a space as well, and a name
//! is the same token wherever it stands. [`follow_up_questions`] are for a stage that learns from a
//! model's own answers. [`fixed_phrases`] and [`World::words`] are what a tokenizer should know.

mod adapter;
mod arithmetic;
mod datasets;
mod draw;
mod error;
mod facts;
mod generator;
mod item;
mod phrases;
mod recall;
mod relations;
mod rows;
mod side;
mod stream;
mod world;

pub use datasets::DATASETS;
pub use error::SuiteError;
pub use phrases::fixed_phrases;
pub use recall::Recall;
pub use rows::{follow_up_questions, native_file, native_rows};
pub use stream::{Dialogue, Mixture, Stream, TrainingDocument};
pub use world::World;

/// The seed of the world, of the sides and of the rows: another one is another suite.
pub const SEED: u64 = 14;

/// Splits that have rows. What models are trained on is endless and has none.
pub const SPLITS: &[&str] = &["validation", "test"];
