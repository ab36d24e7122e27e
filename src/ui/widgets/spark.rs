//! A history in one row: `▁▂▃▅▇`.

use crate::domain::Clean;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 4] = ['_', '.', '-', '^'];

/// What the height of a bar stands for. Both scales begin at 0, so that a flat line looks flat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A share of a whole: a full bar is 1.
    Share,
    /// A count, a size or a time: a full bar is the greatest figure shown, and at least twice the median.
    FromZero,
}

impl Scale {
    /// The figure of a full bar.
    fn top(self, shown: &[f64]) -> f64 {
        if self == Self::Share {
            return 1.0;
        }
        let mut finite: Vec<f64> = shown.iter().copied().filter(|figure| figure.is_finite()).collect();
        finite.sort_by(f64::total_cmp);
        let median = finite.get(finite.len() / 2).copied().unwrap_or(0.0);
        // What stays at one figure stands half as high as it might: it is neither nothing nor at its limit.
        finite.last().copied().unwrap_or(0.0).max(median * 2.0)
    }
}

/// The last figures that fit, each as a bar; what is no number leaves a gap.
#[must_use]
pub fn spark(figures: &[f64], scale: Scale, columns: usize, unicode: bool) -> Clean {
    let bars: &[char] = if unicode { &BARS } else { &ASCII };
    let shown = figures.get(figures.len().saturating_sub(columns)..).unwrap_or(figures);
    let top = scale.top(shown);
    let bar = |figure: &f64| {
        if !figure.is_finite() {
            return ' ';
        }
        let share = if top > 0.0 { figure / top } else { 0.0 };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let step = (share.clamp(0.0, 1.0) * (bars.len() - 1) as f64).round() as usize;
        bars.get(step).copied().unwrap_or(' ')
    };
    let text: String = shown.iter().map(bar).collect();
    Clean::text(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_drawn_on_the_scale_of_its_whole() {
        let shares = |figures: &[f64]| spark(figures, Scale::Share, 8, true).plain();
        assert_eq!(shares(&[1.0, 1.0, 1.0]), "███");
        assert_eq!(shares(&[0.0, 0.0, 0.0]), "▁▁▁");
        assert_eq!(shares(&[0.178, 0.18, 0.182]), "▂▂▂");
        assert_eq!(shares(&[0.02, 0.04, 0.5]), "▁▁▅");
        assert_eq!(spark(&[0.0, 0.4, 1.0], Scale::Share, 8, false).plain(), "_.^");
    }

    #[test]
    fn a_count_begins_at_zero_and_a_flat_one_is_flat() {
        let counts = |figures: &[f64], columns| spark(figures, Scale::FromZero, columns, true).plain();
        assert_eq!(counts(&[0.0, 1.0, 2.0, 7.0], 8), "▁▂▃█");
        assert_eq!(counts(&[12.0, 12.0, 12.1], 8), "▅▅▅");
        assert_eq!(counts(&[9.0, 9.0, 9.0, 60.0], 8), "▂▂▂█");
        assert_eq!(counts(&[90.0, 0.0, 7.0], 2), "▁▅");
        assert_eq!(counts(&[0.0, 0.0], 8), "▁▁");
        assert_eq!(counts(&[], 8), "");
        let gaps = spark(&[f64::NAN, 0.0, f64::INFINITY, 3.0], Scale::FromZero, 8, false);
        assert_eq!(gaps.plain(), " _ -");
    }
}
