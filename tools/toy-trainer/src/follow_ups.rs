//! Questions about the model's own answers: is the answer right, and how sure is it? The targets come from
//! grading a greedy answer and some samples to fresh questions of the training side.
//!
//! Nothing is learnt of a wrong answer itself: it stands in the dialogue, without weight.

use plimsoll_core::prompt::{Message, Role};
use plimsoll_core::{Question, Seed};
use plimsoll_engine::LanguageModel;
use plimsoll_engine::chat::Moment;
use plimsoll_engine::sampling::Sampling;
use plimsoll_ingest::Dataset;
use plimsoll_ingest::prompts::{P_TRUE, PromptSpec, PromptStyle, VERBALIZATION_2S, prompt};
use rand::Rng as _;

use super::config::FollowUpPhase;
use super::error::TrainError;
use super::evaluation::reply;
use super::generate::{GenerationSpec, generate};
use super::reader::DocumentReader;
use super::sample::TrainingSample;
use plimsoll_pocket::suite::{DATASETS, follow_up_questions};

/// Maximum number of tokens of an answer.
const MAX_TOKENS: usize = 12;
/// The confidences that a model may state, by how many of the greedy answer and four samples are right; of
/// other numbers of samples the nearest.
const CONFIDENCES: [&str; 6] = ["0.05", "0.2", "0.4", "0.6", "0.8", "0.95"];

/// A question with its answers.
struct AnsweredQuestion<'a> {
    question: &'a Question,
    /// The greedy one first.
    answers: Vec<String>,
}

impl AnsweredQuestion<'_> {
    fn right(&self, answer: &str) -> bool {
        right(self.question, answer)
    }

    fn count(&self) -> usize {
        self.answers.iter().filter(|answer| self.right(answer)).count()
    }

    fn confidence(&self) -> &'static str {
        let index = self.count() * (CONFIDENCES.len() - 1) * 2 + self.answers.len();
        CONFIDENCES[(index / (2 * self.answers.len().max(1))).min(CONFIDENCES.len() - 1)]
    }

    /// Whether samples disagree on it.
    fn mixed(&self) -> bool {
        (1..self.answers.len()).contains(&self.count())
    }
}

/// Whether an answer is the reply that is taught, or its letter.
pub fn right(question: &Question, answer: &str) -> bool {
    let answer = answer.trim().trim_end_matches('.');
    let gold = question.gold.first().map_or("", String::as_str);
    answer.eq_ignore_ascii_case(reply(question)) || answer == gold
}

/// Dialogues about a model's own answers.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUpSamples {
    /// The dialogues, shuffled.
    pub samples: Vec<TrainingSample>,
    /// The share of greedy answers that were right, of each dataset.
    pub right: Vec<(String, f64)>,
}

/// Generates answers and builds dialogues about them.
///
/// # Errors
/// [`TrainError`] for questions that cannot be had and a model that cannot be asked.
pub fn samples(
    model: &LanguageModel,
    config: &FollowUpPhase,
    seed: Seed,
    reader: &mut DocumentReader,
) -> Result<FollowUpSamples, TrainError> {
    let (mut samples, mut shares) = (Vec::new(), Vec::new());
    for dataset in DATASETS {
        let seed = seed.derive(dataset.id());
        let suite =
            |source| TrainError::Suite { what: format!("fresh questions of {}", dataset.id()), source };
        let questions = follow_up_questions(dataset.id(), seed, config.questions).map_err(suite)?;
        let answered = answered(model, *dataset, &questions, config, seed)?;
        let right = answered.iter().filter(|one| one.right(&one.answers[0])).count();
        shares.push((dataset.id().to_owned(), right as f64 / answered.len().max(1) as f64));
        let mut rng = seed.derive("kept").rng();
        for one in &answered {
            if one.mixed() || rng.random::<f64>() < config.plain_share {
                samples.extend(dialogues(one, *dataset, reader)?);
            }
        }
    }
    let mut rng = seed.derive("order").rng();
    for index in (1..samples.len()).rev() {
        samples.swap(index, rng.random_range(0..=index));
    }
    Ok(FollowUpSamples { samples, right: shares })
}

fn answered<'q>(
    model: &LanguageModel,
    dataset: &dyn Dataset,
    questions: &'q [Question],
    config: &FollowUpPhase,
    seed: Seed,
) -> Result<Vec<AnsweredQuestion<'q>>, TrainError> {
    let spec = PromptSpec::new(dataset, PromptStyle::Direct);
    let prompts: Vec<_> = questions.iter().map(|question| prompt(question, &[], &spec)).collect();
    let chats: Vec<&[Message]> = prompts.iter().map(|prompt| prompt.messages.as_slice()).collect();
    let failed = |problem: String| TrainError::Engine {
        path: dataset.id().into(),
        source: Box::new(plimsoll_engine::EngineError::Damaged { path: dataset.id().into(), problem }),
    };
    let spec = GenerationSpec {
        samples: config.samples,
        sampling: Sampling::at(1.0).map_err(|error| failed(error.to_string()))?,
        max_tokens: MAX_TOKENS,
        seed: seed.derive("answers"),
        now: Moment::date(2000, 1, 1).map_err(|error| failed(error.to_string()))?,
    };
    let answers = generate(model, &chats, &spec).map_err(TrainError::engine(dataset.id().as_ref()))?;
    Ok(questions
        .iter()
        .zip(answers)
        .map(|(question, answers)| AnsweredQuestion { question, answers })
        .collect())
}

