//! What the queue promises, driven through its own front door.

mod damage;
mod kill;
mod order;
mod property;
mod rule;
mod support;
