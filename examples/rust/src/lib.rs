//! An application that keeps photos in Swift or Cloud Files, and hands out links to them.
//!
//! Its tests, in `tests/photo_box.rs`, need no account, no network and no sleeping: the emulator is a dev-dependency and
//! runs inside the test.

use signing::Method;
use swift_client::{
    Client, ContainerOptions, Error, GetOptions, KeyScope, KeySlot, ObjectOptions, TempUrls,
};

/// The longest photo, in bytes.
const LONGEST: u64 = 50_000_000;

/// Photos in one container of an account.
#[derive(Debug)]
pub struct PhotoBox {
    client: Client,
    container: String,
    links: TempUrls,
}

impl PhotoBox {
    /// Opens the box, making it where it is not there yet. Links that were handed out before stop working.
    pub async fn open(client: Client, container: &str) -> Result<Self, Error> {
        let options = ContainerOptions::default();
        client.put_container(container, &options).await?;
        let scope = KeyScope::Container(container);
        let key = client.generate_temp_url_key(scope, KeySlot::One).await?;
        let links = client.temp_urls(&key).await?;
        Ok(Self {
            client,
            container: container.to_owned(),
            links,
        })
    }

    /// Stores a photo.
    pub async fn store(&self, name: &str, photo: Vec<u8>) -> Result<(), Error> {
        let options = ObjectOptions::default();
        self.client
            .put_object(&self.container, name, photo, &options)
            .await?;
        Ok(())
    }

    /// Fetches a photo.
    pub async fn fetch(&self, name: &str) -> Result<Vec<u8>, Error> {
        let options = GetOptions::default();
        let found = self
            .client
            .get_object(&self.container, name, &options)
            .await?;
        Ok(found.bytes(LONGEST).await?.to_vec())
    }

    /// A URL that anybody can fetch the photo with, until a moment in Unix seconds.
    pub fn link(&self, name: &str, until: u64) -> String {
        self.links.url(Method::Get, &self.container, name, until)
    }
}
