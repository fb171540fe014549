//! The world that the suite asks about: invented people, places, beasts and what is true of them.

mod names;
mod words;

use std::sync::OnceLock;

use plimsoll_core::Seed;

use super::SEED;
use super::draw::{Feed, Sampler};
use names::Namer;
pub(crate) use words::{FRUITS, JOBS, QUALITIES, THINGS};

/// What statements and questions say about entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// City: its land.
    Land,
    /// Person: job.
    Job,
    /// Person: the city where the person was born.
    Birth,
    /// Land: coin.
    Coin,
    /// Beast: its class.
    Class,
    /// Beast: what it eats; follows from the class.
    Food,
    /// Beast: what covers it; follows from the class.
    Cover,
    /// Something to do: the tool for it.
    Tool,
    /// Something that happens: how it feels.
    Feeling,
    /// Two things that are taken: the one that comes last.
    Last,
    /// Herb: its colour, and the one that people think it has.
    Colour,
    /// Herb: its taste, and the one that people think it has.
    Taste,
}

impl Relation {
    /// All.
    pub(crate) const ALL: [Self; 12] = [
        Self::Land,
        Self::Job,
        Self::Birth,
        Self::Coin,
        Self::Class,
        Self::Food,
        Self::Cover,
        Self::Tool,
        Self::Feeling,
        Self::Last,
        Self::Colour,
        Self::Taste,
    ];

    /// A name for keys.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Land => "land",
            Self::Job => "job",
            Self::Birth => "birth",
            Self::Coin => "coin",
            Self::Class => "class",
            Self::Food => "food",
            Self::Cover => "cover",
            Self::Tool => "tool",
            Self::Feeling => "feeling",
            Self::Last => "last",
            Self::Colour => "colour",
            Self::Taste => "taste",
        }
    }
}

/// The facts of one relation, the most frequent entity first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FactTable {
    /// Entities, as they stand in templates.
    pub(crate) entities: Vec<String>,
    /// The answer for each.
    pub(crate) answers: Vec<String>,
    /// What people wrongly think, for each; empty if they think nothing.
    pub(crate) myths: Vec<String>,
    /// Everything that is an answer.
    pub(crate) pool: Vec<String>,
}

impl FactTable {
    /// The answers as texts.
    pub(crate) fn pool(&self) -> Vec<&str> {
        self.pool.iter().map(String::as_str).collect()
    }
}

/// The world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct World {
    /// People, who also act in stories.
    pub(crate) people: Vec<String>,
    /// Cities.
    pub(crate) cities: Vec<String>,
    /// Beasts.
    pub(crate) beasts: Vec<String>,
    tables: Vec<FactTable>,
    words: Vec<String>,
}

impl World {
    /// The world of the suite: the same in every plan.
    pub fn get() -> &'static Self {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(|| Self::new(Seed::new(SEED)))
    }

    /// A world of this seed.
    pub(crate) fn new(seed: Seed) -> Self {
        let mut namer = Namer::new(seed.derive("names"));
        let (people, cities, beasts) = (namer.proper(60), namer.proper(60), namer.common(64));
        let (lands, coins) = (namer.proper(16), namer.common(16));
        let (herbs, stuffs) = (namer.common(60), namer.common(24));
        let names = [&people, &cities, &lands, &coins, &beasts, &herbs, &stuffs];
        let words = names.into_iter().flatten().cloned().chain(words::all().map(str::to_owned)).collect();
        let facts = FactGenerator { seed: seed.derive("facts") };
        let classes = facts.any("class", &beasts, &own(words::CLASSES));
        let (goals, events) =
            (facts.pairs("goals", words::DEEDS, &stuffs), facts.pairs("events", words::EVENTS, &own(THINGS)));
        let tables = Relation::ALL.map(|relation| match relation {
            Relation::Land => facts.any("land", &cities, &lands),
            Relation::Job => facts.any("job", &people, &own(JOBS)),
            Relation::Birth => facts.any("birth", &people, &cities),
            Relation::Coin => facts.any("coin", &lands, &coins),
            Relation::Class => classes.clone(),
            Relation::Food => by_class(&classes, words::FOODS),
            Relation::Cover => by_class(&classes, words::COVERS),
            Relation::Tool => facts.any("tool", &goals, &own(words::TOOLS)),
            Relation::Feeling => facts.any("feeling", &events, &own(words::FEELINGS)),
            Relation::Last => facts.routines(),
            Relation::Colour => facts.with_myths("colour", &herbs, &own(words::COLOURS)),
            Relation::Taste => facts.with_myths("taste", &herbs, &own(words::TASTES)),
        });
        Self { people, cities, beasts, tables: tables.into(), words }
    }

    /// The facts of a relation.
    pub(crate) fn table(&self, relation: Relation) -> &FactTable {
        &self.tables[relation as usize]
    }

    /// Every name and every answer, each one word: what a tokenizer should have as one token.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// A person who acts.
    pub(crate) fn person<'a>(&'a self, draw: &mut Sampler) -> &'a str {
        &self.people[draw.below(self.people.len())]
    }
}

