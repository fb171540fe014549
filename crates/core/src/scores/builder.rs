//! Rows in, columns out; every problem of a row has a name.

use plimsoll_router::Confidence;

use super::questions::{QuestionIndex, Questions, ScoreDataset};
use super::{ScoreSeries, ScoreTable};
use crate::id::{DatasetId, DomainId, IdProblem, MethodId, ModelId};
use crate::outcome::Outcome;
use crate::seed::key_of;

/// The name of the SLM where a table has no `slm` column.
pub const DEFAULT_SLM: &str = "slm";

/// One row as it was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawScore<'a> {
    /// Id of the question, unique within its dataset.
    pub question_id: &'a str,
    /// Dataset of the question.
    pub dataset: &'a str,
    /// Domain of the dataset; the dataset itself without one.
    pub domain: Option<&'a str>,
    /// The small model; [`DEFAULT_SLM`] without one.
    pub slm: Option<&'a str>,
    /// The large model.
    pub llm: Option<&'a str>,
    /// Id of the method.
    pub method: &'a str,
    /// The confidence; `None` = missing.
    pub confidence: Option<f64>,
    /// Grade of the SLM's answer; `None` = ungraded.
    pub slm_correct: Option<bool>,
    /// Grade of the LLM's answer; `None` = ungraded.
    pub llm_correct: Option<bool>,
    /// What questions that are not independent share (a passage, a story).
    pub cluster_id: Option<&'a str>,
    /// US dollars of the SLM's answer and its uncertainty.
    pub slm_cost: Option<f64>,
    /// US dollars of the LLM's answer.
    pub llm_cost: Option<f64>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RowProblem {
    /// A confidence outside [0, 1], NaN or infinite.
    #[error(
        "confidence {value} is not a finite number in [0, 1]; rescale it in the table or in the query, leave it empty where it is missing"
    )]
    Confidence {
        /// The refused number.
        value: f64,
    },
    /// A text that cannot be an id.
    #[error("{column} {problem}")]
    Id {
        /// Name of the column.
        column: &'static str,
        /// What is wrong with it.
        problem: IdProblem,
    },
    /// A negative or non-finite cost.
    #[error("{column} {value} is not a finite amount of at least 0")]
    Cost {
        /// Name of the column.
        column: &'static str,
        /// The refused number.
        value: f64,
    },
    /// The second row of a key.
    #[error(
        "second row for question `{question_id}` of dataset `{dataset}` with slm `{slm}`, llm `{llm}` and method `{method}`; a key may occur once"
    )]
    Duplicate {
        /// Question of the key.
        question_id: String,
        /// Dataset of the key.
        dataset: String,
        /// SLM of the key.
        slm: String,
        /// LLM of the key (`-` without one).
        llm: String,
        /// Method of the key.
        method: String,
    },
    /// A dataset in two domains.
    #[error("dataset `{dataset}` has domain `{found}` here and `{before}` in an earlier row")]
    Domain {
        /// Id of the dataset.
        dataset: String,
        /// Its domain here.
        found: String,
        /// Its domain before.
        before: String,
    },
    /// A question in two clusters.
    #[error("question `{question_id}` of dataset `{dataset}` has another cluster_id in an earlier row")]
    Cluster {
        /// The question.
        question_id: String,
        /// Its dataset.
        dataset: String,
    },
    /// More questions, datasets or series than the table can number.
    #[error("more than {limit} {what} in one table")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
}

/// Builds a [`ScoreTable`] row by row.
#[derive(Debug, Default)]
pub struct ScoreTableBuilder {
    questions: Questions,
    index: QuestionIndex,
    dataset_keys: Vec<u64>,
    series: Vec<SeriesBuilder>,
    last_series: usize,
    last_dataset: usize,
}

/// A series that still grows.
#[derive(Debug)]
struct SeriesBuilder {
    series: ScoreSeries,
    slm_cost: Vec<f64>,
    llm_cost: Vec<f64>,
    seen: Vec<u64>,
}

impl ScoreTableBuilder {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row. A refused row leaves the rows of the table as they were.
    ///
    /// # Errors
    /// [`RowProblem`] names what is wrong with the row.
    pub fn push(&mut self, row: &RawScore<'_>) -> Result<(), RowProblem> {
        let confidence = check_numbers(row)?;
        let dataset = self.dataset(row)?;
        let series = self.series(row)?;
        let question = self.question(row, dataset)?;
        let growing = &mut self.series[series];
        if !growing.mark(question) {
            return Err(duplicate(row));
        }
        growing.push(row, question, confidence);
        Ok(())
    }

