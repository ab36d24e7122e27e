//! From the model to a frame: draws, and does nothing else.

pub mod ink;
pub mod text;
pub mod theme;
