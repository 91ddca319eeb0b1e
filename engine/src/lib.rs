//! cASO's native engine: it asks OpenStack, reconciles what the APIs say into
//! normalized usage, and hands it to sandboxed components that map, format and
//! deliver. Arrows go one way: `cli → run → {extract, deliver} → {openstack,
//! sandbox, state}`.

pub mod cli;
pub mod config;
pub mod deliver;
pub mod extract;
pub mod model;
pub mod openstack;
pub mod run;
pub mod sandbox;
pub mod state;
