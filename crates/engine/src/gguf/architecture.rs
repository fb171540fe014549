//! The architectures of GGUF files.

/// The architectures that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GgufArchitecture {
    /// Llama, Mistral, Danube, `SmolLM2`.
    Llama,
    /// Phi 3 and 3.5, with fused projections.
    Phi3,
    /// Qwen 2 and 2.5, with biases.
    Qwen2,
    /// Qwen 3, with normalised queries and keys.
    Qwen3,
    /// Granite 3, with multipliers.
    Granite,
    /// The text part of Gemma 3.
    Gemma3,
}

impl GgufArchitecture {
    /// Whether the file holds the rows of queries and keys with the two that turn together side by side,
    /// not half a head apart.
    pub(super) fn interleaves(self) -> bool {
        matches!(self, Self::Llama | Self::Granite)
    }
}
