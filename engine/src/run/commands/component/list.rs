//! `caso component list`: the components that are in the program, and those that a
//! configuration names, with what each is granted.

use serde::Serialize;

use super::Shown;
use crate::run::exit::Exit;
use crate::run::remedy;
use crate::run::table::columns;
use crate::run::{component_file, components, territory};
use caso_config::{ComponentInstance, ComponentSource, Config, MessengerInstance};
use caso_model::notice::Severity;
use caso_sandbox::{Compiling, Component, Granted, Sandbox, Source};

/// One line.
#[derive(Debug, Serialize)]
struct Line {
    /// Of the instance, or of a component that is in the program and not in use.
    name: String,
    /// `built-in`, or the file.
    component: String,
    /// `mapper`, `messenger` or `filter`: the component's own, once it is known.
    world: &'static str,
    in_use: bool,
    version: Option<String>,
    contract: Option<String>,
    sha256: Option<String>,
    /// Whether the configuration pins the file; absent for what is built in.
    pinned: Option<bool>,
    /// Record types that it is given, or makes; empty: all. Absent where it is not known.
    record_types: Option<Vec<String>>,
    grants: Vec<Given>,
    /// What it would like and does not get, with the line to add.
    denied: Vec<String>,
    usable: bool,
    problem: Option<String>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Given {
    capability: String,
    grant: String,
}

#[derive(Debug, Serialize)]
struct List {
    contract: Vec<String>,
    components: Vec<Line>,
}

/// Lists them.
///
/// # Errors
/// The sandbox cannot be set up, or a component that is in the program is damaged.
pub async fn list(config: &Config, json: bool) -> anyhow::Result<Shown> {
    let (sandbox, _) = components::sandbox(config, Compiling::Well)?;
    let mut lines = vec![mapper(&sandbox, config).await];
    lines.extend(messengers(&sandbox, config).await);
    lines.extend(filters(&sandbox, config).await);
    for name in caso_builtin::messengers() {
        let used = config
            .messengers
            .iter()
            .any(|instance| instance.component.source == ComponentSource::BuiltIn(name.clone()));
        if !used {
            lines.push(idle(&sandbox, &name, "messenger").await?);
        }
    }
    for name in caso_builtin::FILTERS {
        let mut filters = config
            .messengers
            .iter()
            .flat_map(|messenger| &messenger.filters);
        let source = ComponentSource::BuiltIn(name.to_owned());
        if !filters.any(|filter| filter.source == source) {
            lines.push(idle(&sandbox, name, "filter").await?);
        }
    }
    let failed = lines.iter().filter(|line| !line.usable).count();
    let exit = Exit::of(lines.len() - failed, failed, false);
    let facts = List {
        contract: caso_sandbox::spoken_versions(),
        components: lines,
    };
    Shown::of(&facts, json, || text(&facts.components), exit)
}

async fn mapper(sandbox: &Sandbox, config: &Config) -> Line {
    let instance = &config.mapper;
    let mut line = Line::of(instance, "mapper");
    match components::admit(sandbox, instance).await {
        Ok(component) => {
            line.admitted(&component);
            let settings =
                caso_config::component_settings(config, instance, &component.description);
            let usable = components::is_a("mapper", instance, &component);
            line.usable(usable.and_then(|()| Ok(settings.map(drop)?)));
        }
        Err(error) => line.usable(Err(error)),
    }
    line
}

/// In the order of the configuration. What overlaps is known when all are.
async fn messengers(sandbox: &Sandbox, config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut usable = Vec::new();
    for instance in &config.messengers {
        let mut line = Line::of(&instance.component, "messenger");
        match components::admit(sandbox, &instance.component).await {
            Ok(component) => {
                line.admitted(&component);
                match messenger(config, instance, component, &mut line) {
                    Ok(messenger) => usable.push(messenger),
                    Err(error) => line.usable(Err(error)),
                }
            }
            Err(error) => line.usable(Err(error)),
        }
        lines.push(line);
    }
    let (_, overlapping) = territory::parted(config, usable);
    for unusable in overlapping {
        if let Some(line) = lines.iter_mut().find(|line| line.name == unusable.name) {
            line.usable(Err(anyhow::anyhow!(unusable.failure.detail)));
        }
    }
    lines
}

/// Each once, whoever uses it.
async fn filters(sandbox: &Sandbox, config: &Config) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for instance in config
        .messengers
        .iter()
        .flat_map(|messenger| &messenger.filters)
    {
        if lines.iter().any(|line| line.name == instance.name) {
            continue;
        }
        let mut line = Line::of(instance, "filter");
        match components::admit(sandbox, instance).await {
            Ok(component) => {
                line.admitted(&component);
                let mut unsaid = Vec::new();
                let filter =
                    components::configured_filter(config, instance, component, &mut unsaid).await;
                line.usable(filter.map(drop));
            }
            Err(error) => line.usable(Err(error)),
        }
        lines.push(line);
    }
    lines
}

fn messenger(
    config: &Config,
    instance: &MessengerInstance,
    component: Component,
    line: &mut Line,
) -> anyhow::Result<components::Messenger> {
    let mut remarks = Vec::new();
    let messenger = components::configured(config, instance, component, &mut remarks)?;
    let remarks = remarks.into_iter().map(|remark| remark.to_string());
    line.warnings.extend(remarks);
    line.record_types = Some(messenger.record_types.clone().unwrap_or_default());
    line.given(&messenger.setup.granted);
    line.usable(Ok(()));
    Ok(messenger)
}

