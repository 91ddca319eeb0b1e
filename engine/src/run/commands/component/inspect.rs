//! `caso component inspect FILE`: what a component is, and what to write to use it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde::Serialize;

use super::capability::{purpose, used_by};
use super::facts::Facts;
use super::trial::{self, Caches, Suggestion};
use super::{Shown, Subject};
use crate::run::exit::Exit;
use crate::run::summary::words::{grouped, listed};
use crate::run::table::columns;
use caso_base::conf::{self, Offered};
use caso_base::digest::sha256_hex;
use caso_base::line::clean_line;
use caso_base::regular;
use caso_model::component::{Description, OptionKind};
use caso_model::record_type::RecordType;
use caso_sandbox::{Component, Grant, producers};

#[derive(Debug, Serialize)]
struct Inspection {
    fits: bool,
    file: FileFacts,
    #[serde(flatten)]
    facts: Facts,
    built_with: Vec<Tool>,
    /// What a configuration would call it.
    #[serde(skip)]
    instance: String,
    /// What to write to use it; absent for a mapper and for one that cannot be used.
    configuration: Option<Configuration>,
    /// Why it could not be used as it is.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct FileFacts {
    path: PathBuf,
    bytes: u64,
    owner: String,
    /// Permissions, in octal.
    mode: String,
}

#[derive(Debug, Serialize)]
struct Tool {
    name: String,
    version: String,
}

#[derive(Debug, Serialize)]
struct Configuration {
    instance: String,
    /// The grants that it would need, each as it stands in `grants`.
    grants: Vec<String>,
    /// Options that have to be set, with a value that shows their form, as it stands there.
    options: Vec<(String, String)>,
    /// The whole, to be pasted into caso.conf.
    text: String,
}

/// Describes the component.
///
/// # Errors
/// It is not taken in: the reason is what a run would say.
pub async fn inspect(subject: &Subject, caches: &Caches, json: bool) -> anyhow::Result<Shown> {
    let sandbox = caches.sandbox()?;
    let component = trial::admitted(&sandbox, subject).await?;
    let file = file(&subject.file)?;
    let built_with = regular::read(&subject.file)
        .ok()
        // Another file by now: nothing is known of it.
        .filter(|bytes| sha256_hex(bytes) == component.sha256)
        .map(|bytes| producers(&bytes))
        .unwrap_or_default();
    let configuration = match component.roles.messenger {
        true => configuration(subject, &component).map(Some),
        false => whole(&subject.file).map(|_| None),
    };
    let (configuration, problem) = match configuration {
        Ok(configuration) => (configuration, None),
        Err(error) => (None, Some(crate::run::remedy::line(error.as_ref()))),
    };
    let facts = Inspection {
        fits: problem.is_none(),
        file,
        facts: Facts::of(&component),
        instance: trial::instance(subject, &component),
        built_with: built_with
            .into_iter()
            .map(|tool| Tool {
                name: tool.name,
                version: tool.version,
            })
            .collect(),
        configuration,
        problem,
    };
    let exit = match facts.fits {
        true => Exit::Done,
        false => Exit::Nothing,
    };
    Shown::of(&facts, json, || text(&facts, &component), exit)
}

fn file(path: &Path) -> anyhow::Result<FileFacts> {
    let shown = path.display();
    let meta = std::fs::metadata(path).with_context(|| format!("cannot look at `{shown}`"))?;
    let user = nix::unistd::User::from_uid(meta.uid().into())
        .ok()
        .flatten();
    let group = nix::unistd::Group::from_gid(meta.gid().into())
        .ok()
        .flatten();
    Ok(FileFacts {
        path: path.to_owned(),
        bytes: meta.len(),
        owner: format!(
            "{}:{}",
            user.map_or_else(|| meta.uid().to_string(), |user| user.name),
            group.map_or_else(|| meta.gid().to_string(), |group| group.name)
        ),
        mode: format!("{:04o}", meta.mode() & 0o7777),
    })
}

/// What a site would write.
fn configuration(subject: &Subject, component: &Component) -> anyhow::Result<Configuration> {
    let Suggestion {
        instance,
        set,
        grants,
    } = trial::suggestion(subject, component)?;
    let grants = grants.iter().map(|(name, grant)| written(name, grant));
    let grants = grants.collect::<anyhow::Result<Vec<String>>>()?;
    let set = set.iter().map(|(option, value)| set_to(option, value));
    let set = set.collect::<anyhow::Result<Vec<_>>>()?;
    let text = paste(&instance, &whole(&subject.file)?, component, &grants, &set);
    Ok(Configuration {
        instance,
        grants,
        options: set,
        text,
    })
}

