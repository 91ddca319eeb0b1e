//! The other end of a connection, on the loopback interface: one that listens, and three
//! that do not do what they should.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// What it does with whoever comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Reads to the end, and then ends its own side.
    Listens,
    /// Refuses: nobody listens at its port.
    Refuses,
    /// Closes at once.
    Closes,
    /// Lets in, and says and reads nothing.
    Silent,
}

impl Manner {
    pub fn words(self) -> &'static str {
        match self {
            Self::Listens => "reads to the end",
            Self::Refuses => "refuses",
            Self::Closes => "closes at once",
            Self::Silent => "never answers",
        }
    }
}

/// Gone when it is dropped.
pub struct Peer {
    pub port: u16,
    /// What keeps the port from others.
    _socket: Option<TcpSocket>,
    task: Option<JoinHandle<()>>,
}

impl Peer {
    /// # Errors
    /// The loopback interface has no port to give.
    pub fn new(manner: Manner) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4().and_then(|socket| {
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            Ok(socket)
        });
        let socket = socket.context("no port can be had on the loopback interface")?;
        let port = socket.local_addr()?.port();
        if manner == Manner::Refuses {
            return Ok(Self {
                port,
                _socket: Some(socket),
                task: None,
            });
        }
        let listener = socket.listen(16)?;
        Ok(Self {
            port,
            _socket: None,
            task: Some(tokio::spawn(attend(listener, manner))),
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn attend(listener: TcpListener, manner: Manner) {
    let mut waiting = Vec::new();
    while let Ok((visitor, _)) = listener.accept().await {
        match manner {
            Manner::Listens => {
                tokio::spawn(read(visitor));
            }
            Manner::Silent => waiting.push(visitor),
            Manner::Closes | Manner::Refuses => drop(visitor),
        }
    }
}

async fn read(mut visitor: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(1..) = visitor.read(&mut buffer).await {}
}
