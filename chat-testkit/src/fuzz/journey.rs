use chat_proto::Client;

use super::keep;
use super::script::Script;
use crate::laws;
use crate::session_file::SessionFile;
use crate::world::{Hosts, Plan, Rng, Weather, World};

/// Journeys: the bytes decide what the apps do, when, and what goes wrong; the service model is what is true at the end.
/// Whatever they decide, each call is answered once, nothing is lost or doubled, all that clients hold ends equal to the
/// service's, and an app that knows only its events ends with the same.
///
/// # Panics
///
/// When law 4, 5, 6 or 11 is broken.
pub fn journey(data: &[u8]) {
    let mut script = Script::new(data);
    let plan = plan(&mut script);
    let seed = plan.seed;
    let rng = Rng::scripted(seed, script.rest());
    let shown = format!("{plan:?}");
    let broken = |violation: laws::Violation| -> ! { panic!("{violation} in {shown}") };
    let run = World::<Client>::with(plan, rng).run().unwrap_or_else(|violation| broken(violation));
    let judged = laws::answered_once(&run.session, run.healed)
        .and_then(|()| laws::nothing_lost(&run))
        .and_then(|()| laws::ends_equal(&run))
        .and_then(|()| laws::told_rightly(&run));
    judged.unwrap_or_else(|violation| {
        keep(|| SessionFile::from(&run.session));
        broken(violation)
    });
    if seed.is_multiple_of(8) {
        laws::repeats_itself::<Client>(&run.session).unwrap_or_else(|violation| broken(violation));
    }
}

fn plan(script: &mut Script<'_>) -> Plan {
    let base = Plan::stormy(u64::from(script.byte()));
    let kind = script.byte();
    let is_on = |bit: u8| kind & (1 << bit) != 0;
    let chance = |on: bool, chance: u64| if on { chance } else { 0 };
    let (weather, hosts) = (base.weather, base.hosts);
    let weather = Weather {
        latency_ms: if is_on(0) { weather.latency_ms } else { (1, 30) },
        cuts: chance(is_on(1), 150),
        refused: chance(is_on(1), weather.refused),
        half_open: chance(is_on(2), weather.half_open),
        faults: chance(is_on(3), 200),
        events: chance(is_on(4), 200),
        service: chance(is_on(3), weather.service),
        one_way: chance(is_on(2), weather.one_way),
        outages: chance(is_on(1), weather.outages),
        offloads: chance(is_on(1), weather.offloads),
        tokens: chance(is_on(3), weather.tokens),
        sessions: chance(is_on(3), weather.sessions),
        canceled: chance(is_on(4), weather.canceled),
        deaf: chance(is_on(4), weather.deaf),
    };
    let hosts = Hosts {
        late_ticks: chance(is_on(5), hosts.late_ticks),
        extra_ticks: chance(is_on(5), hosts.extra_ticks),
        suspends: chance(is_on(6), hosts.suspends),
        clock_back: chance(is_on(6), hosts.clock_back),
        stale: chance(is_on(5), hosts.stale),
        slow_apps: is_on(7),
        crashes: chance(is_on(6), hosts.crashes),
        saves: chance(is_on(6), hosts.saves),
        slow_disk_ms: chance(is_on(6), hosts.slow_disk_ms),
        media: chance(is_on(4), hosts.media),
        push: chance(is_on(4), hosts.push),
        wishes: hosts.wishes,
    };
    Plan { clients: 2, rooms: 1, steps: 8 + script.below(32), weather, hosts, ..base }
}
