//! `caso config from-ssm`: what a site has in ssmsend's `sender.cfg`, as the section `[ams]`.
//!
//! `sender.cfg` is in the grammar of Python's ConfigParser (`ssm/agents.py` of apel/ssm reads
//! it): names in any case, `=` or `:`, indented lines go on, a comment may be indented, and
//! `%(name)s` stands for another option of the section, `%%` for a `%`. An option that means
//! the same here has the same name. What is left out is named; of what ssmsend itself does
//! not use with AMS, or that is about its own log, nothing is said.

use std::fs;
use std::path::Path;

use super::convert::Converted;
use super::error::{Collector, ConfigError, ConfigErrors};
use super::ini::{self, Ini};
use super::unreadable::unreadable;
use caso_base::conf;

/// The options that mean the same: of which section, and their names, here and there.
const SAME: [(&str, &str); 7] = [
    ("broker", "host"),
    ("messaging", "ams_project"),
    ("messaging", "destination"),
    ("certificates", "certificate"),
    ("certificates", "key"),
    ("certificates", "server_cert"),
    ("messaging", "token"),
];

/// Those of which nothing is said. `port` and `use_ssl` are of STOMP alone.
const SILENT: [(&str, &str); 9] = [
    ("sender", "protocol"),
    ("broker", "port"),
    ("broker", "use_ssl"),
    ("certificates", "capath"),
    ("certificates", "check_crls"),
    ("messaging", "path"),
    ("messaging", "path_type"),
    ("logging", "logfile"),
    ("logging", "level"),
];

/// How deep one option may stand for another, as in ConfigParser.
const DEEPEST: usize = 10;

