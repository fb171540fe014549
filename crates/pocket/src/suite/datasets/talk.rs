//! Questions one after the other about one short story (as `CoQA`). A turn's passage is the story and the
//! turns before it; every answer is a word of the story. Hard stories have two people.

use plimsoll_core::AnswerKind;

use crate::suite::draw::{Draw, fill};
use crate::suite::generator::{About, Generator, domain};
use crate::suite::item::{Item, Level};
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
    "Which city is it?",
    "What is the city?",
    "Where is that?",
    "In which city is that?",
    "Where is {p}?",
    "What place is named?",
    "Which place is it?",
    "To what city does one go for that?",
];

/// Questions about the thing.
const THING: &[&str] = &[
    "What does {p} have?",
    "What thing is it?",
    "Which thing has {p}?",
    "What is the thing?",
    "What belongs to {p}?",
    "Which thing is named?",
    "What is there with {p}?",
    "What could {p} show?",
];

/// Questions about the person.
const PERSON: &[&str] = &[
    "Who has the {t}?",
    "Whose is the {t}?",
    "Who is in {c}?",
    "Who is named with {c}?",
    "Who is it with the {t}?",
    "To whom does the {t} belong?",
    "Who knows {c}?",
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
    fn turn(&self, templates: &[&str], slot: &str, draw: &mut Draw) -> (String, String) {
        let answer = self.values.iter().find(|(name, _)| *name == slot).map_or("", |(_, value)| value);
        (fill(templates[draw.template(templates.len())], &self.values), answer.to_owned())
    }
}

impl Generator for Talk {
    fn about(&self) -> &'static About {
        &About {
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

    fn items(&self, world: &World, draw: &mut Draw) -> Vec<Item> {
        let level = Level::ALL[draw.below(3)];
        let (people, cities) = (draw.distinct(world.people.len(), 2), draw.distinct(world.cities.len(), 2));
        let (things, job) = (draw.distinct(THINGS.len(), 2), draw.pick(JOBS));
        let figures = [0, 1].map(|place| {
            let (person, city) = (&world.people[people[place]], &world.cities[cities[place]]);
            Figure { values: [("p", person), ("c", city), ("t", THINGS[things[place]]), ("j", job)] }
        });
        let tell = |figure: &Figure<'_>, templates: &[&str], draw: &mut Draw| {
            fill(templates[draw.template(templates.len())], &figure.values)
        };
        let first = &figures[0];
        let mut story = tell(first, STORIES, draw);
        // A story is held out by its last sentence: one may end as another is.
        let mut key = format!("talk/{story}");
        let mut turns = vec![first.turn(PLACE, "c", draw), first.turn(THING, "t", draw)];
        match level {
            Level::Easy => turns.push(first.turn(PERSON, "p", draw)),
            Level::Medium => {
                story = format!("{} {story}", tell(first, JOB_FIRST, draw));
                turns.push(first.turn(JOB, "j", draw));
            }
            Level::Hard => {
                let last = tell(&figures[1], STORIES, draw);
                key = format!("talk/{last}");
                story = format!("{story} {last}");
                // With two people a question has to name the one it is about.
                let asked = &figures[draw.below(2)];
                turns = vec![
                    asked.turn(&["Whose is the {t}?", "Who has the {t}?"], "p", draw),
                    asked.turn(&["What does {p} have?", "What belongs to {p}?"], "t", draw),
                    asked.turn(&["Where is {p}?", "Which city has {p}?"], "c", draw),
                ];
            }
        }
        conversation(&story, &turns, &key, level)
    }

    fn statement(&self, world: &World, draw: &mut Draw) -> String {
        recall::sentence(world, draw)
    }
}

/// The items of the turns.
fn conversation(story: &str, turns: &[(String, String)], key: &str, level: Level) -> Vec<Item> {
    let mut passage = story.to_owned();
    let mut items = Vec::with_capacity(turns.len());
    for (number, (question, answer)) in turns.iter().enumerate() {
        let item = Item::new(key.to_owned(), question.clone(), answer.clone(), level);
        items.push(Item { passage: Some(passage.clone()), ..item }.in_cluster(story.to_owned()));
        passage.push_str(if number == 0 { "\n\n" } else { "\n" });
        passage.extend(["Q: ", question, "\nA: ", answer]);
    }
    items
}
