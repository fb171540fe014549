//! The largest numbers that a plan or a command line may ask for: beyond them it is surely a slip.

/// Bins of a draw.
pub(crate) const MAX_BINS: u32 = 10_000;
/// Bootstrap replicates.
pub(crate) const MAX_BOOTSTRAP: u32 = 100_000;
/// Repeats of a transfer.
pub(crate) const MAX_REPEATS: u32 = 1_000;
/// Targets of a fit.
pub(crate) const MAX_TARGETS: usize = 1_000;
/// Seeds: 2^53, the largest number up to which every JSON reader keeps each integer.
pub(crate) const MAX_SEED: u64 = 1 << 53;
/// Characters of a name that becomes a file's.
pub(crate) const MAX_NAME: usize = 128;
/// Questions of a chunk.
pub(crate) const MAX_CHUNK: usize = 100_000;
/// Exemplars before a question.
pub(crate) const MAX_FEW_SHOT: usize = 100;
/// Sequences at once.
pub(crate) const MAX_SEQUENCES: usize = 4096;
