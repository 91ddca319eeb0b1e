use std::sync::Arc;

use tokio::net::TcpListener;

use super::super::policy::{Grant, TlsTerms};
use super::*;
use caso_net::Endpoint;
use caso_net::address::Reach;

impl Stream for tokio::io::DuplexStream {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

fn connections(limits: Limits) -> Connections {
    Connections::new(&limits, Arc::default(), None)
}

async fn listener() -> (TcpListener, ConnectionTerms) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = Endpoint {
        host: "127.0.0.1".to_owned(),
        port: listener.local_addr().unwrap().port(),
    };
    (
        listener,
        ConnectionTerms {
            endpoint,
            tls: false,
            trust: TlsTerms::default(),
            reach: Reach::Public,
        },
    )
}

#[tokio::test]
async fn bytes_go_there_and_back_and_ends_are_seen() {
    let (listener, terms) = listener().await;
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        stream.write_all(b"thanks").await.unwrap();
        all
    });
    let mut connections = connections(Limits::default());
    let handle = connections.open("server", &terms).await.unwrap();
    connections.send(handle, b"line\n").await.unwrap();
    connections.finish(handle).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let part = connections.receive(handle, 4).await.unwrap();
        assert!(part.len() <= 4);
        if part.is_empty() {
            break;
        }
        answer.extend(part);
    }
    assert_eq!(answer, b"thanks");
    assert_eq!(peer.await.unwrap(), b"line\n");
}

/// As a Logstash that is killed between two reads: what it had not read yet did not reach it, and its system says
/// the same as of one that has read all and our end.
#[tokio::test]
async fn an_end_that_comes_before_ours_is_no_receipt() {
    let (listener, terms) = listener().await;
    let (read, gone) = tokio::sync::oneshot::channel();
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut first = [0; 5];
        stream.read_exact(&mut first).await.unwrap();
        drop(stream);
        read.send(()).unwrap();
    });
    let mut connections = connections(Limits::default());
    let handle = connections.open("server", &terms).await.unwrap();
    connections.send(handle, b"line\n").await.unwrap();
    gone.await.unwrap();
    peer.await.unwrap();
    let ended = connections.finish(handle).await;
    assert!(matches!(ended, Err(ConnectionError::Closed)), "{ended:?}");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let (listener, terms) = listener().await;
    drop(listener);
    let error = connections(Limits::default())
        .open("server", &terms)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectionError::Unavailable(text) if text.contains("refused")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_silent_peer_is_not_waited_for() {
    let (_listener, mut terms) = listener().await;
    let short = Limits {
        connect_timeout: Duration::from_millis(50),
        transfer_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut connections = connections(short);
    let handle = connections.open("server", &terms).await.unwrap();
    let error = connections.receive(handle, 1).await.unwrap_err();
    assert!(matches!(error, ConnectionError::TimedOut), "{error:?}");
    let chunk = vec![0; 1 << 20];
    let mut sent = Ok(());
    for _ in 0..100 {
        sent = connections.send(handle, &chunk).await;
        if sent.is_err() {
            break;
        }
    }
    assert!(matches!(sent, Err(ConnectionError::TimedOut)), "{sent:?}");
    // The handshake of TLS is part of connecting.
    terms.tls = true;
    let error = connections.open("server", &terms).await.unwrap_err();
    let bounded = matches!(
        error,
        ConnectionError::Unavailable(_) | ConnectionError::Tls(_)
    );
    assert!(bounded, "{error:?}");
}

#[tokio::test]
async fn handles_and_bytes_are_bounded_and_end_with_the_call() {
    let (_listener, terms) = listener().await;
    let few = Limits {
        connections: 1,
        connection_bytes: 10,
        ..Limits::default()
    };
    let mut connections = connections(few);
    let handle = connections.open("server", &terms).await.unwrap();
    let invalid = |error: ConnectionError, part: &str| {
        assert!(
            matches!(&error, ConnectionError::Invalid(text) if text.contains(part)),
            "{error:?}"
        );
    };
    invalid(
        connections.open("server", &terms).await.unwrap_err(),
        "more than 1 connections",
    );
    invalid(
        connections.send(handle, &[0; 11]).await.unwrap_err(),
        "more than 10 bytes",
    );
    invalid(
        connections.receive(handle, 0).await.unwrap_err(),
        "no bytes",
    );
    connections.send(handle, &[0; 10]).await.unwrap();
    invalid(
        connections.receive(handle, 1).await.unwrap_err(),
        "more than 10 bytes",
    );
    connections.begin_call();
    invalid(
        connections.send(handle, b"x").await.unwrap_err(),
        "no connection has handle",
    );
    let next = connections.open("server", &terms).await.unwrap();
    assert_ne!(next, handle);
}

/// e09: sixteen peers that are slow to part cost as much as one. Each waits until all
/// others have been said farewell to, and is then still listened to.
#[tokio::test]
async fn farewells_are_said_side_by_side() {
    const PEERS: usize = 16;
    let mut connections = connections(Limits::default());
    let all = Arc::new(tokio::sync::Barrier::new(PEERS));
    let mut peers = JoinSet::new();
    for handle in 0..PEERS {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let open = Open {
            stream: Box::new(ours),
            finished: false,
        };
        let handle = u32::try_from(handle).unwrap();
        connections.open.insert(handle, open);
        let all = Arc::clone(&all);
        peers.spawn(async move {
            let mut heard = Vec::new();
            theirs.read_to_end(&mut heard).await.unwrap();
            all.wait().await;
            theirs.write_all(b"bye").await
        });
    }
    connections.end_call().await.unwrap();
    for said in peers.join_all().await {
        said.expect("its last words are heard");
    }
}

/// The budget of the run is asked before any of it is handed over.
#[tokio::test]
async fn what_leads_nowhere_is_counted_until_it_is_handed_over() {
    let shown = Arc::new(std::sync::Mutex::new(0));
    let sink: Sink = {
        let shown = Arc::clone(&shown);
        Arc::new(move |_, bytes| {
            *shown.lock().unwrap() += bytes.len();
            Ok(())
        })
    };
    let mut connections = Connections::new(&Limits::default(), Arc::default(), Some(sink));
    let Grant::Connection(terms) = "connection:h:1".parse().unwrap() else {
        panic!("another kind");
    };
    let handle = connections.open("server", &terms).await.unwrap();
    for _ in 0..3 {
        connections.send(handle, &[b'x'; 1_000]).await.unwrap();
    }
    assert_eq!(
        (connections.redirected_bytes(), *shown.lock().unwrap()),
        (3_000, 0)
    );
    connections.end_call().await.unwrap();
    assert_eq!(
        (connections.redirected_bytes(), *shown.lock().unwrap()),
        (0, 3_000)
    );
}
