//! Connections that the host makes, and sockets that a guest opens itself.

use std::sync::Arc;

use super::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// Takes one connection, reads it to the end, answers `ok`.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    stream.write_all(b"ok").await.unwrap();
    stream.shutdown().await.unwrap();
    text
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("localhost:{port}"))
}

#[tokio::test]
async fn a_granted_server_is_reached() {
    let (listener, server) = listen().await;
    let peer = tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });
    let report = instance("connect").set("server", &server).report().await;
    assert_eq!(report, "received ok");
    assert_eq!(peer.await.unwrap(), "a,b,c\n");
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable() {
    let (listener, server) = listen().await;
    drop(listener);
    let report = instance("connect").set("server", &server).report().await;
    assert!(
        report.contains("Unavailable") && report.contains(&server),
        "{report}"
    );
}

/// Each wait is short; what has an end is the call.
#[tokio::test]
async fn a_server_that_drips_for_ever_ends_with_the_call() {
    let (listener, server) = listen().await;
    tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        while stream.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    let failure = instance("listen-for-ever").limits(|limits| {
        limits.deadline = Duration::from_secs(3600);
        limits.timeout = SOON;
    });
    let failure = failure.set("server", &server);
    let failure = failure.fails(FailureKind::Deadline).await;
    assert!(
        failure.detail.contains("did not return within 200ms"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_handle_ends_with_its_call() {
    let (_listener, server) = listen().await;
    let mut messenger = instance("keep-handle")
        .set("server", &server)
        .start()
        .await
        .unwrap();
    assert_eq!(
        report(messenger.deliver(&batch(&["a"])).await.unwrap()),
        "true"
    );
    let late = report(messenger.deliver(&batch(&["a"])).await.unwrap());
    assert!(late.contains("no connection has handle 1"), "{late}");
}

#[tokio::test]
async fn tls_trusts_the_cafile_of_the_grant() {
    let dir = tempfile::tempdir().unwrap();
    let ours = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (good, bad) = (dir.path().join("good.pem"), dir.path().join("bad.pem"));
    std::fs::write(&good, ours.cert.pem()).unwrap();
    std::fs::write(&bad, other.cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(ours.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![ours.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (listener, server) = listen().await;
    let peer = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                return answer(stream).await;
            }
        }
    });
    for (cafile, part) in [(&bad, "Tls"), (&good, "received ok")] {
        let settings = [text("server", &server)];
        let requests = &guests().await.hostile.description.capabilities;
        let grant = format!("connection:tls://{server}?cafile={}", cafile.display());
        let grants = [grant.parse().unwrap()];
        let granted = decide(&mine(), requests, &settings, Policy::Site(&grants)).unwrap();
        let report = instance("connect").granted(granted).report().await;
        assert!(report.contains(part), "{report}");
    }
    assert_eq!(peer.await.unwrap(), "a,b,c\n");
}

#[tokio::test]
async fn sockets_reach_the_granted_address_alone() {
    let (listener, server) = listen().await;
    let (forbidden, neighbour) = listen().await;
    let peer = tokio::spawn(async move { answer(listener.accept().await.unwrap().0).await });
    let dialler = &guests().await.dialler;
    let mut settings = vec![text("endpoint", &server), text("other", &neighbour)];
    settings.push(text("name", "example.org:80"));
    let requests = &dialler.description.capabilities;
    let granted = decide(&mine(), requests, &settings, Policy::Builtin).unwrap();
    let setup = MessengerSetup {
        instance: "dial".to_owned(),
        settings,
        secrets: Vec::new(),
        granted,
        limits: Limits::default(),
        redirect: Redirect::default(),
        network: NetworkEnvironment::default(),
    };
    let mut messenger = dialler.start_messenger(setup).await.unwrap();
    let report = report(messenger.deliver(&batch(&["a"])).await.unwrap());
    assert_eq!(report, "ok, denied, denied, listening false, udp false");
    assert_eq!(peer.await.unwrap(), "hello");
    drop(forbidden);
}

#[tokio::test]
async fn without_the_grant_there_are_no_sockets() {
    let redirected = Redirect {
        connections: Some(std::sync::Arc::new(|_, _| Ok(()))),
        ..Redirect::default()
    };
    for (redirect, told) in [
        (Redirect::default(), "add `address:host:port` to `grants`"),
        // A dry run takes the grant away: to add it would help nobody.
        (redirected, "no address can be reached in a dry run"),
    ] {
        let setup = MessengerSetup {
            instance: "dial".to_owned(),
            settings: Vec::new(),
            secrets: Vec::new(),
            granted: Granted::nothing(mine()),
            limits: Limits::default(),
            redirect,
            network: NetworkEnvironment::default(),
        };
        let started = guests().await.dialler.start_messenger(setup).await;
        let failure = started.err().unwrap();
        assert_eq!(failure.kind, FailureKind::Start);
        assert!(failure.detail.contains(told), "{failure}");
    }
}
