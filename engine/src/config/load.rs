//! Finds, reads and checks a configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{At, ConfigError, ConfigErrors};
use super::files::{self, Places};
use super::flags::CommandLine;
use super::reader::Reader;
use super::resolve::Slot;
use super::sources::Sources;
use super::suggest::hint;
use super::table::{Row, general, keystone as keystone_rows};
use super::types::{
    CloudConfig, Config, ExtractFrom, Extractor, Interface, MessengerInstance, Program,
};
use super::warning::Warning;
use super::{date, keystone, logging, messengers, remarks, value};

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
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
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
    let clouds = vec![cloud(&mut reader, &mut warnings)];
    let keystone_sections: Vec<String> = clouds
        .iter()
        .flat_map(|cloud| keystone::sections(&reader.resolver, &cloud.keystone_section))
        .collect();
    let messengers = messengers::read(&mut reader, &mut warnings);
    let mapper = messengers::mapper(&mut reader);
    let logging = logging::read(&mut reader, inputs.program);
    remarks::read(&sources, &keystone_sections, &messengers, &mut warnings);
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
        site_name: reader.text(&Slot::of(&general::SITE_NAME)),
        cloud_type: required(
            &mut reader,
            &general::CLOUD_TYPE,
            "a text such as `caso/5.2.2 (OpenStack)`",
        ),
        extract_from: extract_from(&mut reader),
        extract_to: reader.moment(&general::EXTRACT_TO),
        first_extract_from: reader.moment(&general::FIRST_EXTRACT_FROM),
        concurrency: reader.integer::<u32>(&general::CONCURRENCY) as usize,
        page_size: reader.integer(&general::PAGE_SIZE),
        delivery_timeout: reader.duration(
            &Slot::of(&general::DELIVERY_TIMEOUT),
            general::DELIVERY_TIMEOUT.kind,
        ),
        partial_exit_ok: reader.boolean(&Slot::of(&general::PARTIAL_EXIT_OK)),
        migrate_projects: reader.boolean(&Slot::of(&general::MIGRATE_PROJECTS)),
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

fn cloud(reader: &mut Reader<'_>, warnings: &mut Vec<Warning>) -> CloudConfig {
    let site = reader.resolver.resolve(&Slot::of(&general::SITE_NAME));
    let site = site
        .ok()
        .flatten()
        .map(|site| site.text)
        .filter(|site| !site.is_empty());
    let mapping = Slot::of(&general::MAPPING_FILE);
    let keystone_section = keystone_rows::AUTH_TYPE.section;
    CloudConfig {
        name: "default".into(),
        service_name: reader.text(&Slot::of(&general::SERVICE_NAME)).or(site),
        region_name: reader.text(&Slot::of(&general::REGION_NAME)),
        interfaces: words(reader, &general::INTERFACE, &INTERFACES),
        extractors: words(
            reader,
            &general::EXTRACTOR,
            &Extractor::ALL.map(|one| (one.as_str(), one)),
        ),
        projects: once_each(reader.texts(&Slot::of(&general::PROJECTS))),
        caso_tag: reader.text(&Slot::of(&general::CASO_TAG)),
        vo_property: required(reader, &general::VO_PROPERTY, "the name of a property"),
        mapping_file_set: reader.resolver.sources.find(&mapping.names).is_some(),
        mapping_file: reader.path(&mapping).unwrap_or_default(),
        keystone_section: keystone_section.into(),
        keystone_auth: keystone::read(reader, keystone_section, warnings),
    }
}

/// Names in the catalog; keystoneauth takes the old `publicURL` as well.
const INTERFACES: [(&str, Interface); 6] = [
    ("public", Interface::Public),
    ("internal", Interface::Internal),
    ("admin", Interface::Admin),
    ("publicURL", Interface::Public),
    ("internalURL", Interface::Internal),
    ("adminURL", Interface::Admin),
];

/// A list of known words, each once; an empty list is the default.
fn words<T: Copy + PartialEq>(reader: &mut Reader<'_>, row: &Row, known: &[(&str, T)]) -> Vec<T> {
    let parse = |text: &str| {
        let mut out = Vec::new();
        for word in value::texts(text) {
            let found = known.iter().find(|(name, _)| *name == word);
            let Some((_, item)) = found else {
                let names: Vec<&str> = known
                    .iter()
                    .map(|(name, _)| *name)
                    .filter(|name| !name.ends_with("URL"))
                    .collect();
                let listed = names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(format!("a list of {listed}{}", hint(&word, names)));
            };
            if !out.contains(item) {
                out.push(*item);
            }
        }
        Ok(Some(out).filter(|out| !out.is_empty()))
    };
    reader
        .parsed(&Slot::of(row), parse)
        .map(|(words, _)| words)
        .unwrap_or_default()
}

/// Projects, without the empty entries that oslo keeps.
fn once_each(projects: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for project in projects {
        if !project.is_empty() && !out.contains(&project) {
            out.push(project);
        }
    }
    out
}

/// A text that may not be emptied.
fn required(reader: &mut Reader<'_>, row: &Row, expected: &str) -> String {
    let parse = |text: &str| match text {
        "" => Err(expected.to_owned()),
        _ => Ok(Some(text.to_owned())),
    };
    reader
        .parsed(&Slot::of(row), parse)
        .map(|(text, _)| text)
        .unwrap_or_default()
}

fn folder(reader: &mut Reader<'_>, row: &Row) -> PathBuf {
    required(reader, row, "the path of a folder").into()
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

fn extract_from(reader: &mut Reader<'_>) -> ExtractFrom {
    let parse = |text: &str| match text {
        "" => Ok(None),
        "None" => Ok(Some(ExtractFrom::BeginningOfTime)),
        _ => date::moment(text).map(|at| Some(ExtractFrom::At(at))),
    };
    let value = reader.parsed(&Slot::of(&general::EXTRACT_FROM), parse);
    value.map_or(ExtractFrom::Cursor, |(value, _)| value)
}

/// A messenger whose own section is the one that holds the password.
fn shared_keystone_section(reader: &mut Reader<'_>, config: &Config) {
    for cloud in &config.clouds {
        let sections = keystone::sections(&reader.resolver, &cloud.keystone_section);
        let shares =
            |messenger: &MessengerInstance| sections.contains(&messenger.component.section);
        let slot = Slot::within(&keystone_rows::AUTH_SECTION, &cloud.keystone_section);
        if config.messengers.iter().any(shares)
            && let Ok(Some(resolved)) = reader.resolver.resolve(&slot)
        {
            let expected = "a section that is no messenger's own".to_owned();
            reader.errors.push(slot.bad_value(&resolved, expected));
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
