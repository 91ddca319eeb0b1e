//! oslo's INI into one typed, validated `Config`.
//!
//! A site's `caso.conf` of any version from 0.3.3 to 5.2.2 is read as
//! oslo.config read it, with every name an option ever had. The way of a value:
//!
//! ```text
//! files ─ ini ─┐
//! environment ─┼─ sources ─ resolve (default, `$name`) ─ reader (types) ─ Config
//! flags ───────┘                     │
//!                                  table
//! ```
//!
//! `table` says once what options there are. `component_settings` does for a
//! component's own options what `load` does for the engine's. Nothing here
//! prints: errors come together as `ConfigErrors`, remarks as `Warning`s.

mod clouds;
mod component;
mod date;
mod error;
mod files;
mod flags;
mod ini;
mod keystone;
mod load;
mod logging;
mod messengers;
mod origin;
mod prometheus;
mod reader;
mod remarks;
mod resolve;
mod sample;
mod sources;
mod substitute;
mod suggest;
pub mod table;
mod types;
mod value;
mod warning;

#[cfg(test)]
mod tests;

pub use component::{ComponentSettings, RECORD_TYPES, component_settings};
pub use date::moment;
pub use error::{At, ConfigError, ConfigErrors};
pub use files::{ConfigPlace, Places};
pub use flags::{CommandLine, arguments, completion, flags};
pub use keystone::AuthType;
pub use load::{Inputs, load};
pub use origin::Origin;
pub use remarks::unknown_sections;
pub use sample::sample;
pub use sources::Sources;
pub use table::clouds::ONLY as ONLY_CLOUD;
pub use types::*;
pub use warning::{Warning, fingerprint};

pub use crate::model::secret::{MASK, Secret, is_secret_name};
