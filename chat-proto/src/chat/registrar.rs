//! Push registrations: what the app wants of each channel, what the service has, and the requests between the two
//! (spec 01 §5.3, spec 03 §17.1).
//!
//! There is one request at a time for each channel. Whatever is left to do follows from comparing the two, so a new wish, a
//! new token and a lost answer need nothing of their own.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::Deserialize;

use super::calls::Wait;
use super::{Chat, Tag, Timer};
use crate::call::CallId;
use crate::cx::Cx;
use crate::error::{CallError, Phase};
use crate::event::Reply;
use crate::json::push_string;
use crate::push::PushChannel;
use crate::secret::{Secret, Token};
use crate::twilsock::{HttpReply, Method, Owner, Request, RequestError, Retry, Url};

/// What a device is told of (spec 03 §17.1).
const MESSAGE_TYPES: [&str; 6] = [
    "twilio.channel.new_message",
    "twilio.channel.added_to_channel",
    "twilio.channel.invited_to_channel",
    "twilio.channel.removed_from_channel",
    "twilio.ipmsg.typing_indicator",
    "twilio.channel.consumption_update",
];
/// How long a registration lasts (spec 01 §5.3).
const TTL: &str = "PT24H";
/// When it is renewed. The reference client never does, and its device goes silent when nothing else makes it register
/// again in time, as a new token does.
const RENEWAL: Duration = Duration::from_hours(12);
/// The wait after a failure; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: u64 = 2_000;
const LONGEST_WAIT: u64 = 120_000;
/// In percent, both ways.
const RANDOMNESS: u64 = 20;
/// How often a removal is tried; a registration is tried for ever. The two limits are apart (spec 01 §5.3).
const REMOVALS: u32 = 3;
/// Longest `endpoint_platform`, in characters.
const PLATFORM: usize = 128;

/// All channels that were ever spoken of.
#[derive(Debug, Clone, Default)]
pub(super) struct Registrar {
    channels: BTreeMap<PushChannel, Registration>,
}

#[derive(Debug, Clone, Default)]
struct Registration {
    /// The device that the app wants registered.
    wanted: Option<Secret>,
    /// What the service has.
    held: Option<Held>,
    /// A device that the service may have, under an id that nobody told.
    in_doubt: Option<Secret>,
    busy: Option<Operation>,
    /// Failures in a row.
    failures: u32,
    /// The wait after a failure runs.
    resting: bool,
    /// The service does not want the device with this token: only another of either is worth a try.
    refused: bool,
}

#[derive(Debug, Clone)]
struct Held {
    id: Box<Secret>,
    device: Secret,
    token: Token,
    /// It is old enough to be renewed.
    old: bool,
}

#[derive(Debug, Clone)]
enum Operation {
    Register { device: Secret, token: Token },
    Remove,
}

impl Registration {
    /// The service does not want this device. Gives the error if anybody cares.
    fn refuse(&mut self, device: &Secret, error: CallError) -> Option<CallError> {
        self.in_doubt = None;
        self.refused = self.wanted.as_ref() == Some(device);
        Some(error).filter(|_| self.refused)
    }

    /// What is to be done next, if anything.
    fn next(&self, token: &Token) -> Option<Operation> {
        let register = |device: &Secret| Operation::Register { device: device.clone(), token: token.clone() };
        match (&self.held, &self.in_doubt, &self.wanted) {
            (Some(held), _, Some(wanted)) if held.device == *wanted => {
                (held.old || held.token != *token).then(|| register(wanted))
            }
            (Some(_), ..) => Some(Operation::Remove),
            // Its id is learned by registering it again; then it can be removed.
            (None, Some(doubt), _) if self.wanted.as_ref() != Some(doubt) => Some(register(doubt)),
            (None, _, Some(wanted)) => Some(register(wanted)),
            (None, _, None) => None,
        }
    }
}

impl Chat {
    /// The app wants this device registered, or none.
    pub(super) fn want_push(
        &mut self,
        cx: &mut Cx,
        id: CallId,
        channel: PushChannel,
        device: Option<Secret>,
    ) {
        let registration = self.registrar.channels.entry(channel).or_default();
        if registration.wanted != device {
            registration.wanted = device;
            registration.failures = 0;
        }
        registration.refused = false;
        registration.resting = false;
        cx.timers.cancel(Timer::Push(channel));
        self.calls.wait(id, Wait::Push(channel));
        self.drive_push(cx, channel);
    }

