//! People: own user, descriptors, subscription and its limit, attributes, reachability: the steps of `interop/s06.js`.
//! Steps that our types cannot express are left out.

use chat_proto::{Call, Json, PushChannel, Reply, Secret};
use serde_json::{Value, json};

use crate::scenario::{Scenario, nothing};
use crate::view;

fn user(reply: &Reply) -> Option<Value> {
    let Reply::User(user) = reply else { panic!("{reply:?}") };
    Some(view::user(user))
}

fn descriptor(reply: &Reply) -> Option<Value> {
    let Reply::UserDescriptor(user) = reply else { panic!("{reply:?}") };
    Some(view::user_descriptor(user))
}

fn identities(reply: &Reply) -> Option<Value> {
    let Reply::Users(users) = reply else { panic!("{reply:?}") };
    Some(users.iter().map(|user| Value::from(user.identity.as_str())).collect())
}

fn rename(identity: &str, name: Option<&str>) -> Call {
    Call::UpdateUserFriendlyName(identity.into(), name.map(Into::into))
}

fn describe(identity: &str, attributes: &Value) -> Call {
    Call::UpdateUserAttributes(identity.into(), Json::from_value(attributes).unwrap())
}

#[test]
fn s06() {
    let mut s = Scenario::new("s06", json!({ "userInfosToSubscribe": 3 }));
    let a = s.client("alice");
    s.settle();
    let b = s.client("bob");
    s.settle();
    for i in ["u1", "u2", "u3"] {
        let attributes = json!({ "i": i }).to_string();
        s.admin(
            "user",
            json!({ "identity": i, "friendlyName": format!("User {i}"), "attributes": attributes }),
        );
    }
    let get = |identity: &str| Call::GetUser(identity.into());

    s.step("own user");
    s.result(a, "getUser(self)", get("alice"), user);
    s.result(a, "updateFriendlyName", rename("alice", Some("Alice A.")), user);
    s.settle();
    s.result(a, "updateAttributes", describe("alice", &json!({ "team": "red" })), user);
    s.settle();
    s.result(a, "updateAttributes(null)", describe("alice", &Value::Null), user);
    s.step("descriptors");
    s.result(a, "getUserDescriptor", Call::GetUserDescriptor("bob".into()), descriptor);
    s.result(a, "getUserDescriptor(unknown)", Call::GetUserDescriptor("nobody".into()), descriptor);
    s.step("getUser(bob) subscribes");
    let bob = s.result(a, "getUser", get("bob"), user);
    s.settle();
    s.result(a, "getUser again is the same object", get("bob"), |reply| {
        Some((Some(reply) == bob.as_ref()).into())
    });
    s.result(a, "getUser(unknown)", get("nobody"), user);
    s.step("bob changes");
    s.result(b, "updateFriendlyName", rename("bob", Some("Bob B.")), user);
    s.settle();
    s.result(b, "updateAttributes", describe("bob", &json!({ "mood": "ok" })), user);
    s.settle();
    s.result(b, "updateFriendlyName(null)", rename("bob", None), user);
    s.settle();
    s.step("alice edits bob's attributes");
    s.result(a, "updateAttributes(other)", describe("bob", &json!({ "x": 1 })), user);
    s.step("reachability: bob goes offline and comes back");
    s.admin("drop", json!({ "identity": "bob" }));
    s.sleep(6000);
    s.settle();
    s.step("notifiable");
    let register = Call::SetPushRegistrationId(PushChannel::Fcm, Secret::new("device-token-1"));
    s.result(b, "setPushRegistrationId", register, nothing);
    s.settle();
    s.result(b, "unsetPushRegistrationId", Call::UnsetPushRegistrationId(PushChannel::Fcm), nothing);
    s.settle();
    s.step("subscription limit (3): the oldest is unsubscribed");
    for i in ["u1", "u2", "u3"] {
        s.result(a, "getUser", get(i), user);
        s.settle();
    }
    s.result(a, "getSubscribedUsers", Call::GetSubscribedUsers, identities);
    s.step("unsubscribed bob is not updated");
    s.result(b, "updateFriendlyName", rename("bob", Some("Bob C.")), user);
    s.settle();
    s.result(a, "updateAttributes(unsubscribed)", describe("bob", &json!({ "x": 1 })), user);
    s.step("descriptor.subscribe");
    s.result(a, "getUserDescriptor", Call::GetUserDescriptor("u1".into()), descriptor);
    s.result(a, "descriptor.subscribe", get("u1"), user);
    s.settle();
    s.step("unsubscribe");
    let unsubscribe = |identity: &str| Call::UnsubscribeUser(identity.into());
    s.stage.ask(a, get("u3")).unwrap();
    s.result(a, "unsubscribe", unsubscribe("u3"), nothing);
    s.settle();
    s.result(a, "unsubscribe again", unsubscribe("u3"), nothing);
    s.settle();
    s.result(a, "unsubscribe self", unsubscribe("alice"), nothing);
    s.settle();
    s.result(a, "getSubscribedUsers", Call::GetSubscribedUsers, identities);
    s.step("update of a subscribed user after all");
    s.admin("user", json!({ "identity": "u2", "friendlyName": "User two" }));
    s.settle();
    let service = s.admin("state", json!({}));
    s.note("registrations", service["registrations"].as_array().unwrap().len().into());
    s.finish();
}
