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
    Later(LaterReply<'a>),
}

/// A reply on its way, on the heap.
type LaterReply<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// What comes of handing a request to a pipeline.
pub(crate) enum Begun<'a> {
    Done(Response),
    Later(Later<'a>),
}

/// A response on its way.
pub(crate) struct Later<'a> {
    reply: LaterReply<'a>,
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
            match feature {
                Feature::Gatekeeper => {
                    features::gatekeeper::enter(&mut request.headers);
                    *cleans = true;
                }
                Feature::Tempauth => {
                    if let Some(reply) = features::tempauth::enter(&mut request, core) {
                        return Handled::Now(reply);
                    }
                }
                _ if feature.applies(&request, core) => {
                    let next = Next {
                        features: rest,
                        core,
                    };
                    return Handled::Later(feature.handle(request, next));
                }
                _ => {}
            }
        }
        resources::handle(request, core)
    }

    /// The feature that would be the first to do more with a request than look at it.
    pub(crate) fn first_to_act(self, request: &Request) -> Option<Feature> {
        let mut features = self.features.iter().copied();
        features.find(|feature| feature.applies(request, self.core))
    }
}

impl Feature {
    /// Whether it has anything to do with a request but to look at it.
    fn applies(self, request: &Request, core: &Core) -> bool {
        match self {
            Self::Gatekeeper | Self::Tempauth => false,
            Self::Healthcheck => features::healthcheck::applies(request),
            Self::EtagQuoter => features::etag_quoter::applies(request, core),
            Self::DomainRemap => features::domain_remap::applies(request),
            Self::ListingFormats => features::listing_formats::applies(request),
            Self::Bulk => features::bulk::applies(request),
            Self::Tempurl => features::tempurl::applies(request),
            Self::Crossdomain => features::crossdomain::applies(request),
            Self::Formpost => features::formpost::applies(request),
            Self::Staticweb => features::staticweb::applies(request, core),
            Self::Copy => features::copy::applies(request),
            Self::ContainerQuotas => features::container_quotas::applies(request, core),
            Self::AccountQuotas => features::account_quotas::applies(request, core),
            Self::VersionedWrites => features::versioned_writes::applies(request, core),
            Self::ObjectVersioning => features::object_versioning::applies(request, core),
            Self::Slo => features::slo::applies(request, core),
            Self::Dlo => features::dlo::applies(request, core),
            Self::Symlink => features::symlink::applies(request, core),
            Self::Cors => features::cors::applies(request),
        }
    }

    /// Does it. For a request that it does not apply to that is to hand it on.
    fn handle(self, request: Request, next: Next<'_>) -> LaterReply<'_> {
        match self {
            Self::Gatekeeper | Self::Tempauth => {
                Box::pin(async move { Ok(next.run(request).await) })
            }
            Self::Healthcheck => Box::pin(features::healthcheck::handle(request, next)),
            Self::EtagQuoter => Box::pin(features::etag_quoter::handle(request, next)),
            Self::DomainRemap => Box::pin(features::domain_remap::handle(request, next)),
            Self::ListingFormats => Box::pin(features::listing_formats::handle(request, next)),
            Self::Bulk => Box::pin(features::bulk::handle(request, next)),
            Self::Tempurl => Box::pin(features::tempurl::handle(request, next)),
            Self::Crossdomain => Box::pin(features::crossdomain::handle(request, next)),
            Self::Formpost => Box::pin(features::formpost::handle(request, next)),
            Self::Staticweb => Box::pin(features::staticweb::handle(request, next)),
            Self::Copy => Box::pin(features::copy::handle(request, next)),
            Self::ContainerQuotas => Box::pin(features::container_quotas::handle(request, next)),
            Self::AccountQuotas => Box::pin(features::account_quotas::handle(request, next)),
            Self::VersionedWrites => Box::pin(features::versioned_writes::handle(request, next)),
            Self::ObjectVersioning => Box::pin(features::object_versioning::handle(request, next)),
            Self::Slo => Box::pin(features::slo::handle(request, next)),
            Self::Dlo => Box::pin(features::dlo::handle(request, next)),
            Self::Symlink => Box::pin(features::symlink::handle(request, next)),
            Self::Cors => Box::pin(features::cors::handle(request, next)),
        }
    }
}
