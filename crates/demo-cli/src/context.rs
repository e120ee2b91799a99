//! What every command works with: the options of all commands, the output, and the clouds.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use identity::Clock;
use jiff::Timestamp;
use swift_client::Client;

use crate::args::Global;
use crate::output::Output;
use crate::place::CloudPlace;
use crate::settings::{Cloud, CloudArgs, Environment};

pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) output: Output,
    pub(crate) environment: Environment,
    /// Clients made so far, by the cloud's name; none is the one that is meant when none is named.
    clients: RefCell<BTreeMap<Option<String>, Client>>,
    /// What to say to whoever interrupts the command.
    resume: RefCell<Option<Rc<str>>>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Self {
        Self {
            output: Output::new(global.json).quiet(global.quiet),
            global,
            environment: Environment::of_process(),
            clients: RefCell::default(),
            resume: RefCell::default(),
        }
    }

    /// The client for the cloud that `place` names, or for the one that is meant otherwise. The same cloud has the same
    /// client each time. Nothing is sent yet.
    pub(crate) fn client(&self, place: &CloudPlace) -> anyhow::Result<Client> {
        self.client_of(place.cloud.as_deref())
    }

    /// The client for a cloud by its name, or for the one that is meant when none is named.
    pub(crate) fn client_of(&self, cloud: Option<&str>) -> anyhow::Result<Client> {
        let name = cloud.map(str::to_owned);
        if let Some(client) = self.clients.borrow().get(&name) {
            return Ok(client.clone());
        }
        let client = self.cloud(cloud)?.client()?;
        self.clients.borrow_mut().insert(name, client.clone());
        Ok(client)
    }

    /// The cloud of this name, or the one that is meant when none is named.
    pub(crate) fn cloud(&self, name: Option<&str>) -> anyhow::Result<Cloud> {
        match name {
            // Region and token of the options are those of the cloud of the options. How long to wait and what to leave
            // behind is meant for all.
            Some(name) => {
                let CloudArgs {
                    timeout,
                    no_token_cache,
                    ..
                } = self.global.cloud;
                let args = CloudArgs {
                    cloud: Some(name.to_owned()),
                    timeout,
                    no_token_cache,
                    ..CloudArgs::default()
                };
                Cloud::select(&args, &self.environment)
            }
            None => Cloud::select(&self.global.cloud, &self.environment),
        }
    }

    /// What time it is.
    #[allow(
        clippy::unused_self,
        reason = "time is a part of what surrounds a command"
    )]
    pub(crate) fn now(&self) -> Timestamp {
        Clock::system().now()
    }

    /// Says how to go on, should somebody interrupt the command.
    pub(crate) fn resume_by(&self, hint: &str) {
        *self.resume.borrow_mut() = Some(hint.into());
    }

    /// How to go on after an interruption.
    pub(crate) fn resume_hint(&self) -> Option<Rc<str>> {
        self.resume.borrow().clone()
    }
}
