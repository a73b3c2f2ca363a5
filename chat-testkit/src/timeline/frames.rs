//! Twilsock frames on one line: what they ask, or what they answer.

use std::collections::HashMap;

use chat_proto::{FrameRecord, frame};
use serde_json::Value;

use super::values::{shown, shown_all_text, shown_text};
use super::{Layer, Mark, Said, Way, sync};

/// The frames of one client: requests get numbers, so that answers can name them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    requests: u64,
    open: HashMap<String, (Layer, String)>,
    /// The numbers of requests for subscriptions, by `correlation_id`.
    subscriptions: HashMap<String, u64>,
}

impl Frames {
    pub(super) fn sent(&mut self, bytes: &[u8]) -> Said {
        self.tell(Way::Out, bytes)
    }

    pub(super) fn came(&mut self, frame: &FrameRecord) -> Said {
        match frame {
            FrameRecord::Binary(bytes) => self.tell(Way::In, bytes),
            FrameRecord::Text(text) => {
                let text = format!("a text message: {}", shown_text(text.as_bytes()));
                Said::plain(Layer::Twilsock, Way::In, text).error()
            }
        }
    }

    fn tell(&mut self, way: Way, bytes: &[u8]) -> Said {
        let full = Some(String::from_utf8_lossy(bytes).replace("\r\n", "\n"));
        let bad = |problem: String| {
            let text = format!("{} bytes that are no frame ({problem}): {}", bytes.len(), shown_text(bytes));
            Said { full: full.clone(), ..Said::plain(Layer::Twilsock, way, text).error() }
        };
        let (header, payload) = match frame::decode(bytes, frame::FrameLimits::default()) {
            Ok(parts) => parts,
            Err(error) => return bad(error.to_string()),
        };
        let Ok(header) = serde_json::from_str::<Value>(header) else { return bad("header".into()) };
        let (layer, mark, text) = self.frame(way, &header, payload);
        Said { layer, way, mark, text, full }
    }

    fn frame(&mut self, way: Way, header: &Value, payload: &[u8]) -> (Layer, Mark, String) {
        let method = header["method"].as_str().unwrap_or_default();
        let (layer, mark, text) = match (way, method) {
            (_, "reply") => return self.reply(way, header, payload),
            (Way::Out, "message") => self.request(&header["http_request"], payload),
            (_, "notification") => self.notification(header, payload),
            (_, "init") => {
                let again = header.get("continuation_token").is_some_and(|token| !token.is_null());
                let text = if again { "init with a continuation token" } else { "init" };
                (Layer::Twilsock, Mark::Plain, text.to_owned())
            }
            (Way::In, "close") => {
                (Layer::Twilsock, Mark::Error, format!("close {} {}", status(header), shown_text(payload)))
            }
            (_, "client_update") => {
                let kind = header["client_update_type"].as_str().unwrap_or_default();
                (Layer::Twilsock, Mark::Plain, format!("client_update {kind}"))
            }
            (_, other) => {
                let text = format!("{other} {}", shown_text(payload));
                (Layer::Twilsock, Mark::Plain, text.trim_end().to_owned())
            }
        };
        if let Some(id) = header["id"].as_str() {
            // Requests have a number already; the rest is named by its method.
            let label = match text.split_once(' ') {
                Some((name, _)) if name.starts_with('#') || method == "notification" => name.to_owned(),
                _ => method.to_owned(),
            };
            self.open.insert(id.to_owned(), (layer, label));
        }
        (layer, mark, text.trim_end().to_owned())
    }

    fn request(&mut self, http: &Value, payload: &[u8]) -> (Layer, Mark, String) {
        self.requests += 1;
        let (method, path) =
            (http["method"].as_str().unwrap_or_default(), http["path"].as_str().unwrap_or_default());
        let mut query = String::new();
        for (name, value) in http["params"].as_object().into_iter().flatten() {
            query.push(if query.is_empty() { '?' } else { '&' });
            query += name;
            query.push('=');
            query += &value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        }
        let path = shorter_path(path);
        let is_sync = http["host"].as_str().is_some_and(|host| host.starts_with("cds."));
        let is_command = is_sync && method == "POST" && path.ends_with("/Items") && path.contains("/Lists/");
        let layer = if is_sync && !is_command { Layer::Sync } else { Layer::Chat };
        let body = self.body(is_command, &path, payload);
        (layer, Mark::Plain, format!("#{} {method} {path}{query} {body}", self.requests))
    }

