//! Sockets: from an address to WebSocket messages.

mod ahead;
mod connect;
pub(crate) mod http;
mod link;
mod proxy;
mod stream;
mod tcp;
pub(crate) mod tls;
mod url;

pub(crate) use connect::{Dialer, UserConnect};
pub(crate) use link::{Link, LinkEvent};
pub(crate) use proxy::Proxies;
pub use proxy::{Proxy, ProxyError};
pub use stream::{ByteStream, Transport};
pub use url::Target;

#[cfg(test)]
mod tests;
