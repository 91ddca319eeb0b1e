//! What the end-to-end tests stand on beside the stand-in OpenStack
//! (`caso-stand-in`): a Logstash, a Prometheus, a CIM service, an AUDITOR and a receiver of OTLP that answer on the loopback interface and
//! misbehave on demand, a site of one's own for every test (a fresh folder with configuration,
//! spool and outputs), and a reader of the messages that a run left behind.
//!
//! Nothing here links the engine: a test sees what an operator and APEL see,
//! namely the built binary, its exit code, its output and its files.

pub mod auditor;
pub mod build;
pub mod cim;
mod filter;
pub mod logstash;
pub mod otlp;
pub mod outcome;
pub mod prometheus;
pub mod rest;
pub mod site;
pub mod spool;
