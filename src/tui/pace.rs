//! When the next frame may go, and how many bytes it may have.
//!
//! A frame for a key goes at once; one for data waits a moment, so that what arrives together is drawn together, and keeps
//! a distance from the one before. No second ever sees more than [`BYTES_PER_SECOND`]; data starts below that, so that a key
//! always fits. Time comes in as the span since any fixed point.

use crate::tui::backend::Drawn;
use std::collections::VecDeque;
use std::time::Duration;

/// The most that goes to the terminal in any one second, in bytes.
pub const BYTES_PER_SECOND: usize = 32_000;
/// The share of it that frames for data may use, spread evenly, in bytes a second; the rest is for keys.
const DATA_PER_SECOND: usize = 24_000;
/// The budget of data while a person types, in bytes a second: frames for keys show new data anyway.
const DATA_BESIDE_KEYS: usize = 12_000;
/// The least that is sent of a frame too large for one second, in bytes.
const PART: usize = 8_000;
/// The least budget worth drawing for, in bytes.
const SMALLEST: usize = 64;
/// The stretch of time that the cap is counted over.
const WINDOW: Duration = Duration::from_secs(1);
/// The stretch of time, in seconds, that the figure on the screen is an average of: a figure for one second is never the same twice.
const SHOWN: u64 = 10;
/// Above this a write was not merely a copy into a buffer: the terminal is behind.
const SLOW: Duration = Duration::from_millis(5);
/// Above this it is so far behind that keys wait, too.
const BEHIND: Duration = Duration::from_millis(100);
/// How long to leave a terminal that takes nothing, doubled from the first to the second.
const STALL: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(160));

/// Why a frame is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A key, a paste, a click, a resize: someone is waiting for it.
    Key,
    /// Anything else.
    Data,
}

/// The rhythm of frames.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Between the arrival of data and its frame.
    gather: Duration,
    /// Between two frames for data.
    interval: Duration,
    /// Between two frames for keys.
    key_gap: Duration,
    key_wanted: Option<Duration>,
    data_wanted: Option<Duration>,
    /// What went out in the last second, oldest first.
    sent: VecDeque<(Duration, usize)>,
    /// What went out in the last [`SHOWN`], for each second.
    written: VecDeque<(u64, usize)>,
    /// When the last frame went out.
    last: Option<Duration>,
    /// When the last frame for a key was drawn.
    key: Option<Duration>,
    /// When the last frame that showed new data was drawn, and how many bytes it had.
    data: Option<(Duration, usize)>,
    /// Bytes of the last frame that still wait.
    left: usize,
    /// Nothing goes before this.
    hold: Duration,
    stall: Duration,
    /// No frame for data goes before this.
    rest: Duration,
}

impl Pace {
    /// At most 30 frames a second for data, or 10 over SSH.
    #[must_use]
    pub fn new(over_ssh: bool) -> Self {
        let (gather, interval, key_gap) = if over_ssh { (20, 100, 33) } else { (4, 33, 4) };
        Self {
            gather: Duration::from_millis(gather),
            interval: Duration::from_millis(interval),
            key_gap: Duration::from_millis(key_gap),
            key_wanted: None,
            data_wanted: None,
            sent: VecDeque::new(),
            written: VecDeque::new(),
            last: None,
            key: None,
            data: None,
            left: 0,
            hold: Duration::ZERO,
            stall: Duration::ZERO,
            rest: Duration::ZERO,
        }
    }

    /// Takes note that the model changed.
    pub fn want(&mut self, cause: Cause, now: Duration) {
        let wanted = match cause {
            Cause::Key => &mut self.key_wanted,
            Cause::Data => &mut self.data_wanted,
        };
        wanted.get_or_insert(now);
    }

