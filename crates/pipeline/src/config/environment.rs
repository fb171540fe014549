//! Environment variables in paths of the pipeline file.

use std::ffi::OsString;

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VariableProblem {
    /// Not set, or set to nothing.
    Unset(String),
    /// Set to something that is not UTF-8.
    NotText(String),
    /// `${` without `}`, or nothing or something else than a name inside.
    Malformed,
}

/// Replaces `$NAME` and `${NAME}`; `$$` is a dollar sign, and so is a `$` before anything else.
///
/// # Errors
/// [`VariableProblem`] for the first variable that cannot be replaced.
pub(crate) fn expand(text: &str, get: impl Fn(&str) -> Option<OsString>) -> Result<String, VariableProblem> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match after.strip_prefix('{') {
            Some(braced) => {
                let (name, after) = braced.split_once('}').ok_or(VariableProblem::Malformed)?;
                if name.is_empty() || name_length(name) != name.len() {
                    return Err(VariableProblem::Malformed);
                }
                (name, after)
            }
            None => after.split_at(name_length(after)),
        };
        rest = after;
        if name.is_empty() {
            expanded.push('$');
            continue;
        }
        let value = get(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| VariableProblem::Unset(name.to_owned()))?;
        expanded.push_str(value.to_str().ok_or_else(|| VariableProblem::NotText(name.to_owned()))?);
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Bytes of the name at the start of a text; a name does not start with a digit.
fn name_length(text: &str) -> usize {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c| !is_name(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced() {
        let get = |name: &str| match name {
            "A" => Some("x".into()),
            "LONG_1" => Some("y z".into()),
            "EMPTY" => Some("".into()),
            _ => None,
        };
        for (text, expected) in [
            ("plain", "plain"),
            ("$A", "x"),
            ("${A}B/$LONG_1.csv", "xB/y z.csv"),
            ("$$A $ $1 a$", "$A $ $1 a$"),
            ("", ""),
        ] {
            assert_eq!(expand(text, get).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(expand("${B}", get), Err(VariableProblem::Unset("B".to_owned())));
        assert_eq!(expand("a/$EMPTY", get), Err(VariableProblem::Unset("EMPTY".to_owned())));
        for malformed in ["${A", "${}", "${A-b}", "${1}"] {
            assert_eq!(expand(malformed, get), Err(VariableProblem::Malformed), "{malformed}");
        }
    }
}
