//! oslo.log's options: five have a meaning here, the rest is Python's.

use super::row::{Flag, Row, rows};
use crate::value::Kind;

const D: &str = "DEFAULT";
const FORMAT: &str = "log lines have one form; `use_json` gives another";
const LEVELS: &str = "the levels are those of Python modules; `debug` shows more";
const ROTATION: &str = "logrotate does that, or systemd's journal";

/// One that has a flag in cASO and no meaning here.
const fn flagged(name: &'static str, why: &'static str, flag: Flag, kind: Kind) -> Row {
    let mut row = Row::ignored(D, name, why).flag(flag);
    row.kind = kind;
    row
}

rows! {
    DEBUG = Row::new(D, "debug", Kind::Boolean, "Log what is asked and answered, not only what matters.")
        .default("false")
        .flag(Flag::new("debug").short('d').inverse(&["nodebug"]));
    LOG_FILE = Row::new(D, "log_file", Kind::Path,
        "File to log to, in `log_dir` if that is set. When unset the log goes to standard error.")
        .old(&["DEFAULT.logfile"])
        .flag(Flag::new("log-file").aliases(&["logfile"]).metavar("PATH"));
    LOG_DIR = Row::new(D, "log_dir", Kind::Path,
        "Folder of `log_file`. Without `log_file`, the file is named after the command: caso-extract.log.")
        .old(&["DEFAULT.logdir"])
        .flag(Flag::new("log-dir").metavar("LOG_DIR").aliases(&["logdir"]));
    USE_JSON = Row::new(D, "use_json", Kind::Boolean, "Log in JSON, an object a line.")
        .default("false")
        .flag(Flag::new("use-json").inverse(&["nouse-json"]));
    USE_SYSLOG = Row::new(D, "use_syslog", Kind::Boolean, "Log to syslog.")
        .default("false")
        .flag(Flag::new("use-syslog").inverse(&["nouse-syslog"]));
    SYSLOG_LOG_FACILITY = Row::new(D, "syslog_log_facility", Kind::Text, "Syslog facility to log to.")
        .default("LOG_USER")
        .flag(Flag::new("syslog-log-facility").metavar("SYSLOG_LOG_FACILITY"));
    LOG_CONFIG_APPEND = {
        let mut row = flagged("log_config_append", "it names a configuration of Python's logging module",
            Flag::new("log-config-append").aliases(&["log-config", "log_config"]).metavar("PATH"), Kind::Path);
        row.old = &["DEFAULT.log_config"];
        row
    };
    LOG_DATE_FORMAT = flagged("log_date_format", FORMAT,
        Flag::new("log-date-format").metavar("DATE_FORMAT"), Kind::Text);
    USE_JOURNAL = flagged("use_journal",
        "under systemd the journal takes standard error; elsewhere there is `use_syslog`",
        Flag::new("use-journal").inverse(&["nouse-journal"]), Kind::Boolean);
    WATCH_LOG_FILE = flagged("watch_log_file", "every run opens the log file anew",
        Flag::new("watch-log-file").inverse(&["nowatch-log-file"]), Kind::Boolean);
    USE_STDERR = Row::ignored(D, "use_stderr", "the log goes to standard error unless `log_file` or `use_syslog` is set");
    USE_EVENTLOG = Row::ignored(D, "use_eventlog", "it is for Windows");
    VERBOSE = Row::ignored(D, "verbose", "`debug` shows more");
    LOG_COLOR = Row::ignored(D, "log_color", FORMAT);
    LOG_FORMAT = Row::ignored(D, "log_format", FORMAT);
    USE_SYSLOG_RFC_FORMAT = Row::ignored(D, "use_syslog_rfc_format", "syslog lines have one form");
    LOG_ROTATE_INTERVAL = Row::ignored(D, "log_rotate_interval", ROTATION);
    LOG_ROTATE_INTERVAL_TYPE = Row::ignored(D, "log_rotate_interval_type", ROTATION);
    MAX_LOGFILE_COUNT = Row::ignored(D, "max_logfile_count", ROTATION);
    MAX_LOGFILE_SIZE_MB = Row::ignored(D, "max_logfile_size_mb", ROTATION);
    LOG_ROTATION_TYPE = Row::ignored(D, "log_rotation_type", ROTATION);
    LOGGING_CONTEXT_FORMAT_STRING = Row::ignored(D, "logging_context_format_string", FORMAT);
    LOGGING_DEFAULT_FORMAT_STRING = Row::ignored(D, "logging_default_format_string", FORMAT);
    LOGGING_DEBUG_FORMAT_SUFFIX = Row::ignored(D, "logging_debug_format_suffix", FORMAT);
    LOGGING_EXCEPTION_PREFIX = Row::ignored(D, "logging_exception_prefix", FORMAT);
    LOGGING_USER_IDENTITY_FORMAT = Row::ignored(D, "logging_user_identity_format", FORMAT);
    DEFAULT_LOG_LEVELS = Row::ignored(D, "default_log_levels", LEVELS);
    PUBLISH_ERRORS = Row::ignored(D, "publish_errors", "there is nobody to publish them to");
    INSTANCE_FORMAT = Row::ignored(D, "instance_format", FORMAT);
    INSTANCE_UUID_FORMAT = Row::ignored(D, "instance_uuid_format", FORMAT);
    RATE_LIMIT_INTERVAL = Row::ignored(D, "rate_limit_interval", LEVELS);
    RATE_LIMIT_BURST = Row::ignored(D, "rate_limit_burst", LEVELS);
    RATE_LIMIT_EXCEPT_LEVEL = Row::ignored(D, "rate_limit_except_level", LEVELS);
    FATAL_DEPRECATIONS = Row::ignored(D, "fatal_deprecations", "an old name gives a warning, and works");
}
