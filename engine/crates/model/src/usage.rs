//! Normalized usage: what an extractor learned, as facts, before any policy.
//! Documented in `wit/usage.wit`, whose items these are.

use serde::{Deserialize, Serialize};

use super::{Attribute, Quantity, Window};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Flavor {
    /// Flavor id; empty for a copy embedded in a server, which has none.
    pub id: String,
    /// Flavor name (`original_name` in an embedded copy).
    pub name: Option<String>,
    /// Virtual CPUs.
    pub vcpus: Option<u32>,
    /// Memory.
    pub memory_mib: Option<u64>,
    /// Size of the root disk.
    pub root_gib: Option<u64>,
    /// Size of the ephemeral disks together.
    pub ephemeral_gib: Option<u64>,
    /// Extra specs; absent when this account may not read them.
    pub extra_specs: Option<Vec<Attribute>>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// A Glance image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Image id.
    pub id: String,
    /// Image name.
    pub name: Option<String>,
    /// Its properties, those of text kind.
    pub properties: Vec<Attribute>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// A Keystone user.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// User id.
    pub id: String,
    /// User name; absent when Keystone does not know the id, or does not say.
    pub name: Option<String>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// What the items of a page refer to by id. An id that is in no table was
/// asked for and is gone, or could not be asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// Flavors as they are now.
    pub flavors: Vec<Flavor>,
    /// Images as they are now.
    pub images: Vec<Image>,
    /// Users as they are now.
    pub users: Vec<User>,
    /// What the contract has no list for.
    pub other: Vec<Entry>,
}

/// A thing to which items refer by kind and id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is, as in `volume-type`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// An IP address of a server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// The address, as text.
    pub value: String,
    /// 4 or 6.
    pub version: Option<u8>,
    /// `fixed` or `floating`, as Nova says it; absent when it does not.
    pub kind: Option<String>,
    /// The network's label.
    pub network: String,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// A server's entry in os-simple-tenant-usage for the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ComputeUsage {
    /// `started_at`: moves on rebuild and resize.
    pub started: Option<i64>,
    /// `ended_at`; absent while the server runs.
    pub ended: Option<i64>,
    /// `vcpus`.
    pub vcpus: Option<u32>,
    /// `memory_mb`.
    pub memory_mib: Option<u64>,
    /// `local_gb`: root and ephemeral disk.
    pub disk_gib: Option<u64>,
    /// `state`.
    pub state: Option<String>,
    /// `flavor`: the flavor's name.
    pub flavor_name: Option<String>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// Counters of a server, from a source that has them (Ceilometer, Gnocchi).
/// Each counts from the server's start, resets bridged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// CPU time of all its virtual CPUs together.
    pub cpu_nanoseconds: Option<u64>,
    /// Bytes received on all its interfaces.
    pub network_incoming_bytes: Option<u64>,
    /// Bytes sent on all its interfaces.
    pub network_outgoing_bytes: Option<u64>,
    /// When they were read.
    pub measured_at: Option<i64>,
    /// Further facts, among them the readings before bridging.
    pub attributes: Vec<Attribute>,
}

/// The size that a server had from some moment on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeSpan {
    /// From when on, in epoch seconds; until the next span begins. What the
    /// oldest says is as far back as anybody knows: it holds before, too.
    pub since: i64,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// The flavor that it had then; absent where nobody saw it.
    #[serde(default)]
    pub flavor_id: Option<String>,
}

