//! The floor of the benchmark: the lists that an accounting run has to read, fetched by a bare
//! client over kept connections, their bodies parsed and thrown away. No run that reads them is
//! faster.
//!
//! `floor URL FROM TO CONCURRENCY PROJECTS`: of each project of the stand-in cloud a token, the
//! usage in the window, the servers changed since it began, and those of now. Prints how many
//! requests and bytes that were.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{env, io, thread};

use caso_stand_in::project_id;
use serde_json::{Value, json};

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    bytes: AtomicUsize,
    next: AtomicUsize,
}

/// One connection, kept.
struct Client {
    host: String,
    stream: BufReader<TcpStream>,
    counts: Arc<Counts>,
}

struct Reply {
    token: Option<String>,
    body: Value,
}

impl Client {
    fn open(host: &str, counts: Arc<Counts>) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            host: host.to_owned(),
            stream: BufReader::new(stream),
            counts,
        })
    }

    fn ask(&mut self, method: &str, path: &str, token: &str, body: &str) -> io::Result<Reply> {
        let odd = |text: &str| io::Error::other(format!("{method} {path}: {text}"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nx-auth-token: {token}\r\n\
             openstack-api-version: compute 2.96\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if !line.contains(" 20") {
            return Err(odd(&line));
        }
        let (mut length, mut token) = (None, None);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                None => break,
                Some((name, value)) => match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse::<usize>().ok(),
                    "x-subject-token" => token = Some(value.trim().to_owned()),
                    _ => {}
                },
            }
        }
        let mut bytes = vec![0; length.ok_or_else(|| odd("no length"))?];
        self.stream.read_exact(&mut bytes)?;
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        let body = serde_json::from_slice(&bytes)?;
        Ok(Reply { token, body })
    }

    /// A list to its last page.
    fn list(&mut self, path: &str, token: &str, links: &str) -> io::Result<()> {
        let mut path = path.to_owned();
        loop {
            let reply = self.ask("GET", &path, token, "")?;
            let links = reply.body.get(links).and_then(Value::as_array);
            let next = links
                .into_iter()
                .flatten()
                .find(|link| link["rel"] == "next");
            let Some(href) = next.and_then(|link| link["href"].as_str()) else {
                return Ok(());
            };
            let after = href.split_once("://").map_or(href, |(_, rest)| rest);
            path = after.find('/').map_or("/", |at| &after[at..]).to_owned();
        }
    }

    fn project(&mut self, n: usize, from: &str, to: &str) -> io::Result<()> {
        let id = project_id(n);
        let login = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "accounting", "domain": {"id": "default"}, "password": "secret"}}},
            "scope": {"project": {"id": id}},
        }});
        let reply = self.ask("POST", "/identity/v3/auth/tokens", "", &login.to_string())?;
        let token = reply.token.unwrap_or_default();
        let nova = "/compute/v2.1";
        let usage = format!(
            "{nova}/os-simple-tenant-usage/{id}?start={from}T00:00:00&end={to}T00:00:00&limit=1000"
        );
        self.list(&usage, &token, "tenant_usage_links")?;
        let changed = format!("{nova}/servers/detail?changes-since={from}T00:00:00Z&limit=1000");
        self.list(&changed, &token, "servers_links")?;
        self.list(
            &format!("{nova}/servers/detail?limit=1000"),
            &token,
            "servers_links",
        )
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, from, to, concurrency, projects] = arguments.as_slice() else {
        return Err(io::Error::other("floor URL FROM TO CONCURRENCY PROJECTS"));
    };
    let number = |text: &String| text.parse::<usize>().map_err(io::Error::other);
    let (concurrency, projects) = (number(concurrency)?, number(projects)?);
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let counts = Arc::new(Counts::default());
    let failed = Mutex::new(Ok(()));
    thread::scope(|scope| {
        for _ in 0..concurrency {
            scope.spawn(|| {
                let work = || -> io::Result<()> {
                    let mut client = Client::open(host, counts.clone())?;
                    loop {
                        let n = counts.next.fetch_add(1, Ordering::Relaxed);
                        if n >= projects {
                            return Ok(());
                        }
                        client.project(n, from, to)?;
                    }
                };
                if let (Err(error), Ok(mut failed)) = (work(), failed.lock()) {
                    *failed = Err(error);
                }
            });
        }
    });
    failed.into_inner().unwrap_or(Ok(()))?;
    println!(
        "{}",
        json!({"requests": counts.requests.load(Ordering::Relaxed),
               "bytes": counts.bytes.load(Ordering::Relaxed)})
    );
    Ok(())
}
