//! A TCP connection to the first address of a host that answers.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use smol::Timer;
use smol::net::{TcpStream, resolve};

/// How long an address may be silent before the next one is tried beside it (RFC 8305 §8).
const STAGGER: Duration = Duration::from_millis(250);

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// Connects to a host. There is no deadline here: whoever waits drops the future.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = resolve((host, port)).await?;
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address"));
    }
    let stream = race(interleave(addresses)).await?;
    // Frames are small and each waits for an answer: Nagle's algorithm would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// IPv6 and IPv4 in turns, beginning with whatever the resolver put first.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut turns = Vec::with_capacity(first.len() + second.len());
    first.reverse();
    second.reverse();
    while !(first.is_empty() && second.is_empty()) {
        turns.extend(first.pop());
        turns.extend(second.pop());
    }
    turns
}

/// Tries one address after the other, and the next one early when one is silent; the first connection wins.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut running: Vec<Attempt> = Vec::new();
    let mut stagger = Timer::after(Duration::ZERO);
    let mut last_error = None;
    poll_fn(move |cx| {
        loop {
            let mut i = 0;
            while let Some(attempt) = running.get_mut(i) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        last_error = Some(error);
                        drop(running.swap_remove(i));
                    }
                    Poll::Pending => i += 1,
                }
            }
            let due = Pin::new(&mut stagger).poll(cx).is_ready();
            if !(due || running.is_empty()) {
                return Poll::Pending;
            }
            match waiting.next() {
                Some(address) => {
                    running.push(Box::pin(TcpStream::connect(address)));
                    stagger.set_after(STAGGER);
                }
                None if running.is_empty() => {
                    let none = || io::Error::new(io::ErrorKind::NotFound, "the host has no address");
                    return Poll::Ready(Err(last_error.take().unwrap_or_else(none)));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn families_take_turns() {
        let parse =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let mixed = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(interleave(mixed), parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
    }

    #[test]
    fn a_dead_address_does_not_stop_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let live = listener.local_addr().unwrap();
        let dead = {
            let gone = TcpListener::bind("127.0.0.1:0").unwrap();
            gone.local_addr().unwrap()
        };
        let stream = smol::block_on(race(vec![dead, live])).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let error = smol::block_on(race(vec![dead])).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
