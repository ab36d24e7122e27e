//! How fast a file system fills up, from the samples of the last minutes.

use super::real;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The growth is that of this much of the past.
const GROWTH_WINDOW: Duration = Duration::from_secs(600);
/// Less of the past than this says nothing about an hour, and neither do fewer samples.
const GROWTH_SPAN: Duration = Duration::from_secs(300);
/// See [`GROWTH_SPAN`].
const GROWTH_SAMPLES: usize = 6;
/// How much faster one half of the past may have grown than the other; what grew all at once says nothing about an hour.
const GROWTH_UNEVEN: f64 = 4.0;
/// Samples closer together than this are not kept, so that the window holds few of them.
const GROWTH_STEP: Duration = Duration::from_secs(5);
/// What lies further apart than this is not one growth: nothing was read in between. Figures of the past are a minute apart.
const GROWTH_GAP: Duration = Duration::from_secs(150);

/// The used bytes of the last minutes.
#[derive(Default)]
pub(super) struct Growth(pub(super) VecDeque<(Instant, u64)>);

impl Growth {
    /// Puts samples before its own that were taken before this process began: how long ago each was, oldest first, and the used bytes.
    /// What lies before a gap says nothing of the growth since.
    pub fn begin_with(&mut self, now: Instant, past: impl DoubleEndedIterator<Item = (Duration, u64)>) {
        let mut next = self.0.front().map_or(now, |(at, _)| *at);
        for (ago, used) in past.rev() {
            let Some(at) = now.checked_sub(ago).filter(|_| ago <= GROWTH_WINDOW) else { return };
            if at > next {
                continue;
            }
            if next.duration_since(at) > GROWTH_GAP {
                return;
            }
            self.0.push_front((at, used));
            next = at;
        }
    }

    /// Takes a sample and returns the growth in bytes an hour, once there are enough of them and they grow evenly.
    pub fn take(&mut self, now: Instant, used: u64) -> Option<f64> {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) > GROWTH_WINDOW) {
            self.0.pop_front();
        }
        if self.0.back().is_some_and(|(at, _)| now.duration_since(*at) > GROWTH_GAP) {
            self.0.clear();
        }
        let (first_at, first) = self.0.front().copied().unwrap_or((now, used));
        if self.0.back().is_none_or(|(at, _)| now.duration_since(*at) >= GROWTH_STEP) {
            self.0.push_back((now, used));
        }
        let span = now.duration_since(first_at);
        let enough = span >= GROWTH_SPAN && self.0.len() >= GROWTH_SAMPLES;
        let an_hour = |from: u64, to: u64, span: Duration| (real(to) - real(from)) / span.as_secs_f64() * 3600.0;
        let (middle_at, middle) = self.0.iter().copied().find(|(at, _)| now.duration_since(*at) * 2 <= span)?;
        let (early, late) = (middle_at.duration_since(first_at), now.duration_since(middle_at));
        if !enough || early.is_zero() || late.is_zero() {
            return None;
        }
        let is_even = even(an_hour(first, middle, early), an_hour(middle, used, late));
        is_even.then(|| an_hour(first, used, span))
    }
}

/// Whether two rates are of one kind of growth.
fn even(one: f64, other: f64) -> bool {
    let (less, more) = if one.abs() < other.abs() { (one, other) } else { (other, one) };
    more == 0.0 || (less * more > 0.0 && more.abs() <= less.abs() * GROWTH_UNEVEN)
}