/// Reads a `sender.cfg`.
///
/// # Errors
/// It cannot be read, or has a line that ssmsend would not read either.
pub fn from_ssm(file: &Path) -> Result<Converted, ConfigErrors> {
    let mut errors = Collector::default();
    let read = fs::read(file).map_err(|error| unreadable(file, &error));
    let Some(bytes) = errors.take(read) else {
        return errors.finish(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let ini = match ini::parse(&without_comments(&text)) {
        Ok(ini) => ini,
        Err(faults) => {
            for fault in faults {
                errors.push(ConfigError::Grammar {
                    path: file.to_owned(),
                    line: fault.line,
                    what: fault.kind.message(),
                });
            }
            return errors.finish(None);
        }
    };
    let written = Written { file, ini };
    let converted = written.section(&mut errors);
    errors.finish(Some(converted))
}

/// Each on its line, so that lines keep their numbers.
fn without_comments(text: &str) -> String {
    let line = |line: &str| match line.trim_start().starts_with(['#', ';']) {
        true => "\n".to_owned(),
        false => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// A `sender.cfg`.
struct Written<'a> {
    file: &'a Path,
    ini: Ini,
}

impl Written<'_> {
    /// As it was written; the last of a name counts, and `[DEFAULT]` is every section's.
    fn raw(&self, section: &str, name: &str) -> Option<&str> {
        let of = |section: &str| {
            let mut all = self.ini.assignments.iter().rev();
            all.find(|it| it.section == section && it.key.eq_ignore_ascii_case(name))
        };
        let found = of(section).or_else(|| of("DEFAULT"))?;
        Some(&found.value)
    }

    /// What ssmsend reads; nothing where it is empty.
    fn value(&self, section: &str, name: &str) -> Result<Option<String>, String> {
        let Some(raw) = self.raw(section, name) else {
            return Ok(None);
        };
        let value = self.filled(section, raw, DEEPEST);
        let value = value.map_err(|what| format!("[{section}] {name} {what}"))?;
        Ok(Some(value).filter(|value| !value.is_empty()))
    }

    fn filled(&self, section: &str, raw: &str, depth: usize) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = raw;
        while let Some((before, after)) = rest.split_once('%') {
            filled.push_str(before);
            rest = if let Some(after) = after.strip_prefix('%') {
                filled.push('%');
                after
            } else {
                let name = after.strip_prefix('(').and_then(|it| it.split_once(")s"));
                let (name, after) = name
                    .ok_or("has a `%` that is neither `%%` nor `%(name)s`; ssmsend refuses it")?;
                let value = self
                    .raw(section, name)
                    .filter(|_| depth > 0)
                    .ok_or_else(|| format!("refers to `{name}`, which has no value"))?;
                filled.push_str(&self.filled(section, value, depth - 1)?);
                after
            };
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn section(&self, errors: &mut Collector) -> Converted {
        let mut remarks = self.remarks();
        let mut get = |section: &str, name: &str| {
            let value = self.value(section, name);
            let bad = |what| ConfigError::Convert {
                what: format!("`{}`: {what}", self.file.display()),
            };
            errors.take(value.map_err(bad)).flatten()
        };
        let ams = get("sender", "protocol").is_some_and(|it| it == "AMS");
        let mut options: Vec<(&str, String)> = Vec::new();
        for (section, name) in SAME {
            let Some(value) = get(section, name) else {
                continue;
            };
            match name {
                "host" if !ams => remarks.push(format!(
                    "`host` is left out: the protocol is not AMS, so `{value}` is a broker of \
                     STOMP; AMS's is used"
                )),
                "destination" if !ams => remarks.push(format!(
                    "`destination` is left out: the protocol is not AMS, so `{value}` is a queue \
                     of STOMP; the topics of EGI are used"
                )),
                // ssmsend has one topic for whatever lies in its queue.
                "destination" if value.contains("storage") => {
                    options.push(("destination_storage", value));
                }
                name => options.push((name, value)),
            }
        }
        let path = get("messaging", "path");
        if let Some(path) = &path {
            remarks.push(format!(
                "what waits in `{path}` is sent by ssmsend, which you stop when nothing is left \
                 there; or stop it now, and take that over with `caso queue adopt {path}`"
            ));
        }
        if let Some(capath) = get("certificates", "capath") {
            remarks.push(format!(
                "`capath` is left out: ssmsend checks `server_cert` by it, and AMS's certificate \
                 by the system's authorities, as cASO does; `cafile = {capath}` has AMS's checked \
                 by that folder"
            ));
        }
        let secrets = options.iter().filter(|(name, _)| *name == "token");
        let secrets: Vec<String> = secrets.map(|_| "ams.token".to_owned()).collect();
        Converted {
            text: self.text(&options),
            remarks,
            secrets,
        }
    }

    /// What is in the file and means nothing here.
    fn remarks(&self) -> Vec<String> {
        let known = SAME.iter().chain(&SILENT);
        let known: Vec<_> = known.chain(&[("logging", "console")]).collect();
        let unknown = self.ini.assignments.iter().filter(|it| {
            let key = it.key.to_lowercase();
            let section = it.section.as_str();
            section != "DEFAULT" && !known.contains(&&(section, key.as_str()))
        });
        unknown
            .map(|it| {
                format!(
                    "`{}:{}`: [{}] {} has nothing that it means the same as here, and is left out",
                    self.file.display(),
                    it.line,
                    it.section,
                    it.key
                )
            })
            .collect()
    }

    fn text(&self, options: &[(&str, String)]) -> String {
        let value = |name: &str, default: &str| {
            let mut set = options.iter();
            let set = set.find(|(known, _)| *known == name);
            set.map_or_else(|| default.to_owned(), |(_, value)| value.clone())
        };
        let mut text = format!(
            "# From {}. The texts, the certificate and the topic stay as they were.\n\n[DEFAULT]\n\
             messengers = ams\n\n[ams]\n",
            self.file.display()
        );
        for (name, value) in options {
            let value = conf::dollars(value).replace('\n', "\n  ");
            text.push_str(&format!("{name} = {value}\n"));
        }
        // A path's `?`, `&` and comma would end it.
        let path = |text: String| {
            let text = text.replace('%', "%25").replace('?', "%3F");
            text.replace('&', "%26").replace(',', "%2C")
        };
        let host = value("host", "msg.argo.grnet.gr");
        let certificate = path(value("certificate", "/etc/grid-security/hostcert.pem"));
        let key = path(value("key", "/etc/grid-security/hostkey.pem"));
        let encrypt = match value("server_cert", "") {
            none if none.is_empty() => none,
            some => format!("&encrypt={}", path(some)),
        };
        text.push_str(&format!(
            "\n# The built-in messenger is granted this by being named above; a component of your \
             own in\n# its place would need it in [messenger_ams]:\n\
             #grants = signature:{certificate}?keyfile={key}{encrypt},\n\
             #  http:https://{host},\n\
             #  http:https://{host}:8443?certfile={certificate}&keyfile={key}\n"
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Site;

    /// The one of apel/ssm's package (conf/sender.cfg), with what the documentation of EGI
    /// has sites set.
    const SENDER: &str = "[sender]
# Either 'STOMP' for STOMP message brokers or 'AMS' for Argo Messaging Service
protocol: AMS

[broker]
host: msg-devel.argo.grnet.gr
# port: 443
use_ssl: true

[certificates]
certificate: /etc/grid-security/hostcert.pem
key: /etc/grid-security/hostkey.pem
capath: /etc/grid-security/certificates
#server_cert: /etc/grid-security/servercert.pem

[messaging]
ams_project: accounting
destination: eu-egi-cloud-accounting
#token:
path: /var/spool/apel/outgoing/openstack
path_type: dirq

[logging]
logfile: /var/log/apel/ssmsend.log
level: INFO
console: true
";

    fn converted(text: &str) -> Result<Converted, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sender.cfg");
        fs::write(&file, text).unwrap();
        from_ssm(&file).map_err(|errors| errors.to_string())
    }

    fn lines(converted: &Converted) -> Vec<&str> {
        let lines = converted.text.lines();
        let lines = lines.skip_while(|line| *line != "[ams]").skip(1);
        lines.take_while(|line| !line.is_empty()).collect()
    }

    #[test]
    fn what_means_the_same_has_the_same_name() {
        let found = converted(SENDER).unwrap();
        assert_eq!(
            lines(&found),
            [
                "host = msg-devel.argo.grnet.gr",
                "ams_project = accounting",
                "destination = eu-egi-cloud-accounting",
                "certificate = /etc/grid-security/hostcert.pem",
                "key = /etc/grid-security/hostkey.pem",
            ]
        );
        assert!(found.text.contains(
            "#grants = signature:/etc/grid-security/hostcert.pem?keyfile=/etc/grid-security/hostkey.pem,\n"
        ));
        assert_eq!(found.secrets, Vec::<String>::new());
        let [path, capath] = found.remarks.as_slice() else {
            panic!("{:?}", found.remarks);
        };
        assert!(path.contains("`/var/spool/apel/outgoing/openstack`"));
        assert!(capath.contains("`cafile = /etc/grid-security/certificates`"));
        // It is a caso.conf as it stands.
        let mut site = Site::new(&found.text);
        site.inputs.builtin_messengers.push("ams".into());
        let config = site.load();
        assert_eq!(config.messengers.len(), 1);
        assert_eq!(config.messengers[0].name(), "ams");
    }

    #[test]
    fn the_grammar_is_configparsers() {
        let found = converted(
            "[DEFAULT]\nbase = /etc/grid\n[sender]\nPROTOCOL = AMS\n[broker]\nHost = a.example\n  # a comment\n\
             [certificates]\ncertificate = %(base)s/c.pem\nkey: %(certificate)s.key\nserver_cert: /s%%1.pem\n\
             [messaging]\nams_project: p$1\ndestination: eu-egi-storage-accounting\ntoken: t0ken\nextra: 1\n",
        )
        .unwrap();
        assert_eq!(
            lines(&found),
            [
                "host = a.example",
                "ams_project = p$$1",
                "destination_storage = eu-egi-storage-accounting",
                "certificate = /etc/grid/c.pem",
                "key = /etc/grid/c.pem.key",
                "server_cert = /s%1.pem",
                "token = t0ken",
            ]
        );
        assert_eq!(found.secrets, ["ams.token"]);
        assert!(found.text.contains("&encrypt=/s%251.pem"));
        assert!(!found.remarks.iter().any(|remark| remark.contains("t0ken")));
        assert!(
            found
                .remarks
                .iter()
                .any(|remark| remark.contains("[messaging] extra"))
        );
    }

    #[test]
    fn a_broker_of_stomp_is_not_ams() {
        for protocol in ["", "[sender]\nprotocol: STOMP\n"] {
            let text = format!(
                "{protocol}[broker]\nhost: mq.example\nport: 6163\n[messaging]\ndestination: /queue/x\n"
            );
            let found = converted(&text).unwrap();
            assert_eq!(lines(&found), Vec::<&str>::new());
            assert!(found.remarks[0].contains("`mq.example` is a broker"));
            assert!(found.remarks[1].contains("`/queue/x` is a queue"));
        }
    }

    #[test]
    fn what_ssmsend_would_not_read_is_an_error() {
        for (text, words) in [
            ("host: x\n", "no section before this option"),
            ("[broker]\nhost: %(nothing)s\n", "refers to `nothing`"),
            ("[broker]\nhost: %(host)s\n", "refers to `host`"),
            ("[broker]\nhost: 5%\n", "ssmsend refuses it"),
        ] {
            let error = converted(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(from_ssm(Path::new("/nowhere/sender.cfg")).is_err());
    }
}
