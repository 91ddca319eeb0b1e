//! `[prometheus]`: where the extractor `prometheus` finds the power of servers.
//! cASO 5.2.2's options, and those that sites in the field need beside them.

use super::row::{Row, rows};
use crate::value::Kind;

pub const PROMETHEUS: &str = "prometheus";

/// Options of the section that are the mapper's to describe and read: it is
/// policy what becomes of the energy that was measured.
pub const LENT: &[&str] = &["cpu_normalization_factor"];

rows! {
    ENDPOINT = Row::new(PROMETHEUS, "prometheus_endpoint", Kind::Url,
        "Address of Prometheus, or of anything else that answers its query API (Thanos, Mimir, VictoriaMetrics), with \
         the path that it has there. A user and password may stand in it.")
        .default("http://localhost:9090");
    METRIC_NAME = Row::new(PROMETHEUS, "prometheus_metric_name", Kind::Text,
        "Metric with the power of servers: a gauge, in microwatts.")
        .default("prometheus_value");
    UUID_LABEL = Row::new(PROMETHEUS, "vm_uuid_label_name", Kind::Text,
        "Label of the metric that holds the server's id.")
        .default("uuid");
    LABELS = Row::new(PROMETHEUS, "labels", Kind::Texts,
        "Further labels that a series must have, each as name:value.")
        .default("type_instance:scaph_process_power_microwatts");
    SUM_LABELS = Row::new(PROMETHEUS, "prometheus_sum_labels", Kind::Texts,
        "Labels that tell the parts of one server's power apart, such as `pid` or `domain`: series that differ in one of \
         them are added up. Series that differ in any other label (`instance`, `replica`) are the same power, seen \
         twice or from another host, and counted once.")
        .default("");
    STEP = Row::new(PROMETHEUS, "prometheus_step_seconds", Kind::Integer(1, 3600),
        "Time between two samples. A sample stands for the time since the one before it, if that is at most four steps, \
         and else for one step.")
        .default("30");
    VERIFY_SSL = Row::new(PROMETHEUS, "prometheus_verify_ssl", Kind::Boolean,
        "Whether to check the certificate of Prometheus. Without, whoever sits between can read the password and make \
         up the energy.")
        .default("true");
    CAFILE = Row::new(PROMETHEUS, "prometheus_cafile", Kind::Path,
        "PEM file with the certificates to trust for Prometheus, in place of the system's.");
    USERNAME = Row::new(PROMETHEUS, "prometheus_username", Kind::Text,
        "User name, where Prometheus asks for one (basic authentication).");
    PASSWORD = Row::new(PROMETHEUS, "prometheus_password", Kind::Secret,
        "Password of that user. A `$` in it is written `$$`.");
    PASSWORD_FILE = Row::new(PROMETHEUS, "prometheus_password_file", Kind::Path,
        "File that holds the password, in place of `prometheus_password`.");
}
