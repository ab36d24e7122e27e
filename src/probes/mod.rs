//! Sources of readings, one file each; a probe reads one target and changes nothing.

pub mod aside;
pub mod backups;
pub mod bloat;
pub mod certs;
pub mod clock;
pub(crate) mod contact;
pub(crate) mod dial;
pub mod estate;
mod fstab;
mod handshake;
pub mod host;
pub mod http;
pub mod kube;
pub mod logind;
pub mod mountinfo;
pub mod mounts;
pub mod panics;
pub mod postgres;
pub mod redis;
mod roots;
mod said;
pub mod schedule;
pub mod store;
pub mod target;
pub mod units;
mod verifier;
pub(crate) mod why;

pub use schedule::{Prober, read_all};
pub use target::{Every, HostPart, Mount, Target};