/// One that is in the program, and that nobody uses.
async fn idle(sandbox: &Sandbox, name: &str, world: &'static str) -> anyhow::Result<Line> {
    let bytes = caso_builtin::builtin(name).unwrap_or_default();
    let component = sandbox.load(Source::Builtin { name, bytes }).await?;
    let mut line = Line {
        in_use: false,
        ..Line::new(name, world, "built-in".to_owned())
    };
    line.admitted(&component);
    line.usable(Ok(()));
    Ok(line)
}

impl Line {
    fn new(name: &str, world: &'static str, component: String) -> Self {
        Self {
            name: name.to_owned(),
            component,
            world,
            in_use: true,
            version: None,
            contract: None,
            sha256: None,
            pinned: None,
            record_types: None,
            grants: Vec::new(),
            denied: Vec::new(),
            usable: false,
            problem: None,
            warnings: Vec::new(),
        }
    }

    fn of(instance: &ComponentInstance, world: &'static str) -> Self {
        let file = instance.source.file();
        let shown = match &instance.source {
            ComponentSource::BuiltIn(name) if *name == instance.name => "built-in".to_owned(),
            ComponentSource::BuiltIn(name) => format!("built-in {name}"),
            ComponentSource::File(path) => path.display().to_string(),
        };
        let warnings = component_file::remarks(instance).into_iter();
        Self {
            pinned: file.map(|_| instance.sha256.is_some()),
            warnings: warnings
                .filter(|remark| remark.severity != Severity::Info)
                .map(|remark| remark.to_string())
                .collect(),
            ..Self::new(&instance.name, world, shown)
        }
    }

    fn admitted(&mut self, component: &Component) {
        // What it is, whatever the configuration takes it for.
        let worlds = component.roles.names();
        if !worlds.contains(&self.world)
            && let Some(world) = worlds.first()
        {
            self.world = world;
        }
        self.version = Some(component.version.clone());
        self.contract = Some(component.contract.clone());
        self.sha256 = Some(component.sha256.clone());
        self.record_types = Some(component.description.record_types.clone());
    }

    fn usable(&mut self, usable: anyhow::Result<()>) {
        self.usable = usable.is_ok();
        self.problem = usable.err().map(|error| remedy::line(error.as_ref()));
    }

    fn given(&mut self, granted: &Granted) {
        let grants = granted.grants.iter();
        self.grants = grants
            .map(|(capability, grant)| Given {
                capability: capability.clone(),
                grant: granted.instance.shown(grant),
            })
            .collect();
        self.denied = granted.denied.values().map(ToString::to_string).collect();
    }

    /// What it may reach, in a cell.
    fn reach(&self) -> String {
        let mut cells: Vec<String> = self
            .grants
            .iter()
            .map(|given| given.grant.clone())
            .collect();
        if !self.denied.is_empty() {
            cells.push(format!("{} NOT GRANTED", self.denied.len()));
        }
        match cells.is_empty() {
            true => "-".to_owned(),
            false => cells.join(" "),
        }
    }

    fn state(&self) -> String {
        let pin = match self.pinned {
            Some(false) => ", not pinned",
            _ => "",
        };
        match (&self.problem, self.in_use) {
            (Some(_), _) => "NOT USABLE, see below".to_owned(),
            (None, true) => format!("ok{pin}"),
            (None, false) => "not in use".to_owned(),
        }
    }
}

fn text(lines: &[Line]) -> String {
    let head = [
        "NAME",
        "COMPONENT",
        "WORLD",
        "VERSION",
        "CONTRACT",
        "SHA256",
        "TAKES",
        "GRANTED",
        "STATE",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for line in lines {
        let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        let sha256 = known(&line.sha256);
        let types = match &line.record_types {
            None => "?".to_owned(),
            Some(types) if types.is_empty() => "all".to_owned(),
            Some(types) => types.join(","),
        };
        let types = match line.world {
            "mapper" => format!("makes {types}"),
            _ => types,
        };
        rows.push(vec![
            line.name.clone(),
            line.component.clone(),
            line.world.to_owned(),
            known(&line.version),
            known(&line.contract),
            sha256.chars().take(12).collect(),
            types,
            line.reach(),
            line.state(),
        ]);
    }
    let mut text = columns(&rows, 0);
    for line in lines {
        let problem = line.problem.iter().map(|problem| ("not usable: ", problem));
        let denied = line.denied.iter().map(|denied| ("", denied));
        let warnings = line.warnings.iter().map(|warning| ("", warning));
        for (what, remark) in problem.chain(denied).chain(warnings) {
            text += &format!("\n{}: {what}{remark}", line.name);
        }
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_sandbox::Grant;

    #[test]
    fn a_line_says_what_is_granted_and_what_is_not() {
        let mut line = Line::new("mine", "messenger", "/m.wasm".to_owned());
        assert_eq!(line.reach(), "-");
        let grant: Grant = "queue:/q?umask=027".parse().unwrap();
        line.grants.push(Given {
            capability: "outgoing".to_owned(),
            grant: grant.to_string(),
        });
        line.denied.push("add it".to_owned());
        line.pinned = Some(false);
        assert_eq!(line.reach(), "queue:/q?umask=027 1 NOT GRANTED");
        assert_eq!(line.state(), "ok, not pinned");
        line.usable(Err(anyhow::anyhow!("broken")));
        assert_eq!(line.state(), "NOT USABLE, see below");
        let text = text(&[line]);
        assert!(
            text.contains("\nmine: not usable: broken\nmine: add it"),
            "{text}"
        );
    }
}
