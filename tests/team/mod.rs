//! Two people and one run: real users of this machine, on a team directory.
//!
//! Only root can become other users. As another user, each test prints that, and tries what one user can see.

mod approval;
mod backups;
mod break_glass;
mod consoles;
mod emergency;
pub mod people;
mod shared;
mod steps;
mod trust;
mod unkillable;
