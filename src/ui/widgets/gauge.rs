//! How far along something is: `███████░░░`.

use crate::domain::Clean;

/// A bar of so many columns, filled by a share from 0 to 1; it is full only at 1.
#[must_use]
pub fn gauge(share: f64, columns: usize, unicode: bool) -> Clean {
    let (full, empty) = if unicode { ("█", "░") } else { ("#", "-") };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let filled = (share.clamp(0.0, 1.0) * columns as f64).floor() as usize;
    Clean::text(&format!("{}{}", full.repeat(filled), empty.repeat(columns.saturating_sub(filled))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_full_only_at_the_end() {
        assert_eq!(gauge(0.999, 4, false).plain(), "###-");
        assert_eq!(gauge(1.0, 4, false).plain(), "####");
        assert_eq!(gauge(f64::NAN, 4, true).plain(), "░░░░");
    }
}
