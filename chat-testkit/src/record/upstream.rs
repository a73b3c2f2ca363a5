//! The service that a proxy stands in front of.

use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use async_tungstenite::tungstenite::http::Uri;
use async_tungstenite::tungstenite::protocol::WebSocketConfig;
use async_tungstenite::{WebSocketStream, client_async_with_config};
use futures_lite::{AsyncRead, AsyncWrite};
use futures_rustls::TlsConnector;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use smol::net::TcpStream;

/// A stream that is encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Stream for T {}

/// Where a WebSocket goes: `ws://…` or `wss://…`.
#[derive(Debug, Clone)]
pub struct Upstream {
    url: String,
    host: String,
    port: u16,
    tls: bool,
    /// Who may vouch for it, besides those that Mozilla trusts.
    roots: Vec<CertificateDer<'static>>,
}

/// An address that is none of a WebSocket.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0:?} is no address of a WebSocket: ws://HOST[:PORT]/PATH or wss://…")]
pub struct BadUpstream(String);

impl FromStr for Upstream {
    type Err = BadUpstream;

    fn from_str(url: &str) -> Result<Self, BadUpstream> {
        let bad = || BadUpstream(url.into());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(bad()),
        };
        let host = uri.host().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { url: url.into(), host, port, tls, roots: Vec::new() })
    }
}

impl Upstream {
    /// The address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes these for roots too: certificates in PEM, such as a company's own, or that of a test.
    ///
    /// # Errors
    /// There is no certificate in it, or one that cannot be read.
    pub fn trust(mut self, pem: &[u8]) -> io::Result<Self> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "there is no certificate in it"));
        }
        self.roots.extend(found);
        Ok(self)
    }

    pub(super) async fn connect(
        &self,
        config: WebSocketConfig,
    ) -> io::Result<WebSocketStream<Pin<Box<dyn Stream>>>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let _ = tcp.set_nodelay(true);
        let stream: Pin<Box<dyn Stream>> = if self.tls {
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for root in &self.roots {
                roots.add(root.clone()).map_err(io::Error::other)?;
            }
            let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
            Box::pin(TlsConnector::from(Arc::new(tls)).connect(name, tcp).await?)
        } else {
            Box::pin(tcp)
        };
        let (websocket, _) = client_async_with_config(self.url.as_str(), stream, Some(config))
            .await
            .map_err(io::Error::other)?;
        Ok(websocket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_looked_at() {
        let upstream: Upstream = "wss://tsock.us1.twilio.com/v3/wsconnect".parse().unwrap();
        assert_eq!(
            (upstream.host.as_str(), upstream.port, upstream.tls),
            ("tsock.us1.twilio.com", 443, true)
        );
        let upstream: Upstream = "ws://[::1]:9/x".parse().unwrap();
        assert_eq!((upstream.host.as_str(), upstream.port, upstream.tls), ("::1", 9, false));
        for bad in ["http://x", "x", "ws://", ""] {
            assert!(bad.parse::<Upstream>().is_err(), "{bad}");
        }
    }
}
