//! The `plimsoll` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(plimsoll_cli::main(std::env::args_os()))
}
