//! The pipeline: features from the outside in, then the resource.

use std::pin::Pin;
use std::sync::Arc;

use crate::core::Core;
use crate::features;
use crate::message::{Request, Response};
use crate::reject::Reply;
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

impl Feature {
    /// Whether the feature has anything to do with this request. Those that have not cost nothing: no call, no
    /// allocation.
    fn applies(self, request: &Request, core: &Core) -> bool {
        match self {
            Self::Gatekeeper | Self::Tempauth => true,
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
            Self::ContainerQuotas => features::container_quotas::applies(request),
            Self::AccountQuotas => features::account_quotas::applies(request),
            Self::VersionedWrites => features::versioned_writes::applies(request, core),
            Self::ObjectVersioning => features::object_versioning::applies(request, core),
            Self::Slo => features::slo::applies(request),
            Self::Dlo => features::dlo::applies(request),
            Self::Symlink => features::symlink::applies(request),
            Self::Cors => features::cors::applies(request),
        }
    }

    async fn handle(self, request: Request, next: Next<'_>) -> Reply {
        match self {
            Self::Gatekeeper => features::gatekeeper::handle(request, next).await,
            Self::Healthcheck => features::healthcheck::handle(request, next).await,
            Self::EtagQuoter => features::etag_quoter::handle(request, next).await,
            Self::DomainRemap => features::domain_remap::handle(request, next).await,
            Self::ListingFormats => features::listing_formats::handle(request, next).await,
            Self::Bulk => features::bulk::handle(request, next).await,
            Self::Tempurl => features::tempurl::handle(request, next).await,
            Self::Crossdomain => features::crossdomain::handle(request, next).await,
            Self::Formpost => features::formpost::handle(request, next).await,
            Self::Tempauth => features::tempauth::handle(request, next).await,
            Self::Staticweb => features::staticweb::handle(request, next).await,
            Self::Copy => features::copy::handle(request, next).await,
            Self::ContainerQuotas => features::container_quotas::handle(request, next).await,
            Self::AccountQuotas => features::account_quotas::handle(request, next).await,
            Self::VersionedWrites => features::versioned_writes::handle(request, next).await,
            Self::ObjectVersioning => features::object_versioning::handle(request, next).await,
            Self::Slo => features::slo::handle(request, next).await,
            Self::Dlo => features::dlo::handle(request, next).await,
            Self::Symlink => features::symlink::handle(request, next).await,
            Self::Cors => features::cors::handle(request, next).await,
        }
    }
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
    pub(crate) fn run(
        self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Response> + Send + 'a>> {
        let mut features = self.features;
        while let [feature, rest @ ..] = features {
            features = rest;
            if feature.applies(&request, self.core) {
                let next = Next {
                    features: rest,
                    core: self.core,
                };
                let feature = *feature;
                return Box::pin(async move { respond(feature.handle(request, next).await) });
            }
        }
        Box::pin(async move { respond(resources::handle(request, self.core).await) })
    }
}

fn respond(reply: Reply) -> Response {
    reply.unwrap_or_else(crate::reject::Reject::into_response)
}
