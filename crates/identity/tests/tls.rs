//! Which servers are trusted.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its server has failed"
)]

use std::path::PathBuf;
use std::sync::Arc;

use identity::{ClientCertificate, HttpSettings, Proxy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A server whose certificate is for `name`, signed by an authority of its own.
struct TlsServer {
    port: u16,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl TlsServer {
    async fn start(name: &str) -> Self {
        Self::with(name, false).await
    }

    /// One that speaks only to those who show a certificate of its authority.
    async fn that_asks_for_a_certificate() -> Self {
        Self::with("localhost", true).await
    }

    async fn with(name: &str, asks: bool) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = if asks {
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .unwrap()
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not trust us hangs up here.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            }
        });
        Self { port, authority }
    }

    async fn get(&self, settings: HttpSettings) -> Result<u16, reqwest::Error> {
        let settings = HttpSettings {
            proxy: Proxy::Direct,
            ..settings
        };
        let url = format!("https://localhost:{}/", self.port);
        let response = settings.client().unwrap().get(url).send().await?;
        Ok(response.status().as_u16())
    }

    fn authority_file(&self, folder: &tempfile::TempDir) -> PathBuf {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, self.authority.pem()).unwrap();
        path
    }
}

#[tokio::test]
async fn does_not_trust_a_server_that_nobody_vouches_for() {
    let server = TlsServer::start("localhost").await;
    assert!(
        server
            .get(HttpSettings::default())
            .await
            .unwrap_err()
            .is_connect()
    );
}

#[tokio::test]
async fn trusts_a_server_that_the_extra_authority_vouches_for() {
    let (server, folder) = (
        TlsServer::start("localhost").await,
        tempfile::tempdir().unwrap(),
    );
    let ca_file = Some(server.authority_file(&folder));
    assert_eq!(
        server
            .get(HttpSettings {
                ca_file,
                ..HttpSettings::default()
            })
            .await
            .unwrap(),
        204
    );
}

#[tokio::test]
async fn does_not_take_one_host_for_another() {
    let (server, folder) = (
        TlsServer::start("elsewhere.example").await,
        tempfile::tempdir().unwrap(),
    );
    let ca_file = Some(server.authority_file(&folder));
    let settings = HttpSettings {
        ca_file,
        ..HttpSettings::default()
    };
    assert!(server.get(settings).await.unwrap_err().is_connect());
}

#[tokio::test]
async fn trusts_every_server_when_told_to() {
    let server = TlsServer::start("elsewhere.example").await;
    let settings = HttpSettings {
        insecure: true,
        ..HttpSettings::default()
    };
    assert_eq!(server.get(settings).await.unwrap(), 204);
}

#[test]
fn refuses_a_ca_file_without_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    for content in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&path, content).unwrap();
        let settings = HttpSettings {
            ca_file: Some(path.clone()),
            ..HttpSettings::default()
        };
        let error = settings.client().unwrap_err();
        assert!(matches!(error, identity::Error::CaFile { .. }), "{error}");
    }
}

#[tokio::test]
async fn shows_a_certificate_to_a_server_that_asks_for_one() {
    let server = TlsServer::that_asks_for_a_certificate().await;
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["me".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &server.authority).unwrap().pem();
    let write = |name: &str, content: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let apart = ClientCertificate {
        certificate: write("me.pem", certificate.clone()),
        key: Some(write("me.key", key.serialize_pem())),
    };
    let together = ClientCertificate {
        certificate: write("both.pem", certificate + &key.serialize_pem()),
        key: None,
    };
    let settings = |client_certificate| HttpSettings {
        ca_file: Some(server.authority_file(&folder)),
        client_certificate,
        ..HttpSettings::default()
    };
    for own in [apart, together] {
        assert_eq!(server.get(settings(Some(own))).await.unwrap(), 204);
    }
    assert!(server.get(settings(None)).await.is_err());
}

#[test]
fn names_the_file_of_a_certificate_or_key_that_cannot_be_used_and_shows_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let stranger = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["me".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let spoilt = key.serialize_pem().replace("-----END", "!----END");
    for (certificate, key, blamed, reason) in [
        (certificate.as_str(), "", "key", "no private key"),
        (certificate.as_str(), spoilt.as_str(), "key", ""),
        (
            certificate.as_str(),
            &stranger.serialize_pem(),
            "certificate",
            "",
        ),
        (
            "no certificate",
            &key.serialize_pem(),
            "certificate",
            "no certificate",
        ),
    ] {
        let (at, key_at) = (folder.path().join("certificate"), folder.path().join("key"));
        std::fs::write(&at, certificate).unwrap();
        std::fs::write(&key_at, key).unwrap();
        let settings = HttpSettings {
            client_certificate: Some(ClientCertificate {
                certificate: at,
                key: Some(key_at),
            }),
            ..HttpSettings::default()
        };
        let error = settings.client().unwrap_err();
        let text = format!("{error} {error:?}");
        let file = folder.path().join(blamed);
        assert!(text.contains(file.to_str().unwrap()), "{text}");
        assert!(text.contains(reason), "{text}");
        let secret = key.lines().nth(1).unwrap_or("nothing");
        assert!(!text.contains(&secret[..7]), "{text}");
    }
}
