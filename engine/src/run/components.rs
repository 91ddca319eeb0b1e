//! The components of a run: loaded, described, given their options and grants.
//!
//! This comes before Keystone is asked for anything: a mapper that cannot start
//! stops the run, a messenger that cannot start is reported and its records
//! wait.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use futures_util::FutureExt as _;
use futures_util::future::{join_all, try_join};
use nix::sys::resource::{Resource, getrlimit};

use super::{component_file, remedy, territory};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use caso_base::conf::Grammar;
use caso_base::digest::sha256_hex;
use caso_base::environment;
use caso_base::line::clean_line;
use caso_config::{
    ComponentInstance, ComponentSettings, ComponentSource, Config, MessengerInstance, OptionPlaces,
};
use caso_deliver::Filtered;
use caso_journal::MapperIdentity;
use caso_model::component::{Description, OptionValue, Setting};
use caso_model::guest::{self, FailureKind, GuestFailure};
use caso_model::notice::Notice;
use caso_net::NetworkEnvironment;
use caso_sandbox::{
    AddressSpace, CompilerProcess, Compiling, Component, Grant, Granted, GuestFilter, GuestMapper,
    GuestMessenger, InstanceName, Limits, Mask, MessengerSetup, Place, Policy, Redirect, RunLimits,
    Sandbox, SandboxSettings, Source, decide,
};
use caso_state::Spool;

/// The mapper of a run, to be started once for each project.
pub struct Mapper {
    component: Component,
    settings: Vec<Setting>,
    options: OptionPlaces,
    limits: Limits,
    /// As many as fit into the process's address space.
    places: Arc<Semaphore>,
}

impl Mapper {
    /// Waits until there is room for one more instance, which must be gone before the
    /// permit is. None where nobody waits any more.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }

    /// No more instances than this at a time, from now on.
    pub fn at_most(&self, instances: usize) {
        let free = self.places.available_permits();
        self.places
            .forget_permits(free.saturating_sub(instances.max(1)));
    }

    /// For the segments' headers: which code made the records.
    pub fn identity(&self) -> MapperIdentity {
        MapperIdentity {
            name: self.component.name.clone(),
            version: self.component.version.clone(),
            digest: self.component.sha256.clone(),
        }
    }

    /// Its own words about itself.
    pub fn description(&self) -> &Description {
        &self.component.description
    }

    /// A fresh instance, whose clock stands at `now`.
    ///
    /// # Errors
    /// It refuses its options, or traps.
    pub async fn start(&self, now: i64) -> Result<GuestMapper, GuestFailure> {
        self.component
            .start_mapper(self.settings.clone(), now, self.limits.clone())
            .await
            .map_err(|failure| located(failure, &self.options))
    }
}

/// The failure with the place of the option that is to blame for it, as any other
/// error of the configuration has it.
fn located(failure: GuestFailure, places: &OptionPlaces) -> GuestFailure {
    let place = failure.option.as_ref().and_then(|name| places.get(name));
    match place {
        Some(place) => GuestFailure {
            detail: format!("{place}: {}", failure.detail),
            option: None,
            ..failure
        },
        None => failure,
    }
}

/// A messenger with all that the host decided about it.
pub struct Messenger {
    pub name: String,
    /// Record types that it gets; `None` is all.
    pub record_types: Option<Vec<String>>,
    /// All that its component takes; `None` is all.
    pub component_types: Option<Vec<String>>,
    pub packing_unit: Option<u32>,
    pub component: Component,
    pub setup: MessengerSetup,
    /// What records pass on their way to it, in order.
    pub filters: Vec<Filter>,
    options: OptionPlaces,
}

/// A filter of a messenger.
#[derive(Clone)]
pub struct Filter {
    pub component: Component,
    name: String,
    settings: Vec<Setting>,
    hidden: Vec<String>,
    options: OptionPlaces,
    limits: Limits,
}

impl Filter {
    /// A fresh instance, whose clock stands at `now`.
    ///
    /// # Errors
    /// It refuses its options, or traps.
    pub async fn start(&self, now: i64) -> Result<GuestFilter, GuestFailure> {
        let settings = self.settings.clone();
        let (hidden, limits) = (self.hidden.clone(), self.limits.clone());
        self.component
            .start_filter(&self.name, settings, hidden, now, limits)
            .await
            .map_err(|failure| located(failure, &self.options))
    }
}

