//! Which kernel multiplies with packed matrices on a processor.

use std::ffi::OsStr;

use plimsoll_kernels::packed::{Kernel, KernelChoice, KernelError};

/// The environment variable that names it.
pub(crate) const VARIABLE: &str = "PLIMSOLL_KERNEL";

/// The kernel that [`VARIABLE`] names; without it, or where it is empty, the fastest that the processor has.
///
/// # Errors
/// [`KernelError`] if there is no kernel of that name, or this processor cannot run it.
pub(crate) fn chosen_kernel() -> Result<Kernel, KernelError> {
    named(std::env::var_os(VARIABLE).as_deref())
}

fn named(name: Option<&OsStr>) -> Result<Kernel, KernelError> {
    match name {
        Some(name) if !name.is_empty() => name.to_string_lossy().parse::<KernelChoice>()?.kernel(),
        _ => KernelChoice::Auto.kernel(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_names_a_kernel_or_is_refused() {
        for fastest in [None, Some(OsStr::new("")), Some(OsStr::new("auto"))] {
            assert_eq!(named(fastest), Ok(Kernel::best()));
        }
        let portable = named(Some(OsStr::new("portable"))).unwrap();
        assert_eq!(portable.choice(), KernelChoice::Portable);
        let refused = named(Some(OsStr::new("Portable"))).unwrap_err().to_string();
        assert!(refused.contains("`Portable`") && refused.contains("avx2"), "{refused}");
    }
}
