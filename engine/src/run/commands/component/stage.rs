//! A messenger at work with grants of a throw-away kind: queues and folders below one
//! folder, connections and requests that lead nowhere or to the loopback interface.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;
use serde::Serialize;

use super::Subject;
use super::capability::{Places, used_by};
use super::sink::{Manner, Peer};
use super::trial::{self, Used};
use crate::run::components::{self, Messenger};
use crate::run::summary::words::grouped;
use caso_model::component::{Description, OptionValue, Setting};
use caso_model::guest::GuestFailure;
use caso_sandbox::{Component, Grant, GuestMessenger, Limits, Redirect, Sink};

/// Where what it sends over the network goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Nowhere: it is kept, and answered as by a peer that has read it all.
    Kept,
    /// To a peer of ours.
    Peer(Manner),
}

/// What a messenger is tried with.
pub struct Scene {
    pub name: String,
    pub folder: PathBuf,
    pub outside: Outside,
    /// Further options: those of a site that lead nowhere.
    pub options: Vec<(String, String)>,
    /// What a site bounds it by, where there is one.
    pub limits: Option<caso_config::Limits>,
    /// Whether it gets no option at all.
    pub bare: bool,
}

/// A messenger that can be started, and what becomes of what it delivers.
pub struct Stage {
    pub messenger: Messenger,
    folder: PathBuf,
    sent: Arc<Mutex<Vec<Sent>>>,
    seen: BTreeMap<PathBuf, (u64, SystemTime)>,
    _peer: Peer,
}

struct Sent {
    way: &'static str,
    name: String,
    bytes: u64,
}

/// What came out by one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// `queue`, `connection`, `http`, `signature` or `directory`.
    pub way: &'static str,
    /// The capability's name, or the origin.
    pub name: String,
    /// Messages, calls or files.
    pub pieces: usize,
    pub bytes: u64,
    /// What is on disk.
    pub files: Vec<PathBuf>,
}

impl Output {
    pub fn words(&self) -> String {
        let Self {
            way,
            name,
            pieces,
            bytes,
            ..
        } = self;
        let noun = match (*way, *pieces) {
            ("queue", 1) => "message",
            ("queue", _) => "messages",
            ("connection", 1) => "connection",
            ("connection", _) => "connections",
            ("signature", 1) => "message to sign",
            ("signature", _) => "messages to sign",
            ("http", 1) => "request",
            ("http", _) => "requests",
            (_, 1) => "file",
            _ => "files",
        };
        format!("{way} `{name}`: {pieces} {noun}, {} bytes", grouped(*bytes))
    }
}

impl Stage {
    /// Sets it up: options, grants and limits as a run would have them, but for where
    /// they lead.
    ///
    /// # Errors
    /// The component is no messenger, or its options or requests cannot be had.
    pub fn set(
        subject: &Subject,
        component: &Component,
        with: &Scene,
        limits: impl FnOnce(&mut Limits),
    ) -> anyhow::Result<Self> {
        let folder = &with.folder;
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        let peer = Peer::new(match with.outside {
            Outside::Kept => Manner::Listens,
            Outside::Peer(manner) => manner,
        })?;
        let description = &component.description;
        let places = Places {
            folder: folder.clone(),
            host: "127.0.0.1".to_owned(),
            port: peer.port,
            url: format!("http://127.0.0.1:{}", peer.port),
        };
        let mut set = Vec::new();
        if !with.bare {
            set.extend(subject.set.iter().cloned());
            let more = with.options.iter();
            let more = more.filter(|(name, _)| subject.set.iter().all(|(known, _)| known != name));
            set.extend(more.cloned());
            set.extend(places.values(&without_network_defaults(description), &set));
        }
        let mut messenger = configured(subject, component, with, &set)?;
        if let Some(site) = with.limits {
            // What the command line says is in place already.
            let said = |option| subject.bounds.iter().any(|(name, _)| *name == option);
            let limits = &mut messenger.setup.limits;
            if !said("memory") {
                limits.memory = site.memory;
            }
            if !said("deadline") {
                limits.deadline = site.deadline;
            }
            limits.timeout = site.timeout;
        }
        limits(&mut messenger.setup.limits);
        let sent = Arc::default();
        redirect(&mut messenger, with, peer.port, &sent)?;
        let mut stage = Self {
            messenger,
            folder: folder.clone(),
            sent,
            seen: BTreeMap::new(),
            _peer: peer,
        };
        stage.output()?;
        Ok(stage)
    }

    /// # Errors
    /// As in a run.
    pub async fn start(&self) -> Result<GuestMessenger, GuestFailure> {
        self.messenger.starter().start().await
    }

    /// What came out since the last call.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn output(&mut self) -> anyhow::Result<Vec<Output>> {
        let mut found: BTreeMap<(&'static str, String), Output> = BTreeMap::new();
        let mut add = |way, name: &str, bytes, file: Option<PathBuf>, pieces| {
            let output = found
                .entry((way, name.to_owned()))
                .or_insert_with(|| Output {
                    way,
                    name: name.to_owned(),
                    pieces: 0,
                    bytes: 0,
                    files: Vec::new(),
                });
            output.pieces += pieces;
            output.bytes += bytes;
            output.files.extend(file);
        };
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        for Sent { way, name, bytes } in sent.drain(..) {
            let file = self.folder.join(caso_state::file_name_for(&name));
            add(way, &name, bytes, file.is_file().then_some(file), 1);
        }
        drop(sent);
        for (name, grant) in &self.messenger.setup.granted.grants {
            let (way, path) = match grant {
                Grant::Queue(queue) => ("queue", &queue.path),
                Grant::Directory(folder) if folder.write => ("directory", &folder.path),
                _ => continue,
            };
            for (path, state) in files(path)? {
                let known = self.seen.insert(path.clone(), state);
                if known != Some(state) {
                    add(way, name, state.0, Some(path), 1);
                }
            }
        }
        Ok(found.into_values().collect())
    }
}

