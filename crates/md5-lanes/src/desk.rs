//! Where those who have something to hash meet.
//!
//! There is no thread for it. Of those that bring data, one works for all; the others wait. Whoever has worked until its
//! own data was done passes the work on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use crate::lanes::LANES;
use crate::{Message, step};

/// Takes all whole blocks of a message, side by side with those of others.
pub(super) fn hash(message: Message) -> Message {
    DESK.hash(message)
}

static DESK: Desk = Desk(Mutex::new(Open {
    waiting: VecDeque::new(),
    workers: 0,
}));

struct Desk(Mutex<Open>);

struct Open {
    waiting: VecDeque<Job>,
    /// Threads that work for all, and those that have been told to. While somebody waits, there is one.
    workers: usize,
}

struct Job {
    message: Message,
    ticket: Arc<Ticket>,
}

/// By which somebody who waits is told how it goes on.
struct Ticket {
    owner: Thread,
    news: Mutex<News>,
}

#[derive(Default)]
struct News {
    /// It is for the owner to work now.
    work: bool,
    done: Option<Message>,
}

impl Ticket {
    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes all whole blocks of a message.
    fn hash(&self, message: Message) -> Message {
        let ticket = Arc::new(Ticket {
            owner: thread::current(),
            news: Mutex::default(),
        });
        let mut open = self.open();
        open.waiting.push_back(Job {
            message,
            ticket: ticket.clone(),
        });
        // More than one worker has hands for are worth another.
        let works = open.workers == 0 || open.waiting.len() >= LANES;
        open.workers += usize::from(works);
        // While nobody sees the job: a worker may pass the work on to it as soon as the desk is let go, and what it says
        // then must not be overwritten.
        ticket.news().work = works;
        drop(open);
        loop {
            let mut news = ticket.news();
            if std::mem::take(&mut news.work) {
                drop(news);
                self.work(&ticket);
            } else if let Some(message) = news.done.take() {
                return message;
            } else {
                drop(news);
                thread::park();
            }
        }
    }

    /// Works until this ticket's message is done, and passes on what is left.
    fn work(&self, own: &Ticket) {
        let mut running: Vec<Job> = Vec::with_capacity(LANES);
        loop {
            let is_done = own.news().done.is_some();
            let mut open = self.open();
            if is_done {
                for job in running.drain(..).rev() {
                    open.waiting.push_front(job);
                }
                let next = open.waiting.front().map(|job| job.ticket.clone());
                match next {
                    Some(next) if !std::mem::replace(&mut next.news().work, true) => {
                        next.owner.unpark();
                    }
                    // Nobody waits, or who waits has been told by another worker.
                    _ => open.workers -= 1,
                }
                return;
            }
            while running.len() < LANES
                && let Some(job) = open.waiting.pop_front()
            {
                running.push(job);
            }
            if running.is_empty() {
                // Another worker has our own.
                open.workers -= 1;
                return;
            }
            drop(open);
            let mut messages: Vec<&mut Message> = (running.iter_mut())
                .map(|job| &mut job.message)
                .filter_map(|message| message.settle().then_some(message))
                .collect();
            if !messages.is_empty() {
                step(&mut messages);
            }
            for job in running.extract_if(.., |job| job.message.pieces.is_empty()) {
                job.ticket.news().done = Some(job.message);
                job.ticket.owner.unpark();
            }
        }
    }
}
