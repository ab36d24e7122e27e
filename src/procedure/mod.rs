//! From a TOML file to a checked plan.

pub mod acts_on;
pub mod adapters;
pub mod catalog;
pub mod condition;
pub mod header;
pub mod keys;
pub mod lint;
mod make;
pub mod outline;
pub mod page;
pub mod params;
pub mod pattern;
pub mod plan;
pub mod quote;
pub mod read;
pub mod rollback;
pub mod shell;
pub mod shipped;
pub mod sql;
pub mod steps;
pub mod template;
mod uses;
pub mod window;

pub use catalog::Catalog;
pub use header::Procedure;