impl Messenger {
    /// What starts the instance.
    pub fn starter(&self) -> Starter {
        Starter {
            component: self.component.clone(),
            setup: self.setup.clone(),
            filters: self.filters.clone(),
            options: self.options.clone(),
        }
    }

    /// Where its records can go, for people.
    pub fn destinations(&self) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        for grant in self.setup.granted.grants.values() {
            let place = match grant {
                Grant::Queue(terms) => terms.path.display().to_string(),
                Grant::Directory(terms) if terms.write => terms.path.display().to_string(),
                Grant::Connection(terms) => terms.endpoint.to_string(),
                Grant::Http(terms) => terms.origin.to_string(),
                Grant::Address(terms) => terms.endpoint.to_string(),
                // Nothing goes there.
                Grant::Signature(_) | Grant::Directory(_) => continue,
            };
            // What a `$` in a grant stands for is nobody's to read.
            let place = format!("`{}`", self.setup.granted.instance.shown(&place));
            // One place may be granted under two names.
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Whether all that it is granted lies on this machine.
    pub fn writes_here_alone(&self) -> bool {
        self.setup.granted.grants.values().all(|grant| match grant {
            Grant::Queue(_) | Grant::Directory(_) | Grant::Signature(_) => true,
            Grant::Connection(_) | Grant::Http(_) | Grant::Address(_) => false,
        })
    }

    /// Folders of its queues, which must be writable before Keystone is asked.
    pub fn queues(&self) -> impl Iterator<Item = &PathBuf> {
        self.setup.granted.queues().map(|(_, queue)| &queue.path)
    }

    fn try_queues(&self, spool: &Spool) -> anyhow::Result<()> {
        for queue in self.queues() {
            let named = || format!("messenger `{}` cannot use its queue", self.name);
            caso_state::check_folder(queue).with_context(named)?;
            // Made now: some folders can be written by their looks alone.
            spool.disk().create_folder(queue).with_context(named)?;
        }
        Ok(())
    }
}

/// What a messenger's instance is started with.
pub struct Starter {
    component: Component,
    setup: MessengerSetup,
    filters: Vec<Filter>,
    options: OptionPlaces,
}

impl Starter {
    /// What it sends goes there from now on.
    pub fn redirected(&mut self, redirect: Redirect) {
        self.setup.redirect = redirect;
    }

    /// Starts the instance.
    ///
    /// # Errors
    /// It refuses its options, or fails while it starts.
    pub async fn start(&self) -> Result<GuestMessenger, GuestFailure> {
        let started = self.component.start_messenger(self.setup.clone()).await;
        started.map_err(|failure| located(failure, &self.options))
    }

