//! Reads the clocks; everything below and beside gets time as a value.

use crate::domain::time::Now;
use crate::domain::{Boot, Wall};
use rustix::time::{ClockId, clock_gettime};

/// Both clocks, now.
#[must_use]
pub fn now() -> Now {
    Now { wall: shifted(Wall(jiff::Timestamp::now())), boot: boot() }
}

/// The wall clock as a test set it: `MIDWATCH_WALL_SHIFT` names a file that holds by how many seconds it is wrong, read each
/// time, so that it can jump under way. Debug builds only.
#[cfg(debug_assertions)]
fn shifted(wall: Wall) -> Wall {
    let file = std::env::var_os("MIDWATCH_WALL_SHIFT");
    let text = file.and_then(|file| std::fs::read_to_string(file).ok());
    let seconds = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    wall.0.checked_add(jiff::SignedDuration::from_secs(seconds)).map_or(wall, Wall)
}

/// The wall clock as it is.
#[cfg(not(debug_assertions))]
fn shifted(wall: Wall) -> Wall {
    wall
}

/// `CLOCK_BOOTTIME`, now.
#[must_use]
pub fn boot() -> Boot {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Boot(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// The kernel's id of this boot; empty when the kernel does not tell, and an empty id equals no other.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|text| text.trim().to_owned()).unwrap_or_default()
}
