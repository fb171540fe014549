//! Everything that is wrong with a plan, said at once.

/// What is wrong, and at which key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    place: String,
    message: String,
}

/// A list of problems.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<Problem>,
    /// Keys whose value could not be read: that they now look absent is no second problem.
    unread: Vec<String>,
}

impl Problems {
    /// Adds a problem, unless it only follows from one that is already there.
    pub(super) fn add(&mut self, place: &str, message: impl Into<String>) {
        let inside = |one: &str, other: &str| {
            one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let follows = |unread: &String| inside(unread, place) || inside(place, unread);
        if !self.unread.iter().any(follows) {
            self.list.push(Problem { place: place.to_owned(), message: message.into() });
        }
    }

    /// Adds a problem with a value that then was left out.
    pub(super) fn add_unread(&mut self, place: &str, message: String) {
        self.list.push(Problem { place: place.to_owned(), message });
        self.unread.push(place.to_owned());
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The problems of a file.
    pub(super) fn text(&self, file: &str) -> String {
        let line = |problem: &Problem| match problem.place.as_str() {
            "" => problem.message.clone(),
            place => format!("{place}: {}", problem.message),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_not_said() {
        let mut problems = Problems::default();
        problems.add_unread("import.sql", "expected text".to_owned());
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