    /// Starts the instance behind its filters, whose clocks stand at `now`.
    ///
    /// # Errors
    /// It refuses its options, or one of them does; or one fails while it starts.
    pub async fn start_filtered(
        &self,
        now: i64,
    ) -> Result<Box<dyn guest::Messenger>, GuestFailure> {
        let messenger = Box::new(self.start().await?);
        if self.filters.is_empty() {
            return Ok(messenger);
        }
        let mut filters: Vec<Box<dyn guest::Filter>> = Vec::new();
        for filter in &self.filters {
            let started = filter.start(now).await;
            // No record is at fault.
            filters.push(Box::new(started.map_err(|failure| GuestFailure {
                kind: FailureKind::Start,
                ..failure
            })?));
        }
        Ok(Box::new(Filtered::new(
            filters,
            messenger,
            mark(&self.filters),
        )))
    }
}

/// Another one for other filters, or other options of theirs.
fn mark(filters: &[Filter]) -> String {
    let all = filters.iter().map(|filter| {
        format!(
            "{} {} {:?}\n",
            filter.name, filter.component.sha256, filter.settings
        )
    });
    let mut digest = sha256_hex(all.collect::<String>().as_bytes());
    digest.truncate(12);
    digest
}

/// A messenger that this run cannot use.
pub struct Unusable {
    pub name: String,
    pub failure: GuestFailure,
}

/// All components of a run.
pub struct Components {
    pub mapper: Mapper,
    pub messengers: Vec<Messenger>,
    pub unusable: Vec<Unusable>,
    pub warnings: Vec<Notice>,
}

impl Components {
    /// Tries whether every messenger's queues can be written, before Keystone is asked. A
    /// messenger that has one that cannot costs itself: its records wait.
    ///
    /// # Errors
    /// No messenger is left, for want of a queue: an hour's extraction would be for nobody.
    pub fn leave_out_without_queue(&mut self, spool: &Spool) -> anyhow::Result<()> {
        let mut failed = Vec::new();
        for messenger in std::mem::take(&mut self.messengers) {
            match messenger.try_queues(spool) {
                Ok(()) => self.messengers.push(messenger),
                Err(error) => failed.push((messenger.name, error)),
            }
        }
        if self.messengers.is_empty()
            && let Some((_, error)) = failed.pop()
        {
            return Err(error);
        }
        let unusable = failed.into_iter().map(|(name, error)| Unusable {
            failure: not_started(&name, &error),
            name,
        });
        self.unusable.extend(unusable);
        Ok(())
    }
}

/// The sandbox, with its cache where the configuration has it; and warnings about
/// the cache.
///
/// # Errors
/// A cache that somebody asked for cannot be used.
pub fn sandbox(config: &Config, wanted: Compiling) -> anyhow::Result<(Sandbox, Vec<String>)> {
    let sandbox = set_up(config.cache_dirs.clone(), compiling(config, wanted))?;
    let warning = sandbox
        .cache()
        .warning()
        .map(|warning| match sandbox.cache().hint() {
            None => warning,
            Some(hint) => format!("{warning}; {hint}"),
        });
    Ok((sandbox, warning.into_iter().collect()))
}

/// The sandbox, with its cache in the first of these folders that is safe.
///
/// # Errors
/// It cannot be set up on this machine.
pub fn sandbox_with(cache_dirs: Vec<PathBuf>) -> anyhow::Result<Sandbox> {
    set_up(cache_dirs, Compiling::Well)
}

fn set_up(cache_dirs: Vec<PathBuf>, compiling: Compiling) -> anyhow::Result<Sandbox> {
    Sandbox::new(SandboxSettings {
        cache_dirs,
        compiling,
        compiler: compiler(),
        ..SandboxSettings::default()
    })
    .context("cannot set up the sandbox")
}

/// What others wrote is compiled by a process of its own, which compiles well.
fn compiling(config: &Config, wanted: Compiling) -> Compiling {
    let messengers = config.messengers.iter();
    let mut components = messengers
        .flat_map(|messenger| [&messenger.component].into_iter().chain(&messenger.filters))
        .chain([&config.mapper]);
    match components.all(|component| component.source.file().is_none()) {
        true => wanted,
        false => Compiling::Well,
    }
}

/// The argument with which this program compiles, and does nothing else.
pub const COMPILE: &str = "__compile";

/// This program. A unit test is none.
fn compiler() -> Option<CompilerProcess> {
    let program = std::env::current_exe().ok().filter(|_| !cfg!(test))?;
    Some(CompilerProcess {
        program,
        argument: COMPILE,
    })
}

/// Loads what the configuration names.
///
/// # Errors
/// The mapper cannot be used. A messenger that cannot is among the unusable.
pub async fn load(sandbox: &Sandbox, config: &Config) -> anyhow::Result<Components> {
    let mut warnings = Vec::new();
    let mut messengers: Vec<Messenger> = Vec::new();
    let mut unusable = Vec::new();
    // Side by side: what one takes to be compiled is not the others' time.
    let loaded = config.messengers.iter().map(|instance| async move {
        let mut learned = Learned::default();
        let loaded = messenger(sandbox, config, instance, &mut learned).await;
        (instance, loaded, learned)
    });
    let (mapper, loaded) = try_join(
        mapper(sandbox, config, &mut warnings),
        join_all(loaded).map(Ok),
    )
    .await?;
    let mut learned = Vec::new();
    for (instance, loaded, own) in loaded {
        warnings.extend(own.warnings);
        learned.extend(own.described);
        match loaded {
            Ok(messenger) => messengers.push(messenger),
            Err(error) => unusable.push(Unusable {
                name: instance.name().to_owned(),
                failure: not_started(instance.name(), &error),
            }),
        }
    }
    let (messengers, overlapping) = territory::parted(config, messengers);
    unusable.extend(overlapping);
    warnings.extend(territory::twice(config, &messengers));
    // Those that cannot start, too: the line that stands in the wrong section may be why.
    let mut described = vec![(&config.mapper, &mapper.component.description)];
    described.extend(learned.iter().map(|(instance, own)| (*instance, own)));
    warnings.extend(caso_config::unknown_sections(config, &described));
    warnings.extend(caso_config::placed(config, &described));
    Ok(Components {
        mapper,
        messengers,
        unusable,
        warnings,
    })
}

async fn mapper(
    sandbox: &Sandbox,
    config: &Config,
    warnings: &mut Vec<Notice>,
) -> anyhow::Result<Mapper> {
    warnings.extend(component_file::remarks(&config.mapper));
    let component = admit(sandbox, &config.mapper)
        .await
        .context("the mapper cannot start")?;
    is_a("mapper", &config.mapper, &component)?;
    let settings = options(config, &config.mapper, &component.description, warnings)
        .context("the mapper's options are wrong")?;
    let mapper = Mapper {
        component,
        options: settings.places,
        settings: settings.settings,
        limits: limits(&config.mapper),
        places: Arc::new(Semaphore::new(places(AddressSpace::of_process()))),
    };
    // Only the mapper knows whether its options will do.
    mapper.start(0).await.context("the mapper cannot start")?;
    Ok(mapper)
}

/// What the site sets for a component. The name that was misspelt is told beside the option that is
/// missing.
pub fn options(
    config: &Config,
    instance: &ComponentInstance,
    description: &Description,
    warnings: &mut Vec<Notice>,
) -> anyhow::Result<ComponentSettings> {
    let found = caso_config::component_settings(config, instance, description);
    let remarks = match &found {
        Ok(settings) => &settings.warnings,
        Err(errors) => &errors.1,
    };
    warnings.extend(remarks.iter().cloned());
    Ok(found?)
}

/// What was learned of a messenger and its filters, whether or not they can be used.
#[derive(Default)]
struct Learned<'a> {
    warnings: Vec<Notice>,
    /// Of those that were admitted.
    described: Vec<(&'a ComponentInstance, Description)>,
}

impl<'a> Learned<'a> {
    async fn admit(
        &mut self,
        sandbox: &Sandbox,
        instance: &'a ComponentInstance,
    ) -> anyhow::Result<Component> {
        self.warnings.extend(component_file::remarks(instance));
        let component = admit(sandbox, instance).await?;
        self.described
            .push((instance, component.description.clone()));
        Ok(component)
    }
}

async fn messenger<'a>(
    sandbox: &Sandbox,
    config: &Config,
    instance: &'a MessengerInstance,
    learned: &mut Learned<'a>,
) -> anyhow::Result<Messenger> {
    let admitted = learned.admit(sandbox, &instance.component).await;
    let mut messenger = admitted
        .and_then(|component| configured(config, instance, component, &mut learned.warnings));
    // Of one that cannot be used, too: what they are is wanted for remarks on their sections.
    for filter in &instance.filters {
        let loaded = match learned.admit(sandbox, filter).await {
            Ok(component) => {
                configured_filter(config, filter, component, &mut learned.warnings).await
            }
            Err(error) => Err(error),
        };
        let loaded = loaded.with_context(|| format!("filter `{}` cannot be used", filter.name));
        messenger = messenger.and_then(|mut messenger| {
            messenger.filters.push(loaded?);
            Ok(messenger)
        });
    }
    messenger
}

