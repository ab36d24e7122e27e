//! What a stretch of the screen means; a theme says how that looks.

use crate::config::estate::Environment;
use crate::domain::{EffectClass, RunStatus, StepState, Verdict};
use std::fmt;

macro_rules! roles {
    ($($variant:ident $group:literal $key:literal $doc:literal,)*) => {
        /// What a stretch of the screen means.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Role {
            $(#[doc = $doc] $variant,)*
        }

        impl Role {
            /// Every role, in the order of the groups.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The table it is in, in a theme file.
            #[must_use]
            pub fn group(self) -> &'static str {
                match self { $(Self::$variant => $group,)* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }

            /// Its key in that table.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }
        }
    };
}

roles! {
    VerdictOk "verdict" "ok" "Within its limits.",
    VerdictWarn "verdict" "warn" "Past its warning limit.",
    VerdictCritical "verdict" "critical" "Past its critical limit, or down.",
    VerdictUnknown "verdict" "unknown" "Could not be determined; the row says why.",
    VerdictStale "verdict" "stale" "Read once, and too old to rely on.",
    StatePlanned "state" "planned" "Not begun yet.",
    StateRunning "state" "running" "At work.",
    StateWaiting "state" "waiting" "Waits for a person.",
    StateDone "state" "done" "Ended as it should.",
    StateFailed "state" "failed" "Ended without its effect.",
    StateSkipped "state" "skipped" "Skipped by a person, with a reason.",
    StateUnknown "state" "unknown" "Started; how it ended is not known.",
    StateInterrupted "state" "interrupted" "Stopped by a person; or not over, and no runner works on it.",
    StateUndone "state" "undone" "Done, and then undone.",
    EffectRead "effect" "read" "Looks only.",
    EffectChange "effect" "change" "Changes something.",
    EffectDestroy "effect" "destroy" "Removes something.",
    EnvProduction "env" "production" "The badge of a production estate.",
    EnvStaging "env" "staging" "The badge of a staging estate.",
    EnvOther "env" "other" "The badge of any other estate.",
    UiText "ui" "text" "Plain text.",
    UiMuted "ui" "muted" "What is only there when looked for.",
    UiTitle "ui" "title" "A heading.",
    UiBorder "ui" "border" "The frame of a pane.",
    UiFocus "ui" "focus" "The frame of the pane that has the keys.",
    UiSelection "ui" "selection" "The row the cursor is on.",
    UiMatch "ui" "match" "What a search or filter found.",
    UiPrompt "ui" "prompt" "A question to the operator.",
    UiKey "ui" "key" "A key to press.",
    Graph1 "graph" "1" "The first series of a graph.",
    Graph2 "graph" "2" "The second series.",
    Graph3 "graph" "3" "The third series.",
    Graph4 "graph" "4" "The fourth series.",
    LogError "log" "error" "A log line that shows an error.",
    LogWarn "log" "warn" "A log line that warns.",
    LogInfo "log" "info" "A log line that informs.",
    LogDebug "log" "debug" "A log line for developers.",
    LogStderr "log" "stderr" "A line of standard error.",
}

impl Role {
    /// The groups, in the order of [`Role::ALL`].
    pub const GROUPS: [&str; 7] = ["verdict", "state", "effect", "env", "ui", "graph", "log"];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.group(), self.key())
    }
}

impl From<Verdict> for Role {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::VerdictOk,
            Verdict::Warn => Self::VerdictWarn,
            Verdict::Critical => Self::VerdictCritical,
            Verdict::Unknown => Self::VerdictUnknown,
        }
    }
}

impl From<StepState> for Role {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Planned => Self::StatePlanned,
            StepState::Running => Self::StateRunning,
            StepState::Waiting => Self::StateWaiting,
            StepState::Done => Self::StateDone,
            StepState::Failed => Self::StateFailed,
            StepState::Stopped => Self::StateInterrupted,
            StepState::Skipped => Self::StateSkipped,
            StepState::Unknown => Self::StateUnknown,
            StepState::Undone => Self::StateUndone,
        }
    }
}

impl From<RunStatus> for Role {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Running => Self::StateRunning,
            RunStatus::Waiting | RunStatus::Held => Self::StateWaiting,
            RunStatus::Ok => Self::StateDone,
            RunStatus::Failed => Self::StateFailed,
            RunStatus::Interrupted | RunStatus::Aborted => Self::StateInterrupted,
        }
    }
}

impl From<EffectClass> for Role {
    fn from(class: EffectClass) -> Self {
        match class {
            EffectClass::Read => Self::EffectRead,
            EffectClass::Change => Self::EffectChange,
            EffectClass::Destroy => Self::EffectDestroy,
        }
    }
}

impl From<Environment> for Role {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Production => Self::EnvProduction,
            Environment::Staging => Self::EnvStaging,
            Environment::Other => Self::EnvOther,
        }
    }
}
