//! A history in one row: `▁▂▃▅▇`.

use crate::domain::Clean;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 4] = ['_', '.', '-', '^'];

/// The last figures that fit, each as a bar between the least and the greatest of those shown; a flat line stays low.
#[must_use]
pub fn spark(figures: &[f64], columns: usize, unicode: bool) -> Clean {
    let bars: &[char] = if unicode { &BARS } else { &ASCII };
    let shown = figures.get(figures.len().saturating_sub(columns)..).unwrap_or(figures);
    let finite = || shown.iter().copied().filter(|figure| figure.is_finite());
    let (least, greatest) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    // A small change of a large figure is no news; it must not look like a mountain.
    let spread = (greatest - least).max(greatest.abs() / 4.0);
    let bar = |figure: &f64| {
        if !figure.is_finite() {
            return ' ';
        }
        let share = if spread > 0.0 { (figure - least) / spread } else { 0.0 };
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
    fn bars_stand_between_the_least_and_the_greatest() {
        assert_eq!(spark(&[0.0, 1.0, 2.0, 7.0], 8, true).plain(), "▁▂▃█");
        assert_eq!(spark(&[9.0, 0.0, 7.0], 2, true).plain(), "▁█");
        assert_eq!(spark(&[100.0, 100.1, 100.0], 8, true).plain(), "▁▁▁");
        assert_eq!(spark(&[f64::NAN, 0.0, f64::INFINITY, 3.0], 8, false).plain(), " _ ^");
        assert_eq!(spark(&[], 8, true).plain(), "");
    }
}
