//! `--help` of every command, as people see it.

use crate::harness::Sandbox;

#[test]
fn help_teaches() {
    let sandbox = Sandbox::new();
    for command in [
        "",
        "run",
        "work",
        "config",
        "datasets",
        "datasets list",
        "datasets inspect",
        "datasets export",
        "model",
        "model inspect",
        "model logprobs",
        "model generate",
        "release",
        "fit",
        "import",
        "evaluate",
        "transfer",
        "thresholds",
        "thresholds show",
        "thresholds validate",
        "thresholds check",
        "thresholds diff",
        "thresholds export",
        "thresholds decide",
        "serve",
        "adapt",
        "audit",
        "sample-size",
        "schema",
        "schema write",
    ] {
        let run = sandbox.sh(&format!("{command} --help")).exits(0);
        let name = format!("help {command}").trim().replace(' ', "-");
        insta::assert_snapshot!(name, run.stdout);
    }
}

#[test]
fn no_command_is_a_usage_error() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.sh("").code, 2);
    sandbox.sh("fitt").exits(2).says(["fit"]);
    sandbox.sh("--version").exits(0).shows(["plimsoll 0.1.0"]);
}
