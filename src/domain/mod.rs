//! Plain values that every layer uses: no I/O, no clock, no randomness.

pub mod clean;
pub mod effect;
pub mod error;
pub mod evidence;
pub mod facts;
pub mod glob;
pub mod ids;
pub mod key;
pub mod loss;
pub mod observation;
pub mod pace;
pub mod preview;
pub mod quantity;
pub mod reference;
pub mod run;
pub mod series;
pub mod step;
pub mod time;
pub mod trend;
pub mod verdict;

pub use clean::Clean;
pub use effect::EffectClass;
pub use error::{Error, Kind};
pub use evidence::{Evidence, Saved, Whole};
pub use ids::{Digest, PromptId, RunId};
pub use key::{Key, KeyCode};
pub use loss::Loss;
pub use observation::{Fact, Finding, Observation, Row, Rows, Section, TargetKind};
pub use pace::{Basis, Budget, Expected, Pace};
pub use preview::{Item, Listing, Preview};
pub use run::{Actor, Attendee, RunStatus};
pub use series::{Figure, Past, Series, SeriesId};
pub use step::{Order, PromptScope, StepState, Verb};
pub use time::{Boot, Wall};
pub use trend::Trend;
pub use verdict::Verdict;
