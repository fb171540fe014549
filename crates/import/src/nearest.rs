//! The known name that a misspelt one was probably meant to be.

/// The nearest of `names`, if one is near: equal but for case, or within a third of the letters.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = wanted.chars().count().div_ceil(3);
    let distance = |name: &str| edits(&wanted.to_lowercase(), &name.trim().to_lowercase());
    names
        .into_iter()
        .filter(|name| name.len() <= 4 * wanted.len())
        .map(|name| (distance(name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3), ("abc", "abc", 0)] {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn near_and_far() {
        let names = ["Question ID", "confidance", "slm", "x"];
        assert_eq!(nearest("question_id", names), Some("Question ID"));
        assert_eq!(nearest("confidence", names), Some("confidance"));
        assert_eq!(nearest("cluster_id", names), None);
        assert_eq!(nearest("llm", names), Some("slm"));
    }
}
