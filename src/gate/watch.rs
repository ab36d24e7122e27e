//! The watching gate: answers queries, refuses every command, and cannot act.

use crate::app::confirm::{Authority, Confirmed};
use crate::app::effect::{Command, Query};
use crate::app::msg::Msg;
use crate::domain::{Error, Kind};
use crate::gate::Gate;
use crate::gate::lookup::Lookup;

/// The gate that only answers queries.
pub struct Watch {
    lookup: Lookup,
}

impl Watch {
    /// Makes the watching gate.
    #[must_use]
    pub fn new(lookup: Lookup) -> Self {
        Self { lookup }
    }
}

impl Gate for Watch {
    fn query(&mut self, query: Query) {
        self.lookup.query(query);
    }

    fn command(&mut self, _: Confirmed<Command>) {
        let refusal = Error::new(Kind::Refused, "this console is read-only").hint("open it without --read-only to act");
        self.lookup.send(Msg::CommandFailed(refusal));
    }

    fn authority(&self) -> Option<Authority> {
        None
    }
}
