//! What the console knows and decides: `update(&mut Model, Msg) -> Vec<Effect>`, with no I/O and no clock.

pub mod confirm;
pub mod effect;
pub mod msg;