    /// The finished table, in key order.
    pub fn finish(self) -> ScoreTable {
        let (questions, position) = self.questions.ordered();
        let mut series: Vec<ScoreSeries> = self
            .series
            .into_iter()
            .filter(|growing| !growing.series.is_empty())
            .map(|growing| growing.ordered(&position))
            .collect();
        series.sort_by(|a, b| (&a.slm, &a.llm, &a.method).cmp(&(&b.slm, &b.llm, &b.method)));
        ScoreTable { questions, series, excluded_ungraded: 0 }
    }

    fn dataset(&mut self, row: &RawScore<'_>) -> Result<usize, RowProblem> {
        let datasets = &mut self.questions.datasets;
        let known = match datasets.get(self.last_dataset) {
            Some(last) if last.id.as_str() == row.dataset => Some(self.last_dataset),
            _ => datasets.iter().position(|dataset| dataset.id.as_str() == row.dataset),
        };
        let domain = row.domain.unwrap_or(row.dataset);
        if let Some(index) = known {
            self.last_dataset = index;
            let before = datasets[index].domain.as_str();
            return if before == domain {
                Ok(index)
            } else {
                Err(RowProblem::Domain {
                    dataset: row.dataset.to_owned(),
                    found: domain.to_owned(),
                    before: before.to_owned(),
                })
            };
        }
        if datasets.len() > usize::from(u16::MAX) {
            return Err(RowProblem::TooMany { what: "datasets", limit: u64::from(u16::MAX) + 1 });
        }
        let id = |column| move |problem| RowProblem::Id { column, problem };
        datasets.push(ScoreDataset {
            id: DatasetId::new(row.dataset).map_err(id("dataset"))?,
            domain: DomainId::new(domain).map_err(id("domain"))?,
        });
        self.dataset_keys.push(key_of(0, row.dataset));
        self.last_dataset = datasets.len() - 1;
        Ok(self.last_dataset)
    }

    fn question(&mut self, row: &RawScore<'_>, dataset: usize) -> Result<u32, RowProblem> {
        crate::id::check_id(row.question_id)
            .map_err(|problem| RowProblem::Id { column: "question_id", problem })?;
        if self.questions.len() >= u32::MAX as usize {
            return Err(RowProblem::TooMany { what: "questions", limit: u64::from(u32::MAX) });
        }
        let dataset_key = self.dataset_keys[dataset];
        let position = u16::try_from(dataset).unwrap_or(u16::MAX);
        let (question, new) =
            self.index.find_or_add(&mut self.questions, position, dataset_key, row.question_id);
        // The cluster lives in another key space than the question: a cluster named like a
        // question is not that question.
        let cluster = row
            .cluster_id
            .map_or(self.questions.key(question), |cluster| key_of(dataset_key.rotate_left(1), cluster));
        let stored = &mut self.questions.cluster[question as usize];
        if new {
            *stored = cluster;
        } else if *stored != cluster {
            return Err(RowProblem::Cluster {
                question_id: row.question_id.to_owned(),
                dataset: row.dataset.to_owned(),
            });
        }
        Ok(question)
    }

    fn series(&mut self, row: &RawScore<'_>) -> Result<usize, RowProblem> {
        let slm = row.slm.unwrap_or(DEFAULT_SLM);
        let same = |growing: &SeriesBuilder| {
            let series = &growing.series;
            series.method.as_str() == row.method
                && series.slm.as_str() == slm
                && series.llm.as_ref().map(ModelId::as_str) == row.llm
        };
        if self.series.get(self.last_series).is_some_and(same) {
            return Ok(self.last_series);
        }
        self.last_series = if let Some(index) = self.series.iter().position(same) {
            index
        } else {
            self.series.push(SeriesBuilder::new(row, slm)?);
            self.series.len() - 1
        };
        Ok(self.last_series)
    }
}

impl SeriesBuilder {
    fn new(row: &RawScore<'_>, slm: &str) -> Result<Self, RowProblem> {
        let id = |column| move |problem| RowProblem::Id { column, problem };
        Ok(Self {
            series: ScoreSeries {
                slm: ModelId::new(slm).map_err(id("slm"))?,
                llm: row.llm.map(ModelId::new).transpose().map_err(id("llm"))?,
                method: MethodId::new(row.method).map_err(id("method"))?,
                question: Vec::new(),
                confidence: Vec::new(),
                slm_outcome: Vec::new(),
                llm_outcome: Vec::new(),
                slm_cost_usd: None,
                llm_cost_usd: None,
            },
            slm_cost: Vec::new(),
            llm_cost: Vec::new(),
            seen: Vec::new(),
        })
    }

