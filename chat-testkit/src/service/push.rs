//! The push registrar: `ers…/v1/registrations` (spec 01 §5.3).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::http::{Request, Response};
use super::world::Ids;

/// A device that wants to be told.
#[derive(Debug, Clone)]
struct Registration {
    identity: String,
    body: Value,
}

/// All registrations, by id.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    all: BTreeMap<String, Registration>,
}

impl Registrations {
    /// Answers a request; tells whether the user can be notified from now on, when that was touched.
    pub(crate) fn serve(
        &mut self,
        ids: &mut Ids,
        identity: &str,
        path: &[&str],
        request: &Request,
    ) -> (Response, Option<bool>) {
        let response = match (request.method.as_str(), path) {
            ("POST", []) => self.register(ids, identity, request.json()),
            ("DELETE", [id]) => {
                self.all.retain(|known, registration| known != id || registration.identity != identity);
                Response::empty(204)
            }
            ("DELETE", []) => {
                let body = request.json();
                let (binding, address) = (body.get("binding_type"), body.get("address"));
                self.all.retain(|_, known| {
                    known.identity != identity
                        || known.body.get("channel_type") != binding
                        || known.body.pointer("/data/registration_id") != address
                });
                Response::empty(204)
            }
            _ => return (Response::error(405, 20_004, "Method not allowed"), None),
        };
        let notifiable = self.all.values().any(|registration| registration.identity == identity);
        (response, Some(notifiable))
    }

    /// One device registers once: a second time replaces what it wants to hear.
    fn register(&mut self, ids: &mut Ids, identity: &str, body: Value) -> Response {
        let device = body.pointer("/data/registration_id");
        let (Some(_), Some(channel_type)) = (device.and_then(Value::as_str), body.get("channel_type")) else {
            return Response::error(400, 52_000, "Registration is not valid");
        };
        let same = self.all.iter().find(|(_, known)| {
            known.identity == identity
                && known.body.get("channel_type") == Some(channel_type)
                && known.body.pointer("/data/registration_id") == device
        });
        let id = same.map_or_else(|| ids.hex("registration"), |(id, _)| id.clone());
        let response = json!({
            "id": id,
            "ttl": body.get("ttl"),
            "channel_type": channel_type,
            "message_types": body.get("message_types"),
        });
        self.all.insert(id, Registration { identity: identity.to_owned(), body });
        Response::json(201, response)
    }

    /// For the control interface: the device's own id stays secret.
    pub(crate) fn list(&self) -> Value {
        let shown = self.all.iter().map(|(id, registration)| {
            json!({
                "id": id,
                "identity": registration.identity,
                "channelType": registration.body.get("channel_type"),
                "messageTypes": registration.body.get("message_types"),
            })
        });
        shown.collect()
    }
}
