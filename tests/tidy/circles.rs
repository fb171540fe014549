//! Circles of imports: files of a crate that import each other, directly or through others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module as its path in the crate; the crate's root is empty.
type Module = Vec<String>;

/// The imports of each file of a crate that lead to other files of it.
pub(super) struct Imports(BTreeMap<Module, BTreeSet<Module>>);

impl Imports {
    /// Reads the files of a crate's `src`.
    pub(super) fn read(src: &Path) -> Self {
        let mut texts = BTreeMap::new();
        gather(src, &[], &mut texts);
        let modules: BTreeSet<Module> = texts.keys().cloned().collect();
        let imports = texts.iter().map(|(module, text)| {
            let targets = paths(text).into_iter().filter_map(|path| resolve(&path, module, &modules));
            (module.clone(), targets.filter(|target| target != module).collect())
        });
        Self(imports.collect())
    }

    /// The largest set of files each of which reaches every other; empty if there is no circle.
    pub(super) fn largest_circle(&self) -> Vec<String> {
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.0.keys().map(|module| (module, self.reached(module))).collect();
        let circle = |module: &&Module| -> Vec<String> {
            let others = reached[*module].iter().filter(|other| reached[**other].contains(*module));
            others.map(|other| other.join("::")).collect()
        };
        reached.keys().map(circle).max_by_key(Vec::len).unwrap_or_default()
    }

    fn reached(&self, from: &Module) -> BTreeSet<&Module> {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(module) = left.pop() {
            for next in self.0.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    left.push(next);
                }
            }
        }
        seen
    }
}

fn gather(folder: &Path, module: &[String], texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            gather(&path, &[module, &[name]].concat(), texts);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let is_root = module.is_empty() && ["lib", "main"].contains(&name.as_str());
            let module = if is_root { Vec::new() } else { [module, &[name]].concat() };
            texts.insert(module, code(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// A file without its comments and its tests.
fn code(text: &str) -> String {
    let own = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
    own.lines().map(|line| line.split("//").next().unwrap().trim()).collect::<Vec<_>>().join(" ")
}

/// Every path in the code that starts at `crate`, `self` or `super`, braces expanded.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "self::", "super::"] {
        for (index, _) in code.match_indices(start) {
            let is_whole = !code[..index].ends_with(|c: char| c.is_alphanumeric() || ['_', ':'].contains(&c));
            if is_whole {
                expand(&code[index..], &[], &mut found);
            }
        }
    }
    found
}

/// Reads `a::b::{c, d::e}` at the start of a text; gives what is left of it.
fn expand<'t>(mut text: &'t str, before: &[String], found: &mut Vec<Vec<String>>) -> &'t str {
    let mut path = before.to_vec();
    loop {
        text = text.trim_start();
        if let Some(inner) = text.strip_prefix('{') {
            text = inner;
            while !text.trim_start().starts_with('}') && !text.is_empty() {
                text = expand(text, &path, found).trim_start();
                text = text.strip_prefix(',').unwrap_or(text);
            }
            return text.trim_start().strip_prefix('}').unwrap_or_default();
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        path.push(name.to_owned());
        match rest.strip_prefix("::") {
            Some(rest) => text = rest,
            None => {
                found.push(path);
                // A renamed import, or a glob, ends at the next comma or brace.
                let end = rest.find([',', '}', ';']).unwrap_or(rest.len());
                return &rest[end..];
            }
        }
    }
}

/// The file that a path leads to: the longest beginning of it that is one.
fn resolve(path: &[String], from: &Module, modules: &BTreeSet<Module>) -> Option<Module> {
    let (mut base, mut rest) = match path.split_first()? {
        (first, rest) if first == "crate" => (Vec::new(), rest),
        (first, rest) if first == "self" => (from.clone(), rest),
        _ => (from.clone(), path),
    };
    while let Some((first, after)) = rest.split_first().filter(|(first, _)| *first == "super") {
        debug_assert_eq!(first, "super");
        base.pop();
        rest = after;
    }
    let mut full = [base, rest.to_vec()].concat();
    while !modules.contains(&full) {
        full.pop()?;
    }
    Some(full)
}

#[test]
fn a_circle_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("lib.rs", "//! x\nmod a;\nmod b;\nmod c;\n");
    write("a.rs", "use crate::{b::{self, B}, other};\n// use crate::c::C;\n");
    write("b.rs", "mod d;\nuse self::d::D;\n#[cfg(test)]\nmod tests {\n    use crate::c::C;\n}\n");
    write("b/d.rs", "fn x() -> super::super::a::A {}\n");
    write("c.rs", "use crate::a::A;\n");
    let circle = Imports::read(folder.path()).largest_circle();
    assert_eq!(circle, ["a", "b", "b::d"]);
}
