//! A server of nothing but hyper: it reads a request with its body and says what is prepared for its path.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};

/// What is answered to which request.
#[derive(Default)]
pub(crate) struct Answers(HashMap<String, Vec<(Method, Answer)>>);

impl Answers {
    /// Has a request, `METHOD PATH`, answered from now on. False where this is no request.
    pub(crate) fn insert(&mut self, request: &str, answer: Answer) -> bool {
        let Some((method, path)) = request.split_once(' ') else {
            return false;
        };
        let Ok(method) = method.parse() else {
            return false;
        };
        let answers = self.0.entry(path.to_owned()).or_default();
        answers.push((method, answer));
        true
    }

    fn of(&self, method: &Method, path: &str) -> Option<&Answer> {
        let answers = self.0.get(path)?;
        let (_, answer) = answers.iter().find(|(of, _)| of == method)?;
        Some(answer)
    }
}

/// An answer that is said again and again.
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    /// The blocks of its body.
    blocks: Arc<[Bytes]>,
}

impl Answer {
    /// One as it was on the wire. `Date` is left to hyper, as are all headers that are only about the connection.
    pub(crate) fn recorded(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ")?;
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            if !["date", "connection", "transfer-encoding"].contains(&name.as_str()) {
                headers.append(name, HeaderValue::from_str(value).ok()?);
            }
        }
        let body = Bytes::copy_from_slice(&bytes[end + 4..]);
        Some(Self {
            status,
            headers,
            blocks: Arc::new([body]),
        })
    }

    /// So many bytes of memory, each page of which is its own.
    pub(crate) fn memory(bytes: usize) -> Self {
        const BLOCK: usize = 1024 * 1024;
        let sizes = (0..bytes)
            .step_by(BLOCK)
            .map(|from| BLOCK.min(bytes - from));
        let mut headers = HeaderMap::new();
        headers.insert("content-length", bytes.into());
        Self {
            status: StatusCode::OK,
            headers,
            blocks: sizes.map(|size| Bytes::from(vec![7; size])).collect(),
        }
    }

    fn response(&self) -> Response<Body> {
        let body = if let [only] = &*self.blocks {
            Either::Left(Full::new(only.clone()))
        } else {
            let blocks = Arc::clone(&self.blocks);
            let frames = (0..blocks.len()).map(move |at| Ok(Frame::data(blocks[at].clone())));
            Either::Right(StreamBody::new(stream::iter(Box::new(frames) as Frames)))
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        response
    }
}

type Frames = Box<dyn Iterator<Item = Result<Frame<Bytes>, Infallible>> + Send>;
type Body = Either<Full<Bytes>, StreamBody<stream::Iter<Frames>>>;

/// On what kind of runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runtime {
    /// Threads that take work from each other, as those of the emulator do.
    Stealing,
    /// Threads that have nothing to do with each other, each with a listener at the same port.
    PerCore,
}

/// Serves on a free port, from threads of its own, until the process ends.
pub(crate) fn start(
    threads: usize,
    runtime: Runtime,
    answers: &Arc<Answers>,
) -> std::io::Result<SocketAddr> {
    let runtimes = match runtime {
        Runtime::Stealing if threads > 1 => {
            vec![
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(threads)
                    .enable_all()
                    .build()?,
            ]
        }
        Runtime::Stealing => vec![on_one_thread()?],
        Runtime::PerCore => (0..threads)
            .map(|_| on_one_thread())
            .collect::<Result<_, _>>()?,
    };
    let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    for runtime in runtimes {
        let listener = {
            let _entered = runtime.enter();
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseport(true)?;
            socket.bind(address)?;
            socket.listen(1024)?
        };
        address = listener.local_addr()?;
        let answers = Arc::clone(answers);
        std::thread::spawn(move || {
            runtime.block_on(async {
                // On the runtime's own threads, as with the emulator.
                let _ = tokio::spawn(serve(listener, answers)).await;
            });
        });
    }
    Ok(address)
}

fn on_one_thread() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

async fn serve(listener: TcpListener, answers: Arc<Answers>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| answer(request, Arc::clone(&answers)));
            // A client that goes away is no news.
            let _ = http1::Builder::new()
                .title_case_headers(true)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    answers: Arc<Answers>,
) -> Result<Response<Body>, hyper::Error> {
    let (head, mut body) = request.into_parts();
    while let Some(frame) = body.frame().await {
        frame?;
    }
    let found = answers.of(&head.method, head.uri.path());
    Ok(found.map_or_else(
        || {
            let mut missing = Response::new(Either::Left(Full::default()));
            *missing.status_mut() = StatusCode::NOT_FOUND;
            missing
        },
        Answer::response,
    ))
}