/// A component whose network options have no defaults: in a trial nothing leads to the
/// service that they name.
fn without_network_defaults(description: &Description) -> Description {
    let mut changed = description.clone();
    for option in &mut changed.options {
        let network = used_by(description, option).is_some_and(|request| {
            matches!(request.kind.as_str(), "connection" | "http" | "address")
        });
        if network {
            option.default = None;
        }
    }
    changed
}

/// Read, checked and granted as in a run: all that it asks for.
fn configured(
    subject: &Subject,
    component: &Component,
    with: &Scene,
    set: &[(String, String)],
) -> anyhow::Result<Messenger> {
    let name = &with.name;
    let own = with.folder.join(".run");
    let used = Used {
        set,
        ..Used::of(subject)
    };
    let wanted = |grants: &[String]| trial::config(name, used, grants, &own);
    let grants = trial::wanted(&wanted(&[])?, name, component)?;
    let grants: Vec<String> = grants.values().map(ToString::to_string).collect();
    let config = wanted(&grants)?;
    let instance = trial::only(&config)?;
    components::configured(&config, instance, component.clone(), &mut Vec::new())
}

/// Turns every way to where nobody is harmed.
fn redirect(
    messenger: &mut Messenger,
    with: &Scene,
    port: u16,
    sent: &Arc<Mutex<Vec<Sent>>>,
) -> anyhow::Result<()> {
    let setup = &mut messenger.setup;
    for (name, grant) in &mut setup.granted.grants {
        let folder = with.folder.join(caso_state::file_name_for(name));
        match grant {
            Grant::Queue(queue) => queue.path = folder,
            Grant::Directory(terms) => {
                fs::create_dir_all(&folder)
                    .with_context(|| format!("cannot make `{}`", folder.display()))?;
                terms.path = folder;
            }
            Grant::Connection(_) | Grant::Http(_) | Grant::Address(_) | Grant::Signature(_) => {}
        }
    }
    // What a component dials by itself leads to our own peer, or nowhere.
    setup.granted.grants.retain(|_, grant| match grant {
        Grant::Address(terms) => terms.endpoint.port == port && terms.endpoint.host == "127.0.0.1",
        _ => true,
    });
    // In a trial nothing is signed, whosever the key.
    setup.redirect.signatures = Some(kept("signature", &with.folder, sent));
    if with.outside == Outside::Kept {
        setup.redirect = Redirect {
            signatures: setup.redirect.signatures.take(),
            queues: None,
            connections: Some(kept("connection", &with.folder, sent)),
            requests: Some(kept("http", &with.folder, sent)),
        };
        return Ok(());
    }
    for grant in setup.granted.grants.values_mut() {
        if let Grant::Connection(terms) = grant {
            "127.0.0.1".clone_into(&mut terms.endpoint.host);
            terms.endpoint.port = port;
        }
    }
    // An origin is what the guest itself names: only ours is left.
    let ours = format!("http://127.0.0.1:{port}");
    setup.granted.grants.retain(|_, grant| match grant {
        Grant::Http(terms) => terms.origin == ours,
        _ => true,
    });
    Ok(())
}

/// Counted, and kept in a file named after it.
fn kept(way: &'static str, folder: &Path, sent: &Arc<Mutex<Vec<Sent>>>) -> Sink {
    let (folder, sent) = (folder.to_owned(), Arc::clone(sent));
    Arc::new(move |name, bytes| {
        use std::io::Write as _;
        let path = folder.join(caso_state::file_name_for(name));
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        file.write_all(bytes)?;
        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(Sent {
            way,
            name: name.to_owned(),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        });
        Ok(())
    })
}

/// Regular files below a folder, with size and time.
fn files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, (u64, SystemTime))>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let read = || format!("cannot read `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(read)? {
        let entry = entry.with_context(read)?;
        let kind = entry.file_type().with_context(read)?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            let meta = entry.metadata().with_context(read)?;
            let time = meta.modified().with_context(read)?;
            found.push((entry.path(), (meta.len(), time)));
        }
    }
    found.sort();
    Ok(found)
}

/// The options of a site that lead nowhere, written as a site would write them.
pub fn harmless(description: &Description, settings: &[Setting]) -> Vec<(String, String)> {
    let mut options = Vec::new();
    for setting in settings {
        let described = description.options.iter();
        let mut described = described.filter(|option| option.name == setting.name);
        if described.any(|option| used_by(description, option).is_some()) {
            continue;
        }
        options.push(written(setting));
    }
    options
}

/// An option's name, and its value as a site would write it.
pub fn written(setting: &Setting) -> (String, String) {
    let value = match &setting.value {
        OptionValue::Text(text) => text.clone(),
        OptionValue::Integer(number) => number.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Boolean(truth) => truth.to_string(),
        OptionValue::DurationMilliseconds(time) => format!("{time}ms"),
        OptionValue::SizeBytes(bytes) => bytes.to_string(),
        OptionValue::Texts(texts) => texts.join(", "),
    };
    (setting.name.clone(), value)
}
