//! Hosts that crash: their clients are lost, and others go on from a save.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chat_proto::{CallId, Input, MediaId, Saved, Secret, Seed, Token};

use super::host::Host;
use super::network::Way;
use super::tally::Fault;
use super::{Core, Happening, Origin, Resumed, World};
use crate::laws::Violation;
use crate::stage::read_in_parts;

/// How many saves a disk keeps.
const KEPT: usize = 3;
/// A disk that takes longer than this counts as slow.
const SLOW: Duration = Duration::from_millis(100);

/// What outlives a crash: the disk of a device.
#[derive(Debug, Clone)]
pub(super) struct Device {
    /// The newest access token.
    pub(super) token: Token,
    pub(super) continuation: Option<Secret>,
    /// Newest last.
    pub(super) saves: Vec<Save>,
    pub(super) media: BTreeMap<MediaId, Vec<u8>>,
}

/// What a host goes on from that crashed: a save, or nothing.
#[derive(Debug, Clone)]
pub(super) struct NextLife {
    save: Option<Box<Save>>,
    /// An earlier save, if the disk holds that one and what changed since.
    base: Option<Box<Saved>>,
}

/// A save, and where in the session it was made.
#[derive(Debug, Clone)]
pub(super) struct Save {
    life: usize,
    entries: usize,
    saved: Saved,
    pending: BTreeSet<CallId>,
}

impl<C: Core> World<C> {
    fn save_now(&self, client: usize) -> Save {
        let host = &self.hosts[client];
        Save {
            life: host.seat,
            entries: self.session.entries.len(),
            saved: host.core.save(host.clock(self.now)),
            pending: self.apps[client].pending.clone(),
        }
    }

    /// The client asks for a save: disks take their time, and sometimes need another attempt.
    pub(super) fn save_on_request(&mut self, client: usize) {
        let save = Box::new(self.save_now(client));
        if self.plan.hosts.slow_disk_ms == 0 {
            return self.stored(client, save);
        }
        let slowest = if self.chaos.per_mille(50) { 10_000 } else { self.plan.hosts.slow_disk_ms };
        let delay = Duration::from_millis(self.chaos.range(0, slowest));
        self.tally.count(Fault::SlowDisk, u64::from(delay > SLOW));
        self.queue.plan(self.now + delay, Happening::Stored(client, save));
    }

    /// The host saves of its own accord.
    pub(super) fn save_unasked(&mut self, client: usize) {
        let save = self.save_now(client);
        self.keep(client, save);
    }

    pub(super) fn stored(&mut self, client: usize, save: Box<Save>) {
        let host = &mut self.hosts[client];
        if host.seat != save.life || host.dead.is_some() {
            return;
        }
        if host.is_asleep(self.now) {
            return host.held.push_back(Happening::Stored(client, save));
        }
        let revision = save.saved.revision();
        self.keep(client, *save);
        self.tell(client, &Input::Stored { revision });
    }

    fn keep(&mut self, client: usize, save: Save) {
        let saves = &mut self.devices[client].saves;
        saves.push(save);
        let too_many = saves.len().saturating_sub(KEPT);
        saves.drain(..too_many);
    }

