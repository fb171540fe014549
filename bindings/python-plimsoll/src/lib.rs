//! Plimsoll for Python: the module `plimsoll._native`, on which the package `plimsoll` is built.
//!
//! `python/plimsoll/_native.pyi` is the documentation of what is here. The rest is `crates/cli`.

mod adapters;
mod arrow_stream;
mod call;
mod failure;
mod observer;
mod table;

use std::ffi::OsString;

use pyo3::prelude::*;

/// The program with these arguments, the first of which is its name; gives its exit code.
#[pyfunction]
fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| plimsoll_cli::main(arguments))
}

/// The module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::main;
    #[pymodule_export]
    use crate::adapters::{confidence_maps, mapped};
    #[pymodule_export]
    use crate::call::call;
    #[pymodule_export]
    use crate::failure::{PlimsollError, Problem};
    #[pymodule_export]
    use crate::table::Table;

    /// The version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
