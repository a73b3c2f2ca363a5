use std::collections::BTreeSet;
use std::fmt::{self, Write};

use chat_proto::frame::{FrameLimits, decode};
use chat_proto::{CallId, Client, Command, Deadline, Event, Input, Message, Reply, Stats, Time, Why};
use serde_json::Value;

use super::super::plain;
use super::SECRET;
use super::rehearsal::{Rehearsal, config};
use std::time::Duration;

/// How much may come out of one input.
const MOST_OUTPUTS: usize = 2000;
/// How long a client's `Debug` may get with the limits of these plays, however long they are.
const MOST_SIZE: usize = 16 << 20;

/// What a play is held against.
#[derive(Debug)]
pub(super) struct Judge {
    waiting: BTreeSet<CallId>,
    /// Calls of the story before, which nobody saw being asked.
    earlier: u64,
    /// Texts of messages that stood in frames: of the rehearsal, and of this play.
    rehearsed: &'static BTreeSet<String>,
    texts: BTreeSet<String>,
    /// A frame came that a plain reading cannot read: then a message may have come in it.
    unreadable: bool,
}

impl Judge {
    pub(super) fn new(rehearsal: &'static Rehearsal, client: &Client) -> Self {
        let (waiting, texts, rehearsed) = (BTreeSet::new(), BTreeSet::new(), &rehearsal.texts);
        let stats = client.stats();
        let earlier = stats.calls.saturating_sub(stats.answers);
        Self { waiting, earlier, rehearsed, texts, unreadable: false }
    }

    // ---- what goes in

    pub(super) fn asked(&mut self, id: CallId) {
        assert!(self.waiting.insert(id), "two calls are named {id}");
    }

    pub(super) fn said(&mut self, bytes: &[u8]) {
        let payload = decode(bytes, FrameLimits::default()).map(|(_, payload)| payload);
        match payload.map(|payload| (payload, plain::read(payload))) {
            Ok((_, Some(value))) => collect(&value, &mut self.texts),
            Ok((b"", None)) => {}
            _ => self.unreadable = true,
        }
    }

    // ---- what comes out

    pub(super) fn command(command: &Command) {
        assert!(!format!("{command:?}").contains(SECRET), "a secret in {command:?}");
    }

    pub(super) fn event(&mut self, event: &Event) {
        assert!(!format!("{event:?}").contains(SECRET), "a secret in {event:?}");
        match event {
            Event::Answer { call, result } => {
                if !self.waiting.remove(call) {
                    assert!(self.earlier > 0, "{call} does not wait for an answer, but got {result:?}");
                    self.earlier -= 1;
                }
                if let Err(error) = result {
                    assert!(!error.to_string().contains(SECRET), "a secret in {error}");
                }
                match result {
                    Ok(Reply::Message(message)) => self.was_said(message),
                    Ok(Reply::MessagePage(page)) => page.items.iter().for_each(|item| self.was_said(item)),
                    _ => {}
                }
            }
            Event::MessageAdded(message) | Event::MessageUpdated { message, .. } => self.was_said(message),
            _ => {}
        }
    }

    /// A plain reading found its text in some frame.
    fn was_said(&self, message: &Message) {
        if let Some(body) = message.body.as_deref().filter(|_| !self.unreadable) {
            let was_said = self.rehearsed.contains(body) || self.texts.contains(body);
            assert!(was_said, "nobody said {body:?}");
        }
    }

    pub(super) fn outputs(outputs: usize) {
        assert!(outputs <= MOST_OUTPUTS, "{outputs} outputs of one input");
    }

    /// While commands wait the deadline is now (law 4).
    pub(super) fn due_now(deadline: Option<Deadline>, now: Time) {
        let said = deadline.is_some_and(|deadline| deadline.why == Why::Commands && deadline.at <= now);
        assert!(said, "commands wait at {now}, and the deadline is {deadline:?}");
    }

    /// A tick just before the deadline does nothing (law 4).
    pub(super) fn nothing_is_due_before(client: &Client, now: Time, at: Time) {
        let early = Time::ZERO + (at - Time::ZERO).saturating_sub(Duration::from_millis(1));
        if early <= now {
            return;
        }
        let mut copy = client.clone();
        copy.handle(early, Input::Tick);
        assert!(
            copy.poll_command().is_none() && copy.poll_event().is_none(),
            "something was due before {:?}",
            client.deadline()
        );
    }

