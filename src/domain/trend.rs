//! Which fact a history is of, and in what it is counted.

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// A share, from 0 to 1.
    Ratio,
    /// Anything that is counted or has no unit.
    Number,
}

impl Unit {
    /// The unit of a fact, which is part of its documented name (`docs/facts.md`).
    #[must_use]
    pub fn of_fact(name: &str) -> Self {
        let known = [("_bytes", Self::Bytes), ("_ms", Self::Millis), ("_s", Self::Seconds), ("_ratio", Self::Ratio)];
        known.into_iter().find(|(end, _)| name.ends_with(end)).map_or(Self::Number, |(_, unit)| unit)
    }
}

/// The fact whose figures a row's history graph shows, with their unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trend {
    /// The name of a fact that is a number.
    pub fact: &'static str,
    /// Its unit.
    pub unit: Unit,
}

impl Trend {
    /// A trend of bytes.
    #[must_use]
    pub const fn bytes(fact: &'static str) -> Self {
        Self { fact, unit: Unit::Bytes }
    }

    /// A trend of milliseconds.
    #[must_use]
    pub const fn millis(fact: &'static str) -> Self {
        Self { fact, unit: Unit::Millis }
    }

    /// A trend of shares.
    #[must_use]
    pub const fn ratio(fact: &'static str) -> Self {
        Self { fact, unit: Unit::Ratio }
    }

    /// A trend of counts and of figures without a unit.
    #[must_use]
    pub const fn number(fact: &'static str) -> Self {
        Self { fact, unit: Unit::Number }
    }
}