    /// The token changed, or the client is connected (again): what is left to do is done.
    pub(super) fn drive_pushes(&mut self, cx: &mut Cx) {
        for channel in PushChannel::ALL {
            self.drive_push(cx, channel);
        }
    }

    pub(super) fn token_accepted(&mut self, cx: &mut Cx, token: Token) {
        self.token = Some(token);
        for registration in self.registrar.channels.values_mut() {
            registration.refused = false;
        }
        self.drive_pushes(cx);
    }

    pub(super) fn push_rested(&mut self, cx: &mut Cx, channel: PushChannel) {
        if let Some(registration) = self.registrar.channels.get_mut(&channel) {
            registration.resting = false;
        }
        self.drive_push(cx, channel);
    }

    /// A registration lasts no longer than it lasted already.
    pub(super) fn push_is_old(&mut self, cx: &mut Cx, channel: PushChannel) {
        let registration = self.registrar.channels.get_mut(&channel);
        if let Some(held) = registration.and_then(|registration| registration.held.as_mut()) {
            held.old = true;
        }
        self.drive_push(cx, channel);
    }

    /// Whether anything of the channel may have reached the service and is not settled.
    pub(super) fn push_is_under_way(&self, channel: PushChannel) -> bool {
        let registration = self.registrar.channels.get(&channel);
        registration.is_some_and(|r| r.busy.is_some() || r.in_doubt.is_some() || r.failures > 0)
    }

    fn drive_push(&mut self, cx: &mut Cx, channel: PushChannel) {
        let Some(registration) = self.registrar.channels.get_mut(&channel) else { return };
        if registration.busy.is_some() || registration.resting || registration.refused {
            return;
        }
        let Some(token) = &self.token else {
            // Nothing was ever registered; the first connection brings a token.
            if registration.wanted.is_none() {
                self.answer_push(cx, channel, &Ok(Reply::Done));
            }
            return;
        };
        let Some(operation) = registration.next(token) else {
            return self.answer_push(cx, channel, &Ok(Reply::Done));
        };
        if !self.online {
            return;
        }
        let request = match &operation {
            Operation::Register { device, .. } => register(cx, channel, device, token),
            Operation::Remove => registration.held.as_ref().and_then(|held| remove(cx, &held.id, token)),
        };
        let Some(request) = request else {
            let error = CallError::InvalidArgument {
                argument: "endpoints.push".into(),
                problem: "not an absolute address".into(),
            };
            registration.refused = true;
            return self.answer_push(cx, channel, &Err(error));
        };
        if let Operation::Register { device, .. } = &operation {
            registration.in_doubt = Some(device.clone());
        }
        registration.busy = Some(operation);
        cx.request(Owner::Chat(Tag::Push(channel)), request);
    }

    fn answer_push(&mut self, cx: &mut Cx, channel: PushChannel, result: &Result<Reply, CallError>) {
        for id in self.calls.waiting(|wait| *wait == Wait::Push(channel)) {
            self.calls.answer(cx, id, result.clone());
        }
    }

    pub(super) fn push_replied(
        &mut self,
        cx: &mut Cx,
        channel: PushChannel,
        result: Result<HttpReply<'_>, RequestError>,
    ) {
        let Some(registration) = self.registrar.channels.get_mut(&channel) else { return };
        let Some(operation) = registration.busy.take() else { return };
        let error = match (operation, outcome(result)) {
            (_, Outcome::Lost) => None,
            (_, Outcome::ShutDown) => return,
            (Operation::Register { device, token }, Outcome::Done(body)) => match registered(body) {
                Some(id) => {
                    registration.held = Some(Held { id: Box::new(id), device, token, old: false });
                    cx.timers.arm(Timer::PushRenewal(channel), cx.now + RENEWAL);
                    (registration.in_doubt, registration.failures) = (None, 0);
                    None
                }
                None => registration.refuse(
                    &device,
                    CallError::BadAnswer("the registrar did not name the registration".into()),
                ),
            },
            (Operation::Register { device, .. }, Outcome::Refused(error)) => {
                registration.refuse(&device, error)
            }
            (Operation::Register { .. }, Outcome::Failed(_)) => {
                rest(cx, channel, registration);
                None
            }
            (Operation::Remove, Outcome::Done(_)) => {
                cx.timers.cancel(Timer::PushRenewal(channel));
                (registration.held, registration.failures) = (None, 0);
                None
            }
            (Operation::Remove, Outcome::Refused(error) | Outcome::Failed(error)) => {
                if registration.failures.saturating_add(1) < REMOVALS && is_passing(&error) {
                    rest(cx, channel, registration);
                    None
                } else {
                    // It ends by itself within a day.
                    cx.timers.cancel(Timer::PushRenewal(channel));
                    (registration.held, registration.failures) = (None, 0);
                    Some(error).filter(|_| registration.wanted.is_none())
                }
            }
        };
        if let Some(error) = error {
            self.answer_push(cx, channel, &Err(error));
        }
        self.drive_push(cx, channel);
    }
}

