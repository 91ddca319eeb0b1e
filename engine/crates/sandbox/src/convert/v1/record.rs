//! Records, from the mapper and to the messengers.

use crate::bindings::v1::mapper::caso::accounting::records as wit;
use crate::convert::{Cross, record, variant};
use caso_model::record as model;

record!(both model::Head, wit::Head { id, supersedes, measured_at, attributes });
record!(both model::Benchmark, wit::Benchmark { name, value, attributes });
record!(both model::CloudRecord, wit::CloudRecord {
    head, vm_uuid, site_name, compute_service, cloud_type, machine_name, local_user_id,
    local_group_id, global_user_name, fqan, status, start, end, suspend_seconds, wall_seconds,
    cpu_seconds, cpu_count, network_type, network_inbound_bytes, network_outbound_bytes,
    public_ip_count, memory_mib, disk_gib, benchmarks, storage_record_id, image_id,
});
record!(both model::IpRecord, wit::IpRecord {
    head, site_name, compute_service, cloud_type, local_user, local_group, global_user_name,
    fqan, ip_version, ip_count,
});
record!(both model::AcceleratorRecord, wit::AcceleratorRecord {
    head, month, year, associated_record_type, associated_record, site_name, compute_service,
    cloud_type, global_user_name, fqan, count, cores, active_seconds, available_seconds,
    benchmarks, accelerator_type, model,
});
record!(both model::StorageRecord, wit::StorageRecord {
    head, resource_id, storage_system, site_name, cloud_type, create_time, start, end,
    capacity_bytes, logical_capacity_bytes, allocated_bytes, storage_share, storage_media,
    storage_class, file_count, directory_path, local_user, local_group, user_identity, group,
    sub_group, role,
});
record!(both model::EnergyRecord, wit::EnergyRecord {
    head, exec_unit_id, site_name, compute_service, cloud_type, start, end, watt_hours, work,
    efficiency, wall_seconds, cpu_seconds, suspend_seconds, cpu_normalization_factor, finished,
    status, owner,
});
record!(both model::OtherRecord, wit::OtherRecord {
    head, kind, resource_id, start, end, quantities, payload,
});
variant!(of wit::AccountingRecord, into model::AccountingRecord {
    Cloud, Ip, Accelerator, Storage, Energy, Other,
});

/// The one copy on the way from the journal to a guest.
impl Cross<wit::RecordList> for &model::RecordList<'_> {
    fn cross(self) -> wit::RecordList {
        match self {
            model::RecordList::Cloud(records) => wit::RecordList::Cloud(records.cross()),
            model::RecordList::Ip(records) => wit::RecordList::Ip(records.cross()),
            model::RecordList::Accelerator(records) => {
                wit::RecordList::Accelerator(records.cross())
            }
            model::RecordList::Storage(records) => wit::RecordList::Storage(records.cross()),
            model::RecordList::Energy(records) => wit::RecordList::Energy(records.cross()),
            model::RecordList::Other(records) => wit::RecordList::Other(records.cross()),
        }
    }
}
