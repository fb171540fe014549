//! Exercises in recall: what stands earlier in the text is the answer. At this size recall comes late or
//! not at all unless it is trained by itself; a sequence that repeats itself helps most.

use std::ops::Range;

use super::draw::Draw;
use super::world::{THINGS, World};

/// An exercise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// The text.
    pub text: String,
    /// Bytes of the text that follow from what stands before them, each from the space before a word to
    /// its end.
    pub answers: Vec<Range<usize>>,
}

impl Recall {
    fn new() -> Self {
        Self { text: String::new(), answers: Vec::new() }
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn answer(&mut self, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.answers.push(start..self.text.len());
    }
}

/// An exercise with at most `pairs` pairs.
pub(crate) fn exercise(pairs: usize, world: &World, draw: &mut Draw) -> Recall {
    match draw.below(4) {
        0 | 1 => repeated(pairs, world, draw),
        2 => list(pairs, world, draw),
        _ => asked(pairs, world, draw),
    }
}

/// A sentence about who has what.
pub(crate) fn sentence(world: &World, draw: &mut Draw) -> String {
    let (person, thing) = (world.person(draw), draw.pick(THINGS));
    format!("{person} had a {thing} once. The {thing} was with {person}.")
}

/// Words in any order, and the same again.
fn repeated(pairs: usize, world: &World, draw: &mut Draw) -> Recall {
    let words = world.words();
    let places = draw.distinct(words.len(), 2 * pairs);
    let length = 3 + draw.below(2 * pairs - 2);
    let mut recall = Recall::new();
    for place in &places[..length] {
        recall.say(&format!(" {}", words[*place]));
    }
    recall.say(" |");
    // The first word of the second run follows from nothing but the rule that it is the first again.
    for place in &places[..length] {
        recall.answer(&format!(" {}", words[*place]));
    }
    recall
}

/// Who has what, a few pairs, then some of them again.
fn list(pairs: usize, world: &World, draw: &mut Draw) -> Recall {
    let count = 2 + draw.below(pairs - 1);
    let (people, things) = (draw.distinct(world.people.len(), count), draw.distinct(THINGS.len(), count));
    let mut recall = Recall::new();
    for (person, thing) in people.iter().zip(&things) {
        recall.say(&format!(" {}: {}.", world.people[*person], THINGS[*thing]));
    }
    recall.say(" |");
    for place in draw.distinct(count, count) {
        recall.say(&format!(" {}:", world.people[people[place]]));
        recall.answer(&format!(" {}", THINGS[things[place]]));
        recall.say(".");
    }
    recall
}

/// Who has what, in sentences, and a question about it in either direction.
fn asked(pairs: usize, world: &World, draw: &mut Draw) -> Recall {
    let count = 1 + draw.below(pairs.min(3));
    let (people, things) = (draw.distinct(world.people.len(), count), draw.distinct(THINGS.len(), count));
    let mut recall = Recall::new();
    for (person, thing) in people.iter().zip(&things) {
        recall.say(&format!(" {} got a {}.", world.people[*person], THINGS[*thing]));
    }
    for place in draw.distinct(count, count) {
        let (person, thing) = (&world.people[people[place]], THINGS[things[place]]);
        if draw.chance(0.5) {
            recall.say(&format!(" What did {person} get?"));
            recall.answer(&format!(" {thing}"));
        } else {
            recall.say(&format!(" Who got the {thing}?"));
            recall.answer(&format!(" {person}"));
        }
        recall.say(".");
    }
    recall
}
