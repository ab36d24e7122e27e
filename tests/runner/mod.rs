//! The runner through the real binary: what is killed, what is answered, what is thrown at it.

mod acts;
mod answers;
mod chance;
mod checklist;
mod codes;
mod failpoints;
mod http;
mod items;
mod logs;
mod loss;
mod moving;
mod objects;
mod redis;
mod report;
mod script;
mod socket;
mod sql;
mod state;
mod verify;
mod waiting;