fn rest(cx: &mut Cx, channel: PushChannel, registration: &mut Registration) {
    let doubled = FIRST_WAIT.saturating_mul(1_u64 << registration.failures.min(16)).min(LONGEST_WAIT);
    let area = doubled * RANDOMNESS / 100;
    let wait = (doubled - area).saturating_add(cx.jitter.below(2 * area + 1));
    registration.failures = registration.failures.saturating_add(1);
    registration.resting = true;
    cx.timers.arm(Timer::Push(channel), cx.now + Duration::from_millis(wait));
}

/// How a request to the registrar ended.
enum Outcome<'a> {
    Done(&'a [u8]),
    /// It will not be otherwise next time.
    Refused(CallError),
    Failed(CallError),
    /// The link was cut: it goes again when there is another.
    Lost,
    ShutDown,
}

fn outcome(result: Result<HttpReply<'_>, RequestError>) -> Outcome<'_> {
    let error = match result {
        Ok(reply) if reply.is_success() => return Outcome::Done(reply.body),
        // Only a removal can be told this, and then there is nothing left to remove.
        Ok(HttpReply { status: 404, body }) => return Outcome::Done(body),
        Ok(reply) => match CallError::rest(reply.status, reply.body) {
            CallError::Rest { status, code, message } => CallError::Registrar { status, code, message },
            other => other,
        },
        Err(RequestError::Refused { status, code, message }) => {
            CallError::Transport { status, code, message }
        }
        Err(RequestError::TimedOut) => CallError::Unknown(Phase::Sent),
        Err(RequestError::Lost) => return Outcome::Lost,
        Err(RequestError::ShutDown) => return Outcome::ShutDown,
    };
    if is_passing(&error) { Outcome::Failed(error) } else { Outcome::Refused(error) }
}

fn is_passing(error: &CallError) -> bool {
    match error {
        CallError::Registrar { status, .. } | CallError::Transport { status, .. } => {
            matches!(status, 408 | 429 | 500..=599)
        }
        _ => true,
    }
}

fn registered(body: &[u8]) -> Option<Secret> {
    #[derive(Deserialize)]
    struct Body {
        id: Secret,
    }
    let body: Body = serde_json::from_slice(body).ok()?;
    Some(body.id).filter(|id| !id.expose_secret().is_empty())
}

fn register(cx: &Cx, channel: PushChannel, device: &Secret, token: &Token) -> Option<Request> {
    let platform: String = cx.config.metadata.endpoint_platform.chars().take(PLATFORM).collect();
    let mut body = String::from(r#"{"endpoint_platform":"#);
    push_string(&mut body, &platform);
    body.push_str(r#","channel_type":"#);
    push_string(&mut body, channel.as_str());
    body.push_str(r#","version":"#);
    push_string(&mut body, channel.version());
    body.push_str(r#","message_types":["#);
    for (at, kind) in MESSAGE_TYPES.iter().enumerate() {
        body.push_str(if at == 0 { "" } else { "," });
        push_string(&mut body, kind);
    }
    body.push_str(r#"],"data":{"registration_id":"#);
    push_string(&mut body, device.expose_secret());
    body.push_str(r#"},"ttl":"#);
    push_string(&mut body, TTL);
    body.push('}');
    let url = Url::parse(&cx.config.push_base())?;
    Some(request(Method::Post, url, token, Some(body)))
}

fn remove(cx: &Cx, id: &Secret, token: &Token) -> Option<Request> {
    let url = Url::parse(&cx.config.push_base())?.segment(id.expose_secret());
    Some(request(Method::Delete, url, token, None))
}

fn request(method: Method, url: Url, token: &Token, body: Option<String>) -> Request {
    let headers: Vec<(&'static str, String)> =
        [("Content-Type", "application/json".into()), ("X-Twilio-Token", token.expose_secret().into())]
            .into();
    Request {
        method,
        url: url.param("productId", crate::config::PRODUCT),
        headers,
        content_type: Some("application/json"),
        body,
        retry: Retry::Never,
    }
}

#[cfg(test)]
mod tests;
