//! `--set a.b=c`.

use serde_json::{Map, Value};

use super::yaml;

/// Puts a value into a document. A key that is not there is made (the reader of the
/// pipeline then refuses it if it does not know it); items of lists go by number, from 0.
///
/// # Errors
/// What is wrong with the assignment.
pub(super) fn apply(document: &mut Value, assignment: &str) -> Result<(), String> {
    let (path, text) = assignment.split_once('=').ok_or("must be KEY=VALUE, for instance seed=51")?;
    let value = yaml::parse_value(text)?;
    let keys: Vec<&str> = path.split('.').map(str::trim).collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err("a key is empty; keys are separated by single dots".to_owned());
    }
    let mut target = document;
    for (depth, key) in keys.iter().enumerate() {
        target = step(target, key, &keys[..depth])?;
    }
    *target = value;
    Ok(())
}

fn step<'v>(target: &'v mut Value, key: &str, above: &[&str]) -> Result<&'v mut Value, String> {
    let parent =
        || if above.is_empty() { "the pipeline".to_owned() } else { format!("`{}`", above.join(".")) };
    if target.is_null() {
        *target = Value::Object(Map::new());
    }
    match target {
        Value::Object(map) => Ok(map.entry(key).or_insert(Value::Null)),
        Value::Array(items) => {
            let index: usize =
                key.parse().map_err(|_| format!("{} is a list; its items go by number, from 0", parent()))?;
            let count = items.len();
            items.get_mut(index).ok_or_else(|| format!("{} has {count} items, numbered from 0", parent()))
        }
        _ => Err(format!("{} is a single value and has no keys", parent())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_yaml() {
        let mut document = json!({"a": {"b": 1}, "list": [1, {"x": 2}]});
        for assignment in
            ["a.b=2", "a.c=[0.1, 0.2]", "new.deep=text", "list.1.x={y: true}", "list.0=", "t=a=b"]
        {
            apply(&mut document, assignment).unwrap();
        }
        let expected = json!({
            "a": {"b": 2, "c": [0.1, 0.2]}, "new": {"deep": "text"}, "list": [null, {"x": {"y": true}}], "t": "a=b",
        });
        assert_eq!(document, expected);
    }

    #[test]
    fn slips_are_explained() {
        let mut document = json!({"seed": 50, "list": [1]});
        for (assignment, expected) in [
            ("seed", "KEY=VALUE"),
            ("=1", "empty"),
            ("a..b=1", "empty"),
            ("seed.x=1", "`seed` is a single value"),
            ("list.x=1", "`list` is a list"),
            ("list.1=1", "`list` has 1 items"),
            ("a=[", ""),
        ] {
            let problem = apply(&mut document, assignment).unwrap_err();
            assert!(problem.contains(expected), "{assignment}: {problem}");
        }
    }
}
