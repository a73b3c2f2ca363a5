//! A session as one HTML page that needs nothing else: a sequence diagram over time with the layers as lanes.
//!
//! The page is read by people who debug; it opens from disk, without a network. Whatever a session holds is shown as text
//! and never as markup.

use std::fmt::Write as _;

use crate::session_file::SessionFile;
use crate::timeline::{Layer, Mark, Moment, Timeline, Way};

const STYLE: &str = include_str!("inspect/page.css");
const SCRIPT: &str = include_str!("inspect/page.js");

/// The page for a session.
pub fn page(title: &str, session: &SessionFile) -> String {
    let timeline = Timeline::new(session);
    let title = escaped(title);
    let moments = &timeline.moments;
    let count = |mark: Mark| moments.iter().filter(|moment| moment.mark == mark).count();
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p>{} · {} moments · {} troubles · {} reconnects</p>\n",
        escaped(&session.header.origin),
        moments.len(),
        count(Mark::Error),
        count(Mark::Reconnect),
    );
    filters(&mut html, moments);
    // In the part that stays in place, so that the lanes have names wherever one is.
    html += "<div class=\"row lanes\"><span>time</span><span>who</span>";
    for layer in Layer::ALL {
        let _ = write!(html, "<span>{}</span>", layer.name());
    }
    html += "<span>service</span></div>\n</header>\n<main>\n";
    let first = moments.first().map_or(0, |moment| moment.at.as_millis());
    let mut before = first;
    for moment in moments {
        let at = moment.at.as_millis();
        row(&mut html, moment, at.saturating_sub(first), at.saturating_sub(before));
        before = at;
    }
    let _ = write!(html, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    html
}

fn filters(html: &mut String, moments: &[Moment]) {
    *html += "<form>";
    for layer in Layer::ALL {
        let name = layer.name();
        let _ = write!(
            html,
            "<label><input type=\"checkbox\" name=\"layer\" value=\"{name}\" checked> {name}</label>"
        );
    }
    let mut channels: Vec<&str> = moments.iter().filter_map(|moment| moment.channel.as_deref()).collect();
    let mut people: Vec<&str> = moments.iter().map(|moment| moment.who.as_str()).collect();
    for (name, all, values) in [("channel", "all channels", &mut channels), ("who", "everybody", &mut people)]
    {
        values.sort_unstable();
        values.dedup();
        let _ = write!(html, "<select name=\"{name}\"><option value=\"\">{all}</option>");
        for value in values {
            let _ = write!(html, "<option>{}</option>", escaped(value));
        }
        *html += "</select>";
    }
    *html += "<label><input type=\"checkbox\" name=\"acks\"> acknowledgements</label>\
         <label><input type=\"checkbox\" name=\"troubles\"> only troubles</label><output></output></form>\n";
}

/// One moment: an arrow over the lanes between the app and the service, and its text, to be opened for the whole frame.
fn row(html: &mut String, moment: &Moment, at: u64, pause: u64) {
    let lane = Layer::ALL.iter().position(|layer| *layer == moment.layer).unwrap_or_default();
    // A timer fires in the client: nothing comes from the service.
    let is_timer = moment.layer == Layer::Socket && moment.text == "tick";
    let way = match moment.way {
        Way::In if is_timer => "note",
        Way::Out => "out",
        Way::In => "in",
        Way::Asked => "asked",
        Way::Told => "told",
        Way::Note => "note",
    };
    let mark = match moment.mark {
        Mark::Plain => "",
        Mark::Error => " error",
        Mark::Reconnect => " reconnect",
    };
    // A long pause is seen, without making a session of hours a page of miles.
    let gap = if pause >= 1000 { " pause" } else { "" };
    let ack = if moment.is_ack() { " ack" } else { "" };
    let _ = write!(
        html,
        "<div class=\"row {way}{mark}{gap}{ack}\" data-layer=\"{}\" data-channel=\"{}\" data-who=\"{}\" style=\"--lane:{lane}\">\
         <time>{}.{:03}</time><span class=\"who\">{}</span><span class=\"arrow\"></span>",
        moment.layer.name(),
        escaped(moment.channel.as_deref().unwrap_or_default()),
        escaped(&moment.who),
        at / 1000,
        at % 1000,
        escaped(&moment.who),
    );
    match &moment.full {
        Some(full) => {
            let _ = writeln!(
                html,
                "<details><summary>{}</summary><pre>{}</pre></details></div>",
                escaped(&moment.text),
                escaped(full)
            );
        }
        None => {
            let _ = writeln!(html, "<p>{}</p></div>", escaped(&moment.text));
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session_file::{Header, What};

    #[test]
    fn what_a_session_holds_is_text() {
        let note = What::Note("<script>alert(\"1\")</script> & more".into());
        let session = SessionFile::new(Header::new("<b>", []), [(chat_proto::Time::ZERO, 0, note)]);
        let html = page("a < b", &session);
        assert!(html.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; more"));
        assert_eq!(html.matches("<script>").count(), 1);
        assert!(html.contains("<title>a &lt; b</title>"));
        for outside in ["http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
    }
}
