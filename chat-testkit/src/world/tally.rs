use std::collections::BTreeMap;

/// Something that worlds must not be without: faults, and what apps do that has faults of its own.
///
/// How each is drawn stands in the table of `FAULTS.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is a line of the table in FAULTS.md")]
pub enum Fault {
    // The network.
    Reordered,
    Cut,
    CutOneWay,
    HalfOpen,
    Refused,
    Outage,
    NetworkReport,
    // Hosts and apps.
    LateTick,
    ExtraTick,
    Suspend,
    ClockBack,
    Stale,
    SlowApp,
    SecondDevice,
    Crash,
    CrashWithWriteAhead,
    CrashWithoutSave,
    CrashWithChanges,
    OldSave,
    SlowDisk,
    // The service.
    Throttled,
    ErrorBefore,
    ErrorAfter,
    NoReply,
    RequestCut,
    LateExecution,
    LateAnswer,
    InitFailed,
    EventLost,
    EventDoubled,
    EventSwapped,
    EventLate,
    AckLost,
    AckLate,
    ReplayInterrupted,
    TokenExpired,
    TokenRefused,
    Offload,
    SessionLost,
    SubscriptionCanceled,
    SubscriptionDeaf,
    // Media and push.
    MediaCall,
    MediaFailed,
    MediaCutInTransfer,
    MediaStalled,
    PushCall,
    // Whatever else apps change.
    Wish,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 47] = [
        Self::Reordered,
        Self::Cut,
        Self::CutOneWay,
        Self::HalfOpen,
        Self::Refused,
        Self::Outage,
        Self::NetworkReport,
        Self::LateTick,
        Self::ExtraTick,
        Self::Suspend,
        Self::ClockBack,
        Self::Stale,
        Self::SlowApp,
        Self::SecondDevice,
        Self::Crash,
        Self::CrashWithWriteAhead,
        Self::CrashWithoutSave,
        Self::CrashWithChanges,
        Self::OldSave,
        Self::SlowDisk,
        Self::Throttled,
        Self::ErrorBefore,
        Self::ErrorAfter,
        Self::NoReply,
        Self::RequestCut,
        Self::LateExecution,
        Self::LateAnswer,
        Self::InitFailed,
        Self::EventLost,
        Self::EventDoubled,
        Self::EventSwapped,
        Self::EventLate,
        Self::AckLost,
        Self::AckLate,
        Self::ReplayInterrupted,
        Self::TokenExpired,
        Self::TokenRefused,
        Self::Offload,
        Self::SessionLost,
        Self::SubscriptionCanceled,
        Self::SubscriptionDeaf,
        Self::MediaCall,
        Self::MediaFailed,
        Self::MediaCutInTransfer,
        Self::MediaStalled,
        Self::PushCall,
        Self::Wish,
    ];
}

/// How often each fault happened in a world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Fault, u64>);

impl Tally {
    /// How often this one did.
    pub fn of(&self, fault: Fault) -> u64 {
        self.0.get(&fault).copied().unwrap_or(0)
    }

    /// Adds what happened in another world.
    pub fn add(&mut self, other: &Self) {
        for (fault, times) in &other.0 {
            self.count(*fault, *times);
        }
    }

    pub(super) fn count(&mut self, fault: Fault, times: u64) {
        if times > 0 {
            *self.0.entry(fault).or_default() += times;
        }
    }
}
