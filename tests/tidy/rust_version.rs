//! The `rust-version` that each crate declares is true, as far as a newer toolchain can tell.
//!
//! Held here: what dependencies declare, what the manifests need, what syntax the router uses. Clippy's
//! `incompatible_msrv` holds the standard library's functions against the declared version. Only a build with
//! that version proves the rest: `make msrv`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::workspace::{host, metadata, root, rust_files_under};

/// Major, minor and patch.
type Version = (u32, u32, u32);

/// The first Rust (1.x) whose cargo reads a manifest of this edition.
const EDITIONS: &[(&str, u32)] = &[("2015", 0), ("2018", 31), ("2021", 56), ("2024", 85)];

/// The first Rust (1.x) whose cargo knows this resolver.
const RESOLVERS: &[(&str, u32)] = &[("1", 51), ("2", 51), ("3", 84)];

/// Attributes and syntax, which clippy does not look at, with the first Rust (1.x) that has them. Let chains are not
/// among them: edition 2021 refuses them, and [`LET_CHAINS`] is asked of later ones.
const SYNTAX: &[(&str, u32)] = &[
    ("#[expect(", 81),
    ("#![expect(", 81),
    ("&raw const ", 82),
    ("&raw mut ", 82),
    (" use<", 82),
    ("async ||", 85),
    ("async |", 85),
    ("async move |", 85),
    ("#[diagnostic::do_not_recommend", 85),
    ("cfg(true)", 88),
    ("cfg(false)", 88),
    ("#[unsafe(naked)]", 88),
];

/// The first Rust (1.x) with let chains, in editions from 2024 on.
const LET_CHAINS: u32 = 88;

fn version(text: &str) -> Version {
    let mut parts =
        text.split('.').map(|part| part.parse().unwrap_or_else(|_| panic!("`{text}` is no version")));
    let mut part = || parts.next().unwrap_or(0);
    (part(), part(), part())
}

fn first(table: &[(&str, u32)], name: &str) -> Version {
    let known = table.iter().find(|(known, _)| *known == name);
    (1, known.unwrap_or_else(|| panic!("write the first Rust that knows {name} into this file")).1, 0)
}

/// The first Rust that has the attributes and syntax of a text.
fn first_with_syntax(text: &str) -> Version {
    let used = SYNTAX.iter().filter(|(mark, _)| text.contains(mark));
    (1, used.map(|(_, minor)| *minor).max().unwrap_or(0), 0)
}

/// What cargo says of the packages that are built here.
pub(super) struct Built {
    pub(super) packages: BTreeMap<String, Value>,
    /// The packages that each uses, but for its tests.
    uses: BTreeMap<String, Vec<String>>,
}

impl Built {
    pub(super) fn new() -> Self {
        let metadata = metadata(&["--filter-platform", &host()]);
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let shipped =
            |used: &Value| list(&used["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() != Some("dev"));
        let packages = list(&metadata["packages"]).into_iter().map(|package| (id(&package["id"]), package));
        let uses = list(&metadata["resolve"]["nodes"]).into_iter().map(|node| {
            let used = list(&node["deps"]).into_iter().filter(shipped).map(|used| id(&used["pkg"]));
            (id(&node["id"]), used.collect())
        });
        Self { packages: packages.collect(), uses: uses.collect() }
    }

    pub(super) fn own(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.packages.iter().filter(|(_, package)| package["source"].is_null())
    }

    /// The package and all that it uses, directly or not.
    pub(super) fn closure(&self, id: &str) -> BTreeSet<&str> {
        let (mut seen, mut open) = (BTreeSet::new(), vec![id]);
        while let Some(next) = open.pop() {
            if let Some((id, _)) = self.packages.get_key_value(next)
                && seen.insert(id.as_str())
            {
                open.extend(self.uses[id].iter().map(String::as_str));
            }
        }
        seen
    }
}

fn declared(package: &Value) -> Option<Version> {
    package["rust_version"].as_str().map(version)
}

#[test]
fn no_crate_promises_an_older_rust_than_its_dependencies_need() {
    let built = Built::new();
    for (id, package) in built.own() {
        let own = declared(package).unwrap_or_else(|| panic!("{id} declares no rust-version"));
        let used = built.closure(id);
        for used in &used {
            let used = &built.packages[*used];
            assert!(declared(used) <= Some(own), "{id} uses {} {}", used["name"], used["rust_version"]);
        }
        if package["name"] == "plimsoll-router" {
            let names: BTreeSet<&str> =
                used.iter().filter_map(|id| built.packages[*id]["name"].as_str()).collect();
            assert!(super::ROUTER_DEPENDENCIES.iter().all(|name| names.contains(name)), "{names:?}");
        }
    }
}

#[test]
fn the_router_s_rust_reads_the_manifests_that_it_meets_in_the_repository() {
    let built = Built::new();
    let (_, router) = built.own().find(|(_, package)| package["name"] == "plimsoll-router").unwrap();
    let own = declared(router).unwrap();
    // Cargo reads the manifests of all members to find one.
    for (id, package) in built.own() {
        assert!(own >= first(EDITIONS, package["edition"].as_str().unwrap()), "the edition of {id}");
    }
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let resolver = manifest.lines().find_map(|line| line.strip_prefix("resolver = ")).unwrap();
    assert!(own >= first(RESOLVERS, resolver.trim_matches('"')), "resolver {resolver}");
    if router["edition"].as_str().unwrap() > "2021" {
        assert!(own >= (1, LET_CHAINS, 0), "let chains would go unnoticed");
    }
}

#[test]
fn the_router_s_rust_has_the_syntax_that_it_uses() {
    assert_eq!(first_with_syntax("fn f() {}"), (1, 0, 0));
    assert_eq!(first_with_syntax("#[expect(clippy::panic, reason = \"x\")]\n&raw const x"), (1, 82, 0));
    assert_eq!(first_with_syntax("fn f(x: &T) -> impl Iterator + use<T> {}"), (1, 82, 0));
    assert_eq!(first_with_syntax("#[cfg(true)]"), (1, 88, 0));
    let manifest = std::fs::read_to_string(root().join("crates/router/Cargo.toml")).unwrap();
    let own = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    for path in rust_files_under("crates/router") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(first_with_syntax(&text) <= version(own.trim_matches('"')), "{}", path.display());
    }
}

#[test]
fn versions_are_compared_as_numbers() {
    assert!(version("1.9") < version("1.10") && version("1.77.2") > version("1.77"));
    assert_eq!(version("1.41.0"), version("1.41"));
    assert_eq!(first(EDITIONS, "2024"), version("1.85"));
}
