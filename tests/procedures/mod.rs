//! Procedures beside and within one another.

mod judged;
mod packs;
mod shown;
mod uses;
