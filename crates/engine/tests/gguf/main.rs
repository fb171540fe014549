//! GGUF files: honest, damaged and hostile.

mod header;
mod vocabulary;
mod writer;
