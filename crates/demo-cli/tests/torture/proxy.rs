//! What stands between the command and the emulator: passes everything on, counts what the command sends, and strikes
//! when it has counted to a number.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// When to strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// When the command has sent its `n`-th message; the server never sees it.
    Before(u32),
    /// When the server has answered the `n`-th message; the command never sees the answer.
    After(u32),
}

type Strike = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    moment: Mutex<Option<(Moment, Strike)>>,
    sent: AtomicU32,
    struck: AtomicBool,
    open: Mutex<u32>,
    closed: Condvar,
}

/// A TCP proxy on a free port of 127.0.0.1.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, state) = (client.unwrap(), Arc::clone(&shared));
                let server = TcpStream::connect(server).unwrap();
                *state.open.lock().unwrap() += 1;
                thread::spawn(move || {
                    pass_on(&client, &server, &state);
                    *state.open.lock().unwrap() -= 1;
                    state.closed.notify_all();
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Counts from 0 again, and calls `strike` when the moment has come; never, if there is none.
    pub(crate) fn arm(&self, moment: Option<Moment>, strike: impl FnOnce() + Send + 'static) {
        self.state.sent.store(0, Ordering::SeqCst);
        self.state.struck.store(false, Ordering::SeqCst);
        let strike: Strike = Box::new(strike);
        *self.state.moment.lock().unwrap() = moment.map(|moment| (moment, strike));
    }

    /// Waits until the server has seen and done all that was passed on, and tells how many messages were sent.
    pub(crate) fn settle(&self) -> u32 {
        let mut open = self.state.open.lock().unwrap();
        while *open > 0 {
            open = self.state.closed.wait(open).unwrap();
        }
        self.state.sent.load(Ordering::SeqCst)
    }

    /// Whether the moment came.
    pub(crate) fn has_struck(&self) -> bool {
        self.state.struck.load(Ordering::SeqCst)
    }
}

/// Passes on what one connection carries, both ways, to its end. Whatever cannot be read or written is an end.
fn pass_on(client: &TcpStream, server: &TcpStream, state: &State) {
    // Which message of all the answer on this connection belongs to.
    let asked = &AtomicU32::new(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            each_piece(client, |piece| {
                // One message is one write, with the messages of this command.
                let number = state.sent.fetch_add(1, Ordering::SeqCst) + 1;
                asked.store(number, Ordering::SeqCst);
                if state.comes(Moment::Before(number)) {
                    return Err(std::io::ErrorKind::Interrupted.into());
                }
                (&mut &*server).write_all(piece)
            });
            let _ = server.shutdown(Shutdown::Write);
        });
        each_piece(server, |piece| {
            if state.comes(Moment::After(asked.load(Ordering::SeqCst))) {
                return Ok(());
            }
            // A client that was killed reads no more; the server's work is seen through to its end all the same.
            let _ = (&mut &*client).write_all(piece);
            Ok(())
        });
        let _ = client.shutdown(Shutdown::Both);
    });
}

fn each_piece(mut from: &TcpStream, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if take(&buffer[..length]).is_err() {
                    return;
                }
            }
        }
    }
}

impl State {
    /// Strikes if this is the moment.
    fn comes(&self, now: Moment) -> bool {
        let mut moment = self.moment.lock().unwrap();
        match moment.take() {
            Some((wanted, strike)) if wanted == now => {
                // Before it happens, as whoever is struck may be seen to have ended at once.
                self.struck.store(true, Ordering::SeqCst);
                strike();
                true
            }
            other => {
                *moment = other;
                false
            }
        }
    }
}
