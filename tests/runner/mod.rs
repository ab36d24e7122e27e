//! The runner through the real binary: what is killed, what is answered, what is thrown at it.

mod acts;
mod answers;
mod chance;
mod checklist;
mod codes;
mod failpoints;
mod http;
mod items;
mod locks;
mod loss;
mod moving;
mod redis;
mod report;
mod socket;
mod sql;
mod state;
mod verify;
mod waiting;
mod wayback;
mod windows;
