//! `[prometheus]`: where the extractor `prometheus` finds the power of servers.
//! cASO 5.2.2's options, and those that sites in the field need beside them.

use std::path::PathBuf;

use url::Url;

use super::row::{Row, rows};
use crate::value::{LabelFilters, LabelName, LabelNames};
use caso_model::secret::Secret;

pub const PROMETHEUS: &str = "prometheus";

/// Options of the section that are the mapper's to describe and read: it is
/// policy what becomes of the energy that was measured.
pub const LENT: &[&str] = &["cpu_normalization_factor"];

rows! {
    ENDPOINT: Url = Row::new(PROMETHEUS, "prometheus_endpoint",
        "Address of Prometheus, or of anything else that answers its query API (Thanos, Mimir, VictoriaMetrics), with \
         the path that it has there. A user and password may stand in it.")
        .default("http://localhost:9090");
    METRIC_NAME: String = Row::new(PROMETHEUS, "prometheus_metric_name",
        "Metric with the power of servers: a gauge, in microwatts.")
        .needed("the name of a metric")
        .default("prometheus_value");
    UUID_LABEL: LabelName = Row::new(PROMETHEUS, "vm_uuid_label_name",
        "Label of the metric that holds the server's id.")
        .default("uuid");
    LABELS: LabelFilters = Row::new(PROMETHEUS, "labels",
        "Further labels that a series must have, each as name:value.")
        .default("type_instance:scaph_process_power_microwatts");
    SUM_LABELS: LabelNames = Row::new(PROMETHEUS, "prometheus_sum_labels",
        "Labels that tell the parts of one server's power apart, such as `pid` or `domain`: series that differ in one of \
         them are added up. Series that differ in any other label (`instance`, `replica`) are the same power, seen \
         twice or from another host, and counted once.")
        .default("");
    STEP: u32 = Row::new(PROMETHEUS, "prometheus_step_seconds",
        "Time between two samples. A sample stands for the time since the one before it, if that is at most four steps, \
         and else for one step.")
        .within(1, 3600)
        .default("30");
    DELAY: u32 = Row::new(PROMETHEUS, "prometheus_delay_seconds",
        "How long a sample may take until it can be read: it is scraped, and sent on to Thanos or Mimir. Energy is \
         extracted up to that long ago; a sample that comes later than that is never counted.")
        .within(0, 86_400)
        .default("300");
    VERIFY_SSL: bool = Row::new(PROMETHEUS, "prometheus_verify_ssl",
        "Whether to check the certificate of Prometheus. If not, anyone in between can read the password and forge \
         the energy.")
        .default("true");
    CAFILE: Option<PathBuf> = Row::new(PROMETHEUS, "prometheus_cafile",
        "PEM file with the certificates to trust for Prometheus, in place of the system's.");
    USERNAME: Option<String> = Row::new(PROMETHEUS, "prometheus_username",
        "User name, where Prometheus asks for one (basic authentication).");
    PASSWORD: Option<Secret> = Row::new(PROMETHEUS, "prometheus_password",
        "Password of that user. A `$` in it is written `$$`.");
    PASSWORD_FILE: Option<PathBuf> = Row::new(PROMETHEUS, "prometheus_password_file",
        "File that holds the password, in place of `prometheus_password`.");
}
