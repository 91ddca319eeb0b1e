//! Usage, on its way to the mapper.

use super::{Cross, cross_record, cross_variant};
use crate::bindings::mapper::caso::accounting::usage as wit;
use caso_model::usage as model;

cross_record!(model::Flavor => wit::Flavor {
    id, name, vcpus, memory_mib, root_gib, ephemeral_gib, extra_specs, attributes,
});
cross_record!(model::Image => wit::Image { id, name, properties, attributes });
cross_record!(model::User => wit::User { id, name, attributes });
cross_record!(model::Tables => wit::Tables { flavors, images, users });
cross_record!(model::Address => wit::Address { value, version, kind, network, attributes });
cross_record!(model::ComputeUsage => wit::ComputeUsage {
    started, ended, vcpus, memory_mib, disk_gib, state, flavor_name, attributes,
});
cross_record!(model::Counters => wit::Counters {
    cpu_nanoseconds, network_incoming_bytes, network_outgoing_bytes, measured_at, attributes,
});
cross_record!(model::Server => wit::Server {
    id, name, project_id, user_id, status, vm_state, task_state, created, launched, terminated,
    updated, image_id, flavor_id, embedded_flavor, addresses, compute_usage, counters, attributes,
});
cross_record!(model::Attachment => wit::Attachment { server_id, attached, attributes });
cross_record!(model::Volume => wit::Volume {
    id, name, project_id, user_id, status, volume_type, size_gib, created, updated, deleted,
    attachments, attributes,
});
cross_record!(model::FloatingIp => wit::FloatingIp {
    id, value, version, status, created, attributes,
});
cross_record!(model::FloatingIps => wit::FloatingIps {
    project_id, measured_at, addresses, attributes,
});
cross_record!(model::Energy => wit::Energy { server, measured, watt_hours, attributes });
cross_record!(model::OtherUsage => wit::OtherUsage { kind, id, project_id, payload, attributes });
cross_variant!(model::UsageItem => wit::UsageItem { Server, Volume, FloatingIps, Energy, Other });
cross_record!(model::Context => wit::Context {
    site_name, service_name, cloud_type, cloud, region, project_id, project_name, vo, window, now,
    attributes,
});
