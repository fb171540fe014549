//! The invariants of ARCHITECTURE.md, kept by tests: crate arrows, heavy dependencies, lints, file
//! sizes, docs, licences, versions, of Rust too.

mod circles;
mod cloud;
mod licences;
mod rust_version;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};

use workspace::{Package, built_versions, packages, root, rust_files};

/// What each crate uses of the workspace, neither more nor less: from the ground up, and no arrow back.
const ARROWS: &[(&str, &[&str])] = &[
    ("plimsoll-router", &[]),
    // Above the router alone: what apps link.
    ("plimsoll-c", &["plimsoll-router"]),
    ("plimsoll-core", &["plimsoll-router"]),
    ("plimsoll-files", &[]),
    ("plimsoll-http", &[]),
    ("plimsoll-kernels", &[]),
    ("plimsoll-test-support", &[]),
    ("plimsoll-hub", &["plimsoll-http"]),
    ("plimsoll-store", &["plimsoll-core", "plimsoll-files"]),
    ("plimsoll-objects", &[]),
    ("plimsoll-backend", &["plimsoll-core"]),
    ("plimsoll-ingest", &["plimsoll-core", "plimsoll-files"]),
    ("plimsoll-label", &["plimsoll-core"]),
    ("plimsoll-uq", &["plimsoll-router", "plimsoll-core", "plimsoll-kernels"]),
    ("plimsoll-remote", &["plimsoll-core", "plimsoll-files", "plimsoll-http", "plimsoll-backend"]),
    ("plimsoll-engine", &["plimsoll-core", "plimsoll-kernels", "plimsoll-hub", "plimsoll-backend"]),
    ("plimsoll-import", &["plimsoll-core", "plimsoll-files", "plimsoll-store"]),
    ("plimsoll-fit", &["plimsoll-router", "plimsoll-core"]),
    ("plimsoll-evaluate", &["plimsoll-router", "plimsoll-core", "plimsoll-fit"]),
    ("plimsoll-report", &["plimsoll-router", "plimsoll-core"]),
    ("plimsoll-pocket", &["plimsoll-core", "plimsoll-ingest"]),
    (
        "plimsoll-pipeline",
        &[
            "plimsoll-router",
            "plimsoll-core",
            "plimsoll-files",
            "plimsoll-hub",
            "plimsoll-store",
            "plimsoll-objects",
            "plimsoll-backend",
            "plimsoll-ingest",
            "plimsoll-label",
            "plimsoll-uq",
            "plimsoll-remote",
            "plimsoll-engine",
            "plimsoll-import",
            "plimsoll-fit",
            "plimsoll-evaluate",
            "plimsoll-report",
            "plimsoll-pocket",
        ],
    ),
    (
        "plimsoll-gateway",
        &[
            "plimsoll-router",
            "plimsoll-core",
            "plimsoll-files",
            "plimsoll-http",
            "plimsoll-backend",
            "plimsoll-uq",
            "plimsoll-remote",
        ],
    ),
    (
        "plimsoll",
        &[
            "plimsoll-router",
            "plimsoll-core",
            "plimsoll-files",
            "plimsoll-hub",
            "plimsoll-store",
            "plimsoll-backend",
            "plimsoll-ingest",
            "plimsoll-engine",
            "plimsoll-fit",
            "plimsoll-evaluate",
            "plimsoll-gateway",
            "plimsoll-pocket",
            "plimsoll-pipeline",
        ],
    ),
    (
        "plimsoll-fuzz-readers",
        &[
            "plimsoll-router",
            "plimsoll-core",
            "plimsoll-hub",
            "plimsoll-ingest",
            "plimsoll-label",
            "plimsoll-remote",
            "plimsoll-engine",
            "plimsoll-import",
            "plimsoll-pipeline",
            "plimsoll-gateway",
        ],
    ),
    // Tools: above the product, so that nothing of it can use them.
    (
        "plimsoll-toy-trainer",
        &["plimsoll-core", "plimsoll-kernels", "plimsoll-ingest", "plimsoll-engine", "plimsoll-pocket"],
    ),
];

