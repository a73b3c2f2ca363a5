//! What may be typed.

/// A line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Send(String),
    Channels,
    Create { name: String, private: bool },
    Join(String),
    Decline(String),
    Invite(String),
    Remove(String),
    Leave,
    Members,
    History(usize),
    Edit(u64, String),
    Delete(u64),
    Typing,
    Who,
    Help,
    Quit,
}

/// A command: its name, what follows it, what it does, and how the rest of the line is understood.
struct Entry {
    name: &'static str,
    arguments: &'static str,
    does: &'static str,
    read: fn(&str) -> Option<Command>,
}

/// Messages that `/history` shows unless told otherwise, and at most.
const HISTORY: usize = 20;
const MOST_HISTORY: usize = 1000;

const COMMANDS: &[Entry] = &[
    Entry {
        name: "channels",
        arguments: "",
        does: "list the channels",
        read: |rest| alone(rest, Command::Channels),
    },
    Entry {
        name: "create",
        arguments: "NAME [private]",
        does: "create a channel, join it and talk there",
        read: create,
    },
    Entry {
        name: "join",
        arguments: "NAME",
        does: "join a channel and talk there (or its SID)",
        read: |rest| some(rest).map(Command::Join),
    },
    Entry {
        name: "decline",
        arguments: "NAME",
        does: "refuse an invitation",
        read: |rest| some(rest).map(Command::Decline),
    },
    Entry {
        name: "invite",
        arguments: "WHO",
        does: "invite a person to this channel",
        read: |rest| some(rest).map(Command::Invite),
    },
    Entry {
        name: "remove",
        arguments: "WHO",
        does: "remove a person from this channel",
        read: |rest| some(rest).map(Command::Remove),
    },
    Entry {
        name: "leave",
        arguments: "",
        does: "leave this channel",
        read: |rest| alone(rest, Command::Leave),
    },
    Entry {
        name: "members",
        arguments: "",
        does: "list who is in this channel",
        read: |rest| alone(rest, Command::Members),
    },
    Entry { name: "history", arguments: "[N]", does: "show the newest N messages (20)", read: history },
    Entry { name: "edit", arguments: "INDEX TEXT", does: "change the text of a message", read: edit },
    Entry {
        name: "delete",
        arguments: "INDEX",
        does: "delete a message",
        read: |rest| rest.parse().ok().map(Command::Delete),
    },
    Entry {
        name: "typing",
        arguments: "",
        does: "tell the others that you type",
        read: |rest| alone(rest, Command::Typing),
    },
    Entry {
        name: "who",
        arguments: "",
        does: "who and where you are",
        read: |rest| alone(rest, Command::Who),
    },
    Entry { name: "help", arguments: "", does: "this list", read: |rest| alone(rest, Command::Help) },
    Entry { name: "quit", arguments: "", does: "end", read: |rest| alone(rest, Command::Quit) },
];

impl Command {
    /// Understands a line; `None` is an empty one.
    pub(super) fn parse(line: &str) -> Option<Result<Self, String>> {
        let line = line.trim();
        let Some(rest) = line.strip_prefix('/') else {
            return (!line.is_empty()).then(|| Ok(Self::Send(line.to_owned())));
        };
        if rest.starts_with('/') {
            return Some(Ok(Self::Send(rest.to_owned())));
        }
        let (name, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let Some(entry) = COMMANDS.iter().find(|entry| entry.name.eq_ignore_ascii_case(name)) else {
            return Some(Err(format!("there is no command /{name} (/help lists them)")));
        };
        Some((entry.read)(rest.trim()).ok_or_else(|| format!("usage: {}", entry.usage())))
    }

    /// What `/help` prints.
    pub(super) fn help() -> Vec<String> {
        let mut lines: Vec<_> =
            COMMANDS.iter().map(|entry| format!("{:<24} {}", entry.usage(), entry.does)).collect();
        lines.push(format!(
            "{:<24} {}",
            "anything else", "is sent to this channel (begin with // to send a slash)"
        ));
        lines
    }
}

impl Entry {
    fn usage(&self) -> String {
        format!("/{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

fn alone(rest: &str, command: Command) -> Option<Command> {
    rest.is_empty().then_some(command)
}

fn some(rest: &str) -> Option<String> {
    (!rest.is_empty()).then(|| rest.to_owned())
}

fn create(rest: &str) -> Option<Command> {
    match rest.rsplit_once(char::is_whitespace) {
        Some((name, "private")) => some(name.trim()).map(|name| Command::Create { name, private: true }),
        _ => some(rest).map(|name| Command::Create { name, private: false }),
    }
}

fn history(rest: &str) -> Option<Command> {
    match rest {
        "" => Some(Command::History(HISTORY)),
        count => count.parse().ok().filter(|count| (1..=MOST_HISTORY).contains(count)).map(Command::History),
    }
}

fn edit(rest: &str) -> Option<Command> {
    let (index, text) = rest.split_once(char::is_whitespace)?;
    Some(Command::Edit(index.parse().ok()?, some(text.trim())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Command {
        Command::parse(line).unwrap().unwrap()
    }

    #[test]
    fn lines_are_understood() {
        assert_eq!(Command::parse("  \n"), None);
        assert_eq!(read("Hello there\n"), Command::Send("Hello there".into()));
        assert_eq!(read("//etc"), Command::Send("/etc".into()));
        assert_eq!(read("/JOIN  tea party "), Command::Join("tea party".into()));
        assert_eq!(read("/create tea"), Command::Create { name: "tea".into(), private: false });
        assert_eq!(
            read("/create tea party private"),
            Command::Create { name: "tea party".into(), private: true }
        );
        assert_eq!(read("/create private"), Command::Create { name: "private".into(), private: false });
        assert_eq!(read("/history"), Command::History(20));
        assert_eq!(read("/history 5"), Command::History(5));
        assert_eq!(read("/edit 3 new  text"), Command::Edit(3, "new  text".into()));
        assert_eq!(read("/delete 0"), Command::Delete(0));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, part) in [
            ("/dance", "no command /dance"),
            ("/join", "/join NAME"),
            ("/edit 3", "/edit INDEX TEXT"),
            ("/edit x y", "/edit INDEX TEXT"),
            ("/delete -1", "/delete INDEX"),
            ("/history 0", "/history [N]"),
            ("/history 99999999999999999999", "/history [N]"),
            ("/leave now", "usage: /leave"),
            ("/", "no command /"),
        ] {
            let error = Command::parse(line).unwrap().unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }

    #[test]
    fn help_names_every_command() {
        let help = Command::help().join("\n");
        assert!(COMMANDS.iter().all(|entry| help.contains(&format!("/{}", entry.name))));
    }
}
