//! oslo's INI, or TOML, into one typed, validated `Config`.
//!
//! A site's `caso.conf` of any version from 0.3.3 to 5.2.2 is read as
//! oslo.config read it, with every name an option ever had. The way of a value:
//!
//! ```text
//! files ─ ini, toml_file ─┐
//! environment ────────────┼─ sources ─ resolve (default, `$name`) ─ reader (types) ─ Config
//! flags ──────────────────┘                     │
//!                                             table
//! ```
//!
//! `table` says once what options there are, each a [`Row`] with the type of its
//! value; [`value`] says how a value of each type is written. What a component
//! describes goes the same way: [`component_settings`] does for its options what
//! [`load`] does for the engine's. Nothing here prints: errors come together as
//! [`ConfigErrors`], remarks as [`Notice`](caso_model::notice::Notice)s.

#![warn(missing_docs)]

mod clouds;
mod component;
mod convert;
mod error;
mod files;
mod flags;
mod form;
mod from_ssm;
mod ini;
mod keystone;
mod load;
mod logging;
mod messengers;
mod misplaced;
mod option_places;
mod origin;
mod own_places;
mod prometheus;
mod reader;
mod remarks;
mod resolve;
mod sample;
mod secrets;
mod show;
mod slips;
mod sources;
mod substitute;
mod table;
mod text;
mod toml_file;
mod types;
mod unreadable;
pub mod value;

#[cfg(test)]
mod tests;

pub use component::{ComponentSettings, component_settings};
pub use convert::{Converted, convert};
pub use error::{At, ConfigError, ConfigErrors};
pub use files::{ConfigPlace, Places};
pub use flags::{CommandLine, arguments, flags_of_extraction, is_for_delivery, with_former_flags};
pub use from_ssm::from_ssm;
pub use load::{Inputs, load};
pub use messengers::names::stands_for;
pub use misplaced::placed;
pub use option_places::OptionPlaces;
pub use origin::Origin;
pub use own_places::OwnPlace;
pub use remarks::unknown_sections;
pub use sample::sample;
pub use show::{component_values, written};
pub use table::clouds::ONLY as ONLY_CLOUD;
pub use table::{Entry, Flag, Row};
pub use types::*;