/// Dependencies that only these crates may name, since they are slow to build or decide a format.
const HEAVY: &[(&str, &[&str])] = &[
    (
        "rand",
        &[
            "plimsoll-core",
            "plimsoll-fit",
            "plimsoll-engine",
            "plimsoll-uq",
            "plimsoll-pocket",
            "plimsoll-toy-trainer",
        ],
    ),
    ("rand_chacha", &["plimsoll-core", "plimsoll-fit", "plimsoll-pocket", "plimsoll-toy-trainer"]),
    ("arrow", &["plimsoll-store", "plimsoll-import", "plimsoll-ingest", "plimsoll-test-support"]),
    ("parquet", &["plimsoll-store", "plimsoll-import", "plimsoll-ingest", "plimsoll-test-support"]),
    ("datafusion", &["plimsoll-import"]),
    ("ureq", &["plimsoll-http", "plimsoll-hub", "plimsoll-remote"]),
    ("rustls", &["plimsoll-http"]),
    ("tokio", &["plimsoll-import", "plimsoll-objects", "plimsoll-gateway"]),
    ("object_store", &["plimsoll-objects"]),
    ("axum", &["plimsoll-gateway"]),
    ("hyper", &["plimsoll-gateway"]),
    (
        "rayon",
        &[
            "plimsoll-fit",
            "plimsoll-evaluate",
            "plimsoll-engine",
            "plimsoll-kernels",
            "plimsoll-uq",
            "plimsoll-pipeline",
            "plimsoll",
        ],
    ),
    ("plotters", &["plimsoll-report"]),
    ("clap", &["plimsoll"]),
    ("serde-saphyr", &["plimsoll-pipeline"]),
    ("indicatif", &["plimsoll"]),
    ("tracing", &["plimsoll-engine", "plimsoll-pipeline", "plimsoll-gateway", "plimsoll"]),
    ("candle-core", &["plimsoll-engine", "plimsoll-toy-trainer", "plimsoll-pipeline"]),
    ("gemm", &["plimsoll-kernels"]),
    ("candle-nn", &["plimsoll-engine"]),
    ("tokenizers", &["plimsoll-engine"]),
    ("minijinja", &["plimsoll-engine"]),
];

/// All that a deployer of the router has to build.
const ROUTER_DEPENDENCIES: &[&str] = &["schemars", "serde", "serde_json", "sha2", "thiserror"];

/// Of these exactly one version is built: two would not fit together.
const ONE_VERSION: &[&str] =
    &["arrow", "parquet", "datafusion", "rand", "rand_chacha", "candle-core", "tokenizers"];

/// Longest file, tests not counted.
const MAX_LINES: usize = 600;

/// Files that may import each other in a circle.
const MAX_CIRCLE: usize = 5;

/// Crates with a larger circle, and how large it is.
const LARGER_CIRCLES: &[(&str, usize)] = &[("label", 6), ("report", 6)];

/// Module names that say nothing.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// What may stand at the top, beside dotfiles and what builds make.
const TOP_LEVEL: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "benches",
    "bindings",
    "calibration",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "models",
    "pipelines",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "schemas",
    "target",
    "tests",
    "tools",
];

fn dependencies(package: &Package) -> impl Iterator<Item = &str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.dev)
        .map(|dependency| dependency.name.as_str())
}

#[test]
fn crates_use_exactly_what_their_arrows_say() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let said: BTreeMap<&str, BTreeSet<&str>> =
        ARROWS.iter().map(|(package, used)| (*package, used.iter().copied().collect())).collect();
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &packages {
        let used = dependencies(package).filter(|name| names.contains(name)).collect();
        found.insert(&package.name, used);
    }
    assert_eq!(said, found, "left: ARROWS, right: the manifests");
}

#[test]
fn arrows_point_down() {
    let floor = |name: &str| ARROWS.iter().position(|(package, _)| *package == name).unwrap();
    for (package, used) in ARROWS {
        for used in *used {
            assert!(floor(used) < floor(package), "{package} stands below {used}, which it uses");
        }
    }
}

#[test]
fn what_is_for_tests_is_in_no_product() {
    const FOR_TESTS: &[&str] = &["plimsoll-test-support", "plimsoll-fuzz-readers"];
    for package in packages() {
        for name in dependencies(&package) {
            assert!(!FOR_TESTS.contains(&name), "{} may use {name} in tests only", package.name);
        }
    }
}

