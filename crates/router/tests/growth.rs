//! What a minor version of the format may add breaks no code that uses this crate.

use std::path::Path;

/// Files that hold the types of documents, and what the router gives.
const SOURCES: [&str; 10] = [
    "decision.rs",
    "drift.rs",
    "histogram.rs",
    "map.rs",
    "target.rs",
    "thresholds.rs",
    "thresholds/calibration.rs",
    "thresholds/identity.rs",
    "thresholds/method.rs",
    "thresholds/operating_point.rs",
];

/// Types that do not grow, and why. Structs whose fields are all private need no mark.
const FIXED: [(&str, &str); 7] = [
    ("Threshold", "a number"),
    ("Monitor", "its fields are private"),
    ("Route", "one model answers or the other"),
    ("Risk", "whoever certifies a risk must not compile without having thought of it"),
    ("Orientation", "a constant of the format"),
    ("Rule", "a constant of the format"),
    ("MissingPolicy", "a constant of the format"),
];

/// Names of the public types of a source, and whether each is `non_exhaustive`.
fn types(source: &str) -> Vec<(&str, bool)> {
    let (mut found, mut marked) = (Vec::new(), false);
    for line in source.lines() {
        let line = line.trim_end();
        let declared = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
        if let Some(rest) = declared {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            found.push((&rest[..end], marked));
        }
        marked = line == "#[non_exhaustive]" || (marked && line.starts_with('#'));
    }
    found
}

#[test]
fn every_type_of_a_document_may_grow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let texts = SOURCES.map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    let types: Vec<(&str, bool)> = texts.iter().flat_map(|text| types(text)).collect();
    assert!(types.len() > 30, "the types were found: {types:?}");
    for name in ["Thresholds", "Target", "Status", "OperatingPoint", "ModelIdentity", "WindowReport"] {
        assert!(types.contains(&(name, true)), "{name}");
    }
    for (name, marked) in types {
        let fixed = FIXED.iter().any(|(fixed, _)| *fixed == name);
        assert_ne!(marked, fixed, "{name} is `non_exhaustive`, or FIXED says why it is not");
    }
}

#[test]
fn the_mark_is_seen_where_it_stands() {
    let source = "#[non_exhaustive]\npub struct A {\n\n#[derive(Debug)]\npub enum B {\n#[non_exhaustive]\n\
                  #[derive(Debug)]\npub enum C {\npub struct D(f64);\n";
    assert_eq!(types(source), [("A", true), ("B", false), ("C", true), ("D", false)]);
}
