//! A client for the Rackspace Cloud Files CDN.
