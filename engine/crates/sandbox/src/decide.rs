//! Which of the capabilities that a component would like it gets.
//!
//! A capability counts when the component asks for it *and* somebody granted
//! it: for a built-in by enabling it, for a site's own component line by line.
//! Order: the target's `${option}`s are filled in; an optional request whose
//! option is unset vanishes; what is left must be a thing that exists; then
//! the policy. Every refusal says which line would change it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::grant::{
    Endpoint, Grant, Identity, identity as identity_of, origin_of, parse_path, parse_umask, truth,
};
use caso_model::Attribute;
use caso_model::component::{CapabilityRequest, OptionValue, Setting};
use caso_net::tls::TlsSettings;

/// Who grants.
#[derive(Debug, Clone, Copy)]
pub enum Policy<'a> {
    /// A component that came with the engine: it gets what it asks for.
    Builtin,
    /// A component of the site: it gets what is in this list.
    Site(&'a [Grant]),
}

/// A queue and its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueTerms {
    pub path: PathBuf,
    pub umask: Option<u32>,
}

/// A connection and its terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionTerms {
    pub endpoint: Endpoint,
    pub tls: bool,
    pub cafile: Option<PathBuf>,
    pub identity: Option<Identity>,
}

impl ConnectionTerms {
    /// How TLS is spoken there.
    pub(super) fn tls_settings(&self) -> TlsSettings {
        TlsSettings {
            cafile: self.cafile.clone(),
            identity: self.identity.clone(),
            ..TlsSettings::default()
        }
    }
}

/// An origin for HTTP requests and its terms.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HttpTerms {
    /// Scheme, host and perhaps port, as the URL standard writes them.
    pub origin: String,
    pub cafile: Option<PathBuf>,
    /// Whether the server's certificate is checked.
    pub verify: bool,
}

impl HttpTerms {
    /// How TLS is spoken there.
    pub(super) fn tls_settings(&self) -> TlsSettings {
        TlsSettings {
            cafile: self.cafile.clone(),
            insecure: !self.verify,
            ..TlsSettings::default()
        }
    }
}

/// A directory and its terms. The guest sees it at `/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryTerms {
    pub name: String,
    pub path: PathBuf,
    pub write: bool,
}

/// What one messenger instance may use, by the names under which it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    pub queues: BTreeMap<String, QueueTerms>,
    pub connections: BTreeMap<String, ConnectionTerms>,
    pub origins: BTreeMap<String, HttpTerms>,
    pub directories: Vec<DirectoryTerms>,
    pub addresses: Vec<Endpoint>,
    /// Optional requests that were not granted, and what would grant them.
    pub refused: BTreeMap<String, String>,
    /// Grants of the site that nothing asked for: worth a warning.
    pub unused: Vec<Grant>,
}

/// Why a component cannot have what it needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error(
        "messenger `{instance}` needs `{capability}` ({kind} at `{target}`), but the option \
         `{option}` is not set: set it in [{instance}]"
    )]
    Unset {
        instance: String,
        capability: String,
        kind: String,
        target: String,
        option: String,
    },
    #[error("messenger `{instance}` asks for `{capability}`, which is nothing to grant: {problem}")]
    Invalid {
        instance: String,
        capability: String,
        problem: String,
    },
    #[error("messenger `{instance}` needs `{capability}`, which it is not granted: {remedy}")]
    Missing {
        instance: String,
        capability: String,
        remedy: String,
    },
    #[error(
        "messenger `{instance}` needs `{capability}` of kind `{kind}`, which is not offered by \
         this host yet"
    )]
    NotOffered {
        instance: String,
        capability: String,
        kind: String,
    },
}

/// Decides on all requests of a component for the messenger `instance`.
pub fn decide(
    instance: &str,
    requests: &[CapabilityRequest],
    settings: &[Setting],
    policy: Policy<'_>,
) -> Result<Granted, GrantError> {
    let mut granted = Granted::default();
    let mut used = Vec::new();
    for request in requests {
        match decide_one(instance, request, settings, policy) {
            Ok(Some((grant, source))) => {
                used.extend(source);
                granted.add(request, grant);
            }
            Ok(None) => {}
            Err(error) if request.required => return Err(error),
            Err(error) => {
                granted.refused.insert(request.name.clone(), error.remedy());
            }
        }
    }
    if let Policy::Site(grants) = policy {
        granted.unused = grants
            .iter()
            .filter(|grant| !used.contains(grant))
            .cloned()
            .collect();
    }
    Ok(granted)
}