fn own(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What follows from the class of a beast.
fn by_class(classes: &FactTable, values: &[&str]) -> FactTable {
    let of = |class: &String| {
        let index = words::CLASSES.iter().position(|other| other == class).unwrap_or(0);
        values[index].to_owned()
    };
    FactTable {
        entities: classes.entities.clone(),
        answers: classes.answers.iter().map(of).collect(),
        myths: Vec::new(),
        pool: own(values),
    }
}

/// Entities of two words in a relation.
const PAIRS: usize = 96;

/// Makes facts up.
struct FactGenerator {
    seed: Seed,
}

impl FactGenerator {
    fn draw(&self, label: &str) -> Sampler {
        Sampler::new(self.seed.derive(label), Feed { zipf: 0.0, ..Feed::EVALUATION })
    }

    /// Any answer for each entity, all answers equally often up to one.
    fn any(&self, label: &str, entities: &[String], pool: &[String]) -> FactTable {
        let mut draw = self.draw(label);
        let mut answers = Vec::with_capacity(entities.len());
        while answers.len() < entities.len() {
            let mut round = pool.to_vec();
            draw.shuffle(&mut round);
            answers.extend(round);
        }
        answers.truncate(entities.len());
        FactTable { entities: entities.to_vec(), answers, myths: Vec::new(), pool: pool.to_vec() }
    }

    /// Any answer, and another that people think.
    fn with_myths(&self, label: &str, entities: &[String], pool: &[String]) -> FactTable {
        let table = self.any(label, entities, pool);
        let mut draw = self.draw(&format!("{label} as people think"));
        let myth = |answer: &String| {
            let others: Vec<&str> = pool.iter().map(String::as_str).filter(|other| other != answer).collect();
            draw.pick(&others).to_owned()
        };
        FactTable { myths: table.answers.iter().map(myth).collect(), ..table }
    }

    /// Things that are done with things, or happen to them.
    fn pairs(&self, label: &str, verbs: &[&str], things: &[String]) -> Vec<String> {
        let pair =
            |index: usize| format!("{} the {}", verbs[index / things.len()], things[index % things.len()]);
        let chosen = self.draw(label).distinct(verbs.len() * things.len(), PAIRS);
        chosen.into_iter().map(pair).collect()
    }

    /// Two things that are taken, and a third that comes then.
    fn routines(&self) -> FactTable {
        let (mut draw, mut table) =
            (self.draw("routines"), FactTable { pool: own(THINGS), ..FactTable::default() });
        while table.entities.len() < PAIRS {
            let three = draw.distinct(THINGS.len(), 3);
            let entity = format!("{} and the {}", THINGS[three[0]], THINGS[three[1]]);
            if !table.entities.contains(&entity) {
                table.entities.push(entity);
                table.answers.push(THINGS[three[2]].to_owned());
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_world_depends_on_its_seed_alone_and_no_word_means_two_things() {
        let world = World::get();
        assert_eq!(*world, World::new(Seed::new(SEED)));
        assert_ne!(*world, World::new(Seed::new(SEED + 1)));
        let words: BTreeSet<String> = world.words().iter().map(|word| word.to_lowercase()).collect();
        assert_eq!(words.len(), world.words().len());
    }

    #[test]
    fn every_relation_has_its_table() {
        let world = World::get();
        for relation in Relation::ALL {
            let table = world.table(relation);
            assert!(table.entities.len() >= 16, "{relation:?}");
            assert_eq!(table.entities.len(), table.answers.len(), "{relation:?}");
            assert!(table.answers.iter().all(|answer| table.pool.contains(answer)), "{relation:?}");
            assert!(table.myths.iter().zip(&table.answers).all(|(myth, answer)| myth != answer));
            let different: BTreeSet<&String> = table.entities.iter().collect();
            assert_eq!(different.len(), table.entities.len(), "{relation:?}");
        }
    }
}