    /// When the screen should be drawn next; none while nothing changed.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        if self.left > 0 {
            let part = if self.left <= BYTES_PER_SECOND { self.left } else { PART };
            return Some(self.wait_for(part, BYTES_PER_SECOND).max(self.hold));
        }
        let key = self.key_wanted.map(|since| since.max(self.last.map_or(Duration::ZERO, |last| last + self.key_gap)));
        let data = self.data_wanted.map(|since| (since + self.gather).max(self.data_at()).max(self.rest));
        let start = [key, data].into_iter().flatten().min()?;
        Some(start.max(self.hold).max(self.wait_for(SMALLEST, BYTES_PER_SECOND)))
    }

    /// When the next frame for data may go, if it is as large as the last: evenly spread, and out of the way of keys.
    fn data_at(&self) -> Duration {
        let Some((last, bytes)) = self.data else { return Duration::ZERO };
        let spread = Duration::from_secs_f64(bytes as f64 / DATA_PER_SECOND as f64);
        let delay = |cap: usize| self.wait_for(bytes.min(cap), cap);
        let typed = self.key.map_or(Duration::ZERO, |key| delay(DATA_BESIDE_KEYS).min(key + WINDOW));
        (last + self.interval.max(spread)).max(delay(DATA_PER_SECOND)).max(typed)
    }

    /// Whether the screen should be drawn now.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        self.due().is_some_and(|due| due <= now)
    }

    /// How many bytes may go out now.
    #[must_use]
    pub fn allowance(&self, now: Duration) -> usize {
        BYTES_PER_SECOND.saturating_sub(self.rate(now))
    }

    /// How many bytes a second went out on average over the last while: the figure in the footer.
    #[must_use]
    pub fn average(&self, now: Duration) -> usize {
        let recent = self.written.iter().filter(|(second, _)| second + SHOWN > now.as_secs());
        recent.map(|(_, bytes)| bytes).sum::<usize>() / usize::try_from(SHOWN).unwrap_or(1)
    }

    /// How many bytes went out in the second before now.
    #[must_use]
    pub fn rate(&self, now: Duration) -> usize {
        self.sent.iter().filter(|(at, _)| *at + WINDOW > now).map(|(_, bytes)| bytes).sum()
    }

    /// Takes note of what was drawn.
    pub fn drawn(&mut self, drawn: &Drawn, now: Duration) {
        while self.sent.front().is_some_and(|(at, _)| *at + WINDOW <= now) {
            self.sent.pop_front();
        }
        if drawn.bytes > 0 {
            self.sent.push_back((now, drawn.bytes));
            self.count(now.as_secs(), drawn.bytes);
            self.last = Some(now);
        }
        if drawn.fresh {
            if self.key_wanted.is_some() {
                self.key = Some(now);
            }
            if self.data_wanted.is_some() {
                self.data = Some((now, drawn.bytes + drawn.left));
            }
            (self.key_wanted, self.data_wanted) = (None, None);
        }
        self.left = drawn.left;
        if drawn.blocked {
            self.stall = (self.stall * 2).clamp(STALL.0, STALL.1);
            self.hold = now + self.stall;
        } else {
            self.stall = Duration::ZERO;
            let as_long_again = |above: Duration| if drawn.took > above { now + drawn.took.min(WINDOW) } else { now };
            // A moment late may be the machine's doing as well: data can wait, a person who typed should not.
            self.rest = as_long_again(SLOW);
            self.hold = as_long_again(BEHIND);
        }
    }

    fn count(&mut self, second: u64, bytes: usize) {
        self.written.retain(|(then, _)| then + SHOWN > second);
        match self.written.back_mut().filter(|(then, _)| *then == second) {
            Some((_, sum)) => *sum += bytes,
            None => self.written.push_back((second, bytes)),
        }
    }

    /// When this many bytes will fit a cap on the second before.
    fn wait_for(&self, bytes: usize, cap: usize) -> Duration {
        let mut used: usize = self.sent.iter().map(|(_, bytes)| bytes).sum();
        let mut at = Duration::ZERO;
        for (then, gone) in &self.sent {
            if used + bytes <= cap {
                break;
            }
            used -= gone;
            at = *then + WINDOW;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn sent(bytes: usize) -> Drawn {
        Drawn { bytes, fresh: true, ..Drawn::default() }
    }

    #[test]
    fn a_key_is_drawn_at_once_and_data_together() {
        let mut pace = Pace::new(false);
        assert_eq!(pace.due(), None);
        pace.want(Cause::Data, ms(1000));
        pace.want(Cause::Data, ms(1020));
        assert_eq!(pace.due(), Some(ms(1004)));
        pace.want(Cause::Key, ms(1002));
        assert_eq!(pace.due(), Some(ms(1002)));
        assert!(pace.is_due(ms(1002)) && !pace.is_due(ms(1001)));
        pace.drawn(&sent(100), ms(1002));
        assert_eq!(pace.due(), None);
        pace.want(Cause::Data, ms(1003));
        assert_eq!(pace.due(), Some(ms(1035)), "the frame for the key showed data too");
        pace.want(Cause::Key, ms(1003));
        assert_eq!(pace.due(), Some(ms(1006)));
    }

    #[test]
    fn the_figure_on_the_screen_is_an_average_of_ten_seconds() {
        let mut pace = Pace::new(false);
        for second in 0..30 {
            pace.drawn(&sent(300), ms(second * 1000));
            pace.drawn(&sent(200), ms(second * 1000 + 500));
        }
        assert_eq!(pace.average(ms(29_600)), 500);
        assert_eq!(pace.average(ms(34_600)), 250);
        assert_eq!(pace.average(ms(60_000)), 0);
        assert!(pace.written.len() <= 10);
    }

    #[test]
    fn the_first_readings_are_not_kept_back_by_the_first_frame() {
        let mut pace = Pace::new(false);
        pace.want(Cause::Key, ms(0));
        pace.drawn(&sent(5000), ms(1));
        pace.want(Cause::Data, ms(2));
        assert_eq!(pace.due(), Some(ms(6)));
    }

    #[test]
    fn over_ssh_frames_come_ten_a_second() {
        let mut pace = Pace::new(true);
        pace.want(Cause::Data, ms(500));
        assert_eq!(pace.due(), Some(ms(520)));
        pace.drawn(&sent(100), ms(520));
        pace.want(Cause::Data, ms(521));
        assert_eq!(pace.due(), Some(ms(620)));
    }

    #[test]
    fn a_flood_of_data_is_spread_and_does_not_delay_keys() {
        let mut pace = Pace::new(false);
        let (mut now, mut frames) = (ms(0), 0);
        while now < ms(5000) {
            pace.want(Cause::Data, now);
            if pace.is_due(now) {
                assert!(pace.allowance(now) >= 3300 + 3300);
                pace.drawn(&sent(3300), now);
                frames += 1;
            }
            now += ms(1);
        }
        assert!((30..=37).contains(&frames), "{frames}");
        pace.want(Cause::Key, now);
        assert_eq!(pace.due(), Some(now));
    }

    #[test]
    fn data_is_delayed_while_a_person_types() {
        let mut pace = Pace::new(false);
        for at in [200, 400, 600, 800, 1000] {
            pace.want(Cause::Data, ms(at));
            pace.drawn(&sent(3000), ms(at));
        }
        pace.want(Cause::Data, ms(1001));
        assert_eq!(pace.due(), Some(ms(1125)), "18,000 bytes in a second are fine");
        pace.want(Cause::Key, ms(1002));
        pace.drawn(&sent(3000), ms(1002));
        pace.want(Cause::Data, ms(1003));
        assert_eq!(pace.due(), Some(ms(1600)), "three of the six are a second old");
        for at in [1300, 1400, 1500] {
            pace.want(Cause::Key, ms(at));
            pace.drawn(&sent(4000), ms(at));
        }
        pace.want(Cause::Data, ms(1501));
        assert_eq!(pace.due(), Some(ms(2300)));
        // No one types any more: delayed data is drawn after a second at the latest.
        pace.drawn(&sent(9000), ms(2300));
        pace.want(Cause::Data, ms(2301));
        assert_eq!(pace.due(), Some(ms(2675)));
    }

    #[test]
    fn a_frame_that_does_not_fit_waits_until_it_does() {
        let mut pace = Pace::new(false);
        pace.drawn(&sent(20_000), ms(100));
        pace.drawn(&sent(5_000), ms(400));
        assert_eq!(pace.allowance(ms(400)), 7_000);
        let held = Drawn { left: 13_000, fresh: true, ..Drawn::default() };
        pace.drawn(&held, ms(500));
        assert_eq!(pace.due(), Some(ms(1100)));
        assert_eq!(pace.allowance(ms(1100)), 27_000);
        // One larger than a second allows goes in parts.
        pace.drawn(&Drawn { left: 90_000, bytes: 27_000, ..Drawn::default() }, ms(1100));
        assert_eq!(pace.due(), Some(ms(2100)));
    }

    #[test]
    fn a_write_that_was_a_little_late_holds_data_back_and_no_key() {
        let mut pace = Pace::new(false);
        pace.want(Cause::Key, ms(1000));
        pace.drawn(&Drawn { took: ms(60), fresh: true, ..sent(100) }, ms(1060));
        pace.want(Cause::Data, ms(1061));
        assert_eq!(pace.due(), Some(ms(1120)));
        pace.want(Cause::Key, ms(1070));
        assert_eq!(pace.due(), Some(ms(1070)));
    }

    #[test]
    fn a_terminal_that_is_behind_is_left_alone() {
        let mut pace = Pace::new(false);
        pace.want(Cause::Key, ms(1000));
        pace.drawn(&Drawn { took: ms(400), ..sent(100) }, ms(1400));
        pace.want(Cause::Key, ms(1401));
        assert_eq!(pace.due(), Some(ms(1800)));
        let stuck = Drawn { blocked: true, left: 50, ..Drawn::default() };
        for (at, next) in [(2000, 2010), (2010, 2030), (2030, 2070), (2070, 2150), (2150, 2310), (2310, 2470)] {
            pace.drawn(&stuck, ms(at));
            assert_eq!(pace.due(), Some(ms(next)));
        }
        // The key that came in between is still to be drawn.
        pace.drawn(&Drawn { bytes: 50, ..Drawn::default() }, ms(2470));
        assert_eq!(pace.due(), Some(ms(2474)));
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_the_cap(
            frames in proptest::collection::vec((0_u64..400, 1_usize..60_000, any::<bool>()), 1..60)
        ) {
            let mut pace = Pace::new(false);
            let (mut now, mut log) = (ms(0), Vec::new());
            for (wait, size, key) in frames {
                now += ms(wait);
                pace.want(if key { Cause::Key } else { Cause::Data }, now);
                let (mut left, mut fresh) = (size, true);
                while left > 0 {
                    now = now.max(pace.due().unwrap());
                    let allowed = pace.allowance(now);
                    let bytes = if left <= BYTES_PER_SECOND && left == size && left > allowed { 0 } else { left.min(allowed) };
                    left -= bytes;
                    log.push((now, bytes));
                    pace.drawn(&Drawn { bytes, left, fresh, ..Drawn::default() }, now);
                    fresh = false;
                }
            }
            for (at, _) in &log {
                let within: usize = log.iter().filter(|(t, _)| t >= at && *t < *at + WINDOW).map(|(_, b)| b).sum();
                prop_assert!(within <= BYTES_PER_SECOND, "{within} from {at:?}");
            }
        }
    }
}
