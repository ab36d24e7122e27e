//! One element of DER after the other (X.690), for what the parser does not hand out: the bytes that are signed, and times as they stand.

/// One element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its first byte.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

/// The element that these bytes begin with, and what follows it.
#[must_use]
pub fn next(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, length) = (bytes.first()?, bytes.get(1)?);
    let (head, size) = if *length < 0x80 {
        (2, usize::from(*length))
    } else {
        let digits = usize::from(length & 0x7f);
        if digits == 0 || digits > 4 {
            return None;
        }
        let size = bytes.get(2..2 + digits)?.iter().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        (2 + digits, size)
    };
    let (whole, rest) = bytes.split_at_checked(head.checked_add(size)?)?;
    Some((Element { tag, content: whole.get(head..)?, whole }, rest))
}

/// The parts of a certificate (RFC 5280, 4.1).
#[derive(Clone, Copy, Debug)]
pub struct Certificate<'a> {
    /// The bytes that are signed.
    pub signed: &'a [u8],
    /// The signature's algorithm, without the head of its sequence.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// The first moment at which it is valid, and the last one, as they stand.
    pub times: (&'a [u8], &'a [u8]),
}

/// Takes a certificate apart.
#[must_use]
pub fn certificate(der: &[u8]) -> Option<Certificate<'_>> {
    let (outer, _) = next(der)?;
    let (signed, rest) = next(outer.content)?;
    let (algorithm, rest) = next(rest)?;
    let (signature, _) = next(rest)?;
    let mut at = signed.content;
    let mut take = || {
        let (element, rest) = next(at)?;
        at = rest;
        Some(element)
    };
    let mut first = take()?;
    // The version, which one of version 1 does not name.
    if first.tag == 0xa0 {
        first = take()?;
    }
    let (_serial, _algorithm, _issuer) = (first, take()?, take()?);
    let (before, rest) = next(take()?.content)?;
    let (after, _) = next(rest)?;
    Some(Certificate {
        signed: signed.whole,
        algorithm: algorithm.content,
        // A string of bits says first how many of its last ones do not count.
        signature: signature.content.get(1..)?,
        times: (before.content, after.content),
    })
}

/// A time with an offset from UTC, in seconds since the epoch: `960528134905+0800`. RFC 5280 allows none but `Z`; older certificates have
/// them. `None` of a time without one.
#[must_use]
pub fn with_offset(time: &[u8]) -> Option<i64> {
    let at = time.iter().position(|byte| matches!(byte, b'+' | b'-'))?;
    let (digits, zone) = time.split_at_checked(at)?;
    let (sign, zone) = zone.split_first()?;
    let number = |text: &[u8], from: usize, long: usize| {
        let part = text.get(from..from + long)?;
        part.iter().try_fold(0_i16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i16::from(byte - b'0')))
    };
    // Two digits of a year are those of 1950 to 2049 (RFC 5280, 4.1.2.5.1).
    let (year, from) = match digits.len() {
        10 | 12 => (number(digits, 0, 2).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2),
        14 => (number(digits, 0, 4)?, 4),
        _ => return None,
    };
    let part = |at: usize| number(digits, from + 2 * at, 2).and_then(|part| i8::try_from(part).ok());
    let second = if digits.len() == 10 { 0 } else { part(4)? };
    let civil = jiff::civil::DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, second, 0).ok()?;
    let utc = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let ahead = i64::from(number(zone, 0, 2)?) * 3600 + i64::from(number(zone, 2, 2)?) * 60;
    (zone.len() == 4).then_some(if *sign == b'+' { utc - ahead } else { utc + ahead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_ahead_or_behind() {
        for (time, moment) in [
            (&b"960528134905+0800"[..], Some("1996-05-28T05:49:05Z")),
            (b"9605281349-0530", Some("1996-05-28T19:19:00Z")),
            (b"20260528134905+0000", Some("2026-05-28T13:49:05Z")),
            (b"960528134905Z", None),
            (b"20260528134905Z", None),
            (b"960528134905+08", None),
            (b"961328134905+0800", None),
            (b"+", None),
            (b"", None),
        ] {
            let expected = moment.map(|moment| moment.parse::<jiff::Timestamp>().unwrap().as_second());
            assert_eq!(with_offset(time), expected, "{time:?}");
        }
    }

    #[test]
    fn what_is_cut_off_is_none() {
        assert!(next(&[0x30]).is_none() && next(&[0x30, 5, 1]).is_none() && next(&[0x30, 0x80]).is_none());
        assert!(next(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
        let (element, rest) = next(&[4, 1, 7, 9]).unwrap();
        assert_eq!((element, rest), (Element { tag: 4, content: &[7], whole: &[4, 1, 7] }, &[9][..]));
    }
}
