//! An estimate with its error bar.

/// The error of an estimate from fresh statistics of widths that hardly vary, as a share of the size.
const FRESH: f64 = 0.02;
/// Its error where statistics are old or widths vary.
const DOUBTFUL: f64 = 0.10;
/// From this share of a row on, varying columns make it doubtful.
const VARYING: f64 = 0.30;
/// An error bar beyond this says nothing.
const USELESS: f64 = 0.60;

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rows {
    /// Those that are alive, at least.
    pub(super) live: f64,
    /// Those that may be alive beside them.
    pub(super) unsure: f64,
    /// The share of the file that came or went since they were counted.
    pub(super) drift: f64,
    /// Dead ones that no rewrite can remove while somebody may still see them: at least and at most.
    pub(super) pinned: (f64, f64),
    /// Whether the number may be old, or more than a fifth of the rows changed since they were analyzed.
    pub(super) stale: bool,
}

impl Rows {
    /// Rows that were counted exactly.
    #[cfg(test)]
    pub(super) fn exactly(live: f64) -> Self {
        Self { live, unsure: 0.0, drift: 0.0, pinned: (0.0, 0.0), stale: false }
    }

    /// As many as there may be that no rewrite removes.
    pub(super) fn most(&self) -> f64 {
        self.live + self.unsure + self.pinned.1
    }
}

/// How far an estimate may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Error {
    /// By a share of the size.
    Share(f64),
    /// By bytes, and the usual share of fresh statistics where that is more.
    Bytes(f64),
}

impl Error {
    /// That of a width of which a share varies from row to row; rounded up, it is off by another share.
    pub(super) fn of_widths(varying: f64, rounding: f64, rows: &Rows) -> Self {
        let usual = if rows.stale || varying > VARYING { DOUBTFUL } else { FRESH };
        Self::Share(usual.max(rounding))
    }

    /// That of an estimate whose model is itself doubtful.
    pub(super) fn doubtful(rounding: f64) -> Self {
        Self::Share(DOUBTFUL.max(rounding))
    }

    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    fn bytes(self, size: u64) -> f64 {
        match self {
            Self::Share(share) => share * size as f64,
            Self::Bytes(bytes) => bytes.max(FRESH * size as f64),
        }
    }
}

/// What a rewrite would give back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// Bytes that it has now.
    pub(super) size: u64,
    /// Bytes that would come back; `None` where nothing is known.
    pub(super) bytes: Option<u64>,
    /// By how many bytes that may be wrong.
    error: f64,
}

impl Estimate {
    /// That of a file whose needed bytes are a function of the rows.
    ///
    /// More needed than there is tells that the model is wrong by at least as much: nothing comes back, and the error grows.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Sizes of files.
    pub(super) fn of(size: u64, needs: impl Fn(f64) -> f64, rows: &Rows, error: Error) -> Self {
        let upper = size as f64 - needs(rows.live + rows.pinned.0);
        let lower = size as f64 - needs(rows.most());
        let over = (-upper).max(0.0);
        let (upper, lower) = (upper.max(0.0), lower.max(0.0));
        let middle = f64::midpoint(upper, lower);
        let error = error.bytes(size).max(over) + rows.drift * size as f64 + (upper - middle);
        Self { size, bytes: Some(middle as u64), error }
    }

    /// That of a file of which as much as this would come back, or as little as another estimate has, or nothing. `None` where that is
    /// too much doubt.
    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    pub(super) fn or_less(self, least: Option<Self>) -> Option<Self> {
        let (most, low) = (self.bytes?, least.map_or(Some(0), |least| least.bytes)?.min(self.bytes?));
        let half = (most - low) as f64 / 2.0;
        let error = least.map_or(self.error, |least| self.error.max(least.error)) + half;
        (half <= DOUBTFUL * self.size as f64).then_some(Self { bytes: Some(u64::midpoint(most, low)), error, ..self })
    }

    /// That of a file of which nothing but the size is known.
    pub(super) fn unknown(size: u64) -> Self {
        Self { size, bytes: None, error: 0.0 }
    }

    /// Two files together. What is unknown of a small one is doubt; of a large one, it leaves nothing known.
    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    pub(super) fn and(self, other: &Self) -> Self {
        let size = self.size.saturating_add(other.size);
        let part = |one: &Self| match one.bytes {
            Some(bytes) => (bytes, one.error),
            None => (0, one.size as f64),
        };
        let ((bytes, error), (more, doubt)) = (part(&self), part(other));
        let unknown = [&self, other].into_iter().filter(|one| one.bytes.is_none()).map(|one| one.size).sum::<u64>();
        let known = (unknown as f64) <= DOUBTFUL * size as f64;
        Self { size, bytes: known.then_some(bytes.saturating_add(more)), error: error + doubt }
    }

    /// What would come back as a share of the size, 0 to 1.
    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    pub(super) fn ratio(&self) -> Option<f64> {
        self.bytes.filter(|_| self.size > 0).map(|bytes| bytes as f64 / self.size as f64)
    }

    /// By which share of the size the estimate may be wrong, 0 to 1.
    #[allow(clippy::cast_precision_loss)] // Sizes of files.
    pub(super) fn error_ratio(&self) -> Option<f64> {
        (self.bytes.is_some() && self.size > 0).then(|| (self.error / self.size as f64).min(1.0))
    }

    /// Whether the error bar is so long that the figure says nothing.
    pub(super) fn is_useless(&self) -> bool {
        self.error_ratio().is_none_or(|error| error > USELESS)
    }

    /// By how many bytes the estimate may be wrong.
    pub(super) fn error_bytes(&self) -> f64 {
        self.error
    }
}
