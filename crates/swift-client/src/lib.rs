//! A client for OpenStack Swift and Rackspace Cloud Files object storage.
