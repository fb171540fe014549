//! Questions one after the other about one short story (as `CoQA`). A turn's passage is the story and the
//! turns before it; every answer is a word of the story. Hard stories have two people.

use plimsoll_core::AnswerKind;

use crate::suite::draw::{Sampler, fill};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::{Difficulty, SuiteItem};
use crate::suite::recall;
use crate::suite::world::{JOBS, THINGS, World};

/// Stories of one person.
const STORIES: &[&str] = &[
    "{p} lives in {c} and has a {t}.",
    "In {c} lives {p}, who has a {t}.",
    "{p} from {c} has a {t}.",
    "{p} took a {t} to {c}.",
    "There is a {t} in {c}. It belongs to {p}.",
    "{p} went to {c} with a {t}.",
    "{p} is in {c} now and holds a {t}.",
    "In {c} a {t} was given to {p}.",
];

/// What may be said before, with a job.
const JOB_FIRST: &[&str] =
    &["{p} is a {j}.", "{p}, a {j}, was there.", "Meet {p}, a {j}.", "Here is the {j} {p}."];

/// Questions about the place.
const PLACE: &[&str] = &[
    "Where is {p}?",
    "Which city has {p}?",
    "In which city is {p}?",
    "What is the city of {p}?",
    "{p} is where?",
    "What place is named with {p}?",
    "Which place is it for {p}?",
    "To find {p}, one goes where?",
];

/// Questions about the thing.
const THING: &[&str] = &[
    "What does {p} have?",
    "Which thing has {p}?",
    "What belongs to {p}?",
    "What is the thing of {p}?",
    "What is there with {p}?",
    "Which thing is named with {p}?",
    "{p} has what?",
    "What could {p} show?",
];

/// Questions about the person.
const PERSON: &[&str] = &[
    "Who has the {t}?",
    "Whose is the {t}?",
    "To whom does the {t} belong?",
    "Who is it with the {t}?",
    "Who owns the {t}?",
    "Who is named with the {t}?",
    "The {t} is whose?",
    "Whom would you ask for the {t}?",
];

/// Questions about the job.
const JOB: &[&str] = &[
    "What job does {p} do?",
    "What work is named?",
    "What does {p} do?",
    "Which job is it?",
    "What is {p}?",
    "What is the work?",
    "Which job is that of {p}?",
    "As what does one know {p}?",
];

/// The maker.
#[derive(Debug)]
pub(super) struct Talk;

/// A person of a story.
struct Figure<'a> {
    values: [(&'static str, &'a str); 4],
}

impl Figure<'_> {
    /// A question about one of its parts, with the answer.
    fn turn(&self, templates: &[&str], slot: &str, draw: &mut Sampler) -> (String, String) {
        let answer = self.values.iter().find(|(name, _)| *name == slot).map_or("", |(_, value)| value);
        (fill(templates[draw.template(templates.len())], &self.values), answer.to_owned())
    }
}

impl Generator for Talk {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_talk",
            name: "Pocket talk",
            domain: domain::CONVERSATIONAL,
            kind: AnswerKind::Span,
            files: &[
                ("test", &["pocket_talk_test.jsonl"]),
                ("validation", &["pocket_talk_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let level = Difficulty::ALL[draw.below(3)];
        let (people, cities) = (draw.distinct(world.people.len(), 2), draw.distinct(world.cities.len(), 2));
        let (things, job) = (draw.distinct(THINGS.len(), 2), draw.pick(JOBS));
        let figures = [0, 1].map(|index| {
            let (person, city) = (&world.people[people[index]], &world.cities[cities[index]]);
            Figure { values: [("p", person), ("c", city), ("t", THINGS[things[index]]), ("j", job)] }
        });
        let statement = |figure: &Figure<'_>, templates: &[&str], draw: &mut Sampler| {
            fill(templates[draw.template(templates.len())], &figure.values)
        };
        let first = &figures[0];
        let mut story = statement(first, STORIES, draw);
        // A story is held out by its last sentence: one may end as another is.
        let mut key = format!("talk/{story}");
        let mut asked = first;
        match level {
            Difficulty::Easy => {}
            Difficulty::Medium => story = format!("{} {story}", statement(first, JOB_FIRST, draw)),
            Difficulty::Hard => {
                let last = statement(&figures[1], STORIES, draw);
                key = format!("talk/{last}");
                story = format!("{story} {last}");
                asked = &figures[draw.below(2)];
            }
        }
        let person = if level == Difficulty::Medium {
            asked.turn(JOB, "j", draw)
        } else {
            asked.turn(PERSON, "p", draw)
        };
        let mut turns = [person, asked.turn(PLACE, "c", draw), asked.turn(THING, "t", draw)];
        draw.shuffle(&mut turns);
        conversation(&story, &turns, &key, level)
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        recall::sentence(world, draw)
    }
}

/// The items of the turns.
fn conversation(story: &str, turns: &[(String, String)], key: &str, level: Difficulty) -> Vec<SuiteItem> {
    let mut passage = story.to_owned();
    let mut items = Vec::with_capacity(turns.len());
    for (number, (question, answer)) in turns.iter().enumerate() {
        let item = SuiteItem::new(key.to_owned(), question.clone(), answer.clone(), level);
        items.push(SuiteItem { passage: Some(passage.clone()), ..item }.in_cluster(story.to_owned()));
        passage.push_str(if number == 0 { "\n\n" } else { "\n" });
        passage.extend(["Q: ", question, "\nA: ", answer]);
    }
    items
}
