//! Between the password and the passcode: who has shown the one and not yet the other. At v2.0 that is a session, at v3
//! a receipt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::directory::Person;

/// How long a passcode sent by text message is good.
const PATIENCE: Duration = Duration::from_mins(10);

/// How long a receipt is good (`[receipt] expiration` of Keystone).
const RECEIPT_LIFE: Duration = Duration::from_mins(5);

/// The method that must have come before a passcode.
pub(super) const PASSWORD: &str = "password";

/// No more sessions are kept than this; the oldest gives way.
const MOST: usize = 1024;

/// All open sessions, by id.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

#[derive(Clone)]
pub(super) struct Session {
    pub(super) person: Arc<Person>,
    /// What was shown: `password`, or the passcode (`totp`) before it.
    pub(super) methods: Vec<String>,
    /// The last moment at which the rest is taken.
    pub(super) until: SystemTime,
}

impl Sessions {
    /// A new session of somebody whose password was right. Returns its id.
    pub(super) fn open(&self, person: &Arc<Person>, now: SystemTime) -> String {
        self.keep(person, vec![PASSWORD.to_owned()], PATIENCE, now)
            .0
    }

    /// A receipt for what somebody has shown who must show more. Returns its id and the session.
    pub(super) fn receipt(
        &self,
        person: &Arc<Person>,
        methods: Vec<String>,
        now: SystemTime,
    ) -> (String, Session) {
        self.keep(person, methods, RECEIPT_LIFE, now)
    }

    fn keep(
        &self,
        person: &Arc<Person>,
        methods: Vec<String>,
        life: Duration,
        now: SystemTime,
    ) -> (String, Session) {
        let mut sessions = self.sessions();
        sessions.retain(|_, session| now <= session.until);
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.until);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                sessions.remove(&id);
            }
        }
        let id = Uuid::new_v4().simple().to_string();
        let session = Session {
            person: Arc::clone(person),
            methods,
            until: now.checked_add(life).unwrap_or(now),
        };
        sessions.insert(id.clone(), session.clone());
        (id, session)
    }

    /// What has been shown already under this id.
    pub(super) fn get(&self, id: &str, now: SystemTime) -> Option<Session> {
        let sessions = self.sessions();
        let session = sessions.get(id).filter(|session| now <= session.until);
        session.cloned()
    }

    /// Whose session it was, if the passcode is right and the password was shown; a wrong one leaves it open.
    pub(super) fn close(&self, id: &str, passcode: &str, now: SystemTime) -> Option<Arc<Person>> {
        let mut sessions = self.sessions();
        let session = sessions.get(id).filter(|session| now <= session.until)?;
        let has_password = session.methods.iter().any(|method| method == PASSWORD);
        if !has_password || !session.person.shows_passcode(passcode, now) {
            return None;
        }
        sessions.remove(id).map(|session| session.person)
    }

    pub(super) fn clear(&self) {
        self.sessions().clear();
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        // A session is put in and taken out whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