/// A Nova server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Server id.
    pub id: String,
    /// Server name.
    pub name: Option<String>,
    /// Owning project; `tenant_id` in Nova.
    pub project_id: String,
    /// Owner; absent when only the usage API knows the server.
    pub user_id: Option<String>,
    /// `status`; absent when only the usage API knows the server.
    pub status: Option<String>,
    /// `OS-EXT-STS:vm_state`.
    pub vm_state: Option<String>,
    /// `OS-EXT-STS:task_state`.
    pub task_state: Option<String>,
    /// `created`.
    pub created: Option<i64>,
    /// `OS-SRV-USG:launched_at`: moves on rebuild and resize.
    pub launched: Option<i64>,
    /// `OS-SRV-USG:terminated_at`.
    pub terminated: Option<i64>,
    /// `updated`.
    pub updated: Option<i64>,
    /// Image id; absent for a server booted from a volume.
    pub image_id: Option<String>,
    /// Id of the flavor, to look up in the tables.
    pub flavor_id: Option<String>,
    /// The server's own copy of its flavor, when that flavor is in no table.
    pub embedded_flavor: Option<Flavor>,
    /// Addresses; absent when Nova did not list them.
    pub addresses: Option<Vec<Address>>,
    /// Entry in the usage API for the window.
    pub compute_usage: Option<ComputeUsage>,
    /// Counters, where a source has them.
    pub counters: Option<Counters>,
    /// The counters that the last window reported, where there was one: what lies
    /// between the two moments can be estimated.
    #[serde(default)]
    pub earlier_counters: Option<Counters>,
    /// The sizes that it was seen to have, oldest first; empty where it never
    /// had another one than now.
    #[serde(default)]
    pub sizes: Vec<SizeSpan>,
    /// `metadata`, which whoever may use the project writes.
    pub metadata: Option<Vec<Attribute>>,
    /// `tags`, likewise.
    pub tags: Option<Vec<String>>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// Where a volume is attached.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment {
    /// Server id.
    pub server_id: Option<String>,
    /// When it was attached.
    pub attached: Option<i64>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// A Cinder volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Volume id.
    pub id: String,
    /// Volume name.
    pub name: Option<String>,
    /// Owning project.
    pub project_id: String,
    /// Owner.
    pub user_id: Option<String>,
    /// `status`.
    pub status: Option<String>,
    /// `volume_type`.
    pub volume_type: Option<String>,
    /// `size`.
    pub size_gib: Option<u64>,
    /// `created_at`.
    pub created: Option<i64>,
    /// `updated_at`.
    pub updated: Option<i64>,
    /// When it was deleted, where that is known.
    pub deleted: Option<i64>,
    /// Attachments; empty for a volume that is not in use.
    pub attachments: Vec<Attachment>,
    /// `metadata`, which whoever may use the project writes.
    pub metadata: Option<Vec<Attribute>>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// A Neutron floating IP.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FloatingIp {
    /// Floating IP id.
    pub id: String,
    /// The floating address.
    pub value: String,
    /// 4 or 6.
    pub version: Option<u8>,
    /// `status`.
    pub status: Option<String>,
    /// `created_at`.
    pub created: Option<i64>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// All floating IPs of a project at one moment: one item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FloatingIps {
    /// Owning project.
    pub project_id: String,
    /// When they were listed.
    pub measured_at: i64,
    /// The addresses.
    pub addresses: Vec<FloatingIp>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// Energy that a server used in a part of the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// The server.
    pub server: Server,
    /// The part of the window that was measured.
    pub measured: Window,
    /// Energy.
    pub watt_hours: f64,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// Usage of a kind that this version of the contract has no case for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OtherUsage {
    /// What it is, as in `ceph-bucket`.
    pub kind: String,
    /// Id of the resource.
    pub id: String,
    /// Owning project.
    pub project_id: String,
    /// Owner.
    pub user_id: Option<String>,
    /// The part of the window that the quantities are of.
    pub measured: Window,
    /// What was used in it.
    pub quantities: Vec<Quantity>,
    /// What quantities and attributes cannot say, as one JSON object.
    pub payload: Option<String>,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}

/// One thing that was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum UsageItem {
    /// A server.
    Server(Server),
    /// A volume.
    Volume(Volume),
    /// A project's floating IPs.
    FloatingIps(FloatingIps),
    /// A server's energy.
    Energy(Energy),
    /// Anything else.
    Other(OtherUsage),
}

/// Where usage comes from. One for each call of the mapper.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// `site_name`: the name of the site in the GOC database.
    pub site_name: String,
    /// `service_name`: the name of this cloud at the site.
    pub service_name: String,
    /// `cloud_type`: what says what made the record.
    pub cloud_type: String,
    /// The cloud's name in the configuration.
    pub cloud: String,
    /// The region; absent where the site did not name one.
    pub region: Option<String>,
    /// The project's id.
    pub project_id: String,
    /// The project's name, where it is known.
    pub project_name: Option<String>,
    /// The project's VO, or an FQAN.
    pub vo: String,
    /// The window that is reported.
    pub window: Window,
    /// When the run began. A mapper has no other clock.
    pub now: i64,
    /// Further facts.
    pub attributes: Vec<Attribute>,
}
