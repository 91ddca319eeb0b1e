//! What wasmtime generates from the contract, a module for each of its major
//! versions, and nothing else. Outside this folder, `convert` and `abi` nobody
//! sees it.

pub mod v1;
