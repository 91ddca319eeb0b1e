//! Metrics in Prometheus' text form, for node_exporter's textfile collector.

use std::fmt::Write as _;

use super::Status;

struct Page(String);

impl Page {
    fn metric(&mut self, name: &str, help: &str) {
        // A String takes all that is written to it.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", labels.join(",")),
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// All metrics. A value that is not known has no line.
pub fn prometheus(status: &Status) -> String {
    let mut page = Page(String::new());
    if let Some(run) = &status.last_run {
        page.metric(
            "caso_last_run_timestamp_seconds",
            "When the last run began.",
        );
        page.value("caso_last_run_timestamp_seconds", &[], run.began);
        page.metric("caso_last_run_exit_code", "Its exit code.");
        page.value("caso_last_run_exit_code", &[], run.exit);
        page.metric("caso_last_run_duration_seconds", "How long it took.");
        let seconds = std::time::Duration::from_millis(run.took_ms).as_secs_f64();
        page.value("caso_last_run_duration_seconds", &[], seconds);
        page.metric(
            "caso_last_run_requests",
            "Its requests to OpenStack and Prometheus.",
        );
        page.value("caso_last_run_requests", &[], run.requests);
        page.metric(
            "caso_last_run_failures",
            "Extractors of projects that failed in it.",
        );
        page.value("caso_last_run_failures", &[], run.failures.len());
        page.metric(
            "caso_last_run_delivered_records",
            "Records delivered in it.",
        );
        for messenger in &run.messengers {
            let labels = [("messenger", messenger.name.as_str())];
            page.value(
                "caso_last_run_delivered_records",
                &labels,
                messenger.delivered,
            );
        }
    }
    if let Some(at) = status.last_whole {
        page.metric(
            "caso_last_success_timestamp_seconds",
            "When the last run began that extracted without a failure.",
        );
        page.value("caso_last_success_timestamp_seconds", &[], at);
    }
    page.metric(
        "caso_cursor_timestamp_seconds",
        "Everything before this is extracted.",
    );
    for cursor in &status.cursors {
        if let (Some(at), true) = (cursor.at, cursor.is_awaited()) {
            let labels = [
                ("cloud", cursor.cloud.as_str()),
                ("region", cursor.region.as_deref().unwrap_or_default()),
                ("project", cursor.project.as_str()),
                ("extractor", cursor.extractor.as_str()),
            ];
            page.value("caso_cursor_timestamp_seconds", &labels, at);
        }
    }
    let of_queue =
        |page: &mut Page, name: &str, help: &str, value: fn(&super::Queue) -> Option<i64>| {
            page.metric(name, help);
            for queue in &status.queues {
                if let Some(value) = value(queue) {
                    page.value(name, &[("messenger", queue.messenger.as_str())], value);
                }
            }
        };
    of_queue(
        &mut page,
        "caso_records_waiting",
        "Records that wait for a messenger.",
        |queue| i64::try_from(queue.waiting).ok(),
    );
    of_queue(
        &mut page,
        "caso_records_quarantined",
        "Records in a messenger's quarantine.",
        |queue| i64::try_from(queue.quarantined).ok(),
    );
    of_queue(
        &mut page,
        "caso_records_oldest_timestamp_seconds",
        "When the oldest record that waits was extracted.",
        |queue| queue.oldest,
    );
    page.metric(
        "caso_outgoing_messages",
        "Messages in a queue that another program empties.",
    );
    for outgoing in &status.outgoing {
        let folder = outgoing.folder.to_string_lossy();
        page.value(
            "caso_outgoing_messages",
            &[("queue", &folder)],
            outgoing.messages,
        );
    }
    page.metric(
        "caso_outgoing_oldest_timestamp_seconds",
        "When the oldest message in such a queue was written.",
    );
    for outgoing in &status.outgoing {
        if let Some(oldest) = outgoing.oldest {
            let folder = outgoing.folder.to_string_lossy();
            page.value(
                "caso_outgoing_oldest_timestamp_seconds",
                &[("queue", &folder)],
                oldest,
            );
        }
    }
    page.metric(
        "caso_spool_free_bytes",
        "Bytes free on the spool's filesystem.",
    );
    page.value("caso_spool_free_bytes", &[], status.bytes_free);
    page.0
}
