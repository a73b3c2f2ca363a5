//! Texts from elsewhere, made fit for a terminal.

/// The text in one line, without anything that a terminal would obey: what others write must not move the cursor.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str(" / "),
            '\t' => out.push(' '),
            c if c.is_control() || is_direction(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Marks that turn the direction of writing, so that a line would read other than it is.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        assert_eq!(one_line("a\x1b[2Jb\r\nc\td"), "a\u{fffd}[2Jb\u{fffd} / c d");
        assert_eq!(one_line("user\u{202e}txt"), "user\u{fffd}txt");
        assert_eq!(one_line("Grüße, 世界"), "Grüße, 世界");
    }
}