    /// The body of a request: everything, since the client chose it.
    fn body(&mut self, is_command: bool, path: &str, payload: &[u8]) -> String {
        let plain = || shown_all_text(payload);
        let Ok(value) = serde_json::from_slice::<Value>(payload) else { return plain() };
        if is_command {
            return sync::command(&value).unwrap_or_else(plain);
        }
        if !path.ends_with("/v4/Subscriptions") {
            return plain();
        }
        if let Some(id) = value.get("correlation_id") {
            self.subscriptions.insert(id.to_string(), self.requests);
        }
        sync::subscriptions(&value).unwrap_or_else(plain)
    }

    fn notification(&mut self, header: &Value, payload: &[u8]) -> (Layer, Mark, String) {
        let kind = header["message_type"].as_str().unwrap_or_default();
        let layer = if kind.contains("ipmsg") { Layer::Chat } else { Layer::Sync };
        let Ok(Value::Object(mut members)) = serde_json::from_slice::<Value>(payload) else {
            return (layer, Mark::Error, format!("notification {kind} {}", shown_text(payload)));
        };
        let event_type = members.remove("event_type");
        let name = event_type.as_ref().and_then(Value::as_str).unwrap_or(kind);
        // An event with the number of a request is an answer to it, or is replayed for it.
        let cause = match members.remove("correlation_id") {
            Some(id) => match self.subscriptions.get(&id.to_string()) {
                Some(number) => format!(" (of #{number})"),
                None => format!(" (of an unknown request, correlation_id {id})"),
            },
            None => String::new(),
        };
        let mark = if name == "subscription_failed" { Mark::Error } else { Mark::Plain };
        let is_answer = name.starts_with("subscription_");
        let told = |event: &Value| {
            let told = if is_answer { sync::acknowledgement(event) } else { sync::event(name, event) };
            told.unwrap_or_else(|| shown(event.clone()))
        };
        let text = match (members.remove("events"), members.remove("event")) {
            (Some(Value::Array(events)), _) => events.iter().map(told).collect::<Vec<_>>().join("; "),
            (_, Some(event)) => told(&event),
            _ => shown(members.into()),
        };
        (layer, mark, format!("{name} {text}{cause}"))
    }

    fn reply(&mut self, way: Way, header: &Value, payload: &[u8]) -> (Layer, Mark, String) {
        let known = header["id"].as_str().and_then(|id| self.open.remove(id));
        let (layer, label) = known.unwrap_or((Layer::Twilsock, "something unknown".into()));
        if way == Way::Out {
            return (Layer::Twilsock, Mark::Plain, format!("ack of {label}"));
        }
        let code = header["status"]["code"].as_u64().unwrap_or(0);
        let http = header["http_status"]["code"].as_u64();
        let good = (200..300).contains(&code) && http.is_none_or(|http| (200..300).contains(&http));
        let (code, status) = match http {
            Some(http) if (200..300).contains(&code) => (http, String::new()),
            _ if good => (code, String::new()),
            // The transport's own refusal says why in the header.
            _ => (code, format!(" by the transport: {}", status(header))),
        };
        let body = match serde_json::from_slice(payload) {
            Ok(value) if layer == Layer::Sync || label.starts_with('#') => sync::body(value),
            _ => shown_text(payload),
        };
        let text = format!("{code} to {label}{status} {body}");
        let mark = if good { Mark::Plain } else { Mark::Error };
        (layer, mark, text.trim_end().to_owned())
    }
}

fn status(header: &Value) -> String {
    shown(header["status"].clone())
}

/// Every Sync path begins alike.
fn shorter_path(path: &str) -> String {
    let mut parts = path.splitn(5, '/');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(""), Some(_), Some("Services"), Some(_), Some(rest)) => format!("…/{rest}"),
        _ => path.to_owned(),
    }
}