/// A filter, which is started once to see whether its options will do.
///
/// # Errors
/// It is not admitted, is no filter, or its options are wrong.
pub async fn load_filter(
    sandbox: &Sandbox,
    config: &Config,
    instance: &ComponentInstance,
    warnings: &mut Vec<Notice>,
) -> anyhow::Result<Filter> {
    warnings.extend(component_file::remarks(instance));
    let component = admit(sandbox, instance).await?;
    configured_filter(config, instance, component, warnings).await
}

/// The admitted filter with the site's options, started once.
///
/// # Errors
/// It is no filter, or its options are wrong.
pub async fn configured_filter(
    config: &Config,
    instance: &ComponentInstance,
    component: Component,
    warnings: &mut Vec<Notice>,
) -> anyhow::Result<Filter> {
    is_a("filter", instance, &component)?;
    let found = options(config, instance, &component.description, warnings)?;
    let filter = Filter {
        component,
        name: instance.name.clone(),
        settings: found.settings,
        hidden: found.hidden,
        options: found.places,
        limits: limits(instance),
    };
    filter.start(0).await?;
    Ok(filter)
}

/// The admitted component with the site's options, and what it is granted.
///
/// # Errors
/// It is no messenger, its options are wrong, or something that it requires is not granted.
pub fn configured(
    config: &Config,
    instance: &MessengerInstance,
    component: Component,
    warnings: &mut Vec<Notice>,
) -> anyhow::Result<Messenger> {
    is_a("messenger", &instance.component, &component)?;
    let description = &component.description;
    let found = options(config, &instance.component, description, warnings)?;
    let asking = InstanceName {
        mask: mask(config, instance, &found.hidden),
        ..asking(instance.name(), grammar(instance))
    };
    let grants = grants(instance, &asking.mask)?;
    let policy = if component.builtin {
        Policy::Builtin
    } else {
        Policy::Site(&grants)
    };
    let name = instance.name().to_owned();
    let granted: Granted = decide(&asking, &description.capabilities, &found.settings, policy)?;
    for unused in &granted.unused {
        let unused = granted.instance.shown(unused);
        warnings.push(Notice::warning(
            format!("unused-grant:{name}:{unused}"),
            (
                format!("messenger `{name}` is granted `{unused}`, which it does not ask for"),
                format!("take it out of `grants` in [messenger_{name}]"),
            ),
        ));
    }
    let network = network(&granted)?;
    Ok(Messenger {
        record_types: record_types(instance, description, warnings),
        component_types: (!description.record_types.is_empty())
            .then(|| description.record_types.clone()),
        packing_unit: packing_unit(description, &found.settings),
        setup: MessengerSetup {
            instance: name.clone(),
            secrets: found.hidden,
            settings: found.settings,
            granted,
            limits: sharing(config.messengers.len(), limits(&instance.component)),
            redirect: Redirect::default(),
            network,
        },
        filters: Vec::new(),
        options: found.places,
        name,
        component,
    })
}

