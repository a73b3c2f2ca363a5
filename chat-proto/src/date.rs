//! Dates and durations as the service writes them.

use alloc::string::String;
use core::fmt;
use core::num::NonZeroU64;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A date, in milliseconds since 1970 UTC. Written as the service writes it: `2020-01-31T12:00:00.000Z`.
///
/// `Option<Timestamp>` takes no more room than the date: members and messages have several, and are many.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "i64", into = "i64")]
pub struct Timestamp(NonZeroU64);

/// What a date is kept above, so that the order is that of the dates.
const ORIGIN: u64 = 1 << 63;

impl Timestamp {
    /// The date `ms` milliseconds after 1970-01-01T00:00:00Z. `i64::MIN` counts as the millisecond after it.
    pub const fn from_unix_millis(ms: i64) -> Self {
        match NonZeroU64::new(ms.cast_unsigned() ^ ORIGIN) {
            Some(kept) => Self(kept),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_unix_millis(self) -> i64 {
        (self.0.get() ^ ORIGIN).cast_signed()
    }

    /// Reads RFC 3339 (`2020-01-31T12:00:00.123Z`, `…+01:00`, or a date alone). `None` for anything else: a malformed
    /// date counts as absent and never as a change (spec 03 §22 Q9).
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = bytes.get(from..to)?;
            digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
        };
        let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        if !is(4, b'-')
            || !is(7, b'-')
            || !(1..=12).contains(&month)
            || !(1..=days_in_month(year, month)).contains(&day)
        {
            return None;
        }
        let midnight = days_from_civil(year, month, day) * 86_400_000;
        if bytes.len() == 10 {
            return Some(Self::from_unix_millis(midnight));
        }
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) || !is(13, b':') || !is(16, b':') {
            return None;
        }
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (millis, zone) = fraction(bytes, 19)?;
        let offset = match bytes.get(zone)? {
            b'Z' | b'z' if bytes.len() == zone + 1 => 0,
            sign @ (b'+' | b'-') if bytes.len() == zone + 6 && is(zone + 3, b':') => {
                let minutes = number(zone + 1, zone + 3)? * 60 + number(zone + 4, zone + 6)?;
                if *sign == b'-' { -minutes } else { minutes }
            }
            _ => return None,
        };
        let seconds = hour * 3600 + (minute - offset) * 60 + second;
        Some(Self::from_unix_millis(midnight + seconds * 1000 + millis))
    }
}

/// Reads `.123…` at `at`; gives milliseconds and where it ends.
fn fraction(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    if !matches!(bytes.get(at), Some(b'.' | b',')) {
        return Some((0, at));
    }
    let digits = bytes.get(at + 1..)?.iter().take_while(|b| b.is_ascii_digit()).count();
    let millis = bytes.iter().skip(at + 1).take(digits).chain(b"000").take(3);
    let millis = millis.fold(0, |n, d| n * 10 + i64::from(d - b'0'));
    (digits > 0).then_some((millis, at + 1 + digits))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01, by counting years from March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl From<i64> for Timestamp {
    fn from(ms: i64) -> Self {
        Self::from_unix_millis(ms)
    }
}

impl From<Timestamp> for i64 {
    fn from(date: Timestamp) -> Self {
        date.as_unix_millis()
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timestamp").field(&self.as_unix_millis()).finish()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.as_unix_millis();
        let (days, ms) = (kept.div_euclid(86_400_000), kept.rem_euclid(86_400_000));
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let (day, month) = (day_of_year - (153 * from_march + 2) / 5 + 1, (from_march + 2) % 12 + 1);
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{:03}Z",
            ms / 1000 % 60,
            ms % 1000
        )
    }
}

/// Reads an ISO 8601 duration (`PT5S`, `P1W`, `PT0.5S`); years and months count 365 and 30 days. `None` for anything
/// else (spec 03 §3.4).
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let rest = text.strip_prefix('P')?;
    let (mut seconds, mut in_time, mut digits, mut parts) = (0.0, false, String::new(), 0);
    for c in rest.chars() {
        let unit = match (c, in_time) {
            ('0'..='9', _) => {
                digits.push(c);
                continue;
            }
            ('.' | ',', _) => {
                digits.push('.');
                continue;
            }
            ('T', false) if digits.is_empty() => {
                in_time = true;
                continue;
            }
            ('Y', false) => 365.0 * 86_400.0,
            ('M', false) => 30.0 * 86_400.0,
            ('W', false) => 7.0 * 86_400.0,
            ('D', false) => 86_400.0,
            ('H', true) => 3600.0,
            ('M', true) => 60.0,
            ('S', true) => 1.0,
            _ => return None,
        };
        seconds += digits.parse::<f64>().ok()? * unit;
        digits.clear();
        parts += 1;
    }
    if parts == 0 || !digits.is_empty() {
        return None;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn dates_round_trip() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2020-02-29T23:59:59.999Z",
            "1969-12-31T23:59:59.001Z",
            "2026-11-22T11:36:40.832Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Timestamp::parse("2020-01-01T01:00:00+01:00"), Timestamp::parse("2020-01-01"));
        assert_eq!(Timestamp::parse("2020-01-01T00:00:00.5Z").unwrap().as_unix_millis() % 1000, 500);
    }

    #[test]
    fn any_number_is_a_date_and_none_takes_no_room() {
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
        let numbers = [i64::MIN + 1, -1, 0, 1, i64::MAX];
        for ms in numbers {
            assert_eq!(Timestamp::from_unix_millis(ms).as_unix_millis(), ms);
        }
        assert!(numbers.map(Timestamp::from_unix_millis).is_sorted());
        assert_eq!(Timestamp::from_unix_millis(i64::MIN), Timestamp::from_unix_millis(i64::MIN + 1));
        assert_eq!(serde_json::to_string(&Timestamp::from_unix_millis(-5)).unwrap(), "-5");
        assert_eq!(serde_json::from_str::<Timestamp>("-5").unwrap().as_unix_millis(), -5);
        assert_eq!(alloc::format!("{:?}", Timestamp::from_unix_millis(-5)), "Timestamp(-5)");
    }

    #[test]
    fn malformed_dates_are_refused() {
        for text in [
            "",
            "yesterday",
            "2020-13-01",
            "2021-02-29",
            "2020-01-01T25:00:00Z",
            "2020-01-01T00:00:00",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00Zx",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("PT5S"), Some(Duration::from_secs(5)));
        assert_eq!(parse_duration("P1DT1H0.5S"), Some(Duration::from_millis(90_000_500)));
        assert_eq!(parse_duration("PT0S"), Some(Duration::ZERO));
        for text in ["", "P", "PT", "5", "PT5", "PTS", "P5X", "PT1e400S"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
