//! A stand-in for the GreenDIGIT CIM service. What is known of its API is what
//! cASO 5.2.2 does with it (`caso/messenger/greendigit_cim.py`): a `GET` of
//! `/gd-cim-api/v1/token` with `email` and `password` answers an object with
//! `access_token`; a `POST` of a list to `/gd-cim-api/v1/submit` takes that token
//! as bearer. How it refuses is a guess: statuses as HTTP has them, and bodies
//! that repeat what was asked, as frameworks like to do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{Response, header};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use caso_stand_in::{Certificate, runtime, serve};

/// The account that it knows.
pub const EMAIL: &str = "accounting+cloud@site.example";
/// Its password: of characters that are written otherwise in an address.
pub const PASSWORD: &str = "c\u{f6}rrect h/rse&b\"ttery";

/// Answers until it is dropped.
pub struct Cim {
    port: u16,
    tls: bool,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct State {
    logins: u32,
    requests: u32,
    records: Vec<Value>,
    /// Answers to the next submissions: status, `Retry-After`.
    next: VecDeque<(u16, Option<u32>)>,
    /// A record of this unit is refused.
    bad_unit: Option<String>,
    pause: Duration,
}

impl Cim {
    pub fn start(certificate: Option<&Certificate>) -> Self {
        let runtime = runtime().expect("a runtime");
        let state = Arc::new(Mutex::new(State::default()));
        let router = Router::new().fallback(handle).with_state(state.clone());
        let tls = certificate.map(Certificate::acceptor);
        Cim {
            port: serve(&runtime, router, tls),
            tls: certificate.is_some(),
            state,
            runtime: Some(runtime),
        }
    }

    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.port)
    }

    /// All records that it took, in the order in which they came.
    pub fn records(&self) -> Vec<Value> {
        locked(&self.state).records.clone()
    }

    pub fn logins(&self) -> u32 {
        locked(&self.state).logins
    }

    pub fn requests(&self) -> u32 {
        locked(&self.state).requests
    }

    /// Answers the next submission so.
    pub fn answer(&self, status: u16, retry_after: Option<u32>) {
        locked(&self.state).next.push_back((status, retry_after));
    }

    /// Refuses lists with a record of this unit.
    pub fn refuse_unit(&self, unit: &str) {
        locked(&self.state).bad_unit = Some(unit.to_owned());
    }

    /// Waits before each answer.
    pub fn pause(&self, pause: Duration) {
        locked(&self.state).pause = pause;
    }
}

impl Drop for Cim {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a status and a body")
}

async fn handle(Shared(state): Shared<Arc<Mutex<State>>>, request: Request) -> Response<Body> {
    let pause = {
        let mut state = locked(&state);
        state.requests += 1;
        state.pause
    };
    tokio::time::sleep(pause).await;
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap_or_default();
    match (head.method.as_str(), head.uri.path()) {
        ("GET", "/gd-cim-api/v1/token") => {
            let query = head.uri.query().unwrap_or_default();
            let asked: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect();
            let known = [("email", EMAIL), ("password", PASSWORD)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
            if asked != known {
                let said = json!({"detail": "unknown account", "url": head.uri.to_string(),
                                  "parameters": asked});
                return answer(401, &said);
            }
            let mut state = locked(&state);
            state.logins += 1;
            answer(
                200,
                &json!({"access_token": format!("token-{}", state.logins)}),
            )
        }
        ("POST", "/gd-cim-api/v1/submit") => {
            let mut state = locked(&state);
            let bearer = head
                .headers
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok());
            let expected = format!("Bearer token-{}", state.logins);
            if bearer != Some(&expected) {
                return answer(
                    401,
                    &json!({"detail": format!("not authorised: {bearer:?}")}),
                );
            }
            if let Some((status, after)) = state.next.pop_front() {
                let mut answer = answer(status, &json!({"detail": "as the test would have it"}));
                if let Some(after) = after {
                    answer
                        .headers_mut()
                        .insert(header::RETRY_AFTER, after.into());
                }
                return answer;
            }
            let Ok(list) = serde_json::from_slice::<Vec<Value>>(&body) else {
                return answer(422, &json!({"detail": "no list of records"}));
            };
            if let Some(bad) = &state.bad_unit
                && list
                    .iter()
                    .any(|record| record["ExecUnitID"] == bad.as_str())
            {
                return answer(422, &json!({"detail": format!("no unit {bad}")}));
            }
            state.records.extend(list);
            answer(200, &json!({"status": "ok"}))
        }
        _ => answer(404, &json!({"detail": "Not Found"})),
    }
}
