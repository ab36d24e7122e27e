//! Both clocks, as a run reads them.
//!
//! In debug builds a test may move the wall clock: `MIDWATCH_CLOCK` names a file with a number of milliseconds, which are added to
//! it; the boot clock stays as it is. A release build has no such switch.

use crate::domain::time::Now;
use crate::probes::clock;

pub use crate::probes::clock::boot;

/// Both clocks, now.
#[must_use]
pub fn now() -> Now {
    let now = clock::now();
    match moved_ms() {
        0 => now,
        ms => Now { wall: moved(now.wall, ms), boot: now.boot },
    }
}

fn moved(wall: crate::domain::Wall, ms: i64) -> crate::domain::Wall {
    let by = jiff::SignedDuration::from_millis(ms);
    wall.0.checked_add(by).map_or(wall, crate::domain::Wall)
}

#[cfg(debug_assertions)]
fn moved_ms() -> i64 {
    let Some(file) = std::env::var_os("MIDWATCH_CLOCK") else { return 0 };
    std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(not(debug_assertions))]
fn moved_ms() -> i64 {
    0
}