/// Whether a component can do what the configuration has it for.
///
/// # Errors
/// It cannot: with the place that names it, and where it belongs.
pub fn is_a(role: &str, instance: &ComponentInstance, component: &Component) -> anyhow::Result<()> {
    let roles = component.roles.names();
    if roles.contains(&role) {
        return Ok(());
    }
    let belongs = |role: &&str| match *role {
        "mapper" => "a mapper is named by `mapper` in [DEFAULT]",
        "filter" => "a filter is named in `filters` of a messenger, its file in [filter_NAME]",
        _ => "a messenger is named in `messengers` in [DEFAULT], its file in [messenger_NAME]",
    };
    Err(remedy::advised(
        format!(
            "{}: component `{}` is a {}, not a {role}",
            instance.origin,
            component.name,
            roles.join(" and a ")
        ),
        roles.iter().map(belongs).collect::<Vec<_>>().join("; "),
    ))
}

/// A messenger, and where a site writes what it gets, in this grammar.
pub fn asking(name: &str, grammar: Grammar) -> InstanceName {
    InstanceName {
        name: name.to_owned(),
        grants: format!("`grants` in [messenger_{name}]"),
        options: format!("[{name}]"),
        grammar,
        mask: Mask::default(),
    }
}

/// Of the place where a grant would be added: beside those that there are, or where the messenger
/// is named.
fn grammar(instance: &MessengerInstance) -> Grammar {
    let beside = instance.grants.first().map(|grant| &grant.origin);
    beside.unwrap_or(&instance.component.origin).grammar()
}

