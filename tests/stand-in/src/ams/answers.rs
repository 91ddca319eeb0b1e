//! AMS's answers, and those of what stands before it.

use axum::body::Body;
use axum::http::header;
use axum::response::Response;
use serde_json::{Value, json};

use super::AmsFault;
use crate::loopback::Cut;

pub fn json_of(status: u16, body: &Value) -> Response {
    answer(status, "application/json; charset=utf-8", body.to_string())
}

/// "API Errors": `{"error": {"code", "message", "status"}}`.
pub fn error(code: u16, message: &str, status: &str) -> Response {
    let body = json!({"error": {"code": code, "message": message, "status": status}});
    json_of(code, &body)
}

fn answer(status: u16, content: &str, body: String) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content)
        .body(Body::from(body))
        .expect("a status and a body")
}

/// As HAProxy writes it, in front of AMS.
fn balancer(status: u16) -> Response {
    let body = format!(
        "<html><head><title>{status} of the balancer</title></head>\n<body><h1>{status}</h1>\n\
         No server is available to handle this request.\n</body></html>\n"
    );
    answer(status, "text/html", body)
}

/// The answer of a fault that looks at no request.
pub fn of_fault(fault: &AmsFault, cut: &Cut) -> Response {
    match fault {
        AmsFault::Error(code, message, status) => error(*code, message, status),
        AmsFault::Balancer(status) => balancer(*status),
        AmsFault::Busy(status, seconds) => {
            let mut answer = balancer(*status);
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, (*seconds).into());
            answer
        }
        _ => {
            cut.now();
            balancer(500)
        }
    }
}
