//! The largest values that a pipeline or a command line may ask for: beyond them it is surely a slip.

/// Bins of a draw.
pub const MAX_BINS: u32 = 10_000;
/// Bootstrap replicates.
pub const MAX_BOOTSTRAP: u32 = 100_000;
/// Repeats of a transfer.
pub const MAX_REPEATS: u32 = 1_000;
/// Targets of a fit.
pub const MAX_TARGETS: usize = 1_000;
/// Seeds: 2^53, the largest number up to which every JSON reader keeps each integer.
pub const MAX_SEED: u64 = 1 << 53;
/// Characters of a name that becomes a file's.
pub const MAX_NAME: usize = 128;
/// Questions of a chunk.
pub const MAX_CHUNK: usize = 100_000;
/// Exemplars before a question.
pub const MAX_FEW_SHOT: usize = 100;
/// Sequences at once.
pub const MAX_SEQUENCES: usize = 4096;
