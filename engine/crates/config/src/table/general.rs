//! `[DEFAULT]`: what to extract, where to keep it, whom to give it to.

use std::path::PathBuf;
use std::time::Duration;

use super::row::{Flag, Row, rows};
use crate::types::{ExtractFrom, Interface};
use crate::value::{Date, Size};
use caso_model::extraction::Extractor;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

const D: &str = "DEFAULT";

rows! {
    MESSENGERS: Vec<String> = Row::new(D, "messengers",
        "Messengers that publish the records, comma-separated; each has a queue of its own, so that a failing \
         one delays only itself. Any name that is not built in is a component of your own, given by \
         `component` in [messenger_NAME].")
        .default("noop");
    SPOOLDIR: PathBuf = Row::new(D, "spooldir",
        "Spool folder: it keeps how far each project has been extracted, and the records that wait for a messenger.")
        .needed("the path of a folder")
        .default("/var/spool/caso");
    LOCK_PATH: PathBuf = Row::new(D, "lock_path",
        "Folder of the lock file, which keeps two runs from working at the same time. Only the user that runs \
         cASO should be able to write there. The environment variable CASO_LOCK_PATH sets the default.")
        .needed("the path of a folder")
        .default("$spooldir")
        .default_variable("CASO_LOCK_PATH");
    LOCK_TIMEOUT: Duration = Row::new(D, "lock_timeout",
        "How long to wait for another run to end. After that the run ends with exit code 75 and names the holder of the lock.")
        .at_most(WEEK)
        .default("60");
    CACHE_DIR: Option<PathBuf> = Row::new(D, "cache_dir",
        "Folder for compiled components. When unset: $CACHE_DIRECTORY, else /var/cache/caso, else `cache` in \
         spooldir; where others could write there, components are recompiled each time.");
    DRY_RUN: bool = Row::new(D, "dry_run",
        "Extract records, but publish none and remember nothing: print what would be sent.")
        .default("false")
        .flag(Flag::new("dry-run").former(&["dry_run"]).inverse(&["nodry-run", "nodry_run"]));
    SITE_NAME: Option<String> = Row::new(D, "site_name", "Site name as in GOCDB.")
        .per_cloud();
    SERVICE_NAME: Option<String> = Row::new(D, "service_name", "Service name within the site.")
        .default("$site_name")
        .per_cloud();
    CLOUD_TYPE: String = Row::new(D, "cloud_type",
        "CloudType of the records. APEL and the EGI portal group by it.")
        .needed("text such as `caso/5.2.2 (OpenStack)`")
        .default(concat!("caso/", env!("CARGO_PKG_VERSION"), " (OpenStack)"))
        .per_cloud();
    PROJECTS: Vec<String> = Row::new(D, "projects",
        "Projects to extract, by id or by name, comma-separated. Projects that carry `caso_tag` in Keystone are added.")
        .default("")
        .old(&["DEFAULT.tenants"])
        .flag(Flag::new("projects").metavar("PROJECTS").former(&["tenants"]))
        .per_cloud();
    CASO_TAG: Option<String> = Row::new(D, "caso_tag",
        "Tag of the Keystone projects to extract. Empty: only those of `projects`.")
        .default("caso")
        .flag(Flag::new("caso_tag").metavar("CASO_TAG"))
        .per_cloud();
    VO_PROPERTY: String = Row::new(D, "vo_property",
        "Property of a Keystone project that holds its VO.")
        .needed("the name of a property")
        .default("VO")
        .flag(Flag::new("vo_property").metavar("VO_PROPERTY"))
        .per_cloud();
    MAPPING_FILE: PathBuf = Row::new(D, "mapping_file",
        "JSON file with the VO of projects that have no such property; see voms.json.sample. A property in \
         Keystone is the better place (`caso-mapping-migrate` writes it).")
        .default("/etc/caso/voms.json")
        .old(&["extractor.mapping_file"])
        .flag(Flag::new("mapping_file").metavar("MAPPING_FILE").aliases(&["extractor-mapping_file"]))
        .per_cloud();
    EXTRACT_TO: Option<Date> = Row::new(D, "extract_to",
        "Extract changes until this date; now when unset. UTC if it names no zone. For the command line: in a \
         file it would apply to every run.")
        .flag(Flag::new("extract-to").metavar("EXTRACT_TO").former(&["extract_to"]));
    EXTRACT_FROM: ExtractFrom = Row::new(D, "extract_from",
        "Extract changes since this date; since the end of the last run when unset, from the beginning of time when \
         `None`. UTC if it names no zone. For the command line: in a file it would apply to every run.")
        .flag(Flag::new("extract-from").metavar("EXTRACT_FROM").former(&["extract_from"]));
    FIRST_EXTRACT_FROM: Option<Date> = Row::new(D, "first_extract_from",
        "Where the first run of a project begins. When unset it begins in 1970 and reports all that the APIs still know.")
        .per_cloud();
    IP_RECORDS_FOR_PAST_WINDOWS: bool = Row::new(D, "ip_records_for_past_windows",
        "Whether a window that lies in the past (`extract_to` more than an hour ago) gets public IP records, as cASO \
         made them: of the floating IPs of now that were there when it ended. Such a record replaces the present \
         month's.")
        .default("false");
    EXTRACTOR: Vec<Extractor> = Row::new(D, "extractor", "Extractors to use, comma-separated.")
        .default("nova,cinder,neutron")
        .flag(Flag::new("extractor").metavar("EXTRACTOR"))
        .per_cloud();
    CLOUDS: Vec<String> = Row::new(D, "clouds",
        "Names of the clouds to extract, comma-separated, if there are several. What differs from [DEFAULT] \
         stands in [cloud_NAME], how to log in in [keystone_auth_NAME]. A site that had one cloud before calls \
         it `default`, so that it goes on where it was.");
    REGION_NAME: Vec<String> = Row::new(D, "region_name",
        "Regions to extract from, comma-separated; when unset the first of the catalog. Each keeps its own \
         position: one that is added starts like a new project, see `first_extract_from`.")
        .old(&["keystone_auth.region_name"])
        .per_cloud();
    INTERFACE: Vec<Interface> = Row::new(D, "interface",
        "Interface of the endpoints to use: public, internal or admin; several in order of preference.")
        .default("public")
        .old(&["keystone_auth.valid_interfaces", "keystone_auth.interface"])
        .per_cloud();
    CONCURRENCY: u32 = Row::new(D, "concurrency",
        "How many projects of a region are extracted side by side, and how many requests a service of it gets at a time. With 1, requests go one at a time.")
        .within(1, 64)
        .default("4");
    PAGE_SIZE: u32 = Row::new(D, "page_size",
        "How many servers, volumes and so on to ask for at a time. A service that allows less gives less.")
        .within(1, 100_000)
        .default("1000");
    EXTRACTION_TIMEOUT: Duration = Row::new(D, "extraction_timeout",
        "How long the extraction of one run may take. Projects that are not read by then wait for the next one; what was read is delivered.")
        .at_least(SECOND)
        .at_most(WEEK)
        .default("1h");
    DELIVERY_TIMEOUT: Duration = Row::new(D, "delivery_timeout",
        "How long the delivery of one run may take. What is left waits for the next one.")
        .at_least(SECOND)
        .at_most(DAY)
        .default("10m");
    DELIVER_WHILE_EXTRACTING: u32 = Row::new(D, "deliver_while_extracting",
        "How many records must be safely on disk before messengers that write only to this machine (queues and folders) get them while other projects are still being read, and again for every further such number. Each part ends with a message that is not full. 0: everything is delivered when everything is extracted, as it is to messengers that talk to other machines.")
        .default("5000");
    MAX_WAITING: Size = Row::new(D, "max_waiting",
        "How much may wait for one messenger in the spool before extraction stops, such as 10GiB; 0 is no limit. Nothing is dropped: what waits is delivered, the cursors stay, and extraction goes on from them when there is room. Nova forgets servers that were deleted long ago, so do not wait for weeks.")
        .default("0");
    PARTIAL_EXIT_OK: bool = Row::new(D, "partial_exit_ok",
        "Whether a run in which some project or messenger failed exits with 0 instead of 3.")
        .default("false");
    OVERLAPPING_INTERVALS: bool = Row::new(D, "overlapping_intervals",
        "Whether a window by hand extracts storage and energy that were extracted before with bounds that are not known any more. Whoever gets both records adds them up.")
        .default("false");
    METRICS_FILE: Option<PathBuf> = Row::new(D, "metrics_file",
        "File that every run writes metrics to, whole or not at all, for the textfile collector of Prometheus' node_exporter; it ends with `.prom`.");
    MAPPER: Option<PathBuf> = Row::new(D, "mapper",
        "File of a component that turns usage into records in place of the built-in mapper.");
    MIGRATE_PROJECTS: bool = Row::new(D, "migrate_projects",
        "Migrate also the project list to Keystone tags (i.e. stop using the 'projects' option in the configuration file).")
        .default("false")
        .flag(Flag::new("migrate-projects").inverse(&["nomigrate-projects"]).projects_only());
    CONFIG_SOURCE: Option<String> = Row::ignored(D, "config_source",
        "configuration is read from local files only; remove it and put the options into a file");
}
