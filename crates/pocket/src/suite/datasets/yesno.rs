//! Yes or no, from a passage of a sentence or two (as `BoolQ`). Easy passages have one person, medium ones
//! two, and hard ones ask for the kind of a beast, which a model has to know.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::{Difficulty, SuiteItem};
use crate::suite::world::{Relation, THINGS, World};

/// What is said and how it is asked.
const VERBS: &[(&str, &str, &str)] = &[
    ("got", "Did", "get"),
    ("has", "Does", "have"),
    ("saw", "Did", "see"),
    ("wants", "Does", "want"),
    ("bought", "Did", "buy"),
    ("keeps", "Does", "keep"),
    ("drew", "Did", "draw"),
    ("hid", "Did", "hide"),
];

/// The maker.
#[derive(Debug)]
pub(super) struct YesNo;

impl Generator for YesNo {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_yesno",
            name: "Pocket yes or no",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Boolean,
            files: &[
                ("test", &["pocket_yesno_test.jsonl"]),
                ("validation", &["pocket_yesno_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let level = Difficulty::ALL[draw.below(3)];
        let (people, things) = (draw.distinct(world.people.len(), 2), draw.distinct(THINGS.len(), 2));
        let (past, does, verb) = VERBS[draw.template(VERBS.len())];
        let (first, second) = (&world.people[people[0]], &world.people[people[1]]);
        let (thing, other, yes) = (THINGS[things[0]], THINGS[things[1]], draw.chance(0.5));
        let (passage, who, what) = match level {
            Difficulty::Easy => {
                (format!("{first} {past} a {thing}."), first, if yes { thing } else { other })
            }
            Difficulty::Medium => {
                let passage = format!("{first} {past} a {thing}. {second} {past} a {other}.");
                // Either may be asked about, and a wrong thing is the other's.
                let (who, own, wrong) =
                    if draw.chance(0.5) { (first, thing, other) } else { (second, other, thing) };
                (passage, who, if yes { own } else { wrong })
            }
            Difficulty::Hard => {
                let table = world.table(Relation::Class);
                let rank = draw.ranked(table.entities.len());
                let class = table.answers[rank].as_str();
                let others: Vec<&str> = table.pool().into_iter().filter(|other| *other != class).collect();
                let asked = if yes { class } else { draw.pick(&others) };
                (format!("{first} {past} a {}.", table.entities[rank]), first, asked)
            }
        };
        let question = format!("{does} {who} {verb} a {what}?");
        // What is asked about is held out, whatever else stands in the passage.
        let own = passage.split_inclusive(". ").find(|sentence| sentence.starts_with(who.as_str()));
        let own = own.unwrap_or(&passage).trim_end().to_owned();
        let answer = if yes { "yes" } else { "no" };
        let item = SuiteItem::new(format!("yesno/{own}"), question, answer, level).in_cluster(own);
        vec![SuiteItem { passage: Some(passage), ..item }]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        facts::statement(Relation::Class, world, draw)
    }
}
