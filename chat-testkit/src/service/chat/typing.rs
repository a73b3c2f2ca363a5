//! The typing report: `POST /v1/typing` (spec 03 §12).

use serde_json::{Value, json};

use super::Chat;
use crate::service::ServiceConfig;
use crate::service::http::{Request, Response, decode};

/// What those who are told of it get; who they are.
#[derive(Debug)]
pub(crate) struct Typing {
    pub(crate) payload: Value,
    /// Everybody in the channel but the one who types, on whatever connection (spec 03 §21 #5).
    pub(crate) identities: Vec<String>,
}

/// Message type of a typing notification.
pub(crate) const MESSAGE_TYPE: &str = "twilio.ipmsg.typing_indicator";

impl Chat {
    /// What the others are to hear when this one types; `None` when it is no member.
    pub(crate) fn typing(&self, config: &ServiceConfig, identity: &str, channel: &str) -> Option<Typing> {
        let channel = self.find_channel(channel).filter(|channel| channel.is_member(identity))?;
        let others = channel.members.iter().map(|(who, _)| who).filter(|who| *who != identity);
        Some(Typing {
            // One second more than the one who types is told: time to travel.
            payload: json!({
                "channel_sid": channel.sid,
                "identity": identity,
                "typing_timeout": config.typing_timeout + 1,
            }),
            identities: others.cloned().collect(),
        })
    }

    pub(crate) fn serve_typing(
        &self,
        config: &ServiceConfig,
        identity: &str,
        request: &Request,
    ) -> (Response, Option<Typing>) {
        let body = String::from_utf8_lossy(&request.body);
        let channel = body.split('&').find_map(|pair| pair.strip_prefix("ChannelSid=")).map(decode);
        let Some(channel) = channel else {
            return (Response::error(400, 50_350, "ChannelSid is required"), None);
        };
        if self.find_channel(&channel).is_none() {
            return (Response::error(404, 50_300, "Channel not found"), None);
        }
        match self.typing(config, identity, &channel) {
            Some(typing) => (Response::ok(json!({"typing_timeout": config.typing_timeout})), Some(typing)),
            None => (Response::error(403, 50_400, "User not member of channel"), None),
        }
    }
}
