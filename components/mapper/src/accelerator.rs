//! The accelerator records of a server (APEL accelerator usage record 0.1): one for each
//! month of the window.
//!
//! APEL keeps one record for a VM, month and model: the one received last. So the
//! durations, in seconds, are cumulative within the month: they count from the first
//! second of the month or the VM's start, and not from the start of the window. A record names
//! its month, so that it has all of it, the last second included; in APEL's sums of cloud
//! records that second belongs to the next month.

use caso_component::records::{AcceleratorRecord, CloudRecord, Head};

use crate::calendar::months;
use crate::lifetime::Reported;
use crate::page::Page;
use crate::usage::Server;

/// Makes the records of a server, in the order of the months; none for a flavor without
/// accelerators. `cloud` is the server's cloud record.
///
/// # Errors
/// When a time is in no year that a record can name.
pub fn map(
    page: &Page,
    server: &Server,
    life: Reported,
    cloud: &CloudRecord,
) -> Result<Vec<AcceleratorRecord>, String> {
    let Some(accelerator) = page.properties(server).accelerator else {
        return Ok(Vec::new());
    };
    let window = page.context.window;
    let mut records = Vec::new();
    for month in months(life.start.max(window.start), life.until)? {
        let from = month.start().max(life.start);
        let to = month.next().start().min(life.until);
        if let Ok(seconds) = u64::try_from(to.saturating_sub(from))
            && seconds > 0
        {
            records.push(AcceleratorRecord {
                head: Head {
                    id: format!(
                        "accelerator:{}:{month}:{}:{}",
                        cloud.vm_uuid, window.start, window.end
                    ),
                    supersedes: format!("{}:{month}:{}", cloud.vm_uuid, accelerator.model),
                    measured_at: to,
                    attributes: Vec::new(),
                },
                month: month.number(),
                year: month.year(),
                associated_record_type: "cloud".to_owned(),
                associated_record: cloud.vm_uuid.clone(),
                site_name: cloud.site_name.clone(),
                compute_service: cloud.compute_service.clone(),
                cloud_type: cloud.cloud_type.clone(),
                global_user_name: cloud.global_user_name.clone(),
                fqan: cloud.fqan.clone(),
                count: accelerator.count,
                cores: None,
                active_seconds: seconds,
                available_seconds: seconds,
                benchmark_type: None,
                benchmark_value: None,
                accelerator_type: accelerator.kind.clone(),
                model: Some(accelerator.model.clone()),
            });
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use caso_component::records::AccountingRecord;
    use caso_component::types::Window;

    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::UsageItem;

    const OCTOBER: i64 = 1_790_812_800;
    const NOVEMBER: i64 = 1_793_491_200;
    const DAY: i64 = 86_400;

    /// Month and days of each record of a VM with this life in this window.
    fn days(start: i64, end: Option<i64>, window: (i64, i64)) -> Vec<(u8, i64)> {
        let mut context = samples::context();
        context.window = Window {
            start: window.0,
            end: window.1,
        };
        let tables = samples::tables_with_gpus("2");
        let mut server = samples::server();
        server.created = Some(start);
        server.launched = Some(start);
        server.terminated = end;
        let items = [UsageItem::Server(server)];
        match &crate::map(&Policy::default(), &context, &tables, &items)[..] {
            [crate::Outcome::Records(records)] => records
                .iter()
                .filter_map(|record| match record {
                    AccountingRecord::Accelerator(record) => {
                        assert_eq!(record.count, 2.0);
                        assert_eq!(record.available_seconds, record.active_seconds);
                        let seconds = i64::try_from(record.available_seconds).unwrap();
                        assert_eq!(seconds % DAY, 0);
                        Some((record.month, seconds / DAY))
                    }
                    _ => None,
                })
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cumulative_within_each_month_of_the_window() {
        let mid = OCTOBER + 15 * DAY;
        let window = (mid, NOVEMBER + 15 * DAY);
        // Older than the window: all of October nevertheless.
        assert_eq!(days(OCTOBER - 90 * DAY, None, window), [(10, 31), (11, 15)]);
        assert_eq!(days(mid + DAY, None, window), [(10, 15), (11, 15)]);
        assert_eq!(
            days(mid + DAY, Some(NOVEMBER + DAY), window),
            [(10, 15), (11, 1)]
        );
    }

    #[test]
    fn cut_at_the_servers_end_as_far_as_it_lies_in_the_window() {
        let window = (OCTOBER, NOVEMBER + 15 * DAY);
        // It ended after the window: in this window it runs.
        let after = Some(NOVEMBER + 20 * DAY);
        assert_eq!(days(OCTOBER + DAY, after, window), [(10, 30), (11, 15)]);
        // A month in which it did not exist has no record.
        let ended = Some(OCTOBER + 2 * DAY);
        assert_eq!(days(OCTOBER + DAY, ended, window), [(10, 1)]);
        // Never launched: it held nothing at any time.
        assert_eq!(days(OCTOBER + DAY, Some(OCTOBER + DAY), window), []);
    }

    /// Number of cloud records, and type and count of each accelerator record, of a server
    /// whose flavor has these extra specs.
    fn counts(specs: &[(&str, &str)]) -> (usize, Vec<(String, f64)>) {
        let mut tables = samples::tables();
        tables.flavors[0].extra_specs = Some(samples::specs(specs));
        let items = [UsageItem::Server(samples::server())];
        match &crate::map(&Policy::default(), &samples::context(), &tables, &items)[..] {
            [crate::Outcome::Records(records)] => {
                let clouds = records
                    .iter()
                    .filter(|record| matches!(record, AccountingRecord::Cloud(_)));
                let accelerators = records.iter().filter_map(|record| match record {
                    AccountingRecord::Accelerator(record) => {
                        Some((record.accelerator_type.clone(), record.count))
                    }
                    _ => None,
                });
                (clouds.count(), accelerators.collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bad_metadata_costs_the_accelerator_and_nothing_else() {
        let with = |number| {
            [
                ("Accelerator:Type", "TPU"),
                ("Accelerator:Vendor", "Google"),
                ("Accelerator:Model", "v4"),
                ("Accelerator:Number", number),
            ]
        };
        assert_eq!(counts(&with("0.5")), (1, vec![("TPU".to_owned(), 0.5)]));
        assert_eq!(counts(&with("1.0")), (1, vec![("TPU".to_owned(), 1.0)]));
        for bad in ["two", "", "-1", "nan", "1e999"] {
            assert_eq!(counts(&with(bad)), (1, vec![]), "{bad}");
        }
        for missing in 0..4 {
            let mut specs = with("1").to_vec();
            specs.remove(missing);
            assert_eq!(counts(&specs), (1, vec![]), "{specs:?}");
        }
    }

    #[test]
    fn no_record_of_no_time() {
        let window = (OCTOBER, NOVEMBER);
        assert_eq!(days(OCTOBER, None, window), [(10, 31)]);
        assert_eq!(days(NOVEMBER, None, window), []);
        assert_eq!(days(OCTOBER + DAY, Some(NOVEMBER), window), [(10, 30)]);
    }
}
