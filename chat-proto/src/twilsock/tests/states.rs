//! The table and its page are one.

use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::super::table::{Do, On, State, TABLE, find};

const PAGE: &str = include_str!("../STATES.md");

fn rendered() -> String {
    let mut page = String::from("| State | Event | Next | Actions |\n|---|---|---|---|\n");
    for row in TABLE {
        let actions: Vec<String> = row.actions.iter().map(|action| format!("{action:?}")).collect();
        page += &format!("| {:?} | {:?} | {:?} | {} |\n", row.from, row.on, row.to, actions.join(", "));
    }
    page
}

#[test]
fn the_page_shows_the_table() {
    let rendered = rendered();
    assert!(PAGE.contains(&rendered), "put this into STATES.md:\n{rendered}");
}

#[test]
fn no_pair_is_listed_twice() {
    let pairs: BTreeSet<(State, On)> = TABLE.iter().map(|row| (row.from, row.on)).collect();
    assert_eq!(pairs.len(), TABLE.len());
}

#[test]
fn the_end_is_reached_from_everywhere() {
    for row in TABLE {
        assert!(
            row.to == State::Disconnecting || find(row.to, On::Shutdown).is_some() || row.from == row.to || {
                // On the way out already.
                row.from == State::Disconnecting && row.to == State::Disconnected
            }
        );
    }
}

#[test]
fn at_most_one_socket() {
    // A socket is opened only from states that have none, or after it was given up in the same row.
    let without = [State::Disconnected, State::Retrying, State::Rejected, State::Unsupported];
    for row in TABLE.iter().filter(|row| row.actions.contains(&Do::Open)) {
        assert!(without.contains(&row.from) || row.actions.contains(&Do::CloseSocket), "{row:?}");
    }
    // And states without one are entered only by giving it up, or when it is gone.
    for row in TABLE.iter().filter(|row| without.contains(&row.to)) {
        let gone = row.on == On::SocketClosed || row.actions.contains(&Do::CloseSocket);
        assert!(gone || without.contains(&row.from), "{row:?}");
    }
}

#[test]
fn a_wait_is_armed_exactly_when_waiting_begins() {
    for row in TABLE {
        let begins = row.to == State::Retrying && row.from != State::Retrying;
        assert_eq!(row.actions.contains(&Do::Backoff), begins, "{row:?}");
    }
}
