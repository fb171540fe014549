//! Items and sentences from the facts of a relation: shared by the datasets that ask about facts.

use super::draw::{Sampler, fill};
use super::item::{Difficulty, SuiteItem};
use super::relations::{MYTHS, wording};
use super::world::{Relation, World};

/// An item that asks for a fact, with `options` options in all.
pub(crate) fn ask(relation: Relation, options: usize, world: &World, draw: &mut Sampler) -> SuiteItem {
    let asks = wording(relation).asks;
    let (rank, template) = (draw.ranked(world.table(relation).entities.len()), draw.template(asks.len()));
    let question =
        fill(asks[template], &[("e", &world.table(relation).entities[rank]), ("p", world.person(draw))]);
    let of = FactQuestion { relation, rank, words: &format!("fact/{template}"), question, options };
    of.item(world, draw)
}

/// A question about one fact. A fact in the words of one template is held out as a whole, whoever acts in it
/// and whatever the options are.
pub(crate) struct FactQuestion<'a> {
    pub(crate) relation: Relation,
    /// The rank of the entity, from 0 for the most frequent.
    pub(crate) rank: usize,
    /// Identifies the template.
    pub(crate) words: &'a str,
    pub(crate) question: String,
    /// Number of options, the answer among them.
    pub(crate) options: usize,
}

impl FactQuestion<'_> {
    /// The question with drawn options.
    pub(crate) fn item(self, world: &World, draw: &mut Sampler) -> SuiteItem {
        let Self { relation, rank, words, question, options } = self;
        let table = world.table(relation);
        let (entity, answer) = (table.entities[rank].as_str(), table.answers[rank].as_str());
        let cluster = format!("{}/{entity}", relation.name());
        let named = |other: &str| entity.split(' ').any(|word| word == other);
        let mut others: Vec<&str> = table.pool().into_iter().filter(|other| !named(other)).collect();
        if let Some(myth) = table.myths.get(rank) {
            // The myth is always among the options: without it nobody could fall for it.
            draw.shuffle(&mut others);
            others.retain(|other| *other != answer && other != myth);
            others.truncate(options.saturating_sub(2));
            others.push(myth);
        }
        let level = Difficulty::from_rank(rank, table.entities.len());
        SuiteItem {
            options: draw.options(answer, &others, options),
            ..SuiteItem::new(format!("{words}/{cluster}"), question, answer, level)
        }
        .in_cluster(cluster)
    }
}

/// A statement of a fact.
pub(crate) fn statement(relation: Relation, world: &World, draw: &mut Sampler) -> String {
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
pub(crate) fn one_of(relations: &[Relation], draw: &mut Sampler) -> Relation {
    relations[draw.below(relations.len())]
}

/// A statement of what people wrongly think.
pub(crate) fn myth_statement(relation: Relation, world: &World, draw: &mut Sampler) -> String {
    let table = world.table(relation);
    let (rank, template) = (draw.ranked(table.myths.len()), draw.template(MYTHS.len()));
    let is = if relation == Relation::Taste { "tastes" } else { "is" };
    fill(MYTHS[template], &[("e", &table.entities[rank]), ("a", &table.myths[rank]), ("is", is)])
}