    /// The host is gone, with its client and all that waited in it. Another one begins after a while.
    pub(super) fn crash(&mut self, client: usize) {
        let seat = self.hosts[client].seat;
        let write_ahead = self.config_of(client).write_ahead;
        let saves = self.devices[client].saves.len();
        // Which of the saves; one more is made as it goes down.
        let which = match self.chaos.below(8) {
            _ if write_ahead => saves.checked_sub(1),
            0 | 1 => {
                self.save_unasked(client);
                self.devices[client].saves.len().checked_sub(1)
            }
            2 => None,
            3 | 4 => (saves > 0).then_some(0),
            _ => saves.checked_sub(1),
        };
        self.tally.count(if write_ahead { Fault::CrashWithWriteAhead } else { Fault::Crash }, 1);
        self.tally.count(Fault::CrashWithoutSave, u64::from(which.is_none()));
        let saves = &mut self.devices[client].saves;
        // What was saved later than what it goes on from is of a life that never was.
        let later = which.map_or(0, |which| which + 1);
        self.tally.count(Fault::OldSave, u64::from(which.is_some() && later < saves.len()));
        saves.truncate(later);
        let save = saves.last().cloned();
        // Nothing is drawn for this, so that seeds of earlier findings stay what they are.
        let base = match &saves[..] {
            [base, .., newest] if newest.entries.is_multiple_of(2) => Some(Box::new(base.saved.clone())),
            _ => None,
        };
        self.tally.count(Fault::CrashWithChanges, u64::from(base.is_some()));
        let text = match &save {
            Some(save) => format!("crashes; the next life goes on from entry {}", save.entries),
            None => "crashes; the next life knows nothing".into(),
        };
        self.note(client, text);
        self.session.crashed.insert(seat);
        self.hang_up(client);
        self.exchanges.forget_all(client);
        let pause = if self.chaos.per_mille(100) { 3_600_000 } else { self.chaos.range(0, 40_000) };
        let until = self.now + Duration::from_millis(pause);
        self.hosts[client].die(NextLife { save: save.map(Box::new), base });
        self.queue.plan(until, Happening::Restart(client));
    }

    /// The sockets of a host that is gone: what left may arrive, and nothing comes back.
    fn hang_up(&mut self, client: usize) {
        for id in self.network.standing(client) {
            let lost = self.chaos.per_mille(500);
            let after = Duration::from_millis(self.chaos.range(0, 20_000));
            let at = self.network.arrival(self.now, id, Way::ToService) + after;
            if let Some(conn) = self.network.get(id) {
                conn.closed_to_client = true;
                conn.closing = true;
                conn.cut_to_client = true;
                conn.cut_to_service |= lost;
            }
            self.queue.plan(at, Happening::ClosedToService(id));
        }
        self.network.abandon(client);
    }

    /// The next life begins.
    pub(super) fn restart(&mut self, client: usize) -> Result<(), Violation> {
        let Some(NextLife { save, base }) = self.hosts[client].dead.take() else { return Ok(()) };
        let before = self.session.clients[self.hosts[client].seat].clone();
        let mut config = before.config.clone();
        config.continuation_token.clone_from(&self.devices[client].continuation);
        // Whoever writes ahead may use a seed again; from nothing nobody may.
        let same_seed = config.write_ahead && save.is_some() && self.chaos.per_mille(500);
        let seed = if same_seed { before.seed } else { Seed::from_number(self.chaos.draw()) };
        let pending = save.as_ref().map(|save| save.pending.clone()).unwrap_or_default();
        let seat = self.session.clients.len();
        let resumed = match save {
            None => None,
            Some(save) => {
                let read = match &base {
                    Some(base) => read_in_parts(base, &save.saved),
                    None => Saved::from_json(save.saved.to_json().as_bytes()),
                };
                match read {
                    Ok(saved) if saved == save.saved => {
                        Some(Resumed { life: Some(save.life), entries: save.entries, saved })
                    }
                    other => {
                        let parts = if base.is_some() { " in two parts" } else { "" };
                        let what = format!("a save does not survive being written{parts}: {:?}", other.err());
                        return Err(Violation::new(9, save.life, save.entries, what));
                    }
                }
            }
        };
        let token = self.devices[client].token.clone();
        let origin = Origin { token, config, seed, start: self.now, resumed, ..before };
        let core = origin.client::<C>().map_err(|error| {
            Violation::new(7, seat, self.session.entries.len(), format!("a save is refused: {error}"))
        })?;
        let (drain, rng) = (self.hosts[client].drain, self.chaos.fork());
        self.hosts[client] = Host::new(core, seat, drain, rng, self.plan.hosts.late_ticks);
        self.apps[client].begin_again(pending);
        self.session.clients.push(origin);
        self.note(client, "begins again".into());
        self.settle_host(client);
        Ok(())
    }
}