/// A grant as `grants` reads it back. It is made of what the component says of itself: a `$` in
/// that would be replaced by what the site keeps elsewhere.
fn written(capability: &str, grant: &Grant) -> anyhow::Result<String> {
    let grant = grant.to_string();
    conf::entry(&grant).with_context(|| {
        let grant = clean_line(&grant);
        format!("its capability `{capability}` needs `{grant}`, which cannot stand in `grants`")
    })
}

/// An option with its value as caso.conf reads it back, which may be a component's text as well.
fn set_to(option: &str, value: &str) -> anyhow::Result<(String, String)> {
    let written = conf::value(value).with_context(|| {
        let value = clean_line(value);
        format!("`{value}`, of its option `{option}`, cannot stand in caso.conf")
    })?;
    Ok((option.to_owned(), written))
}

/// The path as it stands in caso.conf, from wherever cASO is started.
fn whole(file: &Path) -> anyhow::Result<String> {
    let path = file.canonicalize();
    let path = path.as_deref().unwrap_or(file);
    let text = path.to_str().map(conf::value);
    let named = || {
        format!(
            "the path `{}` cannot stand in caso.conf",
            clean_line(&path.display().to_string())
        )
    };
    match text {
        Some(written) => written.with_context(named),
        None => Err(anyhow!("it is not UTF-8")).with_context(named),
    }
}

/// The sections, of what is written as it stands in caso.conf.
fn paste(
    instance: &str,
    path: &str,
    component: &Component,
    grants: &[String],
    set: &[(String, String)],
) -> String {
    let mut text = format!(
        "[DEFAULT]\nmessengers = ssm, {instance}\n\n[messenger_{instance}]\ncomponent = {path}\nsha256 = {}\n",
        component.sha256
    );
    if !grants.is_empty() {
        text += &format!("grants = {}\n", grants.join(", "));
    }
    if !set.is_empty() {
        text += &format!("\n[{instance}]\n");
        for (option, value) in set {
            text += &format!("{option} = {value}\n");
        }
    }
    text
}

fn text(inspection: &Inspection, component: &Component) -> String {
    let Inspection { file, facts, .. } = inspection;
    let world = component.roles.names().join(" and a ");
    let mut text = format!(
        "{}: a {world} for this engine: {} {}, \"{}\"\n",
        clean_line(&file.path.display().to_string()),
        facts.name,
        facts.version,
        facts.summary
    );
    text += &columns(&first_lines(inspection, component), 2);
    let description = &component.description;
    if !description.capabilities.is_empty() {
        text += "  would like\n";
        text += &columns(&wishes(description), 4);
    }
    if !description.options.is_empty() {
        let section = match (&inspection.configuration, component.roles.mapper) {
            (Some(configuration), _) => configuration.instance.as_str(),
            (None, true) => "mapper",
            (None, false) => inspection.instance.as_str(),
        };
        text += &format!("  options in [{section}]\n");
        text += &columns(&options(facts), 4);
    }
    if let Some(configuration) = &inspection.configuration {
        text += &format!(
            "\nTo use it as messenger `{}`, write into caso.conf:\n\n{}",
            configuration.instance, configuration.text
        );
        let optional = optional(description);
        if !optional.is_empty() {
            text += &format!(
                "\nIt does without {}: leave out the option and the grant.\n",
                listed(&optional, "or")
            );
        }
    } else if let (true, Ok(path)) = (component.roles.filter, whole(&file.path)) {
        text += &format!(
            "\nTo use it as a filter of messenger `ssm`, write into caso.conf:\n\n[messenger_ssm]\nfilters = {0}\n\n\
             [filter_{0}]\ncomponent = {1}\nsha256 = {2}\n",
            inspection.instance, path, facts.sha256
        );
    } else if let (true, Ok(path)) = (component.roles.mapper, whole(&file.path)) {
        text += &format!(
            "\nTo use it as the mapper, write into caso.conf:\n\n[DEFAULT]\nmapper = {}\n\n[mapper]\nsha256 = {}\n",
            path, facts.sha256
        );
    }
    if let Some(problem) = &inspection.problem {
        text += &format!("\nIt cannot be used: {problem}\n");
    }
    text
}

