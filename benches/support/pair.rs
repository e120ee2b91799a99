//! An emulator, and a server of nothing but hyper that says the same, each with one thread, in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use emulator::Emulator;

use super::bare::{self, Answer, Answers, Runtime};
use super::client::{Connection, header, request};

/// What is asked, by name, as it is on the wire.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) request: Vec<u8>,
}

/// Two servers that give the same answers.
pub(crate) struct Pair {
    /// Kept, as it stops when it is dropped.
    _emulator: Emulator,
    pub(crate) questions: Vec<Question>,
    pub(crate) emulator: SocketAddr,
    pub(crate) hyper: SocketAddr,
}

impl Pair {
    pub(crate) fn start() -> Self {
        let emulator = Emulator::builder().start_blocking().expect("it starts");
        let address = emulator.address();
        let mut connection = Connection::open(address);
        let user = [("X-Auth-User", "test:tester"), ("X-Auth-Key", "testing")];
        let answer = connection.ask(&request("GET", "/auth/v1.0", &user, b""));
        let token = header(answer, "X-Auth-Token").expect("a token").to_owned();
        let auth = [("X-Auth-Token", &*token)];
        for container in ["bench", "listing"] {
            let path = format!("/v1/AUTH_test/{container}");
            connection.ask(&request("PUT", &path, &auth, b""));
        }
        let body = [b'x'; 1024];
        let objects = (0..100).map(|number| format!("listing/{number:03}"));
        for object in objects.chain(["bench/one".to_owned()]) {
            let path = format!("/v1/AUTH_test/{object}");
            connection.ask(&request("PUT", &path, &auth, &body));
        }
        let one = "/v1/AUTH_test/bench/one";
        let question = |name, request| Question { name, request };
        let questions = vec![
            question("get", request("GET", one, &auth, b"")),
            question("head", request("HEAD", one, &auth, b"")),
            question(
                "put",
                request("PUT", "/v1/AUTH_test/bench/put", &auth, &body),
            ),
            question(
                "listing",
                request("GET", "/v1/AUTH_test/listing?format=json", &auth, b""),
            ),
        ];
        let mut answers = Answers::default();
        for question in &questions {
            let answer = Answer::recorded(connection.ask(&question.request)).expect("an answer");
            let text = String::from_utf8_lossy(&question.request);
            let mut words = text.split([' ', '?']);
            let (method, path) = (words.next(), words.next());
            let asked = format!("{} {}", method.unwrap_or(""), path.unwrap_or(""));
            assert!(answers.insert(&asked, answer), "{asked}");
        }
        let hyper = bare::start(1, Runtime::Stealing, &Arc::new(answers)).expect("it starts");
        Self {
            _emulator: emulator,
            questions,
            emulator: address,
            hyper,
        }
    }
}
