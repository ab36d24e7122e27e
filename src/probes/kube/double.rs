//! Double.