fn first_lines(inspection: &Inspection, component: &Component) -> Vec<Vec<String>> {
    let Inspection { file, facts, .. } = inspection;
    let line = |name: &str, value: String| vec![name.to_owned(), value];
    let mut lines = vec![
        line("sha256", facts.sha256.clone()),
        line(
            "file",
            format!(
                "{} bytes, {} {}",
                grouped(file.bytes),
                file.owner,
                file.mode
            ),
        ),
        line(
            "contract",
            format!(
                "caso:accounting {} (this engine: {})",
                facts.contract.built_for,
                facts.contract.engine.join(" and ")
            ),
        ),
    ];
    let tools = inspection.built_with.iter().map(|tool| {
        let text = format!("{} {}", tool.name, tool.version);
        text.trim_end().to_owned()
    });
    let tools: Vec<String> = tools.collect();
    if !tools.is_empty() {
        lines.push(line("built with", tools.join(", ")));
    }
    let verb = match component.roles.mapper {
        true => "makes",
        false => "takes",
    };
    let types = match facts.record_types.is_empty() {
        true => "records of every type".to_owned(),
        false => {
            let types = &facts.record_types;
            let not = RecordType::names().filter(|known| !types.iter().any(|kind| kind == known));
            let not: Vec<String> = not.map(str::to_owned).collect();
            match not.is_empty() {
                true => types.join(", "),
                false => format!("{}; no {}", types.join(", "), listed(&not, "or")),
            }
        }
    };
    lines.push(line(verb, types));
    let (can, cannot) = facts.imports.reach();
    let can = match can.is_empty() {
        true => vec!["nothing".to_owned()],
        false => can,
    };
    let reach = match cannot.is_empty() {
        true => can.join(", "),
        false => format!("{}; {}", can.join(", "), cannot.join(", ")),
    };
    lines.push(line("can call", reach));
    lines
}

fn wishes(description: &Description) -> Vec<Vec<String>> {
    let requests = description.capabilities.iter();
    requests
        .map(|request| {
            let need = match request.required {
                true => "required",
                false => "optional",
            };
            let why = purpose(request).map(|purpose| format!("why: {purpose}"));
            vec![
                request.name.clone(),
                format!("{} at {}", request.kind, request.target),
                need.to_owned(),
                why.unwrap_or_default(),
            ]
        })
        .collect()
}

fn options(facts: &Facts) -> Vec<Vec<String>> {
    let options = facts.options.iter();
    options
        .map(|option| {
            let kind = match option.choices.as_slice() {
                [] => option.kind.clone(),
                choices => {
                    let choices = choices.iter().map(|word| Offered(word).to_string());
                    choices.collect::<Vec<_>>().join("|")
                }
            };
            let default = match (&option.default, option.required) {
                (_, true) => "must be set".to_owned(),
                (Some(default), false) if default.is_empty() => "default empty".to_owned(),
                (Some(default), false) => format!("default {}", Offered(default)),
                (None, false) => "no default".to_owned(),
            };
            vec![option.name.clone(), kind, default, option.help.clone()]
        })
        .collect()
}

/// Capabilities that are gone when their option is not set.
fn optional(description: &Description) -> Vec<String> {
    let options = description.options.iter();
    let mut names: Vec<String> = options
        .filter(|option| option.default.is_none() && !matches!(option.kind, OptionKind::Secret))
        .filter_map(|option| used_by(description, option))
        .filter(|request| !request.required)
        .map(|request| format!("`{}`", request.name))
        .collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pasted as it was, the first made the password of Keystone a part of the grant.
    #[test]
    fn what_is_to_be_pasted_refers_to_nothing_of_the_sites() {
        for (grant, shown) in [
            (
                "queue:/var/$keystone_auth.password",
                "queue:/var/$$keystone_auth.password",
            ),
            (
                "http:http://${keystone_auth.password}",
                "http:http://$${keystone_auth.password}",
            ),
        ] {
            assert_eq!(written("q", &grant.parse().unwrap()).unwrap(), shown);
        }
        for (value, shown) in [
            ("$keystone_auth.password", "$$keystone_auth.password"),
            (" b;c #", "\" b;c #\""),
        ] {
            assert_eq!(set_to("o", value).unwrap().1, shown);
        }
        let refused = [
            written("q", &"http:http://a,b".parse().unwrap()).unwrap_err(),
            set_to("o", "a\n[messenger_ssm]").unwrap_err(),
        ];
        for error in refused {
            assert!(error.to_string().contains("cannot stand in"), "{error:#}");
        }
    }
}
