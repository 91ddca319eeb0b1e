//! Records, from the mapper and to the messengers.

use super::{Cross, cross_record, cross_variant};
use crate::bindings::mapper::caso::accounting::records as wit;
use caso_model::record as model;

cross_record!(model::Head => and from wit::Head { id, supersedes, measured_at, attributes });
cross_record!(model::CloudRecord => and from wit::CloudRecord {
    head, vm_uuid, site_name, compute_service, cloud_type, machine_name, local_user_id,
    local_group_id, global_user_name, fqan, status, start, end, suspend_seconds, wall_seconds,
    cpu_seconds, cpu_count, network_type, network_inbound_bytes, network_outbound_bytes,
    public_ip_count, memory_mib, disk_gib, benchmark_type, benchmark_value, storage_record_id,
    image_id,
});
cross_record!(model::IpRecord => and from wit::IpRecord {
    head, site_name, compute_service, cloud_type, uuid, local_user, local_group, global_user_name,
    fqan, ip_version, ip_count,
});
cross_record!(model::AcceleratorRecord => and from wit::AcceleratorRecord {
    head, month, year, associated_record_type, associated_record, site_name, compute_service,
    cloud_type, global_user_name, fqan, count, cores, active_seconds, available_seconds,
    benchmark_type, benchmark_value, accelerator_type, model,
});
cross_record!(model::StorageRecord => and from wit::StorageRecord {
    head, volume_id, storage_system, site_name, cloud_type, create_time, start, end,
    capacity_bytes, logical_capacity_bytes, allocated_bytes, storage_share, storage_media,
    storage_class, file_count, directory_path, local_user, local_group, user_identity, group,
    sub_group, role,
});
cross_record!(model::EnergyRecord => and from wit::EnergyRecord {
    head, exec_unit_id, site_name, compute_service, cloud_type, start, end, watt_hours, work,
    efficiency, wall_seconds, cpu_seconds, suspend_seconds, cpu_normalization_factor, finished,
    status, owner,
});
cross_record!(model::OtherRecord => and from wit::OtherRecord { head, kind, payload });
cross_variant!(wit::AccountingRecord => model::AccountingRecord {
    Cloud, Ip, Accelerator, Storage, Energy, Other,
});
cross_variant!(model::RecordList => wit::RecordList {
    Cloud, Ip, Accelerator, Storage, Energy, Other,
});
