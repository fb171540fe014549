//! Stores cost the default build nothing: what they need is there for the import of tables already, and what buckets need
//! is behind a feature.

use std::collections::BTreeSet;

use super::rust_version::Built;
use super::workspace::{built_versions, locked};

/// What buckets bring: an HTTP client, and the XML and signatures of their interfaces.
const CLOUD: &[&str] = &["reqwest", "h2", "quick-xml", "quinn", "serde_urlencoded", "md-5"];

#[test]
fn the_default_build_has_no_package_of_the_cloud() {
    let (built, locked) = (built_versions(), locked());
    for name in CLOUD {
        assert!(
            locked.contains(*name),
            "{name} is no package of the feature `cloud` any more; mend this list"
        );
        assert!(!built.contains_key(*name), "{name} is built by default");
    }
}

#[test]
fn stores_need_no_package_that_imports_do_not() {
    let built = Built::new();
    let names = |crate_name: &str| -> BTreeSet<String> {
        let (id, _) = built.own().find(|(_, package)| package["name"] == crate_name).unwrap();
        let used = built
            .closure(id)
            .into_iter()
            .map(|used| built.packages[used]["name"].as_str().unwrap().to_owned());
        used.filter(|name| name != crate_name).collect()
    };
    let (stores, import) = (names("plimsoll-objects"), names("plimsoll-import"));
    assert!(stores.contains("object_store") && stores.contains("tokio"));
    let more: Vec<&String> = stores.difference(&import).collect();
    assert!(more.is_empty(), "{more:?}");
}
