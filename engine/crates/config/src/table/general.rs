//! `[DEFAULT]`: what to extract, where to keep it, whom to give it to.

use super::row::{Flag, Row, rows};
use crate::value::Kind;

const D: &str = "DEFAULT";

rows! {
    MESSENGERS = Row::new(D, "messengers", Kind::Texts,
        "Messengers that publish the records, divided by commas; each has a queue of its own, so that one that \
         fails delays itself alone. Built in: ssm, logstash, noop. Any other name is a component of your own, \
         given by `component` in [messenger_NAME].")
        .default("noop");
    SPOOLDIR = Row::new(D, "spooldir", Kind::Path,
        "Spool folder: it keeps how far each project has been extracted, and the records that wait for a messenger.")
        .default("/var/spool/caso");
    LOCK_PATH = Row::new(D, "lock_path", Kind::Path,
        "Folder of the lock file, which keeps two runs from working at the same time. Only the user that runs \
         cASO should be able to write there. The environment variable CASO_LOCK_PATH sets the default.")
        .default("$spooldir")
        .default_variable("CASO_LOCK_PATH");
    LOCK_TIMEOUT = Row::new(D, "lock_timeout", Kind::Duration(0, 7 * 86_400_000),
        "How long to wait for another run to end. After that the run ends with exit code 75 and names the holder of the lock.")
        .default("60");
    CACHE_DIR = Row::new(D, "cache_dir", Kind::Path,
        "Folder for compiled components. When unset: $CACHE_DIRECTORY, else /var/cache/caso, else `cache` in \
         spooldir; where others could write there, components are compiled anew each time.");
    DRY_RUN = Row::new(D, "dry_run", Kind::Boolean,
        "Extract records, but publish none and remember nothing: print what would be sent.")
        .default("false")
        .flag(Flag::new("dry-run").former(&["dry_run"]).inverse(&["nodry-run", "nodry_run"]));
    SITE_NAME = Row::new(D, "site_name", Kind::Text, "Site name as in GOCDB.")
        .per_cloud();
    SERVICE_NAME = Row::new(D, "service_name", Kind::Text, "Service name within the site.")
        .default("$site_name")
        .per_cloud();
    CLOUD_TYPE = Row::new(D, "cloud_type", Kind::Text,
        "CloudType of the records. APEL and the EGI portal group by it.")
        .default(concat!("caso/", env!("CARGO_PKG_VERSION"), " (OpenStack)"))
        .per_cloud();
    PROJECTS = Row::new(D, "projects", Kind::Texts,
        "Projects to extract, by id or by name, divided by commas. Projects that carry `caso_tag` in Keystone come on top.")
        .default("")
        .old(&["DEFAULT.tenants"])
        .flag(Flag::new("projects").metavar("PROJECTS").former(&["tenants"]))
        .per_cloud();
    CASO_TAG = Row::new(D, "caso_tag", Kind::Text,
        "Tag of the Keystone projects to extract. Empty: only those of `projects`.")
        .default("caso")
        .flag(Flag::new("caso_tag").metavar("CASO_TAG"))
        .per_cloud();
    VO_PROPERTY = Row::new(D, "vo_property", Kind::Text,
        "Property of a Keystone project that holds its VO.")
        .default("VO")
        .flag(Flag::new("vo_property").metavar("VO_PROPERTY"))
        .per_cloud();
    MAPPING_FILE = Row::new(D, "mapping_file", Kind::Path,
        "JSON file with the VO of projects that have no such property; see voms.json.sample. A property in \
         Keystone is the better place (`caso-mapping-migrate` writes it).")
        .default("/etc/caso/voms.json")
        .old(&["extractor.mapping_file"])
        .flag(Flag::new("mapping_file").metavar("MAPPING_FILE").aliases(&["extractor-mapping_file"]))
        .per_cloud();
    EXTRACT_TO = Row::new(D, "extract_to", Kind::Moment,
        "Extract changes until this date; now when unset. UTC if it names no zone. For the command line: in a \
         file it would hold for every run.")
        .flag(Flag::new("extract-to").metavar("EXTRACT_TO").former(&["extract_to"]));
    EXTRACT_FROM = Row::new(D, "extract_from", Kind::Moment,
        "Extract changes since this date; since the end of the last run when unset, from the beginning of time when \
         `None`. UTC if it names no zone. For the command line: in a file it would hold for every run.")
        .flag(Flag::new("extract-from").metavar("EXTRACT_FROM").former(&["extract_from"]));
    FIRST_EXTRACT_FROM = Row::new(D, "first_extract_from", Kind::Moment,
        "Where the first run of a project begins. When unset it begins in 1970 and reports all that the APIs still know.")
        .per_cloud();
    IP_RECORDS_FOR_PAST_WINDOWS = Row::new(D, "ip_records_for_past_windows", Kind::Boolean,
        "Whether a window that lies in the past (`extract_to` more than an hour ago) gets public IP records, as cASO \
         made them: of the floating IPs of now that were there when it ended. Such a record replaces the present \
         month's.")
        .default("false");
    EXTRACTOR = Row::new(D, "extractor", Kind::Texts, "Extractors to use, divided by commas.")
        .default("nova,cinder,neutron")
        .flag(Flag::new("extractor").metavar("EXTRACTOR"))
        .per_cloud();
    CLOUDS = Row::new(D, "clouds", Kind::Texts,
        "Names of the clouds to extract, divided by commas, if there are several. What differs from [DEFAULT] \
         stands in [cloud_NAME], how to log in in [keystone_auth_NAME]. A site that had one cloud before calls \
         it `default`, so that it goes on where it was.");
    REGION_NAME = Row::new(D, "region_name", Kind::Texts,
        "Regions to extract from, divided by commas; when unset the first of the catalog. Each has its own place \
         to go on from: one that is added starts like a new project, see `first_extract_from`.")
        .old(&["keystone_auth.region_name"])
        .per_cloud();
    INTERFACE = Row::new(D, "interface", Kind::Texts,
        "Interface of the endpoints to use: public, internal or admin; several in order of preference.")
        .default("public")
        .old(&["keystone_auth.valid_interfaces", "keystone_auth.interface"])
        .per_cloud();
    CONCURRENCY = Row::new(D, "concurrency", Kind::Integer(1, 64),
        "How many projects of a region are extracted side by side.")
        .default("4");
    PAGE_SIZE = Row::new(D, "page_size", Kind::Integer(1, 100_000),
        "How many servers, volumes and so on to ask for at a time. A service that allows less gives less.")
        .default("1000");
    DELIVERY_TIMEOUT = Row::new(D, "delivery_timeout", Kind::Duration(1_000, 86_400_000),
        "How long the delivery of one run may take. What is left waits for the next one.")
        .default("10m");
    PARTIAL_EXIT_OK = Row::new(D, "partial_exit_ok", Kind::Boolean,
        "Whether a run in which some project or messenger failed exits with 0 instead of 3.")
        .default("false");
    MAPPER = Row::new(D, "mapper", Kind::Path,
        "File of a component that turns usage into records in place of the built-in mapper.");
    MIGRATE_PROJECTS = Row::new(D, "migrate_projects", Kind::Boolean,
        "Migrate also the project list to Keystone tags (i.e. stop using the 'projects' option in the configuration file).")
        .default("false")
        .flag(Flag::new("migrate-projects").inverse(&["nomigrate-projects"]).projects_only());
    CONFIG_SOURCE = Row::ignored(D, "config_source",
        "configuration from elsewhere than local files is not read; remove it and put the options into a file");
}
