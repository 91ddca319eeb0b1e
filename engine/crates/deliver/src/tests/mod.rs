//! What the queue promises, driven through its own front door.

#![allow(clippy::result_large_err, reason = "rules answer what the trait does")]

mod beside;
mod faults;
mod kill;
mod property;
mod rule;
mod support;
