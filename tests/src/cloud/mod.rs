//! A stand-in OpenStack on the loopback interface: Keystone v3, Nova v2.1,
//! Glance v2, Cinder v3 and Neutron v2.0 as far as an accounting run asks them, made from a [`Plan`].
//!
//! It exists because the real control plane cannot be asked to close a
//! connection in the middle of page two, to forget a server between two
//! pages, or to have ten thousand servers in a second. What it answers
//! follows the API references (<https://docs.openstack.org/api-ref/identity/v3/>,
//! <https://docs.openstack.org/api-ref/compute/>,
//! <https://docs.openstack.org/api-ref/image/v2/>,
//! <https://docs.openstack.org/api-ref/block-storage/v3/>,
//! <https://docs.openstack.org/api-ref/network/v2/>) and, where those are silent
//! (texts of refusals, the order of lists, the odd link of the usage call),
//! the answers of Keystone 30, Nova 34, Glance 33, Cinder 29 and Neutron 29,
//! the versions that `tests/openstack` runs. Its fidelity is checked by cASO 5.2.2 itself, which
//! the benchmark runs against it.
//!
//! Where a plan has them, also Gnocchi and Ceilometer's own API ([`telemetry`]),
//! an OpenID Provider that Keystone believes, under `/oidc`, and the old
//! Keystone 2.0.
//!
//! One port serves them all, under `/identity`, `/compute`, `/image`, `/volume`
//! and so on, as DevStack has them. Servers are generated from their number when asked for,
//! so a cloud of any size takes no memory.

mod answer;
mod changes;
mod cinder;
mod fault;
mod gate;
mod glance;
mod ids;
mod keystone;
mod keystone_v2;
mod listen;
mod neutron;
mod nova;
mod plan;
mod provider;
mod request;
mod serve;
mod server;
mod telemetry;
mod time;

pub use fault::{Fault, Rule};
pub use gate::Gate;
pub use ids::{flavor_id, floating_ip_id, image_id, project_id, server_id, user_id, volume_id};
pub use listen::Certificate;
pub(crate) use listen::{Cut, Door, bind};
pub use plan::{
    Account, ApplicationCredential, Client, Federation, Flavor, FloatingIp, Image, Person, Plan,
    Project, Reach, Volume,
};
pub use request::Seen;
pub use serve::Cloud;
pub use server::{Server, Servers};
pub use telemetry::{Counter, Telemetry};
pub use time::{epoch, instant};
