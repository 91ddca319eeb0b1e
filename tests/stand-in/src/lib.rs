//! A stand-in OpenStack: Keystone v3, Nova v2.1, Glance v2, Cinder v3 and Neutron
//! v2.0 as far as an accounting run asks them, made from a [`Plan`].
//!
//! It exists because the real control plane cannot be asked to close a
//! connection in the middle of page two, to forget a server between two
//! pages, or to have ten thousand servers in a second. There is one of it, used in two
//! ways: [`Cloud`] (feature `loopback`) answers the built program on the loopback
//! interface and misbehaves on demand, [`InProcess`] answers a unit test that hands it
//! requests as plain values. Both have the same routes.
//!
//! What it answers follows the API references, each of which the file of its service
//! names, and, where those are silent (texts of refusals, the order of lists, the odd
//! link of the usage call), the answers of Keystone 30, Nova 34, Glance 33, Cinder 29
//! and Neutron 29, the versions that `tests/openstack` runs. Its fidelity is checked by
//! cASO 5.2.2 itself, which the benchmark runs against it.
//!
//! Where a plan has them, also Gnocchi and Ceilometer's own API ([`Telemetry`]),
//! an OpenID Provider that Keystone believes, under `/oidc`, and the old
//! Keystone 2.0.
//!
//! Beside it and apart from it, a stand-in of ARGO's messaging service ([`Ams`]).
//!
//! One port serves all of OpenStack, under `/identity`, `/compute`, `/image`, `/volume`
//! and so on, as DevStack has them. Servers are generated from their number when asked for,
//! so a cloud of any size takes no memory.
//!
//! Nothing here links the engine.

mod accounts;
#[cfg(feature = "loopback")]
mod ams;
mod answer;
mod changes;
mod cinder;
pub mod documents;
mod glance;
mod ids;
mod in_process;
mod keystone;
mod keystone_v2;
#[cfg(feature = "loopback")]
mod loopback;
mod neutron;
mod nova;
mod plan;
mod provider;
mod request;
mod routes;
mod server;
mod state;
mod telemetry;
mod time;

pub use accounts::{Account, ApplicationCredential, Client, Federation, Reach};
#[cfg(feature = "loopback")]
pub use ams::{Ams, AmsFault, PROJECT as AMS_PROJECT, Publication, TOO_LARGE as AMS_TOO_LARGE};
pub use answer::Answer;
pub use ids::{flavor_id, floating_ip_id, image_id, project_id, server_id, user_id, volume_id};
pub use in_process::InProcess;
#[cfg(feature = "loopback")]
pub use loopback::{Certificate, Change, Cloud, Cut, Fault, Gate, Rule, runtime, serve};
pub use plan::{Flavor, FloatingIp, Image, Person, Plan, Project, Volume};
pub use request::Seen;
pub use server::{Server, Servers};
pub use telemetry::{Counter, Policy, Telemetry};
pub use time::{epoch, instant};
