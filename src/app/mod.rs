//! What the console knows and decides: `update(&mut Model, Msg) -> Vec<Effect>`, with no I/O and no clock.

pub mod burst;
pub mod confirm;
pub mod copy;
pub mod drafts;
pub mod early;
pub mod effect;
pub mod estate;
pub mod field;
pub mod keymap;
pub mod keys;
pub mod modal;
pub mod model;
mod moves;
pub mod msg;
pub mod pane;
pub mod panes;
pub mod problems;
mod pulse;
pub mod reading;
pub mod reason;
pub mod runs;
pub mod snapshot;
pub mod update;
pub mod wallboard;
pub mod window;

pub use model::{Model, Opening};
pub use snapshot::Snapshot;
pub use update::{begin, update};