/// The grant in force and the site's grant it came from; nothing for an
/// optional request whose option is unset.
fn decide_one<'a>(
    instance: &str,
    request: &CapabilityRequest,
    settings: &[Setting],
    policy: Policy<'a>,
) -> Result<Option<(Grant, Option<&'a Grant>)>, GrantError> {
    let instance = instance.to_owned();
    let capability = request.name.clone();
    let target = match resolve(&request.target, settings) {
        Ok(target) => target,
        Err(Unresolved::Unset(_)) if !request.required => return Ok(None),
        Err(Unresolved::Unset(option)) => {
            return Err(GrantError::Unset {
                instance,
                capability,
                kind: request.kind.clone(),
                target: request.target.clone(),
                option,
            });
        }
        Err(Unresolved::Malformed) => {
            let problem = format!("its target `{}` has a `${{` without `}}`", request.target);
            return Err(GrantError::Invalid {
                instance,
                capability,
                problem,
            });
        }
    };
    let known = [
        "queue",
        "connection",
        "http",
        "directory",
        "directory-write",
        "address",
    ];
    if !known.contains(&request.kind.as_str()) {
        let kind = request.kind.clone();
        return Err(GrantError::NotOffered {
            instance,
            capability,
            kind,
        });
    }
    let wanted = wanted(request, &target, settings).map_err(|problem| GrantError::Invalid {
        instance: instance.clone(),
        capability: capability.clone(),
        problem,
    })?;
    let grants = match policy {
        Policy::Builtin => return Ok(Some((wanted, None))),
        Policy::Site(grants) => grants,
    };
    match grants.iter().find(|grant| grant.covers(&wanted)) {
        // A directory that may be written is handed out as it was asked for.
        Some(source) if matches!(source, Grant::Directory { .. }) => {
            Ok(Some((wanted, Some(source))))
        }
        Some(source) => Ok(Some((source.clone(), Some(source)))),
        None => {
            let remedy = add_line(&instance, &plain(wanted).to_string());
            Err(GrantError::Missing {
                instance,
                capability,
                remedy,
            })
        }
    }
}

/// What the request comes to, with its terms. A site's grant brings terms of
/// its own, so that a component cannot choose the CA it is checked by.
fn wanted(
    request: &CapabilityRequest,
    target: &str,
    settings: &[Setting],
) -> Result<Grant, String> {
    let target = match request.kind.as_str() {
        // An option has the address of a service, path and all.
        "http" => origin_of(target)?,
        _ => target.to_owned(),
    };
    let mut grant = Grant::of_kind(&request.kind, &target).map_err(|error| error.to_string())?;
    match &mut grant {
        Grant::Connection {
            tls,
            cafile,
            identity,
            ..
        } => {
            if let Some(value) = term(&request.attributes, "tls", settings)? {
                *tls = truth(&value).map_err(|problem| format!("its term `tls`: {problem}"))?;
            }
            if let Some(value) = term(&request.attributes, "cafile", settings)?
                && *tls
            {
                *cafile = Some(parse_path(&value)?);
            }
            if *tls {
                let certfile = term(&request.attributes, "certfile", settings)?;
                let keyfile = term(&request.attributes, "keyfile", settings)?;
                *identity = identity_of(certfile.as_deref(), keyfile.as_deref())?;
            }
        }
        Grant::Http {
            origin,
            cafile,
            verify,
        } if origin.starts_with("https:") => {
            if let Some(value) = term(&request.attributes, "verify", settings)? {
                *verify =
                    truth(&value).map_err(|problem| format!("its term `verify`: {problem}"))?;
            }
            if let Some(value) = term(&request.attributes, "cafile", settings)?
                && *verify
            {
                *cafile = Some(parse_path(&value)?);
            }
        }
        Grant::Queue { umask, .. } => {
            if let Some(value) = term(&request.attributes, "umask", settings)? {
                *umask = Some(parse_umask(&value)?);
            }
        }
        _ => {}
    }
    Ok(grant)
}

