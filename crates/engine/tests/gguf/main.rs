//! GGUF files: honest, damaged and hostile.

mod decoder;
mod header;
mod models;
mod vocabulary;
mod weights;
mod writer;
