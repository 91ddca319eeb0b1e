//! `caso:accounting/connection`: streams to hosts and ports that were granted.
//!
//! The guest names a grant, never an address: the host resolves, connects,
//! speaks TLS and bounds every wait. `send` counts as done when our kernel has
//! the bytes; whether the peer read them only an answer of the peer can show,
//! which is why deliveries over connections are at least once. Handles live as
//! long as the call of `deliver` in which they were opened.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::bindings::v1::messenger::caso::accounting::connection::{ConnectionError, Host};
use super::limits::Limits;
use super::policy::{ConnectionTerms, Granted, Kind};
use super::redirect::{DeadEnd, Sent, Sink, bytes_of, locked};
use super::state::State;
use caso_base::error_chain;
use caso_net::address::{self, Unresolved};
use caso_net::timeouts::GUEST_LINGER;
use caso_net::tls::{CertificateVariables, TlsCache};
use caso_net::{Cause, Failure};

/// Bytes read at once, whatever the guest asks for.
const READ: u32 = 256 << 10;

trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + Sync {
    /// The socket below; none where it leads nowhere.
    fn socket(&self) -> Option<&TcpStream>;
}

impl Stream for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Stream for TlsStream<TcpStream> {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self.get_ref().0)
    }
}

impl Stream for DeadEnd {
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

/// A connection that is open.
struct Open {
    stream: Box<dyn Stream>,
    /// Whether we have ended our side.
    finished: bool,
}

/// The connections of one call.
pub struct Connections {
    open: BTreeMap<u32, Open>,
    next: u32,
    most: usize,
    bytes_left: u64,
    bytes_a_call: u64,
    connect_timeout: Duration,
    transfer_timeout: Duration,
    tls: Arc<TlsCache>,
    /// Where connections lead nowhere, and what was sent over them.
    redirected: Option<Sink>,
    sent: Sent,
    /// Where a `cafile` stands.
    cafile: String,
}

impl Connections {
    pub fn new(limits: &Limits, tls: Arc<TlsCache>, redirected: Option<Sink>) -> Self {
        Self {
            open: BTreeMap::new(),
            next: 1,
            most: usize::try_from(limits.connections).unwrap_or(usize::MAX),
            bytes_left: limits.connection_bytes,
            bytes_a_call: limits.connection_bytes,
            connect_timeout: limits.connect_timeout,
            transfer_timeout: limits.transfer_timeout,
            tls,
            redirected,
            sent: Sent::default(),
            cafile: String::new(),
        }
    }

    /// With the place of a `cafile`, for who has to set one.
    pub fn with_cafile_at(mut self, place: String) -> Self {
        self.cafile = place;
        self
    }

    /// No handle outlives a call; numbers are not used again, so that an old
    /// handle never is a new connection.
    pub fn begin_call(&mut self) {
        self.open.clear();
        locked(&self.sent).clear();
        self.bytes_left = self.bytes_a_call;
    }

    /// Bytes of this call that lead nowhere, and are yet to be handed over.
    pub fn redirected_bytes(&self) -> usize {
        bytes_of(&self.sent)
    }

    /// After a call that went well: what was sent is to arrive.
    pub async fn end_call(&mut self) -> io::Result<()> {
        // All at once: sixteen peers that do not answer cost as much as one.
        let mut farewells = JoinSet::new();
        for (_, open) in std::mem::take(&mut self.open) {
            farewells.spawn(part(open.stream));
        }
        farewells.join_all().await;
        if let Some(sink) = &self.redirected {
            for (name, bytes) in locked(&self.sent).drain(..) {
                sink(&name, &bytes)?;
            }
        }
        Ok(())
    }

    async fn open(&mut self, name: &str, terms: &ConnectionTerms) -> Result<u32, ConnectionError> {
        if self.open.len() >= self.most {
            let text = format!("more than {} connections at a time", self.most);
            return Err(ConnectionError::Invalid(text));
        }
        let endpoint = &terms.endpoint;
        let connecting = async {
            if self.redirected.is_some() {
                let (name, sent) = (name.to_owned(), Arc::clone(&self.sent));
                return Ok(Box::new(DeadEnd { name, sent }) as _);
            }
            let tcp = dial(terms).await?;
            // The messages of our messengers are small and waited for.
            let _ = tcp.set_nodelay(true);
            if terms.tls {
                self.secure(terms, tcp).await
            } else {
                Ok(Box::new(tcp) as _)
            }
        };
        let stream: Box<dyn Stream> =
            match tokio::time::timeout(self.connect_timeout, connecting).await {
                Ok(result) => result?,
                Err(_) => {
                    let wait = self.connect_timeout;
                    let text = format!("`{endpoint}` did not answer within {wait:?}");
                    return Err(ConnectionError::Unavailable(text));
                }
            };
        let handle = self.next;
        self.next = self.next.wrapping_add(1);
        let finished = false;
        self.open.insert(handle, Open { stream, finished });
        Ok(handle)
    }

