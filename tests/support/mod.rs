//! What the tests share.

pub mod corpus;
pub mod disk;
pub mod estate;
pub mod hours;
pub mod invariants;
pub mod keys;
pub mod mail;
pub mod pgbouncer;
pub mod post;
pub mod pty;
pub mod run;
pub mod s3;
pub mod stalled;
