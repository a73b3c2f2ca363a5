//! The address of the service, taken apart for dialling.

use async_tungstenite::tungstenite::http::Uri;

use crate::error::UrlError;

/// Where to connect to. [`Options::connect`](crate::Options::connect) is given one.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Target {
    /// The host's name, or its address without brackets.
    pub host: String,
    /// The port: that of the address, else 443 for `wss` and `https`, and 80 for `ws` and `http`.
    pub port: u16,
    /// Whether TLS is asked for (`wss`, `https`).
    pub secure: bool,
    /// The whole address of a WebSocket; of media, which go over HTTP, only the origin.
    pub url: String,
}

impl Target {
    /// Takes `ws://host:port/path` or `wss://…` apart; without a port it is 80, or 443.
    ///
    /// # Errors
    /// It cannot be read, has another scheme, names no host, or holds a user name or a password.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        Self::take_apart(url, "wss", "ws")
    }

    /// Takes `https://host:port/path` or `http://…` apart. Path and query are left out of `url`: they may be secret.
    pub(crate) fn parse_http(url: &str) -> Result<Self, UrlError> {
        let mut target = Self::take_apart(url, "https", "http").map_err(|error| match error {
            UrlError::Scheme => UrlError::HttpScheme,
            other => other,
        })?;
        let end = url.split_once("://").map_or(url.len(), |(scheme, rest)| {
            scheme.len() + 3 + rest.find(['/', '?', '#']).unwrap_or(rest.len())
        });
        target.url.truncate(end);
        Ok(target)
    }

    fn take_apart(url: &str, secure_scheme: &str, plain_scheme: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::Malformed)?;
        let secure = match uri.scheme_str() {
            Some(scheme) if scheme == secure_scheme => true,
            Some(scheme) if scheme == plain_scheme => false,
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
        let scheme = self.url.split(':').next().unwrap_or_default();
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
    fn addresses_of_media_keep_their_secrets() {
        let target = Target::parse_http("https://media.test:8443/hunter2?hunter2").unwrap();
        assert_eq!((&*target.host, target.port, target.secure), ("media.test", 8443, true));
        assert_eq!(target.url, "https://media.test:8443");
        assert_eq!(Target::parse_http("http://media.test?x").unwrap().url, "http://media.test");
        assert_eq!(Target::parse_http("wss://media.test/"), Err(UrlError::HttpScheme));
        assert_eq!(Target::parse_http("https://a:b@media.test/"), Err(UrlError::Credentials));
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
