//! Numbers written as words, zero to ninety-nine.

use plimsoll_core::ExactNumber;
use plimsoll_core::view::View;

const ONES: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];

const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// What must not follow: the number would be another.
const LARGER: &[&str] = &[
    "hundred", "thousand", "million", "billion", "dozen", "half", "third", "thirds", "quarter", "quarters",
    "halves", "fifths", "tenths", "point", "of",
];

/// Reads the number words at a position; end, start and value. A number that goes on with `hundred` or
/// the like is not read at all, rather than wrongly.
pub(crate) fn number(view: &View<'_>, start: usize, limit: usize) -> Option<(usize, usize, ExactNumber)> {
    let start = (start..limit.min(start + 4)).find(|at| view.starts_word(*at))?;
    let word = view.word(start);
    let (negative, first) = if matches!(word.as_str(), "minus" | "negative") {
        (true, view.skip_spaces(view.word_end(start)))
    } else {
        (false, start)
    };
    if negative && view.at(first).is_ascii_digit() {
        let token = super::scan::number(view, first)?;
        return Some((token.range.end, start, token.value?.negated()));
    }
    let (end, value) = small(view, first)?;
    let next = view.word(skip_hyphen(view, end));
    if end > limit || LARGER.contains(&next.as_str()) || (next.is_empty() && view.at(end) == '-') {
        return None;
    }
    Some((end, start, if negative { value.negated() } else { value }))
}

fn skip_hyphen(view: &View<'_>, at: usize) -> usize {
    view.skip_spaces(at + usize::from(view.at(at) == '-'))
}

fn small(view: &View<'_>, at: usize) -> Option<(usize, ExactNumber)> {
    let word = view.word(at);
    let end = view.word_end(at);
    let position = |list: &[&str], word: &str| {
        list.iter().position(|name| *name == word).and_then(|i| u32::try_from(i).ok())
    };
    if let Some(ones) = position(ONES, &word) {
        return Some((end, ExactNumber::whole(ones)));
    }
    let tens = (position(TENS, &word)? + 2) * 10;
    let next = skip_hyphen(view, end);
    let ones = position(ONES, &view.word(next)).filter(|ones| next > end && (1..10).contains(ones));
    Some(ones.map_or((end, ExactNumber::whole(tens)), |ones| {
        (view.word_end(next), ExactNumber::whole(tens + ones))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_or_left() {
        for (text, read) in [
            ("twelve apples", "12"),
            ("Twenty-one", "21"),
            ("ninety nine", "99"),
            ("minus five", "-5"),
            ("negative 7", "-7"),
            ("one hundred", "none"),
            ("two-thirds", "none"),
            ("one of them", "none"),
            ("tennis", "none"),
        ] {
            let view = View::new(text, 0..text.len());
            let value = number(&view, 0, view.len());
            assert_eq!(value.map_or("none".to_owned(), |(_, _, value)| value.to_string()), read, "{text}");
        }
    }
}
