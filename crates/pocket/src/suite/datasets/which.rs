//! Which of two people a blank stands for (as `WinoGrande`). Items are twins: the blank is asked once in
//! the words of the sentence and once in the opposite ones, which a model has to know.

use plimsoll_core::AnswerKind;

use crate::suite::draw::{Sampler, fill};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::{Difficulty, SuiteItem};
use crate::suite::world::{QUALITIES, World};

/// Sentences: `{q}` is said of `{a}`, `{r}` is what the blank is.
const TEMPLATES: &[&str] = &[
    "{a} is {q} than {b}. The {r} one is _.",
    "{a} is {q} than {b}, so the {r} of the two is _.",
    "{a} was {q} than {b}. The one who was {r} is _.",
    "{a} looks {q} than {b}. The one who looks {r} is _.",
    "{a} seems {q} than {b}, so they call _ the {r} one.",
    "All know that {a} is {q} than {b}. Who is {r}? It is _.",
    "They say {a} is {q} than {b}, and the {r} friend is _.",
    "Than {b}, {a} is {q}, which makes _ the {r} one.",
];

/// Sentences about opposites.
const OPPOSITES: &[&str] = &[
    "The opposite of {q} is {r}.",
    "Who is not {q} is {r}.",
    "If one is {q}, the other is {r}.",
    "{q} and {r} are opposites.",
    "One is {q} and one is {r}.",
    "Not {q} means {r}.",
    "To be {q} is not to be {r}.",
    "There is no {q} without {r}.",
];

/// The maker.
#[derive(Debug)]
pub(super) struct Which;

impl Generator for Which {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_which",
            name: "Pocket which",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_which_test.jsonl"]),
                ("validation", &["pocket_which_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let people = draw.distinct(world.people.len(), 2);
        let (a, b) = (world.people[people[0]].as_str(), world.people[people[1]].as_str());
        let (rank, template) = (draw.ranked(QUALITIES.len()), draw.template(TEMPLATES.len()));
        let (named, opposite) = either(rank, draw);
        let key = format!("which/{a}/{b}/{named}/{template}");
        let mut options = vec![a.to_owned(), b.to_owned()];
        draw.shuffle(&mut options);
        let rare = if 2 * rank < QUALITIES.len() { Difficulty::Medium } else { Difficulty::Hard };
        let twin = |asked: &str, answer: &str, level| {
            let question = fill(TEMPLATES[template], &[("a", a), ("b", b), ("q", named), ("r", asked)]);
            let item = SuiteItem::new(key.clone(), question, answer, level);
            SuiteItem { options: options.clone(), ..item }.in_cluster(key.clone())
        };
        vec![twin(named, a, Difficulty::Easy), twin(opposite, b, rare)]
    }

    fn statement(&self, _world: &World, draw: &mut Sampler) -> String {
        let rank = draw.ranked(QUALITIES.len());
        let (named, opposite) = either(rank, draw);
        fill(OPPOSITES[draw.template(OPPOSITES.len())], &[("q", named), ("r", opposite)])
    }
}

/// A quality and its opposite, either first.
fn either(rank: usize, draw: &mut Sampler) -> (&'static str, &'static str) {
    let (more, less) = QUALITIES[rank];
    if draw.chance(0.5) { (more, less) } else { (less, more) }
}
