use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::super::failure::{Role, Who};
use super::super::mask::Mask;
use super::super::policy::{Grant, InstanceName, TlsTerms};
use super::*;
use caso_net::address::Reach;
use caso_net::proxy::Proxies;

fn http(origin: &str, proxies: Proxies) -> Http {
    let limits = Limits::default();
    let mut granted = Granted::nothing(InstanceName {
        name: "mine".to_owned(),
        grants: "`grants` in [messenger_mine]".to_owned(),
        options: "[mine]".to_owned(),
        ..InstanceName::default()
    });
    let terms = HttpTerms {
        origin: origin.to_owned(),
        trust: TlsTerms::default(),
        reach: Reach::Public,
    };
    granted.grants.insert("web".to_owned(), Grant::Http(terms));
    let clients = Clients::new(&limits, Arc::default(), proxies);
    let who = Who {
        component: "component".to_owned(),
        instance: "mine".to_owned(),
        role: Role::Messenger,
    };
    let log = GuestLog::new(&who, Mask::default(), &limits, Arc::default());
    Http::new(&limits, Arc::new(granted), Arc::new(clients), log)
}

fn request(uri: &str) -> Request<WasiBody> {
    let body = Empty::<Bytes>::new().map_err(Error::from).boxed_unsync();
    Request::builder().uri(uri).body(body).unwrap()
}

#[test]
fn an_address_is_read_by_the_url_standard_alone() {
    for (uri, origin) in [
        ("http://a.example/x", Some("http://a.example")),
        ("http://A.Example:80/x", Some("http://a.example")),
        ("https://a.example:443", Some("https://a.example")),
        ("http://0x7f.1:8080/", Some("http://127.0.0.1:8080")),
        ("http://2130706433/", Some("http://127.0.0.1")),
        ("http://[::ffff:127.0.0.1]/", Some("http://[::ffff:7f00:1]")),
        ("http://a.example@b.example/", None),
        ("http://user:pass@a.example/", None),
        ("http://@a.example/", None),
        ("gopher://a.example/", None),
        ("/only/a/path", None),
    ] {
        let found = address(&request(uri)).map(|url| url.origin().ascii_serialization());
        assert_eq!(found.ok().as_deref(), origin, "{uri}");
    }
}

/// The proxy is asked for the whole address, and resolves the name itself.
#[tokio::test]
async fn a_request_goes_through_the_proxy_of_the_site() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut head).await.unwrap();
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied";
        stream.write_all(answer).await.unwrap();
        String::from_utf8(head).unwrap()
    });
    let environment = [("http_proxy".to_owned(), proxy)].into();
    let proxies = Proxies::from_environment(&environment).unwrap();
    let http = http("http://cim.invalid", proxies);
    let asked = request("http://cim.invalid/x?y=1");
    let exchange = http.admit(&asked, None).unwrap();
    let (answer, _) = exchange.run(asked).await.ok().unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&body[..], b"proxied");
    let head = peer.await.unwrap();
    assert!(
        head.starts_with("GET http://cim.invalid/x?y=1 HTTP/1.1\r\n"),
        "{head}"
    );
}

#[test]
fn what_was_denied_is_said_with_the_line_that_grants_it() {
    let http = http("https://a.example", Proxies::default());
    for _ in 0..3 {
        let denied = http.admit(&request("https://b.example:8443/?secret=x"), None);
        assert!(matches!(denied, Err(Error::HttpRequestDenied)));
    }
    let said = http.words.said.lock().unwrap();
    let said: Vec<&String> = said.iter().collect();
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("add `http:https://b.example:8443` to `grants` in [messenger_mine]"),
        "{said:?}"
    );
    assert!(!said[0].contains("secret"), "{said:?}");
}
