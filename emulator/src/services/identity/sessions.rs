//! Between the password and the passcode: who has shown the one and not yet the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::directory::Person;

/// How long a passcode sent by text message is good.
const PATIENCE: Duration = Duration::from_mins(10);

/// No more sessions are kept than this; the oldest gives way.
const MOST: usize = 1024;

/// All open sessions, by id.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<String, Session>>);

struct Session {
    person: Arc<Person>,
    /// The last moment at which a passcode is taken.
    until: SystemTime,
}

impl Sessions {
    /// A new session of somebody whose password was right. Returns its id.
    pub(super) fn open(&self, person: &Arc<Person>, now: SystemTime) -> String {
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
            until: now.checked_add(PATIENCE).unwrap_or(now),
        };
        sessions.insert(id.clone(), session);
        id
    }

    /// Whose session it was, if the passcode is right; a wrong one leaves it open.
    pub(super) fn close(&self, id: &str, passcode: &str, now: SystemTime) -> Option<Arc<Person>> {
        let mut sessions = self.sessions();
        let session = sessions.get(id).filter(|session| now <= session.until)?;
        if !session.person.shows_passcode(passcode) {
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
