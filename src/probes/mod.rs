//! Sources of readings, one file each; a probe reads one target and changes nothing.

pub mod clock;
pub mod host;
pub mod http;
pub mod mountinfo;
pub mod mounts;
pub mod schedule;
pub mod target;

pub use schedule::{Prober, read_all};
pub use target::{Every, HostPart, Mount, Service, Target, Thresholds};
