//! A server that misbehaves on the wire as it is told to: what no proper server would do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use swift_client::{Client, Credentials, HttpSettings, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What happens on the connection.
pub(crate) enum Reply {
    /// This is written, and the connection stays.
    Keep(String),
    /// This is written, and the connection is closed.
    Close(String),
    /// This is written before the request's body has been read, and the connection is closed.
    Early(String),
    /// Nothing, for ever.
    Silence,
}

/// An answer with status, headers and body.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    use std::fmt::Write;
    let mut text = format!(
        "HTTP/1.1 {status} X\r\nX-Trans-Id: tx-fake\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text + "\r\n" + body
}

/// An answer that promises `length` bytes and has only `body`.
pub(crate) fn cut(status: u16, headers: &[(&str, &str)], length: usize, body: &str) -> String {
    let whole = answer(status, headers, body);
    whole.replacen(
        &format!("Content-Length: {}", body.len()),
        &format!("Content-Length: {length}"),
        1,
    )
}

/// A running server. Sign-ins it answers itself, with tokens `token-1`, `token-2` and so on.
pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) sign_ins: Arc<AtomicUsize>,
}

impl Server {
    /// `script` is given the number of the request, from 0 and without sign-ins, and its head in lower case.
    pub(crate) async fn start(
        script: impl Fn(usize, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap().to_string(),
            requests: Arc::default(),
            connections: Arc::default(),
            sign_ins: Arc::default(),
        };
        let script = Arc::new(script);
        let (requests, connections) = (server.requests.clone(), server.connections.clone());
        let (sign_ins, address) = (server.sign_ins.clone(), server.address.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (script, requests) = (script.clone(), requests.clone());
                let (sign_ins, address) = (sign_ins.clone(), address.clone());
                let respond = move |head: &str| {
                    if head.starts_with("get /auth") {
                        let token =
                            format!("token-{}", sign_ins.fetch_add(1, Ordering::SeqCst) + 1);
                        let url = format!("http://{address}/v1/AUTH_test");
                        let headers = [("X-Auth-Token", token.as_str()), ("X-Storage-Url", &url)];
                        return Reply::Keep(answer(200, &headers, ""));
                    }
                    let mut requests = requests.lock().unwrap();
                    requests.push(head.to_owned());
                    script(requests.len() - 1, head)
                };
                tokio::spawn(async move {
                    // A client that goes away in the middle is part of the game.
                    let _ = converse(stream, respond).await;
                });
            }
        });
        server
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(RetryPolicy {
            min_delay: Duration::from_millis(1),
            ..RetryPolicy::default()
        })
    }

    pub(crate) fn client_with(&self, policy: RetryPolicy) -> Client {
        let credentials = Credentials::temp_auth(
            format!("http://{}/auth/v1.0", self.address),
            "test:tester",
            "testing",
        );
        let http = HttpSettings {
            idle_timeout: Duration::from_millis(200),
            ..HttpSettings::default()
        };
        Client::builder(credentials)
            .retry(policy)
            .http(http)
            .build()
            .unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn converse(stream: TcpStream, respond: impl Fn(&str) -> Reply) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let reply = respond(&head);
        if let Reply::Early(text) = &reply {
            stream.write_all(text.as_bytes()).await?;
            return stream.shutdown().await;
        }
        read_body(&mut stream, &head).await?;
        match reply {
            Reply::Keep(text) => stream.write_all(text.as_bytes()).await?,
            Reply::Close(text) | Reply::Early(text) => {
                stream.write_all(text.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn read_body(stream: &mut BufReader<TcpStream>, head: &str) -> std::io::Result<()> {
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await?;
    if head.contains("transfer-encoding: chunked") {
        let mut last = Vec::new();
        while !last.ends_with(b"0\r\n\r\n") {
            last.push(stream.read_u8().await?);
        }
    }
    Ok(())
}
