//! A burst of messages into one joined channel.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::Outcome;
use crate::peer::{Figures, Peer, Sdk, Who};
use crate::service::Service;

/// What the burst carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) name: &'static str,
    /// Whether each message is followed by an update of its channel (`lastMessage` of the control interface).
    pub(crate) last_message: &'static str,
    /// Length of the texts, in bytes; 0 is as short as they are.
    pub(crate) size: u64,
}

/// The messages alone, as short as the service's `burst` makes them: frames of about 1.1 kB.
pub(crate) const PLAIN: Load = Load { name: "messages alone", last_message: "none", size: 0 };
/// Each with an update of the channel: twice the frames.
pub(crate) const UPDATES: Load = Load { name: "each with a channel update", last_message: "each", size: 0 };

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Burst {
    /// Of the client's process, for the whole burst.
    pub(crate) cpu: Duration,
    /// From before the burst to the line that tells of the last message.
    pub(crate) wall: Duration,
    pub(crate) rss_kib: u64,
    /// Of the service, meanwhile.
    pub(crate) service_cpu: Duration,
}

/// Runs it once; `name` makes the channel and the identity this run's own.
pub(crate) fn run(
    service: &Service,
    sdk: &Sdk,
    who: Who,
    load: Load,
    messages: u64,
    name: &str,
) -> Outcome<Burst> {
    let token = service.token(name)?;
    let peer = || Peer::start(who, sdk, &service.url(), &token);
    go(service, peer, load, messages, name)
}

/// Runs it with our client, which records its session into `file`.
pub(crate) fn record(service: &Service, messages: u64, file: &Path) -> Outcome<()> {
    let name = "burst-recorded";
    let token = service.token(name)?;
    let peer = || Peer::recording(&service.url(), &token, file);
    go(service, peer, PLAIN, messages, name).map(drop)
}

fn go(
    service: &Service,
    peer: impl FnOnce() -> Outcome<(Peer, Figures)>,
    load: Load,
    messages: u64,
    name: &str,
) -> Outcome<Burst> {
    let author = format!("{name}-author");
    let seed = json!({ "channels": 1, "identity": name, "also": [author], "prefix": name, "unique": true });
    service.admin("seed", &seed)?;
    let (mut peer, _) = peer()?;
    peer.ask("create", "created")?;
    let channel = format!("{name}-00000");
    peer.ask(&format!("open {channel}"), "open")?;
    // Until the list of messages is subscribed to: without that nothing is told.
    service.subscribed(name, 0, 3, Duration::from_secs(20))?;
    std::thread::sleep(Duration::from_millis(300));
    let before = peer.ask(&format!("expect {messages}"), "armed")?;
    let service_before = service.cpu()?;
    let arguments = json!({
        "channel": channel, "author": author, "count": messages,
        "lastMessage": load.last_message, "size": load.size,
    });
    let begun = std::time::Instant::now();
    service.admin("burst", &arguments)?;
    let done = peer.until("done")?;
    // What is still to be acknowledged belongs to it.
    std::thread::sleep(Duration::from_millis(200));
    let after = peer.ask("figures", "figures")?;
    let service_cpu = service.cpu()?.saturating_sub(service_before);
    peer.end()?;
    Ok(Burst {
        cpu: after.cpu.saturating_sub(before.cpu),
        wall: done.at.saturating_duration_since(begun),
        rss_kib: after.rss_kib,
        service_cpu,
    })
}
