//! Signing in to Rackspace and OpenStack clouds: credentials, tokens, catalogs, configuration.