    async fn secure(
        &self,
        terms: &ConnectionTerms,
        tcp: TcpStream,
    ) -> Result<Box<dyn Stream>, ConnectionError> {
        let endpoint = &terms.endpoint;
        let tls = |what: String| ConnectionError::Tls(format!("`{endpoint}`: {what}"));
        let config = self
            .tls
            .config(&terms.tls_settings())
            .await
            .map_err(|error| ConnectionError::Tls(error_chain(&error)))?;
        let name = rustls::pki_types::ServerName::try_from(endpoint.host.clone())
            .map_err(|error| tls(error.to_string()))?;
        match TlsConnector::from(config).connect(name, tcp).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => {
                let failure = Failure::of_io(&error);
                Err(match failure.cause {
                    Cause::Cut => tls("it closed the connection in the TLS handshake".to_owned()),
                    _ => ConnectionError::Tls(failure.at_and(&endpoint.to_string(), &self.cafile)),
                })
            }
        }
    }

    async fn send(&mut self, handle: u32, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.spend(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
        let wait = self.transfer_timeout;
        let stream = &mut self.stream(handle)?.stream;
        let sent = bounded(wait, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        })
        .await;
        match sent {
            Err(ConnectionError::Closed) => Err(last_words(stream).await),
            sent => sent,
        }
    }

    async fn receive(&mut self, handle: u32, maximum: u32) -> Result<Vec<u8>, ConnectionError> {
        if maximum == 0 {
            let text = "a `receive` of no bytes would look like the peer's end".to_owned();
            return Err(ConnectionError::Invalid(text));
        }
        let wait = self.transfer_timeout;
        let room = u64::from(maximum.min(READ)).min(self.bytes_left);
        if room == 0 {
            return Err(self.spent());
        }
        let Open { stream, finished } = self.stream(handle)?;
        let mut bytes = vec![0; usize::try_from(room).unwrap_or(0)];
        let read = async {
            match stream.read(&mut bytes).await {
                // Many servers answer the end of TLS by closing without one of
                // their own. What they could have cut short so is what they send;
                // of what we sent an end like this says as much as a plain one.
                Err(error) if *finished && error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            }
        };
        let count = bounded(wait, read).await?;
        // An end that is seen before the reset behind it: the peer went away without what we sent last.
        if count == 0
            && let Some(socket) = stream.socket()
            && let Ok(Some(error)) = socket.take_error()
        {
            return Err(broken(&error));
        }
        bytes.truncate(count);
        self.spend(u64::try_from(count).unwrap_or(u64::MAX))?;
        Ok(bytes)
    }

    async fn finish(&mut self, handle: u32) -> Result<(), ConnectionError> {
        let wait = self.transfer_timeout;
        let open = self.stream(handle)?;
        // Its end that came before ours says nothing of what we sent, and later both look alike.
        if let Some(socket) = open.stream.socket()
            && has_ended(socket).await
        {
            return Err(last_words(&mut open.stream).await);
        }
        match bounded(wait, open.stream.shutdown()).await {
            Err(ConnectionError::Closed) => Err(last_words(&mut open.stream).await),
            Err(error) => Err(error),
            Ok(()) => {
                open.finished = true;
                Ok(())
            }
        }
    }

    fn stream(&mut self, handle: u32) -> Result<&mut Open, ConnectionError> {
        self.open
            .get_mut(&handle)
            .ok_or_else(|| ConnectionError::Invalid(format!("no connection has handle {handle}")))
    }

    fn spend(&mut self, bytes: u64) -> Result<(), ConnectionError> {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => {
                self.bytes_left = left;
                Ok(())
            }
            None => Err(self.spent()),
        }
    }

    fn spent(&self) -> ConnectionError {
        let most = self.bytes_a_call;
        ConnectionError::Invalid(format!(
            "more than {most} bytes over connections in one call"
        ))
    }
}

