//! Sources of readings, one file each; a probe reads one target and changes nothing.

pub mod clock;
