//! How long a client may let the server wait. A matter of connections, so it is measured by real time, that is tokio's, and
//! not by the emulator's clock.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// What Swift waits (`client_timeout` in `swift/proxy/server.py` and `swift/common/wsgi.py`).
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_mins(1);

/// Counts how long nothing has happened.
#[derive(Debug)]
pub(crate) struct Patience {
    limit: Duration,
    /// When the wait began; `None` where the next one begins anew.
    since: Option<Instant>,
    /// Made by the first wait and kept for those after it. Setting it costs more than looking at the clock, so it is set
    /// again only when it goes off, which may be too early by then and is never too late.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Patience for waits of up to `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: None,
            timer: None,
        }
    }

    /// The longest wait.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Something has happened.
    pub(crate) fn rest(&mut self) {
        self.since = None;
    }

    /// Whether it is at an end, given that nothing has happened now. Wakes the task when it is.
    pub(crate) fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.is_over_since(|| since, context)
    }

    /// The same for who knows when the wait began, and is asked only where it matters: mostly the timer has not gone off.
    pub(crate) fn is_over_since(
        &mut self,
        since: impl Fn() -> Instant,
        context: &mut Context<'_>,
    ) -> bool {
        let end = || since() + self.limit;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(end())));
        while timer.as_mut().poll(context).is_ready() {
            let end = end();
            if timer.deadline() >= end {
                return true;
            }
            timer.as_mut().reset(end);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::watch;

    use super::*;
    use crate::core::Core;
    use crate::emulator::Emulator;
    use crate::server;

    #[tokio::test(start_paused = true)]
    async fn is_over_when_nothing_has_happened_since_the_last_time_that_something_did() {
        let mut patience = Patience::new(CLIENT_TIMEOUT);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(!patience.is_over(&mut context));
        tokio::time::advance(CLIENT_TIMEOUT / 2).await;
        patience.rest();
        assert!(!patience.is_over(&mut context));
        tokio::time::advance(Duration::from_millis(59_998)).await;
        assert!(!patience.is_over(&mut context));
        tokio::time::advance(Duration::from_millis(4)).await;
        assert!(patience.is_over(&mut context));
    }

    /// A server on the paused clock of a test, which moves on as soon as there is nothing to do but wait.
    struct Paused {
        address: SocketAddr,
        core: Arc<Core>,
        began: Instant,
        /// Has the state and keeps it.
        _emulator: Emulator,
        _stop: watch::Sender<bool>,
    }

    impl Paused {
        async fn start() -> Self {
            let emulator = Emulator::builder().start_blocking().expect("it starts");
            let core = Arc::clone(emulator.core());
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound");
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(server::serve(listener, Arc::clone(&core), stopped));
            Self {
                address,
                core,
                began: Instant::now(),
                _emulator: emulator,
                _stop: stop,
            }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.expect("it listens")
        }

        async fn send(&self, text: &str) -> TcpStream {
            let mut stream = self.connect().await;
            stream.write_all(text.as_bytes()).await.expect("it reads");
            stream
        }

        /// The answer to a request of the owner of the account `AUTH_test`, with `head` behind its first line.
        async fn ask(&self, line: &str, head: &str, body: &[u8]) -> String {
            let sign_in = "GET /auth/v1.0 HTTP/1.1\r\nHost: x\r\nX-Auth-User: test:tester\r\nX-Auth-Key: testing\r\n\
                           Connection: close\r\n\r\n";
            let signed_in = rest(&mut self.send(sign_in).await).await;
            let token = signed_in
                .lines()
                .find_map(|line| line.strip_prefix("X-Auth-Token: "))
                .expect("a token");
            let length = if head.starts_with("Transfer-Encoding") {
                String::new()
            } else {
                format!("Content-Length: {}\r\n", body.len())
            };
            let head = format!(
                "{line} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\nConnection: close\r\n{length}{head}\r\n"
            );
            let mut stream = self.send(&head).await;
            stream.write_all(body).await.expect("it reads");
            rest(&mut stream).await
        }

        /// An object of so many bytes that all may read at the address given back.
        async fn object(&self, length: usize) -> &'static str {
            let made = self
                .ask("PUT /v1/AUTH_test/c", "X-Container-Read: .r:*\r\n", b"")
                .await;
            assert!(made.starts_with("HTTP/1.1 201"), "{made}");
            let made = self
                .ask("PUT /v1/AUTH_test/c/o", "", &vec![b'x'; length])
                .await;
            assert!(made.starts_with("HTTP/1.1 201"), "{made}");
            "/v1/AUTH_test/c/o"
        }

        fn open_connections(&self) -> u64 {
            self.core.journal.connections.load(Ordering::Relaxed)
        }

        /// Asserts that so many seconds have gone by since a moment, and not one more.
        #[track_caller]
        fn has_taken(since: Instant, seconds: u64) {
            let elapsed = since.elapsed();
            assert!(
                (seconds..=seconds + 1).contains(&elapsed.as_secs()),
                "{elapsed:?}"
            );
        }
    }

    /// What comes until the connection ends.
    async fn rest(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        // How it ends is of no interest.
        let _ = stream.read_to_end(&mut read).await;
        String::from_utf8_lossy(&read).into_owned()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_is_said_is_closed() {
        let server = Paused::start().await;
        let mut silent = server.connect().await;
        assert_eq!(rest(&mut silent).await, "");
        Paused::has_taken(server.began, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_too_slowly_is_given_up() {
        let server = Paused::start().await;
        let (mut reads, mut writes) = server.send("GET /info HT").await.into_split();
        let dripping = async {
            for byte in b"TP/1.1\r\nHost: x" {
                tokio::time::sleep(Duration::from_secs(9)).await;
                if writes.write_all(&[*byte]).await.is_err() {
                    return;
                }
            }
        };
        let mut read = Vec::new();
        tokio::select! {
            _ = reads.read_to_end(&mut read) => (),
            () = dripping => (),
        }
        assert!(read.is_empty());
        Paused::has_taken(server.began, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_kept_alive_may_rest_for_a_minute_and_no_longer() {
        let server = Paused::start().await;
        let mut stream = server.connect().await;
        let mut answered = Instant::now();
        for _ in 0..3 {
            let request = "GET /healthcheck HTTP/1.1\r\nHost: x\r\n\r\n";
            stream
                .write_all(request.as_bytes())
                .await
                .expect("it reads");
            let mut answer = vec![0; 2];
            while !answer.ends_with(b"OK") || answer.len() < 40 {
                answer.push(stream.read_u8().await.expect("an answer"));
            }
            answered = Instant::now();
            tokio::time::sleep(Duration::from_secs(55)).await;
        }
        assert_eq!(rest(&mut stream).await, "");
        Paused::has_taken(answered, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_answered_408_a_minute_later() {
        let server = Paused::start().await;
        server.object(1).await;
        let put = "PUT /v1/AUTH_test/c/o";
        // The head says more than there is.
        let began = Instant::now();
        let answer = server
            .ask(put, "Transfer-Encoding: chunked\r\n", b"5\r\nabcde\r\n")
            .await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        Paused::has_taken(began, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_its_answer_is_cut_and_one_that_reads_slowly_is_not() {
        const LENGTH: usize = 24 << 20;
        let server = Paused::start().await;
        let path = server.object(LENGTH).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let connect = async || {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(64 << 10).expect("a size");
            let mut stream = socket.connect(server.address).await.expect("it listens");
            stream
                .write_all(request.as_bytes())
                .await
                .expect("it reads");
            stream
        };

        let mut slow = connect().await;
        let mut read = 0;
        let mut buffer = vec![0; 3 << 20];
        loop {
            tokio::time::sleep(Duration::from_secs(50)).await;
            let mut now = 0;
            while now < buffer.len() {
                match slow.read(&mut buffer[now..]).await.expect("it is not cut") {
                    0 => break,
                    count => now += count,
                }
            }
            read += now;
            if now < buffer.len() {
                break;
            }
        }
        assert!(read > LENGTH, "{read}");
        drop(slow);

        while server.open_connections() > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let began = Instant::now();
        let mut deaf = connect().await;
        tokio::time::sleep(Duration::from_secs(58)).await;
        assert_eq!(server.open_connections(), 1);
        while server.open_connections() > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Paused::has_taken(began, 61);
        assert!(rest(&mut deaf).await.len() < LENGTH);
    }
}
