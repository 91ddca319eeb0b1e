//! Options of the session: whom to trust, how long to wait, how often to try.
//! `auth_section` does not move them.

use std::time::Duration;

use crate::origin::Origin;
use crate::reader::Reader;
use crate::resolve::Slot;
use crate::table::{Row, keystone as table};
use crate::types::Tls;
use crate::value;
use caso_model::notice::Notice;

pub struct SessionOptions {
    pub tls: Tls,
    pub timeout: Duration,
    pub connect_retries: u32,
    pub status_code_retries: u32,
}

pub fn read(reader: &mut Reader<'_>, section: &str, warnings: &mut Vec<Notice>) -> SessionOptions {
    let slot = |row: &Row| Slot::within(row, section);
    let version = reader.parsed(&slot(&table::TLS_MIN_VERSION), |text| match text {
        "" => Ok(None),
        _ => value::choice(text, &["1.2", "1.3"]).map(Some),
    });
    let insecure = slot(&table::INSECURE);
    let tls = Tls {
        cafile: reader.path(&slot(&table::CAFILE)),
        certfile: reader.path(&slot(&table::CERTFILE)),
        keyfile: reader.path(&slot(&table::KEYFILE)),
        insecure: reader.boolean(&insecure),
        only_tls13: version.is_some_and(|(version, _)| version == "1.3"),
    };
    if tls.insecure {
        let found = reader.resolver.resolve(&insecure).ok().flatten();
        let origin = found.map_or(Origin::Default, |found| found.origin);
        let text = format!(
            "{origin}: `[{}] insecure` takes any certificate, so that whoever sits between can read the \
             password; to trust a certificate of your own, set `cafile`",
            insecure.section()
        );
        warnings.push(Notice::warning(format!("insecure:{section}"), text));
    }
    SessionOptions {
        tls,
        timeout: reader.duration(&slot(&table::TIMEOUT), table::TIMEOUT.kind),
        connect_retries: reader.integer_in(&table::CONNECT_RETRIES, section),
        status_code_retries: reader.integer_in(&table::STATUS_CODE_RETRIES, section),
    }
}
