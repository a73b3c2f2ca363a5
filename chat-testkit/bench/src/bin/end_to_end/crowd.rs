//! Many clients in one process: what each costs while nothing happens.
//!
//! The core's own state is measured in another process, which holds as many cores in the same state without sockets.

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chat_smol::proto::Time;
use chat_smol::{Client, Options, tls_config_with_roots};
use chat_testkit::service::{Service as Model, ServiceConfig};
use futures_lite::{StreamExt, stream};
use serde_json::json;

use crate::peer::{Figures, Peer};
use crate::service::{Service, said};
use crate::usage::figures;
use crate::{Outcome, core, tls};

/// How many connect at the same time.
const TOGETHER: usize = 64;
/// What connecting leaves to do is done after this long.
const REST: Duration = Duration::from_secs(3);

/// The role `crowd`: connects so many clients as the lines say, and holds them.
pub(crate) fn run(url: &str, root: Option<&str>) -> Outcome<()> {
    let mut options = Options::new().url(url);
    if let Some(root) = root {
        let root = BASE64_STANDARD.decode(root)?;
        options = options.tls(Arc::new(tls_config_with_roots([root.into()])?));
    }
    let mut held: Vec<Client> = Vec::new();
    say("loaded", 0)?;
    for line in std::io::stdin().lock().lines() {
        match line?.split_once(' ') {
            Some(("hold", count)) => {
                let count = count.parse()?;
                smol::block_on(fill(&mut held, count, &options))?;
                say("held", held.len())?;
            }
            _ => say("figures", held.len())?,
        }
    }
    Ok(())
}

async fn fill(held: &mut Vec<Client>, count: usize, options: &Options) -> Outcome<()> {
    let mut tokens = Tokens::new();
    let names = (held.len()..count)
        .map(|number| tokens.of(&format!("idler-{number}")))
        .collect::<Outcome<Vec<_>>>()?;
    for names in names.chunks(TOGETHER) {
        let connecting =
            names.iter().map(|token| smol::spawn(Client::create(token.clone(), options.clone())));
        let connecting: Vec<_> = connecting.collect();
        let connected: Vec<_> = stream::iter(connecting).then(|task| task).try_collect().await?;
        held.extend(connected);
    }
    Ok(())
}

/// The role `cores`: so many cores, each told what our client was told until it was connected and idle.
pub(crate) fn cores(file: &Path, count: usize) -> Outcome<()> {
    let session = core::Session::open(file)?.until_shutdown();
    say("loaded", 0)?;
    let held: Vec<_> = (0..count).map(|_| session.play()).collect();
    say("held", held.len())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(held);
    Ok(())
}

fn say(at: &str, clients: usize) -> Outcome<()> {
    let mut line = figures();
    line["at"] = at.into();
    line["clients"] = clients.into();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Makes unsigned tokens, as the offline service takes them.
struct Tokens {
    model: Model,
}

impl Tokens {
    fn new() -> Self {
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let unix_at_origin = i64::try_from(date).unwrap_or(i64::MAX);
        let config = ServiceConfig { unix_at_origin, ..ServiceConfig::default() };
        Self { model: Model::new(config, 1, Time::ZERO) }
    }

    fn of(&mut self, identity: &str) -> Outcome<String> {
        let arguments = json!({ "identity": identity, "ttl": 86_400 });
        let answer =
            self.model.admin(Time::ZERO, "token", &arguments).map_err(|error| said(error.to_string()))?;
        Ok(answer["token"].as_str().ok_or("no token")?.to_owned())
    }
}

/// What one client costs, in a crowd of so many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) clients: usize,
    /// Resident bytes of the process for each client.
    pub(crate) bytes: f64,
    /// Processor time for each client, to connect.
    pub(crate) connecting: Duration,
}

/// Crowds of these sizes, one after the other, in one process; with TLS if a front for it is given.
pub(crate) fn measure(service: &Service, front: Option<&tls::Front>, sizes: &[usize]) -> Outcome<Vec<Cost>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("crowd");
    match front {
        None => command.arg(service.url()),
        Some(front) => command.args([front.url(), front.root().to_owned()]),
    };
    let mut peer = Peer::spawn(&mut command)?;
    let empty = peer.until("loaded")?;
    let mut costs = Vec::new();
    for size in sizes {
        peer.ask(&format!("hold {size}"), "held")?;
        std::thread::sleep(REST);
        let full = peer.ask("figures", "figures")?;
        costs.push(cost(*size, empty, full)?);
    }
    Ok(costs)
}

/// The core's own state, in bytes for each.
pub(crate) fn measure_cores(service: &Service, count: usize, file: &Path) -> Outcome<f64> {
    let (mut client, _) = Peer::recording(&service.url(), &service.token("idler-recorded")?, file)?;
    client.ask("create", "created")?;
    std::thread::sleep(REST);
    client.end()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("cores").arg(file).arg(count.to_string());
    let mut peer = Peer::spawn(&mut command)?;
    let empty = peer.until("loaded")?;
    let full = peer.until("held")?;
    Ok(cost(count, empty, full)?.bytes)
}

fn cost(clients: usize, empty: Figures, full: Figures) -> Outcome<Cost> {
    let count = u32::try_from(clients)?;
    let kib = u32::try_from(full.rss_kib.saturating_sub(empty.rss_kib))?;
    let connecting = full.cpu.saturating_sub(empty.cpu) / count.max(1);
    Ok(Cost { clients, bytes: f64::from(kib) * 1024.0 / f64::from(count), connecting })
}

/// How many files this process may have open, raised as far as the system lets it.
pub(crate) fn open_files() -> u64 {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    // What a process that it starts may open too.
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft)
}
