//! Items and sentences from the facts of a relation: shared by the datasets that ask about facts.

use super::draw::{Draw, fill};
use super::item::{Item, Level};
use super::relations::wording;
use super::world::{Relation, World};

/// An item that asks for a fact, with `options` options in all.
pub(crate) fn ask(relation: Relation, options: usize, world: &World, draw: &mut Draw) -> Item {
    let (asks, table) = (wording(relation).asks, world.table(relation));
    let (rank, template) = (draw.ranked(table.entities.len()), draw.template(asks.len()));
    let (entity, answer) = (table.entities[rank].as_str(), table.answers[rank].as_str());
    let question = fill(asks[template], &[("e", entity), ("p", world.person(draw))]);
    // A fact in the words of a template is held out as a whole, whoever acts in it.
    let key = format!("fact/{}/{entity}/{template}", relation.name());
    let mut others = table.pool();
    if let Some(myth) = table.myths.get(rank) {
        // The myth is always among the options: without it nobody could fall for it.
        draw.shuffle(&mut others);
        others.retain(|other| *other != answer && other != myth);
        others.truncate(options.saturating_sub(2));
        others.push(myth);
    }
    Item {
        options: draw.options(answer, &others, options),
        cluster: Some(format!("{}/{entity}", relation.name())),
        ..Item::new(key, question, answer, Level::of_rank(rank, table.entities.len()))
    }
}

/// A sentence that tells a fact.
pub(crate) fn tell(relation: Relation, world: &World, draw: &mut Draw) -> String {
    let (says, table) = (wording(relation).says, world.table(relation));
    let (rank, template) = (draw.ranked(table.entities.len()), draw.template(says.len()));
    let values = [
        ("e", table.entities[rank].as_str()),
        ("a", table.answers[rank].as_str()),
        ("p", world.person(draw)),
    ];
    fill(says[template], &values)
}

/// One of several relations.
pub(crate) fn one_of(relations: &[Relation], draw: &mut Draw) -> Relation {
    relations[draw.below(relations.len())]
}