/// Whether what is granted can be reached now: a connection is made, inside TLS where it is
/// to be, and ended again. Nothing is sent over it. `granted` says where its terms stand.
///
/// # Errors
/// In words why not.
pub async fn try_out(
    terms: &ConnectionTerms,
    granted: &Granted,
    certificates: &CertificateVariables,
    limits: &Limits,
) -> Result<(), String> {
    let tls = Arc::new(TlsCache::new(certificates.clone()));
    let connections = Connections::new(limits, tls, None);
    let mut connections = connections.with_cafile_at(granted.cafile_place());
    let opened = connections.open("", terms).await;
    let _ = connections.end_call().await;
    opened.map(drop).map_err(|error| match error {
        ConnectionError::Unavailable(reason)
        | ConnectionError::Denied(reason)
        | ConnectionError::Tls(reason)
        | ConnectionError::Invalid(reason)
        | ConnectionError::Other(reason) => reason,
        ConnectionError::TimedOut => format!("`{}` did not answer in time", terms.endpoint),
        ConnectionError::Closed => format!("`{}` closed the connection", terms.endpoint),
    })
}

/// Tries every address of the host in the resolver's order.
async fn dial(terms: &ConnectionTerms) -> Result<TcpStream, ConnectionError> {
    let endpoint = &terms.endpoint;
    let addresses = address::resolve(endpoint, terms.reach)
        .await
        .map_err(|Unresolved(reason)| ConnectionError::Unavailable(reason))?;
    let mut reasons = Vec::new();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => reasons.push(format!("{address}: {error}")),
        }
    }
    let reasons = reasons.join(", ");
    Err(ConnectionError::Unavailable(format!(
        "`{endpoint}` cannot be reached ({reasons})"
    )))
}

async fn bounded<T>(
    wait: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> Result<T, ConnectionError> {
    match tokio::time::timeout(wait, work).await {
        Ok(Ok(value)) => Ok(value),
        Err(_) => Err(ConnectionError::TimedOut),
        Ok(Err(error)) => Err(broken(&error)),
    }
}

/// What became of a connection that stood.
fn broken(error: &io::Error) -> ConnectionError {
    let Failure { cause, detail, .. } = Failure::of_io(error);
    match cause {
        Cause::Cut => ConnectionError::Closed,
        Cause::UnknownIssuer
        | Cause::Certificate
        | Cause::TlsVersion
        | Cause::Alert
        | Cause::Tls => ConnectionError::Tls(detail),
        _ => ConnectionError::Other(detail),
    }
}

/// Why the peer closed, where it says so: in TLS a refusal of our certificate comes
/// after the handshake, beside what we were about to send.
async fn last_words(stream: &mut Box<dyn Stream>) -> ConnectionError {
    match tokio::time::timeout(GUEST_LINGER, stream.read(&mut [0; 1])).await {
        Ok(Err(error)) => match broken(&error) {
            error @ ConnectionError::Tls(_) => error,
            _ => ConnectionError::Closed,
        },
        _ => ConnectionError::Closed,
    }
}

/// Whether the peer has ended its side, and sent nothing before that is unread.
async fn has_ended(socket: &TcpStream) -> bool {
    // The runtime hears of it first.
    tokio::task::yield_now().await;
    let mut byte = [0; 1];
    let mut buffer = ReadBuf::new(&mut byte);
    poll_fn(|context| {
        let peeked = socket.poll_peek(context, &mut buffer);
        Poll::Ready(matches!(peeked, Poll::Ready(Ok(0) | Err(_))))
    })
    .await
}

/// Ends a connection in such a way that the peer gets all of it. A socket
/// closed with unread bytes (TLS session tickets, a late greeting) is reset,
/// and the peer may lose what it has not read yet.
async fn part(mut stream: Box<dyn Stream>) {
    let _ = tokio::time::timeout(GUEST_LINGER, async {
        stream.shutdown().await?;
        let mut sink = [0; 4096];
        while stream.read(&mut sink).await? > 0 {}
        io::Result::Ok(())
    })
    .await;
}

impl Host for State {
    async fn open(&mut self, name: String) -> wasmtime::Result<Result<u32, ConnectionError>> {
        let services = &mut self.services;
        let Some(terms) = services.granted.connection(&name) else {
            let text = services.granted.refusal(Kind::Connection, &name);
            return Ok(Err(ConnectionError::Denied(text)));
        };
        Ok(services.connections.open(&name, terms).await)
    }

    async fn send(
        &mut self,
        handle: u32,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), ConnectionError>> {
        Ok(self.services.connections.send(handle, &bytes).await)
    }

    async fn receive(
        &mut self,
        handle: u32,
        maximum: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, ConnectionError>> {
        Ok(self.services.connections.receive(handle, maximum).await)
    }

    async fn finish(&mut self, handle: u32) -> wasmtime::Result<Result<(), ConnectionError>> {
        Ok(self.services.connections.finish(handle).await)
    }

    async fn close(&mut self, handle: u32) -> wasmtime::Result<()> {
        if let Some(open) = self.services.connections.open.remove(&handle) {
            part(open.stream).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
