//! oslo.log's options: five have a meaning here, the rest is Python's.

use std::path::PathBuf;

use super::row::{Flag, Row, rows};
use crate::types::Facility;

const D: &str = "DEFAULT";
const FORMAT: &str = "log lines have one form; `use_json` gives another";
const LEVELS: &str = "the levels are those of Python modules; `debug` shows more";
const PYTHON: &str = "it names a configuration of Python's logging module";
const ROTATION: &str = "logrotate does that, or systemd's journal";

rows! {
    DEBUG: bool = Row::new(D, "debug", "Log requests and answers too, not only what matters.")
        .default("false")
        .flag(Flag::new("debug").short('d').inverse(&["nodebug"]));
    LOG_FILE: Option<PathBuf> = Row::new(D, "log_file",
        "File to log to, in `log_dir` if that is set. When unset the log goes to standard error.")
        .old(&["DEFAULT.logfile"])
        .flag(Flag::new("log-file").aliases(&["logfile"]).metavar("PATH"));
    LOG_DIR: Option<PathBuf> = Row::new(D, "log_dir",
        "Folder of `log_file`. Without `log_file`, the file is named after the command: caso-extract.log.")
        .old(&["DEFAULT.logdir"])
        .flag(Flag::new("log-dir").metavar("LOG_DIR").aliases(&["logdir"]));
    USE_JSON: bool = Row::new(D, "use_json", "Log JSON, one object per line.")
        .default("false")
        .flag(Flag::new("use-json").inverse(&["nouse-json"]));
    USE_SYSLOG: bool = Row::new(D, "use_syslog", "Log to syslog.")
        .default("false")
        .flag(Flag::new("use-syslog").inverse(&["nouse-syslog"]));
    SYSLOG_LOG_FACILITY: Facility = Row::new(D, "syslog_log_facility", "Syslog facility to log to.")
        .default("LOG_USER")
        .flag(Flag::new("syslog-log-facility").metavar("SYSLOG_LOG_FACILITY"));
    LOG_CONFIG_APPEND: Option<PathBuf> = Row::ignored(D, "log_config_append", PYTHON)
        .old(&["DEFAULT.log_config"])
        .flag(Flag::new("log-config-append").aliases(&["log-config", "log_config"]).metavar("PATH"));
    LOG_DATE_FORMAT: Option<String> = Row::ignored(D, "log_date_format", FORMAT)
        .flag(Flag::new("log-date-format").metavar("DATE_FORMAT"));
    USE_JOURNAL: bool = Row::ignored(D, "use_journal",
        "under systemd the journal takes standard error; elsewhere there is `use_syslog`")
        .flag(Flag::new("use-journal").inverse(&["nouse-journal"]));
    WATCH_LOG_FILE: bool = Row::ignored(D, "watch_log_file", "every run opens the log file anew")
        .flag(Flag::new("watch-log-file").inverse(&["nowatch-log-file"]));
    VERBOSE: bool = Row::ignored(D, "verbose", "`debug` shows more, and `--summary` what came of the run")
        .flag(Flag::new("former-verbose").short('v').inverse(&["former-noverbose"]));
    LOG_FORMAT: Option<String> = Row::ignored(D, "log_format", FORMAT)
        .flag(Flag::new("former-log-format").metavar("FORMAT"));
    USE_SYSLOG_RFC_FORMAT: bool = Row::ignored(D, "use_syslog_rfc_format", "syslog lines have one form")
        .flag(Flag::new("former-use-syslog-rfc-format").inverse(&["former-nouse-syslog-rfc-format"]));
    => ignored {
        D, "use_stderr": "the log goes to standard error unless `log_file` or `use_syslog` is set";
        D, "use_eventlog": "it is for Windows";
        D, "log_color": FORMAT;
        D, "log_rotate_interval": ROTATION;
        D, "log_rotate_interval_type": ROTATION;
        D, "max_logfile_count": ROTATION;
        D, "max_logfile_size_mb": ROTATION;
        D, "log_rotation_type": ROTATION;
        D, "logging_context_format_string": FORMAT;
        D, "logging_default_format_string": FORMAT;
        D, "logging_debug_format_suffix": FORMAT;
        D, "logging_exception_prefix": FORMAT;
        D, "logging_user_identity_format": FORMAT;
        D, "default_log_levels": LEVELS;
        D, "publish_errors": "there is nobody to publish them to";
        D, "instance_format": FORMAT;
        D, "instance_uuid_format": FORMAT;
        D, "rate_limit_interval": LEVELS;
        D, "rate_limit_burst": LEVELS;
        D, "rate_limit_except_level": LEVELS;
        D, "fatal_deprecations": "an old name gives a warning, and works";
    }
}
