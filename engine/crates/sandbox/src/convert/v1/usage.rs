//! Usage, on its way to the mapper.

use crate::bindings::v1::mapper::caso::accounting::usage as wit;
use crate::convert::{Cross, record, variant};
use caso_model::usage as model;

record!(to wit::Flavor, from model::Flavor {
    id, name, vcpus, memory_mib, root_gib, ephemeral_gib, extra_specs, attributes,
});
record!(to wit::Image, from model::Image { id, name, properties, attributes });
record!(to wit::User, from model::User { id, name, attributes });
record!(to wit::Tables, from model::Tables { flavors, images, users, other });
record!(to wit::Entry, from model::Entry { kind, id, name, attributes });
record!(to wit::Address, from model::Address { value, version, kind, network, attributes });
record!(to wit::ComputeUsage, from model::ComputeUsage {
    started, ended, vcpus, memory_mib, disk_gib, state, flavor_name, attributes,
});
record!(to wit::Counters, from model::Counters {
    cpu_nanoseconds, network_incoming_bytes, network_outgoing_bytes, measured_at, attributes,
});

record!(to wit::Server, from model::Server {
    id, name, project_id, user_id, status, vm_state, task_state, created, launched, terminated,
    updated, image_id, flavor_id, embedded_flavor, addresses, compute_usage, counters,
    earlier_counters, sizes, metadata, tags, attributes,
});
record!(to wit::Attachment, from model::Attachment { server_id, attached, attributes });
record!(to wit::Volume, from model::Volume {
    id, name, project_id, user_id, status, volume_type, size_gib, created, updated, deleted,
    attachments, metadata, attributes,
});
record!(to wit::FloatingIp, from model::FloatingIp {
    id, value, version, status, created, attributes,
});
record!(to wit::FloatingIps, from model::FloatingIps {
    project_id, measured_at, addresses, attributes,
});
record!(to wit::Energy, from model::Energy { server, measured, watt_hours, attributes });
record!(to wit::OtherUsage, from model::OtherUsage {
    kind, id, project_id, user_id, measured, quantities, payload, attributes,
});
variant!(to wit::UsageItem, from model::UsageItem { Server, Volume, FloatingIps, Energy, Other });
record!(to wit::Context, from model::Context {
    site_name, service_name, cloud_type, cloud, region, project_id, project_name, vo, window, now,
    attributes,
});

impl Cross<wit::SizeSpan> for &model::SizeSpan {
    fn cross(self) -> wit::SizeSpan {
        let model::SizeSpan {
            since,
            vcpus,
            flavor_id,
        } = self;
        let flavor = flavor_id.as_ref().map(|id| wit::Attribute {
            name: "flavor-id".to_owned(),
            value: id.clone(),
        });
        wit::SizeSpan {
            since: since.cross(),
            vcpus: vcpus.cross(),
            attributes: flavor.into_iter().collect(),
        }
    }
}