    /// Malformed or acknowledged: as a plain reading of the same frame says, where that is sure of itself.
    pub(super) fn as_plainly_read(bytes: &[u8], before: &Stats, after: &Stats) {
        if after.stale != before.stale || after.frames_in == before.frames_in {
            return;
        }
        let Some(reading) = Reading::of(bytes) else { return };
        let (acks, malformed) =
            (after.acks_out - before.acks_out, after.frames_malformed - before.frames_malformed);
        assert_eq!(
            (acks, malformed),
            (u64::from(reading.is_acknowledged), u64::from(reading.is_malformed)),
            "acknowledged and malformed, of {:?}",
            String::from_utf8_lossy(bytes)
        );
        let notified = after.notifications - before.notifications;
        assert_eq!(notified, u64::from(reading.is_notification && !reading.is_malformed), "notifications");
    }

    pub(super) fn bounded(client: &Client) {
        let limits = config().limits;
        let state = client.state();
        assert!(state.channels().len() <= limits.channels, "{} channels", state.channels().len());
        for channel in state.channels() {
            let held = state.messages(&channel.sid).count();
            assert!(held <= limits.messages_per_channel, "{held} messages");
        }
        let size = size(client);
        assert!(size <= MOST_SIZE, "its Debug is {size} long");
    }

    /// Law 5, after a shutdown.
    pub(super) fn all_answered(&self) {
        assert!(self.waiting.is_empty(), "never answered: {:?}", self.waiting);
        assert_eq!(self.earlier, 0, "so many calls of the story were never answered");
    }
}

/// What a plain reading finds in a frame.
#[derive(Debug)]
struct Reading {
    is_acknowledged: bool,
    is_malformed: bool,
    is_notification: bool,
}

impl Reading {
    /// `None` where it is not sure: broken outer form, a member twice, numbers or texts that `serde_json` does not take.
    fn of(bytes: &[u8]) -> Option<Self> {
        let limits = config().limits;
        let text = bytes.strip_prefix(b"TWILSOCK V3.0 ").filter(|_| bytes.len() <= limits.frame_bytes)?;
        let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let size: usize = str::from_utf8(text.get(..digits)?).ok()?.parse().ok()?;
        let body = text.get(digits..)?.strip_prefix(b"\r\n").filter(|_| size <= limits.header_bytes)?;
        let (header, rest) = body.split_at_checked(size)?;
        let Value::Object(members) = plain::read(header)? else {
            return Some(Self { is_acknowledged: false, is_malformed: true, is_notification: false });
        };
        // A text, or nothing; `Err` is anything else (spec 01 §2).
        let text = |name: &str| match members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(()),
        };
        let payload_size = match members.get("payload_size") {
            None | Some(Value::Null) => Ok(0),
            Some(size) => size.as_i64().ok_or(()),
        };
        let names = ["continuation_token", "message_type", "client_update_type"];
        let odd = payload_size.is_err() || names.into_iter().any(|name| text(name).is_err());
        let (Ok(method), Ok(id)) = (text("method"), text("id")) else {
            return Some(Self { is_acknowledged: false, is_malformed: true, is_notification: false });
        };
        let is_acknowledged = method != Some("reply") && id.is_some();
        if odd || id.is_none() {
            return Some(Self { is_acknowledged, is_malformed: true, is_notification: false });
        }
        let size = usize::try_from(payload_size.unwrap_or(0)).unwrap_or(0);
        let payload = rest.get(2..).unwrap_or_default();
        let is_whole = payload.len() >= size || plain::read(payload).is_some();
        if !is_whole && serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok() {
            return None;
        }
        let is_malformed = !is_whole || size > limits.frame_bytes;
        Some(Self { is_acknowledged, is_malformed, is_notification: method == Some("notification") })
    }
}

/// Texts of messages, wherever they stand.
pub(super) fn collect(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => {
            if let Some(text) = members.get("text").and_then(Value::as_str) {
                texts.insert(text.to_owned());
            }
            members.values().for_each(|member| collect(member, texts));
        }
        _ => {}
    }
}

/// How long a client's `Debug` is, without making the text; no secret is in it.
fn size(client: &Client) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            assert!(!text.contains(SECRET), "a secret in the client's Debug");
            self.0 += text.len();
            Ok(())
        }
    }
    let mut count = Count(0);
    // Writing into a counter does not fail.
    let _ = write!(count, "{client:?}");
    count.0
}
