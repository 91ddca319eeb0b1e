//! `caso-mapping-migrate`: from the mapping file to properties in Keystone.

use std::process::ExitCode;

fn main() -> ExitCode {
    caso::cli::caso_mapping_migrate()
}
