//! A card for a folder that holds only some of the tables of its run.

/// The part of a card that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CardPart {
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
    let (mut part, mut dropped) = (CardPart::FrontMatter, false);
    for (number, line) in card.split_inclusive('\n').enumerate() {
        let begins = match part {
            CardPart::FrontMatter => line.strip_prefix("- config_name: \""),
            CardPart::Tables => line.strip_prefix("### `"),
            CardPart::Body => None,
        };
        if let Some(name) = begins.and_then(|rest| rest.split(['"', '`']).next()) {
            dropped = !keep(name);
        } else if part == CardPart::FrontMatter && !line.starts_with("  ") {
            dropped = false;
            if number > 0 && line == "---\n" {
                part = CardPart::Body;
            }
        } else if line.starts_with("## ") {
            dropped = false;
            part = if line == "## Tables\n" { CardPart::Tables } else { CardPart::Body };
        }
        if !dropped {
            text.push_str(line);
        }
    }
    text.replacen("configs:\n---\n", "---\n", 1)
}
