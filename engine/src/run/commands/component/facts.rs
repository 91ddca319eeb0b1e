//! What a component is, as data: `--json` prints it, and the text is made of it.

use serde::Serialize;

use super::capability::purpose;
use caso_model::component::{Description, OptionKind};
use caso_sandbox::Component;

/// Of one component.
#[derive(Debug, Serialize)]
pub struct Facts {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub sha256: String,
    pub worlds: Vec<&'static str>,
    pub contract: Contract,
    /// Record types that it takes, or makes if it is a mapper; empty: all.
    pub record_types: Vec<String>,
    pub imports: Imports,
    pub options: Vec<OptionFacts>,
    pub capabilities: Vec<CapabilityFacts>,
}

/// Versions of the contract.
#[derive(Debug, Serialize)]
pub struct Contract {
    pub built_for: String,
    /// Those of this engine.
    pub engine: Vec<String>,
}

/// What it imports, by whose it is.
#[derive(Debug, Serialize)]
pub struct Imports {
    pub contract: Vec<String>,
    pub wasi: Vec<String>,
}

/// An option.
#[derive(Debug, Serialize)]
pub struct OptionFacts {
    pub name: String,
    pub kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    pub default: Option<String>,
    pub required: bool,
    pub help: String,
}

/// A request.
#[derive(Debug, Serialize)]
pub struct CapabilityFacts {
    pub name: String,
    pub kind: String,
    pub target: String,
    pub required: bool,
    pub purpose: Option<String>,
}

impl Facts {
    pub fn of(component: &Component) -> Self {
        let Description {
            name,
            summary,
            version,
            record_types,
            options,
            capabilities,
            ..
        } = &component.description;
        Self {
            name: name.clone(),
            version: version.clone(),
            summary: summary.clone(),
            sha256: component.sha256.clone(),
            worlds: component.roles.names(),
            contract: Contract {
                built_for: component.contract.clone(),
                engine: caso_sandbox::spoken_versions(),
            },
            record_types: record_types.clone(),
            imports: Imports::of(&component.imports),
            options: options
                .iter()
                .map(|option| OptionFacts {
                    name: option.name.clone(),
                    kind: kind(&option.kind),
                    choices: match &option.kind {
                        OptionKind::Choice(words) => words.clone(),
                        _ => Vec::new(),
                    },
                    default: option.default.clone(),
                    required: option.required,
                    help: option.help.clone(),
                })
                .collect(),
            capabilities: capabilities
                .iter()
                .map(|request| CapabilityFacts {
                    name: request.name.clone(),
                    kind: request.kind.clone(),
                    target: request.target.clone(),
                    required: request.required,
                    purpose: purpose(request).map(str::to_owned),
                })
                .collect(),
        }
    }
}

impl Imports {
    pub fn of(names: &[String]) -> Self {
        let (contract, wasi) = names
            .iter()
            .cloned()
            .partition(|name| name.starts_with("caso:"));
        Self { contract, wasi }
    }

    /// What it can call, and what it cannot, in words. An interface of types alone can do
    /// nothing.
    pub fn reach(&self) -> (Vec<String>, Vec<String>) {
        let ours = |interface: &str| {
            let prefix = format!("caso:accounting/{interface}@");
            self.contract.iter().any(|name| name.starts_with(&prefix))
        };
        let signing = self
            .contract
            .iter()
            .any(|name| name.starts_with("caso:signature/signing@"));
        let wasi = |package: &str| self.wasi.iter().any(|name| name.starts_with(package));
        let plain = self
            .contract
            .iter()
            .any(|name| name.starts_with("caso:http/http@"));
        let (http, sockets) = (plain || wasi("wasi:http/"), wasi("wasi:sockets/"));
        let can = [
            ("queue", ours("queue")),
            ("connection", ours("connection")),
            ("signatures", signing),
            ("log", ours("log")),
            ("http", http),
            ("sockets", sockets),
            ("files in granted folders", wasi("wasi:filesystem/")),
            ("clocks", wasi("wasi:clocks/")),
            ("random numbers", wasi("wasi:random/")),
            ("stdout and stderr", wasi("wasi:cli/std")),
        ];
        let cannot = [
            ("no files", !wasi("wasi:filesystem/")),
            ("no network", !http && !sockets && !ours("connection")),
            ("no clock", !wasi("wasi:clocks/")),
            ("no log", !ours("log")),
        ];
        let those = |words: &[(&str, bool)]| {
            let words = words.iter().filter(|(_, holds)| *holds);
            words.map(|(word, _)| (*word).to_owned()).collect()
        };
        (those(&can), those(&cannot))
    }
}

fn kind(kind: &OptionKind) -> String {
    let word = match kind {
        OptionKind::Text => "text",
        OptionKind::Integer => "integer",
        OptionKind::Number => "number",
        OptionKind::Boolean => "boolean",
        OptionKind::Duration => "duration",
        OptionKind::Size => "size",
        OptionKind::Path => "path",
        OptionKind::Url => "url",
        OptionKind::Endpoint => "endpoint",
        OptionKind::Choice(_) => "choice",
        OptionKind::Texts => "texts",
        OptionKind::Secret => "secret",
        OptionKind::Other(word) => word,
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_can_reach_is_what_it_imports() {
        let reach = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let (can, cannot) = Imports::of(&names).reach();
            (can.join(", "), cannot.join(", "))
        };
        assert_eq!(
            reach(&[]),
            (
                String::new(),
                "no files, no network, no clock, no log".to_owned()
            )
        );
        assert_eq!(
            reach(&[
                "caso:accounting/types@1.0.0",
                "caso:accounting/queue@1.0.0",
                "caso:accounting/log@1.0.0",
                "wasi:http/outgoing-handler@0.2.6",
                "wasi:clocks/wall-clock@0.2.6",
            ]),
            ("queue, log, http, clocks".to_owned(), "no files".to_owned())
        );
    }
}
