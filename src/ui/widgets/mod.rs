//! Parts that know no word of the domain.

pub mod badge;
pub mod big;
pub mod frame;
pub mod gauge;
pub mod spark;
pub mod table;
