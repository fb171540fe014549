//! Which kernel multiplies with packed matrices on a processor.

use plimsoll_kernels::packed::{Kernel, KernelChoice, KernelError};

/// The environment variable that names it.
pub(crate) const VARIABLE: &str = "PLIMSOLL_KERNEL";

/// The kernel that [`VARIABLE`] names; without it, or where it is empty, the fastest that the processor has.
///
/// # Errors
/// [`KernelError`] if there is no kernel of that name, or this processor cannot run it.
pub(crate) fn chosen_kernel() -> Result<Kernel, KernelError> {
    match std::env::var_os(VARIABLE) {
        Some(name) if !name.is_empty() => name.to_string_lossy().parse::<KernelChoice>()?.kernel(),
        _ => KernelChoice::Auto.kernel(),
    }
}
