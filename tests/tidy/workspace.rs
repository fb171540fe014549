//! What the tests know of the workspace: its packages, its files, its lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The folder of the workspace.
pub(super) fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    crates.parent().unwrap()
}

/// A crate of the workspace.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest: PathBuf,
    pub(super) description: String,
    pub(super) licence: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// A dependency of a crate.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) dev: bool,
}

/// The output of `cargo metadata` with these arguments.
pub(super) fn metadata(arguments: &[&str]) -> Value {
    read_metadata(arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// [`metadata`], or what Cargo says: packages that no default build has may not be on this machine.
pub(super) fn read_metadata(arguments: &[&str]) -> Result<Value, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The platform that is built for; packages of others may not be there.
pub(super) fn host() -> String {
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(compiler).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The crates of the workspace.
pub(super) fn packages() -> Vec<Package> {
    let metadata = metadata(&["--no-deps"]);
    let dependency =
        |value: &Value| Dependency { name: text(&value["name"]), dev: value["kind"].as_str() == Some("dev") };
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            manifest: PathBuf::from(text(&package["manifest_path"])),
            description: text(&package["description"]),
            licence: text(&package["license"]),
            dependencies: package["dependencies"].as_array().unwrap().iter().map(dependency).collect(),
        })
        .collect()
}

/// The names of all packages in the lock file, built or not.
pub(super) fn locked() -> BTreeSet<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = "));
    names.map(|name| name.trim_matches('"').to_owned()).collect()
}

/// The versions of each package that is built by default on this platform.
pub(super) fn built_versions() -> BTreeMap<String, Vec<String>> {
    let metadata = metadata(&["--filter-platform", &host()]);
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        versions.entry(text(&package["name"])).or_default().push(text(&package["version"]));
    }
    versions
}

/// Every Rust file of the workspace, in order.
pub(super) fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["bindings", "crates", "tools", "tests", "benches", "fuzz"] {
        files.extend(rust_files_under(folder));
    }
    files.sort();
    files
}

/// Every Rust file under a folder of the workspace.
pub(super) fn rust_files_under(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