/// The line to suggest: without terms that the component chose.
fn plain(grant: Grant) -> Grant {
    match grant {
        Grant::Queue { path, .. } => Grant::Queue { path, umask: None },
        Grant::Connection { endpoint, tls, .. } => Grant::Connection {
            endpoint,
            tls,
            cafile: None,
            identity: None,
        },
        Grant::Http { origin, .. } => Grant::Http {
            origin,
            cafile: None,
            verify: true,
        },
        other => other,
    }
}

/// The sentence that every refusal ends with.
fn add_line(instance: &str, grant: &str) -> String {
    format!("add `{grant}` to `grants` in [messenger_{instance}]")
}

/// What a guest is told that uses a name nobody granted.
pub(super) fn refusal(granted: &Granted, instance: &str, kind: &str, name: &str) -> String {
    if let Some(text) = granted.refused.get(name) {
        return format!("`{name}` is not granted: {text}");
    }
    let form = match kind {
        "queue" => "queue:/path".to_owned(),
        // The guest names the origin itself.
        "http" => format!("http:{name}"),
        _ => "connection:host:port".to_owned(),
    };
    format!(
        "no {kind} `{name}` is granted: the component's description must ask for it, and {}",
        add_line(instance, &form)
    )
}

fn term(
    attributes: &[Attribute],
    name: &str,
    settings: &[Setting],
) -> Result<Option<String>, String> {
    let Some(attribute) = attributes.iter().find(|attribute| attribute.name == name) else {
        return Ok(None);
    };
    match resolve(&attribute.value, settings) {
        Ok(value) => Ok(Some(value)),
        Err(Unresolved::Unset(_)) => Ok(None),
        Err(Unresolved::Malformed) => Err(format!("its term `{name}` has a `${{` without `}}`")),
    }
}

enum Unresolved {
    /// This option has no value, or an empty one.
    Unset(String),
    Malformed,
}

/// Fills in `${option}`s.
fn resolve(text: &str, settings: &[Setting]) -> Result<String, Unresolved> {
    let mut resolved = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (option, after) = after.split_once('}').ok_or(Unresolved::Malformed)?;
        let value = settings
            .iter()
            .find(|setting| setting.name == option)
            .map(|s| text_of(&s.value));
        match value {
            Some(value) if !value.is_empty() => {
                resolved.push_str(before);
                resolved.push_str(&value);
            }
            _ => return Err(Unresolved::Unset(option.to_owned())),
        }
        rest = after;
    }
    resolved.push_str(rest);
    Ok(resolved)
}

fn text_of(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => text.clone(),
        OptionValue::Integer(number) => number.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Boolean(truth) => truth.to_string(),
        OptionValue::DurationMilliseconds(number) | OptionValue::SizeBytes(number) => {
            number.to_string()
        }
        OptionValue::Texts(texts) => texts.join(","),
    }
}

impl GrantError {
    /// What would change the refusal, without the names around it.
    fn remedy(&self) -> String {
        match self {
            Self::Missing { remedy, .. } => remedy.clone(),
            other => other.to_string(),
        }
    }
}

