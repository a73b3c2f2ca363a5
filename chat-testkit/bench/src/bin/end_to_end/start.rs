//! The start with many joined channels, and the way back after the connection was cut.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::peer::{Figures, Peer, Sdk, Who};
use crate::service::Service;

/// How long the client is left alone after its last subscription before it is asked what it used.
const REST: Duration = Duration::from_millis(400);
/// How late the service's frames are where round trips are counted: so late that hardly anything else takes time.
const LATE_MS: u32 = 1000;

/// From nothing, or from a cut, to the last subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rise {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) rss_kib: u64,
    pub(crate) requests: u64,
    pub(crate) service_cpu: Duration,
}

/// One run: the start, then the reconnect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) start: Rise,
    pub(crate) reconnect: Rise,
}

/// The person whose channels they are; each client has a person of its own.
fn identity(who: Who) -> String {
    format!("collector-{who}")
}

/// Makes the channels: rosters of two, one message each.
pub(crate) fn furnish(service: &Service, who: Who, channels: u64) -> Outcome<()> {
    let identity = identity(who);
    let arguments = json!({
        "channels": channels, "identity": identity, "also": ["companion"], "prefix": identity,
        "unique": true, "messages": 1,
    });
    service.admin("seed", &arguments)?;
    Ok(())
}

/// What is measured from, and of whom.
struct Begun<'a> {
    service: &'a Service,
    identity: &'a str,
    channels: u64,
    at: Instant,
    service_cpu: Duration,
    figures: Figures,
}

impl Begun<'_> {
    /// Waits for the last subscription on a connection after number `after`; gives that connection's number too.
    fn rise(&self, peer: &mut Peer, after: u64) -> Outcome<(Rise, u64, Figures)> {
        let patience = Duration::from_mins(2);
        let seen = self.service.subscribed(self.identity, after, wanted(self.channels), patience)?;
        let wall = self.at.elapsed();
        thread::sleep(REST);
        let service_cpu = self.service.cpu()?.saturating_sub(self.service_cpu);
        let figures = peer.ask("figures", "figures")?;
        let last = self.service.connection(self.identity)?.unwrap_or(seen);
        let rise = Rise {
            cpu: figures.cpu.saturating_sub(self.figures.cpu),
            wall,
            rss_kib: figures.rss_kib,
            requests: last.requests(),
            service_cpu,
        };
        Ok((rise, last.number, figures))
    }
}

pub(crate) fn run(service: &Service, sdk: &Sdk, who: Who, channels: u64) -> Outcome<Run> {
    let identity = &identity(who);
    let (mut peer, loaded) = Peer::start(who, sdk, &service.url(), &service.token(identity)?)?;
    let begin = |figures| {
        let service_cpu = service.cpu()?;
        Outcome::Ok(Begun { service, identity, channels, at: Instant::now(), service_cpu, figures })
    };
    let begun = begin(loaded)?;
    peer.ask("create", "created")?;
    let (start, connection, figures) = begun.rise(&mut peer, 0)?;
    let begun = begin(figures)?;
    service.admin("drop", &json!({ "identity": identity }))?;
    let (reconnect, ..) = begun.rise(&mut peer, connection)?;
    peer.end()?;
    Ok(Run { start, reconnect })
}

/// The start with our client, which records its session into `file`.
pub(crate) fn record(service: &Service, channels: u64, file: &Path) -> Outcome<()> {
    let identity = identity(Who::Ours);
    let (mut peer, _) = Peer::recording(&service.url(), &service.token(&identity)?, file)?;
    peer.ask("create", "created")?;
    service.subscribed(&identity, 0, wanted(channels), Duration::from_mins(2))?;
    thread::sleep(REST);
    peer.end()
}

/// How many round trips stand one behind the other before the last subscription: so many seconds the start takes where
/// each frame of the service is a second late.
pub(crate) fn trips(service: &Service, sdk: &Sdk, who: Who, channels: u64) -> Outcome<f64> {
    let identity = &identity(who);
    service.admin("config", &json!({ "latencyMs": LATE_MS }))?;
    let measured = (|| {
        let (mut peer, _) = Peer::start(who, sdk, &service.url(), &service.token(identity)?)?;
        let begun = Instant::now();
        peer.ask("create", "created")?;
        service.subscribed(identity, 0, wanted(channels), Duration::from_mins(3))?;
        Outcome::Ok(begun.elapsed().as_secs_f64())
    })();
    service.admin("config", &json!({ "latencyMs": 0 }))?;
    Ok(measured? * 1000.0 / f64::from(LATE_MS))
}

/// A document, a list and a map for each channel, and three for the person: user, own channels, session.
fn wanted(channels: u64) -> u64 {
    channels * 3 + 3
}
