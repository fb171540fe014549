//! Exercises in recall: what stands earlier in the text is the answer. At this size recall comes late or
//! not at all unless it is trained by itself; a sequence that repeats itself helps most.

use std::ops::Range;

use super::draw::Draw;
use super::world::{QUALITIES, THINGS, World};

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

/// An exercise in comparing, for what a single yes or no a prompt teaches too slowly: whether something stood
/// there, or which of two it is. In wordings that no dataset asks in.
pub(crate) fn comparison(pairs: usize, world: &World, draw: &mut Draw) -> Recall {
    if draw.chance(0.5) { judged(pairs, world, draw) } else { either(world, draw) }
}

/// Who has what, and whether somebody has something: half the time, and else often what another has.
fn judged(pairs: usize, world: &World, draw: &mut Draw) -> Recall {
    let count = 1 + draw.below(pairs.min(3));
    let people = draw.distinct(world.people.len(), count);
    // One more than the people have.
    let things = draw.distinct(THINGS.len(), count + 1);
    let mut recall = Recall::new();
    for (person, thing) in people.iter().zip(&things) {
        recall.say(&format!(" {} got a {}.", world.people[*person], THINGS[*thing]));
    }
    for _ in 0..=count {
        let place = draw.below(count);
        let thing = if draw.chance(0.5) { place } else { (place + 1 + draw.below(count)) % (count + 1) };
        recall.say(&format!(" Has {} a {}?", world.people[people[place]], THINGS[things[thing]]));
        recall.answer(if thing == place { " yes" } else { " no" });
        recall.say(".");
    }
    recall
}

/// Which of two it is, asked in the word that was said and in the opposite one.
fn either(world: &World, draw: &mut Draw) -> Recall {
    let people = draw.distinct(world.people.len(), 2);
    let (a, b) = (&world.people[people[0]], &world.people[people[1]]);
    let (more, less) = QUALITIES[draw.ranked(QUALITIES.len())];
    let mut asked = [(more, a), (less, b)];
    draw.shuffle(&mut asked);
    let mut recall = Recall::new();
    let (said, of) = asked[draw.below(2)];
    recall.say(&format!(" Compare {a} and {b}: {of} is {said}."));
    for (quality, person) in asked {
        recall.say(&format!(" Who is {quality}?"));
        recall.answer(&format!(" {person}"));
        recall.say(".");
    }
    recall
}
