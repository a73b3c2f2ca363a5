//! Twilsock frames on one line: what they ask, or what they answer.

use std::collections::HashMap;

use chat_proto::{FrameRecord, frame};
use serde_json::Value;

use super::values::{shown, shown_text};
use super::{Layer, Mark, Said, Way};

/// The frames of one client: requests get numbers, so that answers can name them.
#[derive(Debug, Default)]
pub(super) struct Frames {
    requests: u64,
    open: HashMap<String, (Layer, String)>,
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
            (_, "notification") => notification(header, payload),
            (_, "init") => {
                let again = header.get("continuation_token").is_some_and(|token| !token.is_null());
                let text = if again { "init with a continuation token" } else { "init" };
                (Layer::Twilsock, Mark::Plain, text.to_owned())
            }
            (Way::In, "close") => {
                (Layer::Twilsock, Mark::Error, format!("close: {} {}", status(header), shown_text(payload)))
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
        let text = format!("#{} {method} {path}{query} {}", self.requests, shown_text(payload));
        (layer, Mark::Plain, text)
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
        let said = match http {
            Some(http) if (200..300).contains(&code) => http.to_string(),
            _ if good => code.to_string(),
            _ => format!("refused by the transport, {}", status(header)),
        };
        let text = format!("{said} to {label} {}", shown_text(payload));
        let mark = if good { Mark::Plain } else { Mark::Error };
        (layer, mark, text.trim_end().to_owned())
    }
}

fn notification(header: &Value, payload: &[u8]) -> (Layer, Mark, String) {
    let kind = header["message_type"].as_str().unwrap_or_default();
    let layer = if kind.contains("ipmsg") { Layer::Chat } else { Layer::Sync };
    let Ok(Value::Object(mut members)) = serde_json::from_slice::<Value>(payload) else {
        return (layer, Mark::Error, format!("notification {kind} {}", shown_text(payload)));
    };
    let event_type = members.remove("event_type");
    let name = event_type.as_ref().and_then(Value::as_str).unwrap_or(kind);
    let mark = if name == "subscription_failed" { Mark::Error } else { Mark::Plain };
    let event = members.remove("event").unwrap_or_else(|| members.into());
    (layer, mark, format!("{name} {}", shown(event)))
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
