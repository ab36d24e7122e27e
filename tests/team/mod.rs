//! Two people and one run: real users of this machine, on a team directory.
//!
//! Only root can become other users. Where the tests run as somebody else, each says so, and tries what one user can see.

mod backups;
mod consoles;
mod emergency;
mod eyes;
mod glass;
pub mod people;
mod shared;
mod steps;
mod trust;
mod unkillable;
