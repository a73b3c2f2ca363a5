//! Sockets: from an address to WebSocket messages.

mod connect;
pub(crate) mod http;
mod link;
mod stream;
mod tcp;
pub(crate) mod tls;
mod url;

pub(crate) use connect::{Dialer, UserConnect};
pub(crate) use link::{Link, LinkEvent};
pub use stream::{ByteStream, Transport};
pub use url::Target;

#[cfg(test)]
mod tests;
