//! The address of the service, taken apart for dialling.

use async_tungstenite::tungstenite::http::Uri;

use crate::error::UrlError;

/// Where to connect to. [`Options::connect`](crate::Options::connect) is given one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The host's name, or its address without brackets.
    pub host: String,
    /// The port: that of the address, else 443 for `wss` and 80 for `ws`.
    pub port: u16,
    /// Whether TLS is asked for (`wss`).
    pub secure: bool,
    /// The whole address.
    pub url: String,
}

impl Target {
    /// Takes `ws://host:port/path` or `wss://…` apart.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::Malformed)?;
        let secure = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => return Err(UrlError::Scheme),
        };
        let authority = uri.authority().ok_or(UrlError::NoHost)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credentials);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if authority.as_str().len() > authority.host().len() => return Err(UrlError::Malformed),
            None => {
                if secure {
                    443
                } else {
                    80
                }
            }
        };
        Ok(Self { host: host.to_owned(), port, secure, url: url.to_owned() })
    }
}

/// Leaves path and query out: they are nobody's business in a log.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let target = Target::parse("wss://tsock.us1.twilio.com/v3/wsconnect").unwrap();
        assert_eq!((&*target.host, target.port, target.secure), ("tsock.us1.twilio.com", 443, true));
        let target = Target::parse("ws://[::1]:8080/x?y=secret").unwrap();
        assert_eq!((&*target.host, target.port, target.secure), ("::1", 8080, false));
        assert_eq!(format!("{target:?}"), "ws://::1:8080");
        assert_eq!(Target::parse("ws://localhost").unwrap().port, 80);
    }

    #[test]
    fn bad_addresses_are_refused() {
        for (url, error) in [
            ("", UrlError::Malformed),
            ("not a url", UrlError::Malformed),
            ("wss://", UrlError::Malformed),
            ("wss://:80/", UrlError::NoHost),
            ("wss://host:99999/", UrlError::Malformed),
            ("https://host/", UrlError::Scheme),
            ("host/path", UrlError::Malformed),
            ("/path", UrlError::Scheme),
            ("wss://user:pass@host/", UrlError::Credentials),
            ("wss://user@host/", UrlError::Credentials),
        ] {
            assert_eq!(Target::parse(url), Err(error), "{url}");
        }
    }
}
