//! A flag that a variable may set as well.

use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsStr;

/// The words that set a flag, and those that do not.
const WORDS: [(&str, bool); 8] = [
    ("1", true),
    ("true", true),
    ("yes", true),
    ("on", true),
    ("0", false),
    ("false", false),
    ("no", false),
    ("off", false),
];

/// Reads the value of the variable of this name; a value that is none of the words is refused by the variable's name.
#[derive(Clone, Copy, Debug)]
pub struct Switch(pub &'static str);

impl TypedValueParser for Switch {
    type Value = bool;

    fn parse_ref(&self, cmd: &clap::Command, _: Option<&clap::Arg>, value: &OsStr) -> Result<bool, clap::Error> {
        let given = value.to_string_lossy();
        let word = given.to_lowercase();
        if let Some((_, set)) = WORDS.iter().find(|(known, _)| *known == word) {
            return Ok(*set);
        }
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(cmd);
        let shown = ContextValue::String(given.escape_debug().to_string());
        error.insert(ContextKind::InvalidArg, ContextValue::String(self.0.to_owned()));
        error.insert(ContextKind::InvalidValue, shown);
        error.insert(ContextKind::ValidValue, ContextValue::Strings(WORDS.map(|(word, _)| word.to_owned()).to_vec()));
        Err(error)
    }
}
