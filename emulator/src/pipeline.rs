//! The pipeline: features from the outside in, then the resource.

use std::pin::Pin;
use std::sync::Arc;

use crate::core::Core;
use crate::features;
use crate::message::{Request, Response};
use crate::reject::{Reject, Reply};
use crate::resources;

/// One of Swift's middlewares (or one of ours), each in a file of its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Gatekeeper,
    Healthcheck,
    EtagQuoter,
    DomainRemap,
    ListingFormats,
    Bulk,
    Tempurl,
    Crossdomain,
    Formpost,
    Tempauth,
    Staticweb,
    Copy,
    ContainerQuotas,
    AccountQuotas,
    VersionedWrites,
    ObjectVersioning,
    Slo,
    Dlo,
    Symlink,
    Cors,
}

/// What comes of handing a request on.
pub(crate) enum Handled<'a> {
    /// There is nothing to wait for, as with most requests.
    Now(Reply),
    Later(Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

/// What comes of handing a request to a pipeline.
pub(crate) enum Begun<'a> {
    Done(Response),
    Later(Later<'a>),
}

/// A response on its way.
pub(crate) struct Later<'a> {
    reply: Pin<Box<dyn Future<Output = Reply> + Send + 'a>>,
    cleans: bool,
}

impl Later<'_> {
    pub(crate) async fn response(self) -> Response {
        leave(self.reply.await, self.cleans)
    }
}

/// The response that leaves a pipeline.
fn leave(reply: Reply, cleans: bool) -> Response {
    let mut response = reply.unwrap_or_else(Reject::into_response);
    if cleans {
        features::gatekeeper::leave(&mut response.headers);
    }
    response
}

/// The rest of the pipeline: what a feature hands a request on to, once, several times, or never.
#[derive(Clone, Copy)]
pub(crate) struct Next<'a> {
    features: &'static [Feature],
    core: &'a Arc<Core>,
}

/// The same for what outlives the request's handling: bodies that fetch their parts while they are sent.
#[derive(Debug)]
pub(crate) struct OwnedNext {
    features: &'static [Feature],
    core: Arc<Core>,
}

impl OwnedNext {
    pub(crate) fn borrow(&self) -> Next<'_> {
        Next {
            features: self.features,
            core: &self.core,
        }
    }
}

impl<'a> Next<'a> {
    /// The whole pipeline of the core's flavour.
    pub(crate) fn all(core: &'a Arc<Core>) -> Self {
        Self {
            features: core.flavour.features,
            core,
        }
    }

    /// What every feature shares: the store, the clock, the limits.
    pub(crate) fn core(self) -> &'a Core {
        self.core
    }

    pub(crate) fn to_owned(self) -> OwnedNext {
        OwnedNext {
            features: self.features,
            core: Arc::clone(self.core),
        }
    }

    /// Hands the request to the rest of the pipeline.
    ///
    /// A refusal comes back as the response it becomes, so that features on the way out see one kind of thing.
    pub(crate) fn run(self, request: Request) -> impl Future<Output = Response> + Send + use<'a> {
        let begun = self.begin(request);
        async move {
            match begun {
                Begun::Done(response) => response,
                Begun::Later(reply) => reply.response().await,
            }
        }
    }

    /// The same, for who wants to know whether there is anything to wait for.
    pub(crate) fn begin(self, request: Request) -> Begun<'a> {
        let mut cleans = false;
        match self.hand_over(request, &mut cleans) {
            Handled::Now(reply) => Begun::Done(leave(reply, cleans)),
            Handled::Later(reply) => Begun::Later(Later { reply, cleans }),
        }
    }

    /// Gives the request to the first feature that has anything to do with it, or to the resource. Those before it cost
    /// nothing: no call, no allocation. Two of them need no more than a look at the request, and `cleans` says that one
    /// of these wants to see the headers of the answer.
    fn hand_over(self, mut request: Request, cleans: &mut bool) -> Handled<'a> {
        let Self { mut features, core } = self;
        while let [feature, rest @ ..] = features {
            features = rest;
            let next = Next {
                features: rest,
                core,
            };
            let later: Pin<Box<dyn Future<Output = Reply> + Send + 'a>> = match feature {
                Feature::Gatekeeper => {
                    features::gatekeeper::enter(&mut request.headers);
                    *cleans = true;
                    continue;
                }
                Feature::Tempauth => match features::tempauth::enter(&mut request, core) {
                    None => continue,
                    Some(reply) => return Handled::Now(reply),
                },
                Feature::Healthcheck if features::healthcheck::applies(&request) => {
                    Box::pin(features::healthcheck::handle(request, next))
                }
                Feature::EtagQuoter if features::etag_quoter::applies(&request, core) => {
                    Box::pin(features::etag_quoter::handle(request, next))
                }
                Feature::DomainRemap if features::domain_remap::applies(&request) => {
                    Box::pin(features::domain_remap::handle(request, next))
                }
                Feature::ListingFormats if features::listing_formats::applies(&request) => {
                    Box::pin(features::listing_formats::handle(request, next))
                }
                Feature::Bulk if features::bulk::applies(&request) => {
                    Box::pin(features::bulk::handle(request, next))
                }
                Feature::Tempurl if features::tempurl::applies(&request) => {
                    Box::pin(features::tempurl::handle(request, next))
                }
                Feature::Crossdomain if features::crossdomain::applies(&request) => {
                    Box::pin(features::crossdomain::handle(request, next))
                }
                Feature::Formpost if features::formpost::applies(&request) => {
                    Box::pin(features::formpost::handle(request, next))
                }
                Feature::Staticweb if features::staticweb::applies(&request, core) => {
                    Box::pin(features::staticweb::handle(request, next))
                }
                Feature::Copy if features::copy::applies(&request) => {
                    Box::pin(features::copy::handle(request, next))
                }
                Feature::ContainerQuotas if features::container_quotas::applies(&request, core) => {
                    Box::pin(features::container_quotas::handle(request, next))
                }
                Feature::AccountQuotas if features::account_quotas::applies(&request, core) => {
                    Box::pin(features::account_quotas::handle(request, next))
                }
                Feature::VersionedWrites if features::versioned_writes::applies(&request, core) => {
                    Box::pin(features::versioned_writes::handle(request, next))
                }
                Feature::ObjectVersioning
                    if features::object_versioning::applies(&request, core) =>
                {
                    Box::pin(features::object_versioning::handle(request, next))
                }
                Feature::Slo if features::slo::applies(&request, core) => {
                    Box::pin(features::slo::handle(request, next))
                }
                Feature::Dlo if features::dlo::applies(&request, core) => {
                    Box::pin(features::dlo::handle(request, next))
                }
                Feature::Symlink if features::symlink::applies(&request, core) => {
                    Box::pin(features::symlink::handle(request, next))
                }
                Feature::Cors if features::cors::applies(&request) => {
                    Box::pin(features::cors::handle(request, next))
                }
                _ => continue,
            };
            return Handled::Later(later);
        }
        resources::handle(request, core)
    }
}
