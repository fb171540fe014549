//! Everything that is wrong with a pipeline, reported at once.

/// What is wrong, and at which key (`thresholds.risk[0].alpha`).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    key: String,
    message: String,
}

#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    /// Keys whose value could not be read: that they now look absent is no second problem.
    invalid: Vec<String>,
}

impl Problems {
    /// Adds a problem, unless it only follows from one that is already there.
    pub(super) fn add(&mut self, key: &str, message: impl Into<String>) {
        let inside = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let follows = |invalid: &String| inside(invalid, key) || inside(key, invalid);
        if !self.invalid.iter().any(follows) {
            self.list.push(Problem { key: key.to_owned(), message: message.into() });
        }
    }

    /// Adds a problem with a value that then was left out.
    pub(super) fn add_invalid(&mut self, key: &str, message: String) {
        self.list.push(Problem { key: key.to_owned(), message });
        self.invalid.push(key.to_owned());
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems of a file.
    pub(super) fn text(&self, file: &str) -> String {
        let line = |problem: &Problem| match problem.key.as_str() {
            "" => problem.message.clone(),
            key => format!("{key}: {}", problem.message),
        };
        match &self.list[..] {
            [one] => format!("`{file}`: {}", line(one)),
            many => {
                let lines: Vec<String> =
                    many.iter().map(|problem| format!("\n  {}", line(problem))).collect();
                format!("`{file}` has {} problems:{}", many.len(), lines.concat())
            }
        }
    }
}

/// The value of a key that must be there.
pub(super) fn required<T>(value: Option<T>, key: &str, problems: &mut Problems) -> Option<T> {
    if value.is_none() {
        problems.add(key, "is missing");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_not_reported() {
        let mut problems = Problems::default();
        problems.add_invalid("import.sql", "expected text".to_owned());
        problems.add("import.sql", "is missing");
        problems.add("import", "is missing");
        problems.add("import.sql.deeper", "is missing");
        problems.add("import.sq", "is something else");
        assert_eq!(
            problems.text("p"),
            "`p` has 2 problems:\n  import.sql: expected text\n  import.sq: is something else"
        );
    }
}
