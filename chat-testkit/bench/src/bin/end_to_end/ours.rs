//! The role `client`: our client in a process of its own, told what to do line by line, as `sdk.js` is.
//!
//! It is the client as an app has it: the default executor and reactor, one stream of events. Lines that it takes:
//! `create`, `open NAME` (a channel), `expect N` (messages), `figures`, `end`. Lines that it prints are JSON: what was
//! done (`at`), and what the process used until then.

use std::cell::Cell;
use std::io::Write;

use chat_smol::{Client, Event, Options, StreamExt, StreamItem};
use futures_lite::{AsyncBufReadExt, FutureExt, io::BufReader};
use serde_json::{Value, json};
use smol::Unblock;

use crate::Outcome;
use crate::service::said;
use crate::usage::figures;

/// Enough for a whole burst: whether the reader keeps up is not what is measured.
const EVENT_BUFFER: usize = 1 << 14;

pub(crate) fn run(url: &str, token: &str, record: Option<&str>) -> Outcome<()> {
    let app = App { url, token, record, awaited: Cell::new(0), seen: Cell::new(0) };
    say("loaded", json!({}));
    smol::block_on(app.obey())
}

struct App<'a> {
    url: &'a str,
    token: &'a str,
    /// Where the session is recorded, if it is.
    record: Option<&'a str>,
    /// How many messages are to come, and how many came.
    awaited: Cell<u64>,
    seen: Cell<u64>,
}

impl App<'_> {
    async fn obey(&self) -> Outcome<()> {
        let mut lines = BufReader::new(Unblock::new(std::io::stdin())).lines();
        match lines.next().await.transpose()?.as_deref() {
            Some("create") => {}
            other => return Err(said(format!("create comes first, not {other:?}"))),
        }
        let options = Options::new().url(self.url).event_buffer(EVENT_BUFFER);
        let options = match self.record {
            Some(file) => options.record(file),
            None => options,
        };
        let client = Client::create(self.token, options).await?;
        say("created", json!({}));
        let listen = async {
            let mut events = client.events();
            while let Some(item) = events.next().await {
                self.hear(item)?;
            }
            Ok(())
        };
        let work = async {
            while let Some(line) = lines.next().await.transpose()? {
                let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
                match word {
                    "open" => {
                        client.get_channel_by_unique_name(rest).await?;
                        say("open", json!({}));
                    }
                    "expect" => {
                        self.seen.set(0);
                        self.awaited.set(rest.parse()?);
                        say("armed", json!({}));
                    }
                    "figures" => say("figures", json!({})),
                    "end" => return Ok(client.shutdown().await),
                    other => return Err(said(format!("unknown: {other}"))),
                }
            }
            Ok(())
        };
        work.or(listen).await
    }

    fn hear(&self, item: StreamItem) -> Outcome<()> {
        match item {
            StreamItem::Lagged(count) => return Err(said(format!("{count} events were lost"))),
            StreamItem::Event(Event::MessageAdded(message)) => {
                let seen = self.seen.get();
                if message.index != seen {
                    return Err(said(format!("message {} instead of {seen}", message.index)));
                }
                self.seen.set(seen + 1);
                if seen + 1 == self.awaited.get() {
                    say("done", json!({ "messages": seen + 1 }));
                }
            }
            StreamItem::Event(_) => {}
        }
        Ok(())
    }
}

fn say(at: &str, with: Value) {
    let mut line = figures();
    line["at"] = at.into();
    if let (Some(line), Value::Object(with)) = (line.as_object_mut(), with) {
        line.extend(with);
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}