    /// Marks a question as seen; false if it was.
    fn mark(&mut self, question: u32) -> bool {
        let (word, bit) = ((question / 64) as usize, 1u64 << (question % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        new
    }

    fn push(&mut self, row: &RawScore<'_>, question: u32, confidence: Option<Confidence>) {
        let series = &mut self.series;
        let count = series.question.len();
        series.question.push(question);
        series.confidence.push(confidence.map_or(f64::NAN, Confidence::get));
        series.slm_outcome.push(Outcome::from(row.slm_correct));
        series.llm_outcome.push(Outcome::from(row.llm_correct));
        // A cost column counts only if every row has it, so a gap ends it.
        for (column, cost) in [(&mut self.slm_cost, row.slm_cost), (&mut self.llm_cost, row.llm_cost)] {
            match cost {
                Some(cost) if column.len() == count => column.push(cost),
                _ => column.clear(),
            }
        }
    }

    fn ordered(self, position: &[u32]) -> ScoreSeries {
        let order = in_order(&self.series.question, position);
        fn pick<T: Copy>(column: &[T], order: &[(u32, u32)]) -> Vec<T> {
            order.iter().map(|(_, row)| column[*row as usize]).collect()
        }
        let costs = |column: &[f64]| (column.len() == order.len()).then(|| pick(column, &order));
        let series = self.series;
        ScoreSeries {
            question: order.iter().map(|(question, _)| *question).collect(),
            confidence: pick(&series.confidence, &order),
            slm_outcome: pick(&series.slm_outcome, &order),
            llm_outcome: pick(&series.llm_outcome, &order),
            slm_cost_usd: costs(&self.slm_cost),
            llm_cost_usd: costs(&self.llm_cost),
            ..series
        }
    }
}

/// The rows of a series by the positions of their questions: position and row. A question has one row.
fn in_order(questions: &[u32], position: &[u32]) -> Vec<(u32, u32)> {
    let positioned = questions.iter().zip(0u32..).map(|(question, row)| (position[*question as usize], row));
    if questions.len() < position.len() / MAX_EMPTY {
        let mut order: Vec<(u32, u32)> = positioned.collect();
        order.sort_unstable();
        return order;
    }
    let mut row_at = vec![NO_ROW; position.len()];
    for (position, row) in positioned {
        row_at[position as usize] = row;
    }
    (0u32..).zip(row_at).filter(|(_, row)| *row != NO_ROW).collect()
}

/// A position that no row of a series has. No series has that many rows: there are fewer questions.
const NO_ROW: u32 = u32::MAX;

/// Positions per row above which sorting the rows is less work than walking the positions.
const MAX_EMPTY: usize = 16;

fn check_numbers(row: &RawScore<'_>) -> Result<Option<Confidence>, RowProblem> {
    for (column, cost) in [("slm_cost", row.slm_cost), ("llm_cost", row.llm_cost)] {
        if let Some(value) = cost.filter(|cost| !cost.is_finite() || *cost < 0.0) {
            return Err(RowProblem::Cost { column, value });
        }
    }
    row.confidence
        .map(|value| Confidence::new(value).map_err(|_| RowProblem::Confidence { value }))
        .transpose()
}

fn duplicate(row: &RawScore<'_>) -> RowProblem {
    RowProblem::Duplicate {
        question_id: row.question_id.to_owned(),
        dataset: row.dataset.to_owned(),
        slm: row.slm.unwrap_or(DEFAULT_SLM).to_owned(),
        llm: row.llm.unwrap_or("-").to_owned(),
        method: row.method.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<'a>(question_id: &'a str, dataset: &'a str, method: &'a str) -> RawScore<'a> {
        RawScore {
            question_id,
            dataset,
            method,
            confidence: Some(0.5),
            slm_correct: Some(true),
            ..RawScore::default()
        }
    }

    #[test]
    fn the_order_of_arrival_leaves_no_trace() {
        let rows: Vec<(String, &str)> =
            (0..200).map(|i| (format!("q{i}"), if i % 3 == 0 { "b" } else { "a" })).collect();
        let build = |order: &mut dyn Iterator<Item = usize>| {
            let mut builder = ScoreTableBuilder::new();
            for i in order {
                let (id, dataset) = &rows[i];
                let confidence = Some(i as f64 / 200.0);
                builder.push(&RawScore { confidence, ..row(id, dataset, "m") }).unwrap();
            }
            builder.finish()
        };
        let (forward, backward) = (build(&mut (0..200)), build(&mut (0..200).rev()));
        for table in [&forward, &backward] {
            assert!(table.series[0].question.is_sorted());
            assert_eq!(table.questions.datasets()[0].id.as_str(), "a");
        }
        for index in 0..200u32 {
            assert_eq!(forward.questions.id(index), backward.questions.id(index));
            let row = index as usize;
            assert_eq!(forward.series[0].confidence(row), backward.series[0].confidence(row));
        }
    }

    /// Rows that jump between the questions, and a series of so few that it is sorted.
    #[test]
    fn every_row_is_found_again_whatever_the_order() {
        let mut builder = ScoreTableBuilder::new();
        let id = |i: usize| format!("q{i}");
        for i in (0..300).map(|i| (i * 7) % 300).chain([5, 250, 4]) {
            let method = if builder.questions.len() < 300 { "all" } else { "few" };
            let confidence = Some(i as f64 / 300.0);
            builder.push(&RawScore { confidence, ..row(&id(i), "d", method) }).unwrap();
        }
        let table = builder.finish();
        assert_eq!((table.series[0].len(), table.series[1].len()), (300, 3));
        for series in &table.series {
            assert!(series.question.is_sorted());
            for (row, question) in series.question.iter().enumerate() {
                let found = (series.confidence(row).unwrap().get() * 300.0).round();
                assert_eq!(table.questions.id(*question), format!("q{found}"));
            }
        }
    }

    #[test]
    fn problems_have_names() {
        let mut builder = ScoreTableBuilder::new();
        builder.push(&RawScore { domain: Some("x"), ..row("q", "d", "m") }).unwrap();
        let again = builder.push(&RawScore { domain: Some("x"), ..row("q", "d", "m") });
        assert!(matches!(again, Err(RowProblem::Duplicate { .. })));
        let domain = builder.push(&row("q2", "d", "m"));
        assert!(matches!(domain, Err(RowProblem::Domain { .. })));
        let cluster =
            builder.push(&RawScore { domain: Some("x"), cluster_id: Some("c"), ..row("q", "d", "m2") });
        assert!(matches!(cluster, Err(RowProblem::Cluster { .. })));
        for confidence in [1.7, f64::NAN, f64::INFINITY, -0.1] {
            let refused = builder.push(&RawScore { confidence: Some(confidence), ..row("q3", "e", "m") });
            assert!(matches!(refused, Err(RowProblem::Confidence { .. })));
        }
        let cost = builder.push(&RawScore { slm_cost: Some(-1.0), ..row("q3", "e", "m") });
        assert!(matches!(cost, Err(RowProblem::Cost { .. })));
        assert!(matches!(builder.push(&row("", "e", "m")), Err(RowProblem::Id { .. })));
        assert_eq!(builder.finish().rows(), 1);
    }

    #[test]
    fn missing_is_a_state_and_zero_a_value() {
        let mut builder = ScoreTableBuilder::new();
        builder.push(&RawScore { confidence: None, slm_correct: None, ..row("q1", "d", "m") }).unwrap();
        builder.push(&RawScore { confidence: Some(0.0), ..row("q2", "d", "m") }).unwrap();
        let mut table = builder.finish();
        let series = &table.series[0];
        let scored: Vec<_> = (0..2).filter_map(|r| series.confidence(r)).map(Confidence::get).collect();
        assert_eq!(scored, [0.0]);
        table.exclude_ungraded();
        assert_eq!((table.rows(), table.excluded_ungraded), (1, 1));
    }

    #[test]
    fn a_cost_column_with_a_gap_is_no_cost_column() {
        let mut builder = ScoreTableBuilder::new();
        for (id, slm_cost) in [("a", Some(1.0)), ("b", None), ("c", Some(1.0))] {
            builder.push(&RawScore { slm_cost, llm_cost: Some(2.0), ..row(id, "d", "m") }).unwrap();
        }
        let table = builder.finish();
        assert!(table.series[0].slm_cost_usd.is_none());
        assert_eq!(table.series[0].llm_cost_usd, Some(vec![2.0; 3]));
    }
}
