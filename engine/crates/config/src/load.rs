//! Finds, reads and checks a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::clouds::required;
use super::error::{At, ConfigError, ConfigErrors};
use super::files::{self, Places};
use super::flags::CommandLine;
use super::ini::normalize_section;
use super::reader::Reader;
use super::resolve::Slot;
use super::sources::Sources;
use super::table::{Row, ceilometer, clouds as cloud_rows, general, keystone as keystone_rows};
use super::types::{Config, ExtractFrom, Program};
use super::{clouds, date, logging, messengers, remarks, value};
use caso_model::extraction::{CounterOptions, CounterReading, CounterSource};

/// All that `load` reads. The environment may hold passwords, so `Debug` does
/// not show it.
#[derive(Clone)]
pub struct Inputs {
    pub program: Program,
    pub command_line: CommandLine,
    pub environment: BTreeMap<String, String>,
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

/// Finds, reads, checks. All that is wrong comes out together.
pub fn load(inputs: &Inputs) -> Result<Config, ConfigErrors> {
    let mut errors = super::error::Collector::default();
    let files = files::read(
        inputs.program,
        &inputs.places,
        &inputs.command_line.configs,
        &mut errors,
    );
    let sources = Arc::new(Sources {
        files,
        environment: inputs.environment.clone(),
        command_line: inputs.command_line.values.clone(),
        builtin_messengers: inputs.builtin_messengers.clone(),
    });
    let mut reader = Reader::new(&sources);
    reader.errors = errors;
    let mut warnings = Vec::new();
    refuse_other_sources(&mut reader);
    let clouds = clouds::read(&mut reader, &mut warnings);
    let keystone_sections = clouds::keystone_sections(&reader, &clouds);
    let messengers = messengers::read(&mut reader, &mut warnings);
    let mapper = messengers::mapper(&mut reader);
    let logging = logging::read(&mut reader, inputs.program);
    remarks::read(
        &sources,
        &keystone_sections,
        &clouds,
        &messengers,
        &mut warnings,
    );
    let spooldir = folder(&mut reader, &general::SPOOLDIR);
    let config = Config {
        program: inputs.program,
        lock_path: folder(&mut reader, &general::LOCK_PATH),
        lock_timeout: reader.duration(
            &Slot::of(&general::LOCK_TIMEOUT),
            general::LOCK_TIMEOUT.kind,
        ),
        cache_dirs: cache_dirs(&mut reader, &spooldir),
        spooldir,
        dry_run: dry_run(&mut reader, inputs.program),
        extract_from: extract_from(&mut reader),
        extract_to: reader.moment(&Slot::of(&general::EXTRACT_TO)),
        ip_records_for_past_windows: reader
            .boolean(&Slot::of(&general::IP_RECORDS_FOR_PAST_WINDOWS)),
        concurrency: reader.integer::<u32>(&general::CONCURRENCY) as usize,
        page_size: reader.integer(&general::PAGE_SIZE),
        delivery_timeout: reader.duration(
            &Slot::of(&general::DELIVERY_TIMEOUT),
            general::DELIVERY_TIMEOUT.kind,
        ),
        partial_exit_ok: reader.boolean(&Slot::of(&general::PARTIAL_EXIT_OK)),
        migrate_projects: reader.boolean(&Slot::of(&general::MIGRATE_PROJECTS)),
        counters: counters(&mut reader),
        mapper,
        messengers,
        clouds,
        logging,
        files: sources
            .files
            .iter()
            .map(|file| file.path.as_ref().clone())
            .collect(),
        values: std::mem::take(&mut reader.shown),
        warnings,
        keystone_sections,
        sources: Arc::clone(&sources),
    };
    window(&mut reader, &config);
    shared_keystone_section(&mut reader, &config);
    reader.errors.finish(Some(config))
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

fn folder(reader: &mut Reader<'_>, row: &Row) -> PathBuf {
    required(reader, &Slot::of(row), "the path of a folder").into()
}

/// Where compiled components may be kept, best first.
fn cache_dirs(reader: &mut Reader<'_>, spooldir: &std::path::Path) -> Vec<PathBuf> {
    if let Some(chosen) = reader.path(&Slot::of(&general::CACHE_DIR)) {
        return vec![chosen];
    }
    // systemd may give several, divided by colons.
    let given = reader.resolver.sources.environment.get("CACHE_DIRECTORY");
    let given = given.and_then(|list| list.split(':').find(|path| !path.is_empty()));
    let first = given.unwrap_or("/var/cache/caso");
    vec![first.into(), spooldir.join("cache")]
}

/// `caso-mapping-migrate` only writes to Keystone when it is told so.
fn dry_run(reader: &mut Reader<'_>, program: Program) -> bool {
    let mut slot = Slot::of(&general::DRY_RUN);
    if program == Program::MappingMigrate {
        slot.default = Some("true".into());
    }
    reader.boolean(&slot)
}

/// `[ceilometer]`.
fn counters(reader: &mut Reader<'_>) -> CounterOptions {
    let source = CounterSource::ALL.map(|one| (one.as_str(), one));
    let reading = CounterReading::ALL.map(|one| (one.as_str(), one));
    CounterOptions {
        source: word(reader, &ceilometer::SOURCE, &source),
        reading: word(reader, &ceilometer::READING, &reading),
    }
}

/// One of a few known words.
fn word<T: Copy + Default>(reader: &mut Reader<'_>, row: &Row, known: &[(&str, T)]) -> T {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let parse = |text: &str| {
        if text.is_empty() {
            return Ok(None);
        }
        let word = value::choice(text, &names)?;
        Ok(known
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, item)| *item))
    };
    reader
        .parsed(&Slot::of(row), parse)
        .map(|(item, _)| item)
        .unwrap_or_default()
}

fn extract_from(reader: &mut Reader<'_>) -> ExtractFrom {
    let parse = |text: &str| match text {
        "" => Ok(None),
        "None" => Ok(Some(ExtractFrom::BeginningOfTime)),
        _ => date::moment(text).map(|at| Some(ExtractFrom::At(at))),
    };
    let value = reader.parsed(&Slot::of(&general::EXTRACT_FROM), parse);
    value.map_or(ExtractFrom::Cursor, |(value, _)| value)
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
                reader.errors.push(slot.bad_value(&resolved, expected));
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
            reader.errors.push(slot.bad_value(&resolved, expected));
        }
    }
}
