//! The session against a Keystone of a few lines.

mod calls;
mod doors;
mod federation;
mod presence;
mod tokens;
