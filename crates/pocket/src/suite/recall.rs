//! Exercises in recall: what stands earlier in the text is the answer. At this size recall comes late or
//! not at all unless it is trained by itself; a sequence that repeats itself helps most.

use std::ops::Range;

use super::draw::Sampler;
use super::world::{QUALITIES, THINGS, World};

/// An exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// The whole exercise, answers included.
    pub text: String,
    /// Bytes of the text that follow from what stands before them, each from the space before a word to
    /// its end.
    pub answers: Vec<Range<usize>>,
}

impl Recall {
    fn new() -> Self {
        Self { text: String::new(), answers: Vec::new() }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn answer(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.answers.push(start..self.text.len());
    }
}

/// An exercise with at most `pairs` pairs.
pub(crate) fn exercise(pairs: usize, world: &World, draw: &mut Sampler) -> Recall {
    match draw.below(4) {
        0 | 1 => repeated(pairs, world, draw),
        2 => list(pairs, world, draw),
        _ => questions(pairs, world, draw),
    }
}

/// A sentence about who has what.
pub(crate) fn sentence(world: &World, draw: &mut Sampler) -> String {
    let (person, thing) = (world.person(draw), draw.pick(THINGS));
    format!("{person} had a {thing} once. The {thing} was with {person}.")
}

/// Words in any order, and the same again.
fn repeated(pairs: usize, world: &World, draw: &mut Sampler) -> Recall {
    let words = world.words();
    let indices = draw.distinct(words.len(), 2 * pairs);
    let length = 3 + draw.below(2 * pairs - 2);
    let mut recall = Recall::new();
    for index in &indices[..length] {
        recall.push(&format!(" {}", words[*index]));
    }
    recall.push(" |");
    // The first word of the second run follows from nothing but the rule that it is the first again.
    for index in &indices[..length] {
        recall.answer(&format!(" {}", words[*index]));
    }
    recall
}

/// Who has what, a few pairs, then some of them again.
fn list(pairs: usize, world: &World, draw: &mut Sampler) -> Recall {
    let count = 2 + draw.below(pairs - 1);
    let (people, things) = (draw.distinct(world.people.len(), count), draw.distinct(THINGS.len(), count));
    let mut recall = Recall::new();
    for (person, thing) in people.iter().zip(&things) {
        recall.push(&format!(" {}: {}.", world.people[*person], THINGS[*thing]));
    }
    recall.push(" |");
    for index in draw.distinct(count, count) {
        recall.push(&format!(" {}:", world.people[people[index]]));
        recall.answer(&format!(" {}", THINGS[things[index]]));
        recall.push(".");
    }
    recall
}

/// Who has what, in sentences, and a question about it in either direction.
fn questions(pairs: usize, world: &World, draw: &mut Sampler) -> Recall {
    let count = 1 + draw.below(pairs.min(3));
    let (people, things) = (draw.distinct(world.people.len(), count), draw.distinct(THINGS.len(), count));
    let mut recall = Recall::new();
    for (person, thing) in people.iter().zip(&things) {
        recall.push(&format!(" {} got a {}.", world.people[*person], THINGS[*thing]));
    }
    for index in draw.distinct(count, count) {
        let (person, thing) = (&world.people[people[index]], THINGS[things[index]]);
        if draw.chance(0.5) {
            recall.push(&format!(" What did {person} get?"));
            recall.answer(&format!(" {thing}"));
        } else {
            recall.push(&format!(" Who got the {thing}?"));
            recall.answer(&format!(" {person}"));
        }
        recall.push(".");
    }
    recall
}

/// An exercise in comparing, for what a single yes or no a prompt teaches too slowly: whether something stood
/// there, or which of two it is. In wordings that no dataset asks in.
pub(crate) fn comparison(pairs: usize, world: &World, draw: &mut Sampler) -> Recall {
    if draw.chance(0.5) { presence(pairs, world, draw) } else { either(world, draw) }
}

/// Who has what, and whether somebody has something: half the time, and else often what another has.
fn presence(pairs: usize, world: &World, draw: &mut Sampler) -> Recall {
    let count = 1 + draw.below(pairs.min(3));
    let people = draw.distinct(world.people.len(), count);
    // One more than the people have.
    let things = draw.distinct(THINGS.len(), count + 1);
    let mut recall = Recall::new();
    for (person, thing) in people.iter().zip(&things) {
        recall.push(&format!(" {} got a {}.", world.people[*person], THINGS[*thing]));
    }
    for _ in 0..=count {
        let index = draw.below(count);
        let thing = if draw.chance(0.5) { index } else { (index + 1 + draw.below(count)) % (count + 1) };
        recall.push(&format!(" Has {} a {}?", world.people[people[index]], THINGS[things[thing]]));
        recall.answer(if thing == index { " yes" } else { " no" });
        recall.push(".");
    }
    recall
}

/// Which of two it is, asked with the quality that was named and with its opposite.
fn either(world: &World, draw: &mut Sampler) -> Recall {
    let people = draw.distinct(world.people.len(), 2);
    let (a, b) = (&world.people[people[0]], &world.people[people[1]]);
    let (more, less) = QUALITIES[draw.ranked(QUALITIES.len())];
    let mut questions = [(more, a), (less, b)];
    draw.shuffle(&mut questions);
    let mut recall = Recall::new();
    let (named, of) = questions[draw.below(2)];
    recall.push(&format!(" Compare {a} and {b}: {of} is {named}."));
    for (quality, person) in questions {
        recall.push(&format!(" Who is {quality}?"));
        recall.answer(&format!(" {person}"));
        recall.push(".");
    }
    recall
}