/// What of its grants nobody may see: the component's own secrets, the engine's, and, where a `$`
/// in `grants` stands for a secret, whatever `caso config show` would hide.
fn mask(config: &Config, instance: &MessengerInstance, hidden: &[String]) -> Mask {
    let referred = match instance.grants.iter().any(|grant| grant.secret) {
        true => config.secrets(),
        false => Vec::new(),
    };
    // The nearest first: there are only so many that are looked for.
    Mask::new(
        hidden
            .iter()
            .cloned()
            .chain(config.engine_secrets())
            .chain(referred),
    )
}

/// What the site grants.
fn grants(instance: &MessengerInstance, mask: &Mask) -> anyhow::Result<Vec<Grant>> {
    let grants = instance.grants.iter().map(|grant| {
        let parsed = grant.text.parse::<Grant>();
        parsed.map_err(|error| {
            let text = format!("{}: {error}", grant.origin);
            anyhow::Error::msg(mask.hidden(&clean_line(&text)))
        })
    });
    grants.collect()
}

/// How this program's environment says that OpenStack is reached.
fn network(granted: &Granted) -> anyhow::Result<NetworkEnvironment> {
    let environment = environment();
    // Only HTTP goes through a proxy: what else is granted does not suffer from a bad one.
    Ok(match granted.origins().next().is_none() {
        true => NetworkEnvironment::without_proxies(&environment),
        false => NetworkEnvironment::read(&environment)?,
    })
}

/// Takes the component in that the configuration names.
///
/// # Errors
/// It is not there, is not the one that is pinned, or is none that this host takes.
pub async fn admit(sandbox: &Sandbox, instance: &ComponentInstance) -> anyhow::Result<Component> {
    let source = match &instance.source {
        ComponentSource::BuiltIn(name) => {
            let bytes = caso_builtin::builtin(name)
                .ok_or_else(|| anyhow!("`{name}` is not built in this version"))?;
            Source::Builtin { name, bytes }
        }
        ComponentSource::File(path) => Source::File {
            path,
            sha256: instance.sha256.as_deref(),
        },
    };
    let place = Place {
        memory: instance.limits.memory,
        section: &instance.host_section,
    };
    let component = sandbox.load_at(source, &place).await?;
    // A file's pin was compared before anything was made of it.
    match (&instance.source, &instance.sha256) {
        (ComponentSource::BuiltIn(name), Some(pin)) if *pin != component.sha256 => {
            Err(remedy::advised(
                format!(
                    "`sha256` names another component than the built-in `{name}`: it is {pin}, and that one has {}",
                    component.sha256
                ),
                "remove `sha256`: what came with the program changes with it; or name the file in `component`",
            ))
        }
        _ => Ok(component),
    }
}

/// How many mappers there may be at a time; the sandbox saw to it that one fits.
fn places(space: AddressSpace) -> usize {
    let most = Semaphore::MAX_PERMITS;
    space.guests().map_or(most, |guests| guests.clamp(1, most))
}

fn limits(instance: &ComponentInstance) -> Limits {
    Limits {
        memory: instance.limits.memory,
        timeout: instance.limits.timeout,
        deadline: instance.limits.deadline,
        run: RunLimits {
            output: instance.limits.output,
            ..RunLimits::default()
        },
        ..Limits::default()
    }
}

/// What one of so many messengers may have open at a time: files, connections and requests
/// of all of them together leave enough for the journal and OpenStack.
fn sharing(messengers: usize, limits: Limits) -> Limits {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((open, _)) => shared(open, messengers, limits),
        Err(_) => limits,
    }
}

fn shared(open: u64, messengers: usize, limits: Limits) -> Limits {
    /// Open files that the run itself may need.
    const OWN: u64 = 512;
    /// With less a standard library does not even start.
    const LEAST: usize = 16;
    let messengers = u64::try_from(messengers.max(1)).unwrap_or(u64::MAX);
    let share = open.saturating_sub(OWN) / messengers;
    let part = |of: u64| u32::try_from(share / of).unwrap_or(u32::MAX).max(1);
    let connections = limits.connections.min(part(4));
    let http_requests_at_once = limits.http_requests_at_once.min(part(8));
    let rest = share.saturating_sub(u64::from(connections) + u64::from(http_requests_at_once));
    let objects = usize::try_from(rest).unwrap_or(usize::MAX);
    Limits {
        connections,
        http_requests_at_once,
        host_objects: objects.clamp(LEAST, limits.host_objects),
        ..limits
    }
}

