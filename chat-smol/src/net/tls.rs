//! TLS, and what is trusted by default.

use std::io;
use std::sync::{Arc, LazyLock};

use futures_rustls::TlsConnector;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

use super::stream::{BoxedStream, boxed};

/// The default configuration: TLS 1.2 and 1.3 with ring, and the roots that Mozilla trusts. They come with the program,
/// so it works in a bare container too; a company's own root is added with [`config_with_roots`].
pub fn default_config() -> ClientConfig {
    build(mozilla())
}

/// The default configuration that all clients share: the roots of Mozilla are large, and sessions that are resumed spare
/// a handshake.
pub(crate) fn shared_config() -> Arc<ClientConfig> {
    static SHARED: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| Arc::new(default_config()));
    SHARED.clone()
}

/// The default configuration, trusting `extra` roots (DER) besides.
///
/// # Errors
/// A certificate that cannot be a root.
pub fn config_with_roots(
    extra: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    let mut roots = mozilla();
    for root in extra {
        roots.add(root)?;
    }
    Ok(build(roots))
}

fn mozilla() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn build(roots: RootCertStore) -> ClientConfig {
    // The provider is named: without that rustls panics where a process has none, or two.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap_or_else(|_| unreachable!("ring supports the default protocol versions"))
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Puts TLS on `stream`, and checks that the other side is `host`.
pub(super) async fn secure(
    stream: BoxedStream,
    host: &str,
    config: Arc<ClientConfig>,
) -> io::Result<BoxedStream> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "the host's name cannot stand in a certificate")
    })?;
    Ok(boxed(TlsConnector::from(config).connect(name, stream).await?))
}

/// Whether what the other side said is no TLS at all.
pub(super) fn is_plain(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(error, Some(rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)))
}

/// Whether the other side failed to prove who it is: trying again will not help.
pub(super) fn is_untrusted(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(error, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented))
}
