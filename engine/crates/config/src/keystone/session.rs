//! Options of the session: whom to trust, how long to wait, how often to try.
//! `auth_section` does not move them.

use std::time::Duration;

use crate::origin::Origin;
use crate::reader::Reader;
use crate::resolve::Slot;
use crate::table::keystone as table;
use crate::types::Tls;
use crate::value::TlsVersion;
use caso_model::notice::Notice;

pub struct SessionOptions {
    pub tls: Tls,
    pub timeout: Duration,
    pub connect_retries: u32,
    pub status_code_retries: u32,
}

pub fn read(reader: &mut Reader<'_>, section: &str, warnings: &mut Vec<Notice>) -> SessionOptions {
    let version = Slot::within(&table::TLS_MIN_VERSION, section);
    let version = reader.find(&table::TLS_MIN_VERSION, &version);
    let tls = Tls {
        cafile: reader.get_in(&table::CAFILE, section),
        certfile: reader.get_in(&table::CERTFILE, section),
        keyfile: reader.get_in(&table::KEYFILE, section),
        insecure: reader.get_in(&table::INSECURE, section),
        only_tls13: version.is_some_and(|(version, _)| version == TlsVersion::V13),
    };
    if tls.insecure {
        let insecure = Slot::within(&table::INSECURE, section);
        let found = reader.resolver.resolve(&insecure).ok().flatten();
        let origin = found.map_or(Origin::Default, |found| found.origin);
        let text = (
            format!(
                "{origin}: `[{}] insecure` accepts any certificate, so that anyone in between can read the \
                 password",
                insecure.section()
            ),
            "to trust a certificate of your own, set `cafile`",
        );
        warnings.push(Notice::warning(format!("insecure:{section}"), text));
    }
    SessionOptions {
        tls,
        timeout: reader.get_in(&table::TIMEOUT, section).0,
        connect_retries: reader.get_in(&table::CONNECT_RETRIES, section),
        status_code_retries: reader.get_in(&table::STATUS_CODE_RETRIES, section),
    }
}