impl Granted {
    fn add(&mut self, request: &CapabilityRequest, grant: Grant) {
        let name = request.name.clone();
        match grant {
            Grant::Queue { path, umask } => {
                self.queues.insert(name, QueueTerms { path, umask });
            }
            Grant::Connection {
                endpoint,
                tls,
                cafile,
                identity,
            } => {
                self.connections.insert(
                    name,
                    ConnectionTerms {
                        endpoint,
                        tls,
                        cafile,
                        identity,
                    },
                );
            }
            Grant::Directory { path, write } => {
                self.directories.push(DirectoryTerms { name, path, write });
            }
            Grant::Address(endpoint) => self.addresses.push(endpoint),
            Grant::Http {
                origin,
                cafile,
                verify,
            } => {
                let terms = HttpTerms {
                    origin,
                    cafile,
                    verify,
                };
                self.origins.insert(name, terms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, kind: &str, target: &str, required: bool) -> CapabilityRequest {
        CapabilityRequest {
            name: name.to_owned(),
            kind: kind.to_owned(),
            target: target.to_owned(),
            required,
            attributes: Vec::new(),
        }
    }

    fn with(mut request: CapabilityRequest, name: &str, value: &str) -> CapabilityRequest {
        request.attributes.push(Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        });
        request
    }

    fn setting(name: &str, value: OptionValue) -> Setting {
        Setting {
            name: name.to_owned(),
            value,
        }
    }

    fn text(name: &str, value: &str) -> Setting {
        setting(name, OptionValue::Text(value.to_owned()))
    }

    fn grants(texts: &[&str]) -> Vec<Grant> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn logstash() -> CapabilityRequest {
        with(
            request("server", "connection", "${host}:${port}", true),
            "tls",
            "${tls}",
        )
    }

    #[test]
    fn a_builtin_gets_what_it_asks_for() {
        let settings = [
            text("host", "Logstash.example"),
            setting("port", OptionValue::Integer(5000)),
            setting("tls", OptionValue::Boolean(true)),
        ];
        let granted = decide("logstash", &[logstash()], &settings, Policy::Builtin).unwrap();
        let terms = &granted.connections["server"];
        assert_eq!(terms.endpoint.to_string(), "logstash.example:5000");
        assert!(terms.tls && terms.cafile.is_none());
    }

    #[test]
    fn a_site_component_gets_what_the_site_granted_and_its_terms() {
        let settings = [text("host", "a"), setting("port", OptionValue::Integer(1))];
        let asked = with(logstash(), "cafile", "/mine.pem");
        let list = grants(&[
            "connection:tls://a:1?cafile=/site.pem",
            "queue:/never/asked",
        ]);
        let granted = decide("mine", &[asked], &settings, Policy::Site(&list)).unwrap();
        assert!(granted.connections["server"].tls);
        assert_eq!(
            granted.connections["server"].cafile,
            Some("/site.pem".into())
        );
        assert_eq!(granted.unused, grants(&["queue:/never/asked"]));
    }

    #[test]
    fn a_client_certificate_is_an_option_of_a_builtin_and_a_term_of_a_grant() {
        let asked = || {
            let asked = with(logstash(), "certfile", "${certfile}");
            with(asked, "keyfile", "${keyfile}")
        };
        let settings = |more: &[Setting]| {
            let mut settings = vec![
                text("host", "a"),
                setting("port", OptionValue::Integer(1)),
                setting("tls", OptionValue::Boolean(true)),
            ];
            settings.extend_from_slice(more);
            settings
        };
        let identity = |settings: &[Setting], policy| {
            let granted = decide("mine", &[asked()], settings, policy)?;
            let identity = granted.connections["server"].identity.clone();
            Ok::<_, GrantError>(identity.map(|i| (i.certfile, i.keyfile)))
        };
        let both = settings(&[text("certfile", "/c.pem"), text("keyfile", "/c.key")]);
        let pair = |cert: &str, key: &str| Some((cert.into(), key.into()));
        assert_eq!(
            identity(&both, Policy::Builtin),
            Ok(pair("/c.pem", "/c.key"))
        );
        assert_eq!(identity(&settings(&[]), Policy::Builtin), Ok(None));
        let alone = settings(&[text("certfile", "/c.pem")]);
        assert_eq!(
            identity(&alone, Policy::Builtin),
            Ok(pair("/c.pem", "/c.pem"))
        );
        let error = identity(&settings(&[text("keyfile", "/k")]), Policy::Builtin).unwrap_err();
        assert!(error.to_string().contains("`keyfile` without `certfile`"));
        // Who a site's own component says that it is, is the site's to say.
        let list = grants(&["connection:tls://a:1?certfile=/site.pem"]);
        assert_eq!(
            identity(&both, Policy::Site(&list)),
            Ok(pair("/site.pem", "/site.pem"))
        );
    }

    #[test]
    fn a_missing_grant_names_the_line() {
        let settings = [text("output_path", "/var/spool/q/")];
        let asked = [request("outgoing", "queue", "${output_path}", true)];
        let error = decide("mine", &asked, &settings, Policy::Site(&[])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "messenger `mine` needs `outgoing`, which it is not granted: add \
             `queue:/var/spool/q` to `grants` in [messenger_mine]"
        );
    }

    #[test]
    fn plain_text_is_no_substitute_for_tls() {
        let settings = [
            text("host", "a"),
            setting("port", OptionValue::Integer(1)),
            setting("tls", OptionValue::Boolean(true)),
        ];
        let list = grants(&["connection:a:1"]);
        let error = decide("m", &[logstash()], &settings, Policy::Site(&list)).unwrap_err();
        assert!(
            error.to_string().contains("add `connection:tls://a:1`"),
            "{error}"
        );
    }

    #[test]
    fn an_optional_request_vanishes_or_is_refused_but_never_fails() {
        let asked = [
            request("unset", "queue", "${nowhere}", false),
            request("empty", "queue", "${empty}", false),
            request("denied", "queue", "/q", false),
            request("web", "http", "https://a", false),
        ];
        let settings = [text("empty", "")];
        let granted = decide("m", &asked, &settings, Policy::Site(&[])).unwrap();
        assert_eq!(granted.queues.len(), 0);
        assert_eq!(
            granted.refused.keys().collect::<Vec<_>>(),
            ["denied", "web"]
        );
        let told = refusal(&granted, "m", "queue", "denied");
        assert!(
            told.contains("add `queue:/q` to `grants` in [messenger_m]"),
            "{told}"
        );
        let told = refusal(&granted, "m", "queue", "other");
        assert!(told.contains("no queue `other` is granted"), "{told}");
        assert!(
            told.contains("add `queue:/path` to `grants` in [messenger_m]"),
            "{told}"
        );
    }

    #[test]
    fn what_is_required_and_impossible_is_an_error() {
        for (asked, part) in [
            (
                request("a", "queue", "${output_path}", true),
                "`output_path` is not set",
            ),
            (
                request("a", "queue", "relative", true),
                "not an absolute path",
            ),
            (request("a", "queue", "${open", true), "without `}`"),
            (request("a", "http", "ftp://x", true), "not http or https"),
            (
                request("a", "http", "https://u:secret@x", true),
                "a name or password in an address",
            ),
            (
                with(request("a", "http", "https://x", true), "verify", "maybe"),
                "`verify`: `maybe` is neither true",
            ),
            (
                request("a", "teleport", "x", true),
                "not offered by this host yet",
            ),
            (
                with(request("a", "connection", "h:1", true), "tls", "maybe"),
                "neither true",
            ),
        ] {
            let error = decide("m", &[asked], &[], Policy::Builtin)
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("u:secret"), "{error}");
        }
    }

    #[test]
    fn an_origin_comes_from_an_address_and_its_terms_from_who_grants() {
        let settings = [
            text("base_url", "https://CIM.example:443/prefix/?x=1"),
            setting("verify_ssl", OptionValue::Boolean(false)),
            text("cafile", "/mine.pem"),
        ];
        let asked = || {
            let asked = request("service", "http", "${base_url}", true);
            with(
                with(asked, "verify", "${verify_ssl}"),
                "cafile",
                "${cafile}",
            )
        };
        let granted = decide("cim", &[asked()], &settings, Policy::Builtin).unwrap();
        let terms = &granted.origins["service"];
        assert_eq!(terms.origin, "https://cim.example");
        assert!(!terms.verify && terms.cafile.is_none());

        let error = decide("mine", &[asked()], &settings, Policy::Site(&[])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "messenger `mine` needs `service`, which it is not granted: add \
             `http:https://cim.example` to `grants` in [messenger_mine]"
        );
        let list = grants(&["http:https://cim.example?cafile=/site.pem"]);
        let granted = decide("mine", &[asked()], &settings, Policy::Site(&list)).unwrap();
        let terms = &granted.origins["service"];
        assert!(terms.verify);
        assert_eq!(terms.cafile, Some("/site.pem".into()));
    }

    #[test]
    fn reading_is_not_widened_to_writing() {
        let list = grants(&["directory-write:/d"]);
        let asked = [request("data", "directory", "/d", true)];
        let granted = decide("m", &asked, &[], Policy::Site(&list)).unwrap();
        assert!(!granted.directories[0].write);
        assert!(granted.unused.is_empty());
    }
}
