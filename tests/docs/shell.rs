//! Commands in documents: run as they stand, or at least held against the program, the Makefile and the workspace.

use std::env;
use std::path::Path;
use std::process::Command;

use super::markdown::Block;
use crate::harness::{PROGRAM, Run, Sandbox, repository};

/// Why a block may be parsed instead of run.
pub(super) const REASONS: &[(&str, &str)] = &[
    ("build", "builds or installs a part of the workspace, which the tests' own build does"),
    ("slow", "takes minutes, and has tests of its own"),
    ("network", "downloads gigabytes or asks a hosted model"),
    ("tools", "needs tools or data that a machine may not have"),
];

/// Programs of others that a command may begin with.
const OTHERS: &[&str] = &["cd", "echo", "git", "gh", "rustup"];

/// Runs a block.
pub(super) fn run(block: &Block, sandbox: &Sandbox) {
    script(block, &block.text, sandbox);
}

/// Runs each command after `$ ` and compares what it writes with the lines below it; a line `...` stands for any number.
pub(super) fn compare(block: &Block, sandbox: &Sandbox) {
    for session in format!("\n{}", block.text).split("\n$ ").skip(1) {
        let (command, shown) = session.split_once('\n').unwrap_or((session, ""));
        let run = script(block, command, sandbox);
        let (shown, written) = (lines(shown), lines(&run.stdout));
        assert!(
            !shown.is_empty() && is_like(&shown, &written),
            "{}: `{command}` writes\n{}",
            block.location(),
            run.stdout
        );
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

fn is_like(shown: &[&str], written: &[&str]) -> bool {
    match shown.split_first() {
        None => written.is_empty(),
        Some((&"...", rest)) => (0..=written.len()).any(|from| is_like(rest, &written[from..])),
        Some((first, rest)) => {
            written.split_first().is_some_and(|(line, more)| line == first && is_like(rest, more))
        }
    }
}

/// Runs a script where `plimsoll` is the program under test, and nothing is reached through a network.
fn script(block: &Block, text: &str, sandbox: &Sandbox) -> Run {
    let folder = Path::new(PROGRAM).parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([folder].into_iter().chain(env::split_paths(&path))).unwrap();
    let mut command = Command::new("sh");
    command.args(["-e", "-c", text]).current_dir(sandbox.root()).env("PATH", path);
    command.env("HF_HUB_OFFLINE", "1").env("HF_HOME", sandbox.path("hub")).env("HOME", sandbox.root());
    for variable in ["OPENAI_API_KEY", "XDG_CACHE_HOME", "LOGS", "MMLU_PRO_LOGS"] {
        command.env_remove(variable);
    }
    let run = Run::from_command(command);
    assert_eq!(run.code, 0, "{}: `{text}`\n{}\n{}", block.location(), run.stdout, run.stderr);
    run
}

/// Holds the words of a block against what they name.
pub(super) fn parse(block: &Block, reason: &str, sandbox: &Sandbox) {
    assert!(REASONS.iter().any(|(known, _)| *known == reason), "{}: no reason {reason:?}", block.location());
    let mut folder = repository();
    for mut words in commands(&block.text) {
        let is_variable =
            |word: &&String| word.split_once('=').is_some_and(|(name, _)| name == name.to_uppercase());
        words.drain(..words.iter().take_while(is_variable).count());
        let Some((program, arguments)) = words.split_first() else { continue };
        match program.as_str() {
            "cd" => folder = folder.join(&arguments[0]).canonicalize().unwrap(),
            "make" => make(block, arguments),
            "plimsoll" => plimsoll(block, arguments, sandbox),
            "cargo" => cargo(block, arguments, &folder),
            other => assert!(OTHERS.contains(&other), "{}: `{other}` is unknown", block.location()),
        }
    }
}

/// Targets and variables of the Makefile.
fn make(block: &Block, arguments: &[String]) {
    let makefile = std::fs::read_to_string(repository().join("Makefile")).unwrap();
    for word in arguments {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let is_known = if word.contains('=') {
            makefile.contains(&format!("$({name})"))
        } else {
            makefile.lines().any(|line| line.starts_with(&format!("{name}:")))
        };
        assert!(is_known, "{}: the Makefile has no `{name}`", block.location());
        assert!(name != "PIPELINE" || repository().join(value).is_file(), "{}: no {value}", block.location());
    }
}

/// The program reads its options before it is asked for help; pipeline files must be such.
fn plimsoll(block: &Block, arguments: &[String], sandbox: &Sandbox) {
    let with_help: Vec<&str> = arguments.iter().map(String::as_str).chain(["--help"]).collect();
    let run = sandbox.run(&with_help);
    assert_eq!(run.code, 0, "{}: {arguments:?}\n{}", block.location(), run.stderr);
    for file in arguments.iter().filter(|word| word.starts_with("pipelines/")) {
        let run = sandbox.run(&["config", file]);
        assert_eq!(run.code, 0, "{}: {file}\n{}", block.location(), run.stderr);
    }
}

/// Packages, paths and examples that a command of cargo names.
fn cargo(block: &Block, arguments: &[String], folder: &Path) {
    for (option, value) in arguments.iter().zip(arguments.iter().skip(1)) {
        let is_there = match option.as_str() {
            "--path" => folder.join(value).join("Cargo.toml").is_file(),
            "--example" => folder.join(format!("examples/{value}.rs")).is_file(),
            "-p" => manifests().iter().any(|manifest| manifest.contains(&format!("name = \"{value}\""))),
            _ => true,
        };
        assert!(is_there, "{}: `{option} {value}` leads nowhere", block.location());
    }
}

fn manifests() -> Vec<String> {
    let folders = std::fs::read_dir(repository().join("crates")).unwrap();
    folders.map(|entry| std::fs::read_to_string(entry.unwrap().path().join("Cargo.toml")).unwrap()).collect()
}

/// The words of each command of a script: quotes and continued lines are joined, comments and redirections left out.
fn commands(script: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut characters = script.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            quote @ ('\'' | '"') => {
                let quoted = characters.by_ref().take_while(|c| *c != quote);
                word.get_or_insert_default().extend(quoted);
            }
            '#' if word.is_none() => while characters.next_if(|c| *c != '\n').is_some() {},
            '|' | '&' | ';' | '\n' => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    let without_redirection =
        |words: Vec<String>| words.into_iter().take_while(|word| !word.starts_with('>')).collect();
    commands.into_iter().map(without_redirection).filter(|words: &Vec<String>| !words.is_empty()).collect()
}

#[test]
fn scripts_are_split_as_a_shell_does() {
    let script = "A=1 make 'x y' # no\n# none\necho \"a b\" | plimsoll fit \\\n  --out o > log && cd x\n";
    let expected: [&[&str]; 4] =
        [&["A=1", "make", "x y"], &["echo", "a b"], &["plimsoll", "fit", "--out", "o"], &["cd", "x"]];
    assert_eq!(commands(script), expected);
}

#[test]
fn what_is_shown_may_leave_lines_out() {
    assert!(is_like(&["a", "...", "d"], &["a", "b", "c", "d"]) && is_like(&["..."], &[]));
    assert!(!is_like(&["a", "...", "e"], &["a", "b"]) && !is_like(&["a"], &["a", "b"]));
}
