//! What happens in the demonstration, in order.

use chat_smol::{Channel, CreateChannel, Error, Json};
use chat_testkit::serve::Server;
use futures_lite::future::zip;
use serde_json::json;

use super::person::Person;
use super::screen::Screen;
use super::verdict::{Side, Verdict, service_lines};
use crate::exit::{Failure, chain};

/// What is said while the connections are cut.
const IN_THE_STORM: [(&str, &str); 3] = [
    ("The kettle is on.", "Which tea do we have?"),
    ("Green and black.", "Green, please."),
    ("Two minutes.", "I bring biscuits."),
];

pub(super) async fn tell(server: &Server, screen: &Screen) -> Result<Verdict, Failure> {
    let alice = Person::connect("alice", server, screen).await?;
    let bob = Person::connect("bob", server, screen).await?;

    let (alices, bobs) = meet(&alice, &bob).await?;
    talk(&alice, &alices, &bob, &bobs).await?;
    storm(server, screen, (&alice, &alices), (&bob, &bobs)).await?;

    // Before bob leaves: who is not in a channel holds nothing of it.
    let service = service_lines(server, alices.sid.as_str()).await?;
    let sides = vec![Side::of(&alice, &alices).await?, Side::of(&bob, &bobs).await?];

    bob.does("leaves").await;
    bobs.leave().await.map_err(|error| failed("leaving", &error))?;
    bob.until("that he left", |seen| !seen.joined).await?;
    alice.until("that bob left", |seen| !seen.members.iter().any(|name| name == "bob")).await?;

    zip(alice.client().shutdown(), bob.client().shutdown()).await;
    let events = alice.seen().events + bob.seen().events;
    Ok(Verdict { events, service, sides })
}

/// A channel is created, joined by one, and the other is invited.
async fn meet(alice: &Person, bob: &Person) -> Result<(Channel, Channel), Failure> {
    alice.does("creates the channel \"Tea\" and joins it").await;
    let options = CreateChannel {
        friendly_name: Some("Tea".into()),
        unique_name: Some("tea".into()),
        ..CreateChannel::default()
    };
    let channel =
        alice.client().create_channel(options).await.map_err(|error| failed("creating a channel", &error))?;
    let alices = channel.join().await.map_err(|error| failed("joining", &error))?;
    alice.until("that she joined", |seen| seen.joined).await?;

    alice.does("invites bob").await;
    alices.invite("bob").await.map_err(|error| failed("inviting", &error))?;
    bob.until("the invitation", |seen| seen.invited.is_some()).await?;
    let invited = bob.seen().invited.clone();
    let invited = invited.ok_or_else(|| Failure::failed("the invitation is gone"))?;

    bob.does("joins").await;
    let bobs = bob.client().bind(invited).join().await.map_err(|error| failed("joining", &error))?;
    bob.until("that he joined", |seen| seen.joined).await?;
    alice.until("bob coming in", |seen| seen.members.iter().any(|name| name == "bob")).await?;
    Ok((alices, bobs))
}

/// Messages both ways, typing, an edit.
async fn talk(alice: &Person, alices: &Channel, bob: &Person, bobs: &Channel) -> Result<(), Failure> {
    let first = say(alice, alices, "Helo Bob!").await?;
    heard(bob, 1).await?;

    bob.does("types").await;
    bobs.typing().await.map_err(|error| failed("typing", &error))?;
    alice.until("bob typing", |seen| seen.typing.iter().any(|name| name == "bob")).await?;
    say(bob, bobs, "Hello Alice! Shall we have tea?").await?;
    heard(alice, 2).await?;

    alice.does("corrects it to \"Hello Bob!\"").await;
    let message = alices.messages().into_iter().find(|message| Some(message.index) == first);
    let message = message.ok_or_else(|| Failure::failed("alice does not hold her own message"))?;
    message.update_body("Hello Bob!").await.map_err(|error| failed("editing", &error))?;
    bob.until("the correction", |seen| seen.edits == 1).await?;
    alice.until("her correction", |seen| seen.edits == 1).await
}

/// Both send while the service cuts both connections: nothing is lost, nothing is doubled.
async fn storm(
    server: &Server,
    screen: &Screen,
    (alice, alices): (&Person, &Channel),
    (bob, bobs): (&Person, &Channel),
) -> Result<(), Failure> {
    screen.pause().await;
    // One each, and on with the rest as soon as these are answered: then more is under way for sure.
    let mut under_way = Vec::new();
    for (from_alice, from_bob) in IN_THE_STORM {
        for (person, channel, text) in [(alice, alices, from_alice), (bob, bobs, from_bob)] {
            screen.show(person.name(), '>', &says(text));
            under_way.push(channel.send_message(text, Json::default()));
        }
    }
    let rest = under_way.split_off(2);
    for sent in under_way {
        sent.await.map_err(|error| failed("sending", &error))?;
    }
    screen.show("service", '>', "cuts both connections, with messages under way");
    server.admin("drop", json!({})).await.map_err(Failure::failed)?;
    for sent in rest {
        sent.await.map_err(|error| failed("sending through the cut", &error))?;
    }
    for person in [alice, bob] {
        person.until("the connection heal", |seen| seen.cuts > 0 && seen.connected).await?;
        heard(person, 2 + 2 * IN_THE_STORM.len()).await?;
    }
    Ok(())
}

async fn say(person: &Person, channel: &Channel, text: &str) -> Result<Option<u64>, Failure> {
    person.does(&says(text)).await;
    channel.send_message(text, Json::default()).await.map_err(|error| failed("sending", &error))
}

async fn heard(person: &Person, messages: usize) -> Result<(), Failure> {
    person.until(&format!("{messages} messages"), |seen| seen.messages.len() >= messages).await
}

fn says(text: &str) -> String {
    format!("says \"{text}\"")
}

pub(super) fn failed(what: &str, error: &Error) -> Failure {
    Failure::failed(format!("{what} failed: {}", chain(error)))
}
