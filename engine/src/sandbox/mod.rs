//! The only room that knows wasmtime.
