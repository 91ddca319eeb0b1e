//! oslo.log's options that have a meaning here.

use super::reader::Reader;
use super::table::logging as rows;
use super::types::{Logging, Program};

pub(super) fn read(reader: &mut Reader<'_>, program: Program) -> Logging {
    let debug = reader.get(&rows::DEBUG);
    let file = reader.get(&rows::LOG_FILE);
    let folder = reader.get(&rows::LOG_DIR);
    let json = reader.get(&rows::USE_JSON);
    let syslog = reader.get(&rows::USE_SYSLOG);
    let facility = reader.try_get(&rows::SYSLOG_LOG_FACILITY);
    let file = match (file, folder) {
        (Some(file), Some(folder)) => Some(folder.join(file)),
        (Some(file), None) => Some(file),
        (None, Some(folder)) => Some(folder.join(format!("{}.log", program.name()))),
        (None, None) => None,
    };
    Logging {
        debug,
        file,
        json,
        syslog: facility.filter(|_| syslog),
    }
}
