//! Options of the session: whom to trust, how long to wait, how often to try.
//! `auth_section` does not move them.

use std::time::Duration;

use crate::config::origin::Origin;
use crate::config::reader::Reader;
use crate::config::resolve::Slot;
use crate::config::table::{Row, keystone as table};
use crate::config::types::Tls;
use crate::config::value;
use crate::config::warning::Warning;

pub struct SessionOptions {
    pub tls: Tls,
    pub timeout: Duration,
    pub connect_retries: u32,
    pub status_code_retries: u32,
}

pub fn read(reader: &mut Reader<'_>, section: &str, warnings: &mut Vec<Warning>) -> SessionOptions {
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
        warnings.push(Warning::new(format!("insecure:{section}"), text));
    }
    SessionOptions {
        tls,
        timeout: reader.duration(&slot(&table::TIMEOUT), table::TIMEOUT.kind),
        connect_retries: reader.integer(&slot(&table::CONNECT_RETRIES), &table::CONNECT_RETRIES),
        status_code_retries: reader.integer(
            &slot(&table::STATUS_CODE_RETRIES),
            &table::STATUS_CODE_RETRIES,
        ),
    }
}
