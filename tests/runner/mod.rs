//! The runner through the real binary: what is killed, what is answered, what is thrown at it.

mod acts;
mod answers;
pub mod chance;
mod checklist;
mod codes;
mod failpoints;
mod faults;
mod histories;
mod http;
mod items;
mod locks;
mod loss;
mod moving;
mod notices;
mod property;
mod redis;
mod report;
mod rows;
mod socket;
mod sql;
mod state;
mod verify;
mod waiting;
mod wayback;
mod windows;
