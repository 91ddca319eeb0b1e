//! What the messengers over `caso:http` share. A library, not a component.
//!
//! | module | what is in it |
//! |---|---|
//! | [`client`] | the host's HTTP as far as a messenger needs it; tests have their own |
//! | [`address`] | the origin and the path of an address in the configuration |
//! | [`words`] | what an operator reads of an answer, or of none, and when to come again |
//! | [`requests`] | a batch in several requests, down to the record at fault |

#![warn(missing_docs)]

pub mod address;
pub mod client;
pub mod requests;
pub mod words;

#[allow(
    missing_docs,
    reason = "generated: the documentation is that of wit/http/http.wit"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../../wit/http"],
        inline: "
            package caso:client;
            world client {
                import caso:http/http@1.0.0;
            }
        ",
        generate_all,
        additional_derives: [PartialEq],
    });
}

pub use bindings::caso::http::http;
