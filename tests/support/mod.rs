//! What the tests share.

pub mod corpus;
pub mod disk;
pub mod estate;
pub mod post;
pub mod invariants;
pub mod pty;
pub mod run;
