//! Temp URL and form POST signatures for OpenStack Swift and Rackspace Cloud Files.
