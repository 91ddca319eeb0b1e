//! Finds, reads and checks a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{At, ConfigError, ConfigErrors};
use super::files::{self, Places};
use super::flags::CommandLine;
use super::ini::normalize_section;
use super::messengers::Messengers;
use super::origin::Origin;
use super::own_places::OwnPlaces;
use super::reader::Reader;
use super::resolve::Slot;
use super::sources::Sources;
use super::table::{ceilometer, clouds as cloud_rows, general, keystone as keystone_rows};
use super::types::{Config, Program};
use super::value::Date;
use super::{clouds, logging, messengers, own_places, remarks, slips, value};
use caso_model::extraction::CounterOptions;
use caso_model::notice::Notice;

/// All that `load` reads. The environment may hold passwords, so `Debug` does
/// not show it.
#[derive(Clone)]
pub struct Inputs {
    /// The command that asks.
    pub program: Program,
    /// What was typed.
    pub command_line: CommandLine,
    /// Variables by their names.
    pub environment: BTreeMap<String, String>,
    /// Where default files are looked for.
    pub places: Places,
    /// Names of the messengers that are embedded in the engine.
    pub builtin_messengers: Vec<String>,
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs")
            .field("program", &self.program)
            .field("command_line", &self.command_line)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Inputs {
    /// Of `caso` with nothing of this machine: no variables, no files but those named on
    /// the command line. What a demonstration or a trial in `folder` is set up with.
    pub fn apart(
        command_line: CommandLine,
        folder: &Path,
        builtin_messengers: Vec<String>,
    ) -> Self {
        Inputs {
            program: Program::Caso,
            command_line,
            environment: BTreeMap::new(),
            places: Places {
                home: None,
                root: folder.join("no-root"),
                snap_common: None,
                snap: None,
            },
            builtin_messengers,
        }
    }

    /// What this process was started with. Variables that are not UTF-8 name
    /// no option of ours.
    pub fn of_process(
        program: Program,
        command_line: CommandLine,
        builtin_messengers: &[&str],
    ) -> Self {
        let environment = caso_base::environment();
        let folder = |name: &str| {
            environment
                .get(name)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        };
        let places = Places {
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            root: PathBuf::from("/"),
            snap_common: folder("SNAP_COMMON"),
            snap: folder("SNAP"),
        };
        Self {
            program,
            command_line,
            places,
            builtin_messengers: builtin_messengers
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            environment,
        }
    }
}

/// The default of one that is misspelt or misplaced is an empty spool: without its cursors everything would be
/// extracted again, and what adds up would count twice.
fn spooldir(reader: &mut Reader<'_>) -> PathBuf {
    let row = &general::SPOOLDIR;
    let Some((folder, place)) = reader.find(row, &Slot::of(row)) else {
        return PathBuf::default();
    };
    if place == Origin::Default {
        let harm = "everything would be extracted again from another spool";
        remarks::refuse_misspelt(reader, row.section, row.name, harm);
    }
    folder
}

/// Whoever collects them leaves other names alone, and nobody says so.
fn metrics_file(reader: &mut Reader<'_>, warnings: &mut Vec<Notice>) -> Option<PathBuf> {
    let path: Option<PathBuf> = reader.get(&general::METRICS_FILE);
    if let Some(path) = &path
        && path.extension().is_none_or(|ending| ending != "prom")
    {
        let text = (
            format!(
                "`metrics_file` is `{}`: node_exporter's textfile collector reads files that end with `.prom` alone",
                path.display()
            ),
            "give it that ending",
        );
        warnings.push(Notice::warning("metrics-file-ending", text));
    }
    path
}

/// Finds, reads, checks.
///
/// # Errors
/// All that is wrong, together, each with its place.
pub fn load(inputs: &Inputs) -> Result<Config, ConfigErrors> {
    let mut errors = super::error::Collector::default();
    let files = files::read(
        inputs.program,
        &inputs.places,
        &inputs.command_line.configs,
        &mut errors,
    );
    let mut sources = Sources {
        files,
        environment: inputs.environment.clone(),
        command_line: inputs.command_line.values.clone(),
        builtin_messengers: inputs.builtin_messengers.clone(),
    };
    let swallowed = slips::swallowed(&mut sources);
    let sources = Arc::new(sources);
    let mut reader = Reader::new(&sources);
    reader.errors = errors;
    let mut warnings = Vec::new();
    refuse_other_sources(&mut reader);
    for error in swallowed {
        reader.errors.push(error);
    }
    let clouds = clouds::read(&mut reader, &mut warnings);
    let keystone_sections = clouds::keystone_sections(&reader, &clouds);
    let Messengers {
        instances: messengers,
        named,
    } = messengers::read(&mut reader, &mut warnings);
    let mapper = messengers::mapper(&mut reader);
    let logging = logging::read(&mut reader, inputs.program);
    let known = remarks::Known {
        keystone: &keystone_sections,
        hosts: &messengers::host_sections(&named, &sources.builtin_messengers),
        clouds: &clouds,
        messengers: &messengers,
    };
    warnings.extend(slips::twice(&sources));
    remarks::read(&sources, known, &mut warnings);
    let spooldir = spooldir(&mut reader);
    let cache_dirs = cache_dirs(&mut reader, &spooldir);
    let mut config = Config {
        program: inputs.program,
        lock_path: reader.get(&general::LOCK_PATH),
        lock_timeout: reader.get(&general::LOCK_TIMEOUT),
        cache_dirs,
        spooldir,
        dry_run: dry_run(&mut reader, inputs.program),
        extract_from: reader.get(&general::EXTRACT_FROM),
        extract_to: reader.get(&general::EXTRACT_TO).map(|Date(at)| at),
        ip_records_for_past_windows: reader.get(&general::IP_RECORDS_FOR_PAST_WINDOWS),
        concurrency: reader.get(&general::CONCURRENCY) as usize,
        page_size: reader.get(&general::PAGE_SIZE),
        overlapping_intervals: reader.get(&general::OVERLAPPING_INTERVALS),
        metrics_file: metrics_file(&mut reader, &mut warnings),
        extraction_timeout: reader.get(&general::EXTRACTION_TIMEOUT),
        delivery_timeout: reader.get(&general::DELIVERY_TIMEOUT),
        deliver_while_extracting: u64::from(reader.get(&general::DELIVER_WHILE_EXTRACTING)),
        max_waiting: reader.get(&general::MAX_WAITING).0,
        partial_exit_ok: reader.get(&general::PARTIAL_EXIT_OK),
        migrate_projects: reader.get(&general::MIGRATE_PROJECTS),
        counters: CounterOptions {
            source: reader.get(&ceilometer::SOURCE),
            reading: reader.get(&ceilometer::READING),
        },
        mapper,
        messengers,
        clouds,
        logging,
        files: sources
            .files
            .iter()
            .map(|file| file.path.as_ref().clone())
            .collect(),
        folders: files::folders(&inputs.places, &inputs.command_line.configs),
        values: std::mem::take(&mut reader.shown),
        warnings,
        places: OwnPlaces::default(),
        secrets: std::mem::take(&mut reader.secrets),
        keystone_sections,
        sources: Arc::clone(&sources),
    };
    config.places = own_places::all(&config, inputs, std::mem::take(&mut reader.paths));
    window(&mut reader, &config);
    shared_keystone_section(&mut reader, &config);
    let mut unknown = match reader.errors.is_empty() {
        true => Vec::new(),
        false => config.unknown_names(),
    };
    let finished = reader.errors.finish(Some(config));
    finished.map_err(|ConfigErrors(errors, _)| {
        unknown.retain(|remark| !errors.iter().any(|error| error.says(remark)));
        ConfigErrors(errors, unknown)
    })
}

/// `config_source` names drivers that fetch options from elsewhere: to read on
/// without them would be to run with half a configuration.
fn refuse_other_sources(reader: &mut Reader<'_>) {
    let row = &general::CONFIG_SOURCE;
    if let Some(found) = reader.resolver.sources.find(&Slot::of(row).names)
        && !value::texts(&found.text).is_empty()
    {
        reader.errors.push(ConfigError::Refused {
            at: At::new(&found.origin, row.section, row.name),
            what: row.ignored.unwrap_or_default().into(),
        });
    }
}

/// Where compiled components may be kept, best first.
fn cache_dirs(reader: &mut Reader<'_>, spooldir: &std::path::Path) -> Vec<PathBuf> {
    if let Some(chosen) = reader.get(&general::CACHE_DIR) {
        return vec![chosen];
    }
    // systemd may give several, divided by colons.
    let given = reader.resolver.sources.environment.get("CACHE_DIRECTORY");
    let given = given.and_then(|list| list.split(':').find(|path| !path.is_empty()));
    let first = given.unwrap_or("/var/cache/caso");
    vec![first.into(), spooldir.join("cache")]
}

/// `caso-mapping-migrate` writes to Keystone only where the site says so.
fn dry_run(reader: &mut Reader<'_>, program: Program) -> bool {
    let mut slot = Slot::of(&general::DRY_RUN);
    if program == Program::MappingMigrate {
        slot.default = Some("true".into());
    }
    let found = reader.find(&general::DRY_RUN, &slot);
    found.is_some_and(|(dry, _)| dry)
}

/// A messenger whose own section is one that holds a password.
fn shared_keystone_section(reader: &mut Reader<'_>, config: &Config) {
    let shares = |section: &str| {
        let mut messengers = config.messengers.iter();
        messengers.any(|messenger| messenger.component.section == section)
    };
    for cloud in &config.clouds {
        let names = [
            Slot::within(&cloud_rows::KEYSTONE, &cloud.section),
            Slot::within(&keystone_rows::AUTH_SECTION, &cloud.keystone_section),
        ];
        for slot in names {
            if let Ok(Some(resolved)) = reader.resolver.resolve(&slot)
                && shares(&normalize_section(&resolved.text))
            {
                let expected = "a section that is no messenger's own".to_owned();
                reader
                    .errors
                    .push(slot.bad_value(&resolved, expected, None));
            }
        }
    }
}

/// A window that ends before it begins.
fn window(reader: &mut Reader<'_>, config: &Config) {
    if let (Some(from), Some(to)) = (config.extract_from.explicit(), config.extract_to)
        && from >= to
    {
        let slot = Slot::of(&general::EXTRACT_TO);
        if let Ok(Some(resolved)) = reader.resolver.resolve(&slot) {
            let expected = "a date after that of `extract_from`".to_owned();
            reader
                .errors
                .push(slot.bad_value(&resolved, expected, None));
        }
    }
}
