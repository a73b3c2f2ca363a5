//! Stars out what must not reach a file: tokens of any kind, push registration ids, temporary media addresses.
//!
//! Lengths stay, so the sizes that frames tell of themselves stay true (law 10).

use chat_proto::Token;

/// Members whose string value is a secret.
const SECRET_MEMBERS: [&str; 6] = [
    "token",
    "continuation_token",
    "X-Twilio-Token",
    "x-twilio-token",
    "registration_id",
    "content_direct_temporary",
];

/// The text with the values of secret members starred out, also in JSON inside a JSON string.
pub(super) fn secrets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, value, after)) = next_secret(rest) {
        out.push_str(before);
        out.extend(std::iter::repeat_n('*', value.len()));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whose the token of an `init` or `update` frame is.
pub(super) fn identity(frame: &str) -> Option<String> {
    let header = frame.split("\r\n").nth(1)?;
    let (_, token, _) = next_secret(header)?;
    let is_ours = header.contains(r#""method":"init""#) || header.contains(r#""method":"update""#);
    let identity = Token::new(token).ok()?.claims()?.identity?;
    is_ours.then(|| identity.into())
}

/// The first secret value: what is before it, itself, what is after it.
fn next_secret(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find('"') {
        let at = from + found;
        // In JSON inside a string the quotes are escaped: all quotes of a member have the same run of backslashes.
        let escapes = text.get(..at)?.bytes().rev().take_while(|b| *b == b'\\').count();
        let quote = text.get(at - escapes..=at)?;
        from = at + 1;
        let Some((start, end)) = secret_member(text, from, quote) else { continue };
        return Some((text.get(..start)?, text.get(start..end)?, text.get(end..)?));
    }
    None
}

/// If the text at `from`, after `quote`, is the name of a secret member with a string value: where the value is.
fn secret_member(text: &str, from: usize, quote: &str) -> Option<(usize, usize)> {
    let after_name =
        SECRET_MEMBERS.iter().find_map(|name| text.get(from..)?.strip_prefix(name)?.strip_prefix(quote))?;
    let value = after_name.trim_start().strip_prefix(':')?.trim_start().strip_prefix(quote)?;
    let start = text.len() - value.len();
    // Tokens have no quotes and no backslashes inside; a value that has is starred out up to there at least.
    Some((start, start + value.find(quote)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_starred_out_and_keep_their_length() {
        let frame = concat!(
            r#"{"method":"init","token":"a.b.c","continuation_token":null,"x":"token"}"#,
            "\r\n",
            r#"{"headers":{"X-Twilio-Token": "JWT-Ä"},"data":{"registration_id":"DEV"},"#,
            r#""inner":"{\"token\":\"deep\",\"keep\":1}","continuation_token_status":"kept"}"#,
        );
        let clean = secrets(frame);
        assert_eq!(clean.len(), frame.len());
        for secret in ["a.b.c", "JWT", "DEV", "deep"] {
            assert!(!clean.contains(secret), "{secret} in {clean}");
        }
        for kept in [r#""x":"token""#, r#"\"keep\":1"#, "null", r#""continuation_token_status":"kept""#] {
            assert!(clean.contains(kept), "no {kept} in {clean}");
        }
        assert!(clean.contains(r#""token":"*****""#), "{clean}");
    }

    #[test]
    fn the_identity_is_read_from_the_token_of_an_init() {
        // {"grants":{"identity":"alice"}}
        let token = "e30.eyJncmFudHMiOnsiaWRlbnRpdHkiOiJhbGljZSJ9fQ.";
        let frame = |method: &str| {
            format!("TWILSOCK V3.0 1\r\n{{\"method\":\"{method}\",\"token\":\"{token}\"}}\r\n")
        };
        assert_eq!(identity(&frame("init")).as_deref(), Some("alice"));
        assert_eq!(identity(&frame("message")), None);
        assert_eq!(identity("TWILSOCK"), None);
    }
}
