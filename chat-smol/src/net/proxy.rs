//! Proxies: which one stands between us and a host, and how to ask it for that host (HTTP CONNECT, RFC 9110 §9.3.6).

use std::fmt;
use std::io;
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::url::Target;

/// Longest answer of a proxy that is read: it is a status line and a few headers.
const ANSWER_BYTES: usize = 8 << 10;

/// An HTTP proxy that is asked for a tunnel to the service with `CONNECT`.
///
/// The credentials in its address are sent to it and shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// `Proxy-Authorization`, ready to send.
    authorization: Option<String>,
}

/// Why an address names no proxy that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// It cannot be read as `http://[user:password@]host[:port]`.
    #[error("it is not an address of a proxy")]
    Malformed,
    /// Only `http://` proxies are spoken to.
    #[error("its scheme is not http")]
    Scheme,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`; the scheme may be missing, the port is 80 then. What is special in user
    /// name and password is percent-encoded.
    ///
    /// # Errors
    /// The address cannot be read, or its scheme is another one (`https`, `socks5`).
    pub fn parse(address: &str) -> Result<Self, ProxyError> {
        let rest = match address.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ProxyError::Scheme),
            None => address,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, port.parse().map_err(|_| ProxyError::Malformed)?)
            }
            _ => (place, 80),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(ProxyError::Malformed);
        }
        let authorization = credentials.map(|credentials| {
            let plain: Vec<u8> = match credentials.split_once(':') {
                Some((user, password)) => {
                    percent_decode_str(user).chain(*b":").chain(percent_decode_str(password)).collect()
                }
                None => percent_decode_str(credentials).chain(*b":").collect(),
            };
            format!("Basic {}", BASE64_STANDARD.encode(plain))
        });
        Ok(Self { host: host.to_owned(), port, authorization })
    }

    /// Asks for a tunnel to `target` over `stream`, and reads the answer to its last byte and no further.
    pub(super) async fn tunnel<S>(&self, stream: &mut S, target: &Target) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let place = if target.host.contains(':') {
            format!("[{}]:{}", target.host, target.port)
        } else {
            format!("{}:{}", target.host, target.port)
        };
        let mut request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n");
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(authorization);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;

        // Byte by byte: whatever follows the answer is the service's.
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() >= ANSWER_BYTES {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy's answer has no end"));
            }
            stream.read_exact(&mut byte).await?;
            answer.extend(byte);
        }
        match status(&answer) {
            Some(200..=299) => Ok(()),
            Some(status) => Err(io::Error::other(format!("the proxy refuses: HTTP {status}"))),
            None => Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy does not speak HTTP")),
        }
    }
}

/// The status in `HTTP/1.x NNN …`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = std::str::from_utf8(answer.split(|byte| *byte == b'\r').next()?).ok()?;
    line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

/// Without credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

/// Which proxy to use for which host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Proxies {
    /// None.
    None,
    /// What the environment says, read for each attempt to connect.
    #[default]
    Environment,
    /// This one for all.
    Fixed(Proxy),
}

impl Proxies {
    /// The proxy for `target`. An address in the environment that cannot be used is an error and not passed over: the
    /// connection was not meant to be direct.
    pub(super) fn of(&self, target: &Target) -> Result<Option<Proxy>, ProxyError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => from_environment(target, |name| std::env::var(name).ok()),
        }
    }
}

/// `HTTPS_PROXY` for `wss`, `ALL_PROXY` for both, unless `NO_PROXY` excepts the host; each in lower case first. The plain
/// `HTTP_PROXY` counts for `ws` in lower case alone, for in upper case a web server may set it from a request's header.
/// This machine itself is never behind a proxy.
fn from_environment(
    target: &Target,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, ProxyError> {
    let loopback = target.host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if loopback || target.host.eq_ignore_ascii_case("localhost") {
        return Ok(None);
    }
    let first = |names: &[&str]| {
        names.iter().find_map(|name| variable(name).filter(|value| !value.trim().is_empty()))
    };
    if first(&["no_proxy", "NO_PROXY"]).is_some_and(|list| excepts(&list, &target.host, target.port)) {
        return Ok(None);
    }
    let names: &[&str] = if target.secure {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["http_proxy", "all_proxy", "ALL_PROXY"]
    };
    first(names).map(|address| Proxy::parse(address.trim())).transpose()
}

/// Whether a list such as `localhost,.example.com,10.0.0.1:8080` names the host; `*` names all.
fn excepts(list: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(
        |entry| {
            if entry == "*" {
                return true;
            }
            let (name, only) = match entry.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') || name.ends_with(']') => {
                    (name, digits.parse::<u16>().ok())
                }
                _ => (&*entry, None),
            };
            let name = name.trim_start_matches('[').trim_end_matches(']');
            let name = name.trim_start_matches("*.").trim_start_matches('.');
            let under = host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            !name.is_empty() && under && only.is_none_or(|only| only == port)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::parse(url).unwrap()
    }

    #[test]
    fn addresses_are_taken_apart_and_hide_credentials() {
        let proxy = Proxy::parse("http://al%40ice:p%3Ass@proxy.example:3128/").unwrap();
        assert_eq!((&*proxy.host, proxy.port), ("proxy.example", 3128));
        let expected = format!("Basic {}", BASE64_STANDARD.encode("al@ice:p:ss"));
        assert_eq!(proxy.authorization.as_ref(), Some(&expected));
        assert_eq!(format!("{proxy:?}"), "http://proxy.example:3128");
        assert_eq!(Proxy::parse("proxy").unwrap().port, 80);
        let v6 = Proxy::parse("http://[::1]:8080").unwrap();
        assert_eq!((&*v6.host, v6.port), ("::1", 8080));
        for (address, error) in [
            ("", ProxyError::Malformed),
            ("http://", ProxyError::Malformed),
            ("http://host:port", ProxyError::Malformed),
            ("http://a host:1", ProxyError::Malformed),
            ("https://proxy:1", ProxyError::Scheme),
            ("socks5://proxy:1", ProxyError::Scheme),
        ] {
            assert_eq!(Proxy::parse(address), Err(error), "{address}");
        }
    }

    #[test]
    fn the_environment_says_which() {
        let find = |url: &str, set: &[(&str, &str)]| {
            let variable =
                |name: &str| set.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).to_owned());
            from_environment(&target(url), variable).map(|proxy| proxy.map(|proxy| proxy.host))
        };
        let wss = "wss://tsock.us1.twilio.com/";
        assert_eq!(find(wss, &[]), Ok(None));
        assert_eq!(find(wss, &[("HTTPS_PROXY", "upper")]), Ok(Some("upper".into())));
        assert_eq!(
            find(wss, &[("HTTPS_PROXY", "upper"), ("https_proxy", "lower")]),
            Ok(Some("lower".into()))
        );
        assert_eq!(find(wss, &[("ALL_PROXY", "all"), ("HTTPS_PROXY", " ")]), Ok(Some("all".into())));
        assert_eq!(find(wss, &[("http_proxy", "plain")]), Ok(None));
        assert_eq!(find("ws://host/", &[("http_proxy", "plain")]), Ok(Some("plain".into())));
        assert_eq!(find("ws://host/", &[("HTTP_PROXY", "forged")]), Ok(None));
        assert_eq!(find(wss, &[("all_proxy", "all"), ("NO_PROXY", "twilio.com")]), Ok(None));
        for local in ["ws://localhost:1/", "ws://127.0.0.1/", "wss://[::1]/"] {
            assert_eq!(find(local, &[("all_proxy", "all")]), Ok(None), "{local}");
        }
        assert_eq!(find(wss, &[("all_proxy", "socks5://all")]), Err(ProxyError::Scheme));
    }

    #[test]
    fn exceptions() {
        for (list, host, excepted) in [
            ("*", "any", true),
            ("a, twilio.com ,b", "tsock.us1.twilio.com", true),
            (".twilio.com", "tsock.twilio.com", true),
            ("*.twilio.com", "tsock.twilio.com", true),
            ("twilio.com", "TWILIO.COM.", true),
            ("twilio.com", "nottwilio.com", false),
            ("twilio.com:443", "twilio.com", true),
            ("twilio.com:444", "twilio.com", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("::1", "::1", true),
            ("[::1]:443", "::1", true),
            ("", "any", false),
            (", ,.", "any", false),
        ] {
            assert_eq!(excepts(list, host, 443), excepted, "{list} {host}");
        }
    }

    #[test]
    fn statuses() {
        assert_eq!(status(b"HTTP/1.1 200 Connection established\r\n\r\n"), Some(200));
        assert_eq!(status(b"HTTP/1.0 407 x\r\n\r\n"), Some(407));
        assert_eq!(status(b"SSH-2.0-x\r\n\r\n"), None);
    }
}
