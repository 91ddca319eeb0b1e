//! Commands beside the run: each on its own, and but for those that change a queue without
//! lock or journal.

mod check;
pub mod component;
mod config_sample;
mod config_show;
pub mod cursor;
pub mod cursor_list;
pub mod cursor_places;
mod demo;
mod explain;
mod init;
pub mod mapping_migrate;
mod projects;
pub mod queue;
pub mod status;
mod support;

pub use self::check::{Check, Shown as Checked, check, unusable as check_unusable};
pub use self::config_sample::sample;
pub use self::config_show::show;
pub use self::demo::{demo, remove_demo};
pub use self::explain::explain;
pub use self::init::{Account, FirstSite, init};
pub use self::mapping_migrate::mapping_migrate;
pub use self::projects::projects;
pub use self::status::{StatusForm, status, unknown as status_unknown};
pub use self::support::support;

use super::exit::Exit;
use super::incomplete;
use super::remedy;
use caso_config::Config;

/// For commands that must ask Keystone: the exit code where the configuration has
/// no way to log in.
fn no_keystone(config: &Config) -> Option<Exit> {
    let mut clouds = config.clouds.iter();
    let error = clouds.find_map(|cloud| cloud.keystone().err())?;
    let error = incomplete(config, error);
    remedy::log_error(remedy::message(error.as_ref()));
    Some(Exit::Usage)
}

/// What is odd about the configuration, in full: for commands that somebody runs
/// by hand, and that leave nothing behind by which to know what is new.
fn log_warnings(config: &Config) {
    let mut warnings = config.warnings.clone();
    warnings.sort();
    warnings.dedup();
    for warning in warnings {
        remedy::log_warning(warning.message());
    }
}