/// What it is given: what the site says, as far as the component takes it. One that
/// it does not take would be refused record by record, every hour, and cost the
/// run its good end.
fn record_types(
    instance: &MessengerInstance,
    description: &Description,
    warnings: &mut Vec<Notice>,
) -> Option<Vec<String>> {
    let taken = &description.record_types;
    let takes = |kind: &String| taken.is_empty() || taken.contains(kind);
    match &instance.record_types {
        caso_config::RecordTypes::These { names, origin } => {
            let (given, left): (Vec<String>, Vec<String>) = names.iter().cloned().partition(takes);
            for kind in left {
                let list: Vec<String> = taken.iter().map(|kind| format!("`{kind}`")).collect();
                let name = instance.name();
                warnings.push(Notice::warning(
                    format!("record-type-not-taken:{name}:{kind}"),
                    (
                        format!(
                            "{origin}: messenger `{name}` is given no `{kind}` records, for \
                             component `{}` does not take them (it takes {})",
                            description.name,
                            list.join(", ")
                        ),
                        format!("remove `{kind}` from `record_types` in [messenger_{name}]"),
                    ),
                ));
            }
            Some(given)
        }
        caso_config::RecordTypes::All | caso_config::RecordTypes::Described => {
            (!taken.is_empty()).then(|| taken.clone())
        }
    }
}

/// How many records go into one message, where the component has an option for it.
fn packing_unit(description: &Description, settings: &[Setting]) -> Option<u32> {
    let option = description.packing_option.as_ref()?;
    let setting = settings.iter().find(|setting| setting.name == *option)?;
    match setting.value {
        OptionValue::Integer(unit) => u32::try_from(unit).ok(),
        _ => None,
    }
}

pub fn not_started(name: &str, error: &anyhow::Error) -> GuestFailure {
    let detail = remedy::line(error.as_ref());
    GuestFailure::seen_by_host(name, name, "start", FailureKind::Start, detail)
}

#[cfg(test)]
mod tests {
    use caso_config::{CommandLine, ConfigPlace, Inputs};

    use super::*;

    /// A component that another process compiled well would be compiled once more here, with
    /// nothing to end it.
    #[test]
    fn what_others_wrote_is_compiled_well_whatever_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let of = |site: &str| {
            let conf = folder.path().join("caso.conf");
            std::fs::write(&conf, site).unwrap();
            let command_line = CommandLine {
                configs: vec![ConfigPlace::File(conf)],
                ..CommandLine::default()
            };
            let inputs = Inputs::apart(command_line, folder.path(), caso_builtin::messengers());
            compiling(&caso_config::load(&inputs).unwrap(), Compiling::Soon)
        };
        let ours = "[DEFAULT]\nmessengers = ssm, noop\n";
        assert_eq!(of(ours), Compiling::Soon);
        for theirs in [
            "[DEFAULT]\nmessengers = ssm, x\n[messenger_x]\ncomponent = /x.wasm\n",
            "[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nfilters = f\n[filter_f]\ncomponent = /f.wasm\n",
            "[DEFAULT]\nmessengers = ssm\nmapper = /m.wasm\n",
        ] {
            assert_eq!(of(theirs), Compiling::Well, "{theirs}");
        }
    }

    /// d07: six instances with 185 open files each, of 1,024.
    #[test]
    fn what_messengers_may_have_open_is_shared_out() {
        let held = |open, messengers| {
            let limits = shared(open, messengers, Limits::default());
            let one = limits.host_objects
                + usize::try_from(limits.connections + limits.http_requests_at_once).unwrap();
            one * messengers
        };
        for messengers in [1, 2, 6, 20] {
            assert!(held(1024, messengers) <= 512, "{messengers}");
        }
        assert!(held(1024, 30) <= 1024 - 256);
        let usual = Limits::default();
        assert_eq!(shared(1 << 20, 30, usual.clone()), usual);
    }
}
