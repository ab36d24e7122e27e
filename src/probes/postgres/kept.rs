//! How much WAL may be kept for what does not take it: the end of it is a full disk.

use crate::domain::Verdict;

/// Bytes that are critical, unless the estate lets more than a tenth of them be kept.
const CRITICAL: i64 = 10 << 30;

/// From how many bytes on kept WAL warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept(i64);

impl Kept {
    /// The limit of an estate.
    pub(super) fn from(bytes: u64) -> Self {
        Self(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// The verdict on so many bytes.
    pub(super) fn judge(self, bytes: i64) -> Verdict {
        if self.is_critical(bytes) {
            Verdict::Critical
        } else if bytes >= self.0 {
            Verdict::Warn
        } else {
            Verdict::Ok
        }
    }

    /// Whether so many bytes are critical.
    pub(super) fn is_critical(self, bytes: i64) -> bool {
        bytes >= self.0.saturating_mul(10).max(CRITICAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_is_ten_gib_or_ten_times_what_warns() {
        let limit = |bytes| Kept::from(bytes);
        let (mib, gib) = (1 << 20, 1 << 30);
        let small = limit(64 << 20);
        assert_eq!(
            [64 * mib - 1, 64 * mib, 10 * gib - 1, 10 * gib].map(|bytes| small.judge(bytes)),
            [Verdict::Ok, Verdict::Warn, Verdict::Warn, Verdict::Critical]
        );
        let large = limit(20 << 30);
        assert_eq!(
            [19 * gib, 20 * gib, 200 * gib].map(|bytes| large.judge(bytes)),
            [Verdict::Ok, Verdict::Warn, Verdict::Critical]
        );
    }
}