#[test]
fn no_test_borrows_a_file_of_another_crate() {
    // Put together, so that this file does not find itself.
    let mark = concat!("#[pa", "th = \"../");
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(mark), "{}: move what is shared into crates/test-support", path.display());
    }
}

#[test]
fn heavy_dependencies_stand_only_where_named() {
    for package in packages() {
        for (heavy, allowed) in HEAVY {
            let used = dependencies(&package).any(|name| name == *heavy);
            assert!(
                !used || allowed.contains(&package.name.as_str()),
                "{} may not name {heavy}",
                package.name
            );
        }
    }
}

#[test]
fn the_router_stays_small() {
    let packages = packages();
    let router = packages.iter().find(|package| package.name == "plimsoll-router").unwrap();
    let mut used: Vec<&str> = dependencies(router).collect();
    used.sort_unstable();
    assert_eq!(used, ROUTER_DEPENDENCIES);
    let library = std::fs::read_to_string(root().join("crates/router/src/lib.rs")).unwrap();
    assert!(library.contains("#![forbid(unsafe_code)]"));
}

/// What an app links is the router, JSON for its texts, and nothing else.
#[test]
fn the_c_interface_stays_small_and_alone_takes_pointers() {
    let packages = packages();
    let interface = packages.iter().find(|package| package.name == "plimsoll-c").unwrap();
    assert_eq!(dependencies(interface).collect::<Vec<_>>(), ["plimsoll-router", "serde_json"]);
    // Put together, so that this file does not find itself.
    let mark = concat!("#![expect(unsafe", "_code");
    for path in rust_files() {
        let is_allowed = path.ends_with("bindings/c/src/lib.rs") || !path.iter().any(|part| part == "src");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(is_allowed || !text.contains(mark), "{}: name each unsafe block's reason", path.display());
    }
}

#[test]
fn every_crate_is_held_to_the_workspace_s_lints_and_describes_itself() {
    for package in packages() {
        let manifest = std::fs::read_to_string(&package.manifest).unwrap();
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{} does not use the workspace's lints",
            package.name
        );
        assert!(package.description.ends_with('.'), "{} has no description", package.name);
        assert_eq!(package.licence, "Apache-2.0", "{}", package.name);
    }
}

#[test]
fn every_file_says_what_it_is_and_stays_short() {
    let files = rust_files();
    assert!(files.len() > 50, "the walk found the sources");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with a doc comment", path.display());
        let own = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or(&text).lines().count();
        assert!(
            own <= MAX_LINES,
            "{} has {own} lines without tests; {MAX_LINES} are the most",
            path.display()
        );
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        assert!(!EMPTY_NAMES.contains(&name.as_str()), "{}: the name says nothing", path.display());
    }
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_to_do() {
    // Put together, so that this file does not find itself.
    let marks = [
        concat!("#[ign", "ore"),
        concat!("todo", "!("),
        concat!("unimple", "mented!("),
        concat!("dbg", "!("),
    ];
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for mark in marks {
            assert!(!text.contains(mark), "{} holds `{mark}`", path.display());
        }
    }
}

#[test]
fn one_version_of_what_must_fit_together() {
    // Of what is built by default: the feature `cloud` has a version of rand of its own, which meets no other.
    let versions = built_versions();
    for name in ONE_VERSION {
        let found = versions.get(*name).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(found.len(), 1, "{name} is built in versions {found:?}");
    }
}

#[test]
fn the_top_level_is_fixed() {
    for entry in std::fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || TOP_LEVEL.contains(&name.as_str()),
            "`{name}` has no place at the top level"
        );
    }
}

#[test]
fn files_import_each_other_in_small_circles_only() {
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let max =
            LARGER_CIRCLES.iter().find(|(larger, _)| *larger == name).map_or(MAX_CIRCLE, |(_, max)| *max);
        let circle = circles::Imports::read(&folder.join("src")).largest_circle();
        assert!(circle.len() <= max, "{name}: {} import each other", circle.join(", "));
    }
}
