//! The masses of true and false from the few tokens that a server lists.

use plimsoll_core::MissingSignal;

use crate::alignment::with_plain_space;

/// What two sets of spellings have at a position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ListedMasses {
    /// Probability of the true spellings, in [0, 1].
    pub(super) true_mass: f64,
    /// Probability of the false spellings.
    pub(super) false_mass: f64,
    /// Whether one of them is the bound of a side that is not listed.
    pub(super) censored: bool,
}

/// Reads the masses from the likeliest tokens and their natural-log probabilities.
///
/// # Formula
/// The sum of exp(logprob) over the listed spellings of a side. A side none of whose spellings is listed
/// has at most the smallest listed probability, which is taken for it (`censored`). A spelling that a
/// vocabulary writes with `Ġ` or `▁` for a space is the same spelling.
///
/// # Errors
/// [`MissingSignal::NoTopLogprobs`] if nothing is listed, [`MissingSignal::NeitherListed`] if neither side is.
pub(super) fn read(
    listed: &[(String, f64)],
    true_strings: &[String],
    false_strings: &[String],
) -> Result<ListedMasses, MissingSignal> {
    let smallest = listed.iter().map(|(_, logprob)| logprob.exp()).reduce(f64::min);
    let bound = smallest.ok_or(MissingSignal::NoTopLogprobs)?.min(1.0);
    let mass = |strings: &[String]| {
        let is_mine = |text: &String| {
            strings.contains(text) || with_plain_space(text).is_some_and(|plain| strings.contains(&plain))
        };
        let mine = listed.iter().filter(|(text, _)| is_mine(text));
        // Rounding may bring a sum of all there is above 1.
        mine.map(|(_, logprob)| logprob.exp()).reduce(|sum, next| sum + next).map(|mass| mass.min(1.0))
    };
    let (true_mass, false_mass) = (mass(true_strings), mass(false_strings));
    if true_mass.is_none() && false_mass.is_none() {
        return Err(MissingSignal::NeitherListed);
    }
    Ok(ListedMasses {
        true_mass: true_mass.unwrap_or(bound),
        false_mass: false_mass.unwrap_or(bound),
        censored: true_mass.is_none() || false_mass.is_none(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Absolute, of probabilities.
    const AGREES: f64 = 1e-12;

    fn masses(listed: &[(&str, f64)]) -> Result<(f64, f64, bool), MissingSignal> {
        let listed: Vec<(String, f64)> =
            listed.iter().map(|(text, probability)| ((*text).to_owned(), probability.ln())).collect();
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        read(&listed, &strings(&["True", " True", "true"]), &strings(&["False", " False"]))
            .map(|masses| (masses.true_mass, masses.false_mass, masses.censored))
    }

    #[test]
    fn spellings_are_summed_and_the_unlisted_side_is_bounded() {
        for (listed, expected) in [
            (&[("True", 0.5), (" True", 0.25), ("False", 0.125), ("Yes", 0.0625)][..], (0.75, 0.125, false)),
            (&[("True", 0.9), ("Yes", 0.05), ("No", 0.01)], (0.9, 0.01, true)),
            (&[("False", 0.9), ("Yes", 0.05)], (0.05, 0.9, true)),
            (&[("\u{120}True", 0.5), ("True", 0.25), ("\u{2581}False", 0.125)], (0.75, 0.125, false)),
            (&[("True", 1.0)], (1.0, 1.0, true)),
        ] {
            let (true_mass, false_mass, censored) = masses(listed).unwrap();
            assert!((true_mass - expected.0).abs() < AGREES, "{listed:?}");
            assert!((false_mass - expected.1).abs() < AGREES, "{listed:?}");
            assert_eq!(censored, expected.2, "{listed:?}");
        }
        assert_eq!(masses(&[]), Err(MissingSignal::NoTopLogprobs));
        assert_eq!(masses(&[("Yes", 0.5)]), Err(MissingSignal::NeitherListed));
    }
}
