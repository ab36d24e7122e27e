//! The one sanitiser between outside bytes and the screen.

/// Text that may be drawn.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Clean(String);
