//! Colours and dash patterns.

use std::fmt::Write as _;

use plotters::style::RGBColor;

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The thing that the figure is about.
    Main,
    /// Random routing, or a line of no skill.
    Random,
    /// An oracle, or what was carried over from the pool.
    Oracle,
    /// The SLM alone, or a prediction.
    Slm,
    /// The LLM alone.
    Llm,
    /// One of many.
    Faint,
    /// Wrong answers.
    Wrong,
    /// Ungraded answers.
    Ungraded,
    /// Text and axes.
    Text,
    /// The grid behind.
    Grid,
    /// The ground.
    Paper,
}

/// A colour in the light and in the dark, and the dashes of its lines.
#[derive(Debug)]
pub(crate) struct InkStyle {
    pub(crate) ink: Ink,
    light: (u8, u8, u8),
    dark: &'static str,
    /// `stroke-dasharray`; `None` = solid.
    pub(crate) dashes: Option<&'static str>,
}

const fn style(ink: Ink, light: (u8, u8, u8), dark: &'static str, dashes: Option<&'static str>) -> InkStyle {
    InkStyle { ink, light, dark, dashes }
}

/// Every colour, each once.
pub(crate) const INKS: &[InkStyle] = &[
    style(Ink::Main, (0x00, 0x72, 0xB2), "#5BB8F0", None),
    style(Ink::Random, (0x6B, 0x6B, 0x6B), "#A6ADB5", Some("2 3")),
    style(Ink::Oracle, (0x00, 0x8A, 0x65), "#35CDA0", Some("7 3")),
    style(Ink::Slm, (0xD5, 0x5E, 0x00), "#FF9A4D", Some("4 2")),
    style(Ink::Llm, (0xA8, 0x46, 0x80), "#EBA3CC", Some("9 2 2 2")),
    style(Ink::Faint, (0xA5, 0xB4, 0xC2), "#566573", None),
    style(Ink::Wrong, (0xE6, 0x9F, 0x00), "#F0B13C", None),
    style(Ink::Ungraded, (0x8A, 0x8A, 0x8B), "#8F959B", None),
    style(Ink::Text, (0x24, 0x2B, 0x33), "#E3E8ED", None),
    style(Ink::Grid, (0xE3, 0xE7, 0xEB), "#2F3740", None),
    style(Ink::Paper, (0xFF, 0xFF, 0xFE), "#15191E", None),
];

impl Ink {
    fn style(self) -> &'static InkStyle {
        // Every ink has its line, which a test sees to.
        INKS.iter().find(|style| style.ink == self).unwrap_or(&INKS[0])
    }

    /// For the plotting library.
    pub(crate) fn color(self) -> RGBColor {
        let (red, green, blue) = self.style().light;
        RGBColor(red, green, blue)
    }

    /// As the plotting library writes it.
    pub(crate) fn hex(self) -> String {
        self.style().hex()
    }

    /// The dashes of its lines.
    pub(crate) fn dashes(self) -> Option<&'static str> {
        self.style().dashes
    }
}

impl InkStyle {
    /// The light form.
    pub(crate) fn hex(&self) -> String {
        let (red, green, blue) = self.light;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

/// Rules that replace every colour by its dark form, within `scope`.
pub(crate) fn dark_rules(scope: &str) -> String {
    let mut rules = String::new();
    for style in INKS {
        let (light, dark) = (style.hex(), style.dark);
        // Writing to a string cannot fail.
        let _ = write!(
            rules,
            "{scope}[fill=\"{light}\"]{{fill:{dark}}}{scope}[stroke=\"{light}\"]{{stroke:{dark}}}"
        );
    }
    rules
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_ink_has_its_own_look() {
        let all = [
            Ink::Main,
            Ink::Random,
            Ink::Oracle,
            Ink::Slm,
            Ink::Llm,
            Ink::Faint,
            Ink::Wrong,
            Ink::Ungraded,
            Ink::Text,
            Ink::Grid,
            Ink::Paper,
        ];
        assert_eq!(all.len(), INKS.len());
        assert!(all.iter().all(|ink| ink.style().ink == *ink));
        let colours: BTreeSet<String> = all.iter().map(|ink| ink.hex()).collect();
        assert_eq!(colours.len(), all.len(), "a colour that two inks share could not be replaced");
    }
}