/// The dialogues about one question: each distinct answer graded, the greedy one twice, a confidence after
/// the answer and one beside it.
fn dialogues(
    one: &AnsweredQuestion<'_>,
    dataset: &dyn Dataset,
    reader: &mut DocumentReader,
) -> Result<Vec<TrainingSample>, TrainError> {
    let spec = PromptSpec::new(dataset, PromptStyle::Direct);
    let direct = prompt(one.question, &[], &spec);
    let greedy = one.answers[0].as_str();
    let mut distinct = vec![greedy];
    for answer in &one.answers {
        if !distinct.iter().any(|known| known.trim() == answer.trim()) {
            distinct.push(answer);
        }
    }
    distinct.push(greedy);
    let mut samples = Vec::new();
    let after = |id: &str, answer: &str| {
        let mut messages = direct.messages.clone();
        messages.push(Message { role: Role::Assistant, text: answer.to_owned() });
        let text = direct.follow_up(id).map_or(String::new(), |follow_up| follow_up.text(answer));
        messages.push(Message { role: Role::User, text });
        messages
    };
    for answer in distinct {
        let grade = if one.right(answer) { "True" } else { "False" };
        samples.push(reader.dialogue(&after(P_TRUE, answer), &[(grade, 1.0)], 0.0)?);
    }
    let confidence = one.confidence();
    samples.push(reader.dialogue(&after(VERBALIZATION_2S, greedy), &[(confidence, 1.0)], 0.0)?);
    let beside = prompt(one.question, &[], &spec.verbalized());
    let weight = if one.right(greedy) { 1.0 } else { 0.0 };
    let parts = [
        ("Answer:", 1.0),
        (&*format!(" {}", greedy.trim()), weight),
        ("\nConfidence:", 1.0),
        (&*format!(" {confidence}"), 1.0),
    ];
    samples.push(reader.dialogue(&beside.messages, &parts, 0.0)?);
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidences_follow_the_share_of_right_answers() {
        let questions = follow_up_questions("pocket_facts", Seed::new(1), 1).unwrap();
        let question = &questions[0];
        let answers_of = |count: usize, of: usize| {
            let answers = (0..of).map(|index| if index < count { reply(question) } else { "nothing" });
            AnsweredQuestion { question, answers: answers.map(|answer| format!(" {answer}")).collect() }
        };
        let confidences: Vec<&str> = (0..=5).map(|count| answers_of(count, 5).confidence()).collect();
        assert_eq!(confidences, CONFIDENCES);
        assert_eq!(
            [answers_of(0, 2), answers_of(1, 2), answers_of(2, 2)].map(|one| one.confidence()),
            ["0.05", "0.6", "0.95"]
        );
        assert!(answers_of(1, 5).mixed() && !answers_of(0, 5).mixed() && !answers_of(5, 5).mixed());
        assert!(right(question, &question.gold[0]) && !right(question, "nothing"));
    }

    #[test]
    fn wrong_answers_stand_without_weight() {
        let questions = follow_up_questions("pocket_facts", Seed::new(1), 1).unwrap();
        let dataset = DATASETS.iter().find(|dataset| dataset.id() == "pocket_facts").unwrap();
        let texts = vec!["wrong True False Answer: Confidence: 0.2 ".repeat(3)];
        let json = crate::vocabulary::learn(&texts, &[], 330).unwrap();
        let mut reader = DocumentReader::new(&json, 330).unwrap();
        let learnt = |sample: &TrainingSample, reader: &DocumentReader| -> String {
            let positions = (0..sample.tokens.len()).filter(|index| sample.weights[*index] > 0.0);
            reader.text(&positions.map(|index| sample.tokens[index]).collect::<Vec<_>>()).unwrap()
        };
        let answers = vec![" wrong".to_owned(), " other".to_owned(), format!(" {}", reply(&questions[0]))];
        let one = AnsweredQuestion { question: &questions[0], answers };
        let samples = dialogues(&one, *dataset, &mut reader).unwrap();
        let answers_of: Vec<String> = samples.iter().map(|sample| learnt(sample, &reader)).collect();
        let expected = [" False", " False", " True", " False", " 0.4", " Answer:\nConfidence: 0.4"];
        assert_eq!(answers_of, expected);
    }
}
