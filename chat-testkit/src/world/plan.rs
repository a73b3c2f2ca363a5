use std::fmt;

use chat_proto::Config;

use crate::service::ServiceConfig;

/// What a world is like. The seed decides everything else.
#[derive(Clone)]
pub struct Plan {
    /// One seed, one world.
    pub seed: u64,
    /// How many clients.
    pub clients: usize,
    /// How many of them are devices of the first person; every other client is another person.
    pub devices: usize,
    /// How many channels there are in which everybody is from the beginning.
    pub rooms: usize,
    /// How many things the apps do in all.
    pub steps: usize,
    /// What each client is told, beside its own addresses and dates.
    pub config: Config,
    /// What the service is told.
    pub service: ServiceConfig,
    /// How bad the network is.
    pub weather: Weather,
    /// How bad the hosts are.
    pub hosts: Hosts,
    /// Whether each socket is cut when the storm is over: nothing else shows an event that was lost as the last of its
    /// object, or a subscription that ended without a word.
    pub last_cut: bool,
    /// Whether the service changes every object once more when the storm is over: an event that was lost shows at the
    /// next one of its object.
    pub last_word: bool,
    /// During how many of the last things that apps do all live events of documents and maps are lost: those of channels,
    /// rosters, own channels and people.
    pub silence: usize,
}

impl Plan {
    /// A world of two or three people in which everything may go wrong.
    pub fn stormy(seed: u64) -> Self {
        let mut config = Config::default();
        config.write_ahead = seed % 4 == 1;
        Self {
            seed,
            clients: 2 + usize::from(seed.is_multiple_of(3)),
            devices: 1 + usize::from(seed.is_multiple_of(9)),
            rooms: 1 + usize::from(seed.is_multiple_of(2)),
            steps: 60,
            config,
            // Without pings a client takes a silent service for a dead socket.
            service: ServiceConfig {
                ping_interval_ms: 20_000,
                replay_limit: if seed % 7 == 1 { 1 + usize::from(seed.is_multiple_of(2)) } else { 0 },
                ..ServiceConfig::default()
            },
            weather: Weather {
                latency_ms: (1, 400),
                cuts: 60,
                refused: 100,
                half_open: 250,
                faults: 80,
                events: 80,
                service: 60,
                one_way: 300,
                outages: 8,
                offloads: 15,
                tokens: 15,
                sessions: 5,
                canceled: 25,
                deaf: 15,
            },
            last_cut: true,
            last_word: false,
            silence: 0,
            hosts: Hosts {
                late_ticks: 100,
                extra_ticks: 50,
                suspends: 8,
                clock_back: 20,
                stale: 40,
                slow_apps: true,
                crashes: 15,
                saves: 100,
                slow_disk_ms: 300,
                media: 60,
                push: 20,
                wishes: 500,
            },
        }
    }

    /// The same people on a good network with good hosts.
    pub fn calm(seed: u64) -> Self {
        Self { weather: Weather::calm((1, 30)), hosts: Hosts::good(), ..Self::stormy(seed) }
    }
}

/// One line: what a failing run prints, and what it is made again of.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, clients, devices, rooms, steps, weather, hosts, config, .. } = self;
        write!(f, "Plan {{ seed: {seed}, clients: {clients}, devices: {devices}, rooms: {rooms}, ")?;
        write!(f, "steps: {steps}, write_ahead: {}, ", config.write_ahead)?;
        write!(f, "weather: {weather:?}, hosts: {hosts:?} }}")
    }
}

/// How bad the network is. Chances are per mille.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// How long a message travels, from and to. Messages of one socket never overtake each other.
    pub latency_ms: (u64, u64),
    /// How often a socket is cut, for each thing that an app does: what is on its way is lost.
    pub cuts: u64,
    /// How often a socket does not open.
    pub refused: u64,
    /// How often nobody tells the client of a cut, for each cut.
    pub half_open: u64,
    /// How often the service answers a request wrongly, late or not at all, for each thing that an app does.
    pub faults: u64,
    /// How often the service loses, doubles, delays or swaps a live event, for each thing that an app does.
    pub events: u64,
    /// The same for what is worse: waves of throttling, lost acknowledgements, connections that nobody answers.
    pub service: u64,
    /// How often a cut is one of one direction only, for each cut.
    pub one_way: u64,
    /// How often the service restarts: all sockets and transfers are lost, and none can be opened for a while.
    pub outages: u64,
    /// How often the service sends a client elsewhere (`close` with 308), sometimes with a backoff policy.
    pub offloads: u64,
    /// How often an access token expires or is refused, before or while it is in use.
    pub tokens: u64,
    /// How often the service loses the session lists of a person.
    pub sessions: u64,
    /// How often the service ends a subscription of somebody of its own accord, and says so.
    pub canceled: u64,
    /// How often it does, and does not.
    pub deaf: u64,
}

impl Weather {
    /// Nothing goes wrong.
    pub const fn calm(latency_ms: (u64, u64)) -> Self {
        Self {
            latency_ms,
            cuts: 0,
            refused: 0,
            half_open: 0,
            faults: 0,
            events: 0,
            service: 0,
            one_way: 0,
            outages: 0,
            offloads: 0,
            tokens: 0,
            sessions: 0,
            canceled: 0,
            deaf: 0,
        }
    }
}

/// How bad the hosts are. Chances are per mille, for each thing that an app does unless said otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Hosts {
    /// How often a tick comes late, by up to three seconds, for each tick.
    pub late_ticks: u64,
    /// How often a tick comes that nobody asked for.
    pub extra_ticks: u64,
    /// How often a host sleeps for minutes or hours.
    pub suspends: u64,
    /// How often a clock goes back by up to five seconds.
    pub clock_back: u64,
    /// How often a host tells what it told of an earlier socket again.
    pub stale: u64,
    /// Whether some apps take their events late, or only at the end.
    pub slow_apps: bool,
    /// How often a host crashes: its client is lost, and another one goes on from a save.
    pub crashes: u64,
    /// How often a host saves by itself, where [`Config::write_ahead`] does not ask for it.
    pub saves: u64,
    /// How long a disk takes at most, in milliseconds.
    pub slow_disk_ms: u64,
    /// How often an app does something with media.
    pub media: u64,
    /// How often an app does something with push notifications.
    pub push: u64,
    /// How often another app changes something too, or follows somebody.
    pub wishes: u64,
}

impl Hosts {
    /// Nothing goes wrong, and nobody uses media or push, or wishes for more.
    pub const fn good() -> Self {
        Self {
            late_ticks: 0,
            extra_ticks: 0,
            suspends: 0,
            clock_back: 0,
            stale: 0,
            slow_apps: false,
            crashes: 0,
            saves: 0,
            slow_disk_ms: 0,
            media: 0,
            push: 0,
            wishes: 0,
        }
    }
}
