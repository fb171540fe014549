//! A card for a folder that holds only some of the tables of its run.

/// The part of a card that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    FrontMatter,
    Body,
    Tables,
}

/// A card of this crate without the tables that `keep` refuses, by name: without their `configs`, so that
/// `datasets.load_dataset` finds every config that the card lists, and without their sections.
///
/// `size_categories` stays that of the whole run: keep its largest table.
pub fn card_with_tables(card: &str, keep: impl Fn(&str) -> bool) -> String {
    let mut text = String::with_capacity(card.len());
    let (mut part, mut dropped) = (Part::FrontMatter, false);
    for (number, line) in card.split_inclusive('\n').enumerate() {
        let begins = match part {
            Part::FrontMatter => line.strip_prefix("- config_name: \""),
            Part::Tables => line.strip_prefix("### `"),
            Part::Body => None,
        };
        if let Some(name) = begins.and_then(|rest| rest.split(['"', '`']).next()) {
            dropped = !keep(name);
        } else if part == Part::FrontMatter && !line.starts_with("  ") {
            dropped = false;
            if number > 0 && line == "---\n" {
                part = Part::Body;
            }
        } else if line.starts_with("## ") {
            dropped = false;
            part = if line == "## Tables\n" { Part::Tables } else { Part::Body };
        }
        if !dropped {
            text.push_str(line);
        }
    }
    text.replacen("configs:\n---\n", "---\n", 1)
}
