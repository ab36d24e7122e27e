//! The limit of a frozen set, and the bound of an unlisted one.

use crate::domain::quantity::{bytes, count, limit as limit_of, used};
use crate::domain::{Error, Kind};
use crate::procedure::plan::Limit;

/// Refuses a set above its limit; otherwise describes how near it is. `found` of `of` items, with the sum of their
/// sizes if it is known; `noun` is their plural.
///
/// # Errors
/// Of kind refused when the set is over its limit, with the numbers; also where the limit is of bytes and these are not known.
pub(super) fn judge(
    limit: Option<Limit>,
    found: u64,
    of: u64,
    size: Option<u64>,
    noun: &str,
) -> Result<Option<String>, Error> {
    #[allow(clippy::cast_precision_loss)] // A share of at most some millions.
    let (over, words) = match (limit, size) {
        (None, _) => return Ok(None),
        (Some(Limit::Share(share)), _) => {
            let ratio = if of == 0 { 0.0 } else { found as f64 / of as f64 };
            (ratio > share, format!("{}, limit {}", used(ratio), limit_of(share)))
        }
        (Some(Limit::Count(most)), _) => (found > most, format!("{}, limit {}", count(found), count(most))),
        (Some(Limit::Bytes(most)), Some(size)) => (size > most, format!("{}, limit {}", bytes(size), bytes(most))),
        (Some(Limit::Bytes(most)), None) => {
            let message = format!("cannot go on: the limit is {}, and the size of the set is unknown", bytes(most));
            return Err(Error::new(Kind::Refused, message));
        }
    };
    if !over {
        return Ok(Some(words));
    }
    let size = size.map(|size| format!(", {}", bytes(size))).unwrap_or_default();
    let (found, of) = (count(found), count(of));
    let message = format!("cannot go on: the set is over its limit: {found} of {of} {noun}{size} ({words})");
    Err(Error::new(Kind::Refused, message)
        .hint("a larger set than the author foresaw is a mistake until shown otherwise"))
}

/// The bound of a set that comes and goes: a fifth more than its size now, rounded up to a power of two or 1.5 times
/// one, so that it stays the same for a while.
pub(super) fn bound(found: u64) -> u64 {
    let wanted = found.saturating_add(found / 5).max(10);
    let mut power = 8_u64;
    loop {
        let half_more = power.saturating_add(power / 2);
        match (power >= wanted, half_more >= wanted) {
            (true, _) => return power,
            (false, true) => return half_more,
            (false, false) => power = power.saturating_mul(2),
        }
    }
}
