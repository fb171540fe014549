//! `questions`: the pool, one row a question.

use plimsoll_core::records::QuestionRow;

use crate::table::Table;

/// A row is a [`QuestionRow`].
pub const TABLE: Table = Table::new::<QuestionRow<'_>>("questions", 2);
