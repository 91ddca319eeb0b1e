//! The only room that knows wasmtime.
pub mod builtin;
