//! Quantities as people write and read them: sizes, spans, counts, shares.

use std::time::Duration;

/// `812 MiB`, `4.2 GiB`: powers of 1,024, at most four characters of figure.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[allow(clippy::cast_precision_loss)] // A figure for the screen.
    let mut figure = count as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or("KiB");
    while figure >= 1023.95 {
        let Some(next) = units.next() else { break };
        figure /= 1024.0;
        unit = next;
    }
    if figure < 9.95 { format!("{figure:.1} {unit}") } else { format!("{figure:.0} {unit}") }
}

/// `1,284`: digits grouped by commas.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `3 files`: the count with its noun; the plural is given, because nouns are not all alike.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `9 s`, `12 m`, `1 h 46 m`, `3 d 4 h`: at most two units, rounded down.
#[must_use]
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if seconds == 0 && !time.is_zero() => format!("{} ms", time.as_millis()),
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, m) => format!("{m} m"),
        (0, h, 0) => format!("{h} h"),
        (0, h, m) => format!("{h} h {m} m"),
        (d, 0, _) => format!("{d} d"),
        (d, h, _) => format!("{d} d {h} h"),
    }
}

/// A time that is left, in whole minutes and rounded down: it changes once a minute, and promises no more than there is.
#[must_use]
pub fn left(time: Duration) -> String {
    match time.as_secs() / 60 {
        0 => "less than 1 m".to_owned(),
        minutes => span(Duration::from_secs(minutes * 60)),
    }
}

/// The first characters of a text, with how many more it has: `SELECT a, b… (1,204 more characters)`.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let (head, rest) = text.split_at(end);
    format!("{head}… ({})", counted(rest.chars().count() as u64, "more character", "more characters"))
}

/// An age in buckets, so that a row does not change every second: `now`, `10 s`, `3 m`, `2 h`, `5 d`.
#[must_use]
pub fn age(time: Duration) -> String {
    match time.as_secs() {
        0..10 => "now".to_owned(),
        s @ 10..60 => format!("{} s", s / 10 * 10),
        s @ 60..3600 => format!("{} m", s / 60),
        s @ 3600..172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// How long ago something was: `just now`, `40 s ago`.
#[must_use]
pub fn ago(time: Duration) -> String {
    match age(time).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// `12 ms`, `1.4 s`: how long an answer took.
#[must_use]
pub fn latency(time: Duration) -> String {
    let ms = time.as_millis();
    if ms < 1000 { format!("{ms} ms") } else { format!("{:.1} s", time.as_secs_f64()) }
}

/// What a share lies off a whole percent for no other reason than that it is no float: 0.29 times 100 is 28.999999999999996.
const HAIR: f64 = 1e-9;

/// `84 %`: a ratio as a whole percentage, rounded down: 99.9 % never reads as full, and what is below a limit never as at it.
#[must_use]
pub fn percent(ratio: f64) -> String {
    format!("{} %", (ratio * 100.0 + HAIR).floor() + 0.0)
}

/// `85 %`: the same of what is used of a space, rounded up as df(1) does, so that what is left is never overstated.
#[must_use]
pub fn used(ratio: f64) -> String {
    format!("{} %", (ratio * 100.0 - HAIR).ceil() + 0.0)
}

/// `80 %`, `12.5 %`: a limit as it was set; rounded, it would be another one.
#[must_use]
pub fn limit(ratio: f64) -> String {
    let text = format!("{:.4}", ratio * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Reads a span with its unit: `500ms`, `2s`, `5m`, `12h`, `90d`, `2w`. One unit, no sign, no fraction.
#[must_use]
pub fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let number: u64 = number.parse().ok()?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// Reads a size in bytes with its unit: `512B`, `100KiB`, `64MiB`, `2GiB`, `1TiB`. Whole numbers of powers of 1,024.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_unit(text)?;
    let number: u64 = number.parse().ok()?;
    let scale = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1_u64 << 40,
        _ => return None,
    };
    number.checked_mul(scale)
}

/// Reads a share: `80%` or `12.5%` as a ratio from 0 to 1.
#[must_use]
pub fn parse_share(text: &str) -> Option<f64> {
    let figure: f64 = text.strip_suffix('%')?.trim_end().parse().ok()?;
    (0.0..=100.0).contains(&figure).then_some(figure / 100.0)
}

/// Splits `90d` into its digits and its unit.
fn split_unit(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shortened_says_how_much_is_left() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöüß", 3), "äöü… (1 more character)");
        assert_eq!(shortened(&"x".repeat(1300), 4), "xxxx… (1,296 more characters)");
    }

    #[test]
    fn sizes_round_to_what_fits_in_a_column() {
        let cases = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (10 << 20, "10 MiB"), (4_509_715_661, "4.2 GiB")];
        for (given, expected) in cases {
            assert_eq!(bytes(given), expected);
        }
        assert_eq!(bytes(u64::MAX), "16 EiB");
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_284), "1,284");
        assert_eq!(count(1_000_000), "1,000,000");
    }

    #[test]
    fn spans_keep_two_units() {
        let cases = [(0, "0 s"), (59, "59 s"), (60, "1 m"), (6360, "1 h 46 m"), (86_400, "1 d"), (90_000, "1 d 1 h")];
        for (given, expected) in cases {
            assert_eq!(span(Duration::from_secs(given)), expected);
        }
    }

    #[test]
    fn remaining_time_is_shown_in_minutes_and_never_rounded_up() {
        for (seconds, text) in
            [(0, "less than 1 m"), (59, "less than 1 m"), (60, "1 m"), (119, "1 m"), (4349, "1 h 12 m")]
        {
            assert_eq!(left(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn shares_are_whole_and_on_the_side_of_caution() {
        for whole in 0_u32..=100 {
            let share = f64::from(whole) / 100.0;
            assert_eq!((percent(share), used(share)), (format!("{whole} %"), format!("{whole} %")));
            if whole < 100 {
                let more = share + 0.004;
                assert_eq!((percent(more), used(more)), (format!("{whole} %"), format!("{} %", whole + 1)));
            }
        }
        assert_eq!((percent(0.9999).as_str(), used(0.0001).as_str()), ("99 %", "1 %"));
        assert_eq!((percent(-0.0).as_str(), used(0.0).as_str(), used(-0.0).as_str()), ("0 %", "0 %", "0 %"));
    }

    #[test]
    fn a_limit_is_never_rounded() {
        for (given, text) in
            [("80%", "80 %"), ("12.5%", "12.5 %"), ("99.95%", "99.95 %"), ("0%", "0 %"), ("29%", "29 %")]
        {
            assert_eq!(limit(parse_share(given).unwrap()), text);
        }
    }

    #[test]
    fn spans_are_read_with_exactly_one_unit() {
        assert_eq!(parse_span("90d"), Some(Duration::from_secs(7_776_000)));
        assert_eq!(parse_span("500ms"), Some(Duration::from_millis(500)));
        for bad in
            ["", "90", "d", "-1d", "1.5h", "1h30m", "90 d", "٣d", "99999999999999999999d", "18446744073709551615w"]
        {
            assert_eq!(parse_span(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn shares_stay_within_the_whole() {
        assert_eq!(parse_share("40%"), Some(0.4));
        for bad in ["40", "101%", "-1%", "nan%", "%"] {
            assert_eq!(parse_share(bad), None, "{bad:?}");
        }
    }
}
