//! Who we are and where things are: credentials and the requests made of
//! them, the token that comes back, and the catalog inside it. Values and
//! their parsing only; asking is the session's business.

pub mod catalog;
pub mod credentials;
pub mod discovery;
pub mod oidc;
pub mod token;
pub mod v2;
