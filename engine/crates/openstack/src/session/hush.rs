//! What a service repeats of what it was sent: a debug page shows the headers of its request, a refusal the body of
//! the login. Our token and our password are taken out before the answer's words get into an error, and
//! with it into logs, mails and the ledger of runs.

use serde_json::Value;
use url::form_urlencoded;

use crate::recording::secrets::Secrets;
use caso_net::{Request, Response};

/// The answer to a request without what went with that. To be made before anything of it is cut: half a token is
/// known to nobody as one.
pub fn answer(request: &Request, response: &Response) -> Response {
    Response {
        body: sent(request)
            .text(&String::from_utf8_lossy(&response.body))
            .into_bytes(),
        ..response.clone()
    }
}

/// The secrets that went with a request.
fn sent(request: &Request) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in &request.headers {
        secrets.learn(name, value);
    }
    let Some(body) = &request.body else {
        return secrets;
    };
    let fields: Value = serde_json::from_str(body).unwrap_or_else(|_| {
        let form = form_urlencoded::parse(body.as_bytes());
        form.map(|(key, value)| (key.into_owned(), Value::from(value)))
            .collect()
    });
    secrets.find(&fields);
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_net::Method;

    fn request(headers: &[(&str, &str)], body: Option<&str>) -> Request {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Request {
            method: Method::Post,
            url: "http://keystone/v3/auth/tokens".parse().unwrap(),
            headers: headers.iter().map(owned).collect(),
            body: body.map(str::to_owned),
            scope: String::new(),
        }
    }

    fn told(request: &Request, body: &str) -> String {
        let response = Response {
            status: 500,
            headers: Vec::new(),
            body: body.into(),
        };
        let told = answer(request, &response);
        String::from_utf8(told.body).unwrap()
    }

    #[test]
    fn what_was_sent_is_not_told() {
        let token = request(&[("x-auth-token", "4f5e6d7c8b9a")], None);
        let body = "<b>X-Auth-Token: 4f5e6d7c8b9a</b> of project 1";
        assert_eq!(
            told(&token, body),
            "<b>X-Auth-Token: removed</b> of project 1"
        );
        let login = r#"{"auth":{"identity":{"password":{"user":{"name":"me","password":"correct horse"}}}}}"#;
        let login = request(&[], Some(login));
        assert_eq!(
            told(
                &login,
                r#"{"error":{"message":"no user me with correct horse"}}"#
            ),
            r#"{"error":{"message":"no user me with removed"}}"#
        );
        let form = request(&[], Some("client_id=me&client_secret=correct+horse"));
        assert_eq!(told(&form, "correct horse of me"), "removed of me");
    }
}
