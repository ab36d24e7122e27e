//! The action registry: one list gives keys, help, palette, the reference and the checks for conflicts.

/// Where a key means something; the word is the table's name in a keymap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Everywhere outside a text field.
    Global,
    /// In anything with a cursor or more lines than fit.
    List,
    /// In the Checklist pane and in one of its items.
    Checklist,
    /// In the Run pane.
    Run,
    /// In the Log pane.
    Log,
    /// In a dialog that asks for consent or takes a note, outside its text.
    Prompt,
}

impl Context {
    /// Every context, in the order of the help.
    pub const ALL: [Self; 6] = [Self::Global, Self::List, Self::Checklist, Self::Run, Self::Log, Self::Prompt];

    /// The one word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Checklist => "checklist",
            Self::Run => "run",
            Self::Log => "log",
            Self::Prompt => "prompt",
        }
    }

    /// Where it is, as the reference says it.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Global => "Everywhere outside a text field.",
            Self::List => "In anything with a cursor or more lines than fit.",
            Self::Checklist => "In the Checklist pane and in one of its items.",
            Self::Run => "In the Run pane.",
            Self::Log => "In the Log pane.",
            Self::Prompt => "In a dialog that asks for consent or takes a note, outside its text.",
        }
    }

    /// The contexts that are open at the same time, the nearest first.
    #[must_use]
    pub fn stack(self) -> &'static [Self] {
        match self {
            Self::Global => &[Self::Global],
            Self::List => &[Self::List, Self::Global],
            // A checklist is a run, and is stopped and resumed as one.
            Self::Checklist => &[Self::Checklist, Self::Run, Self::List, Self::Global],
            Self::Run => &[Self::Run, Self::List, Self::Global],
            Self::Log => &[Self::Log, Self::List, Self::Global],
            Self::Prompt => &[Self::Prompt, Self::List, Self::Global],
        }
    }
}

/// How much harm an action leads towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// It looks.
    None,
    /// It is on the way to an act, and asks before it; missing in a read-only console.
    Acts,
    /// It consents or stops; never on a key that people press by habit.
    Commits,
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $context:ident, $danger:ident, $doc:literal;)*) => {
        /// Something a key or the palette can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $(#[doc = $doc] $variant,)*
        }

        /// Every action, in the order of the help.
        pub const ACTIONS: &[Entry] = &[
            $(Entry {
                action: Action::$variant,
                name: $name,
                context: Context::$context,
                danger: Danger::$danger,
                doc: $doc,
            },)*
        ];
    };
}

actions! {
    Help, "help", Global, None, "Shows the keys that work here.";
    Palette, "palette", Global, None, "Finds a command by its name.";
    Back, "back", Global, None, "Goes back one level; never quits.";
    Quit, "quit", Global, None, "Goes back one level; at the top it leaves the console. Runs go on.";
    Interrupt, "interrupt", Global, None, "Leaves the dialog unanswered, or asks before leaving the console.";
    NextPane, "next-pane", Global, None, "Moves to the next pane.";
    PreviousPane, "previous-pane", Global, None, "Moves to the pane before.";
    Pane1, "pane-1", Global, None, "Moves to Health.";
    Pane2, "pane-2", Global, None, "Moves to Backups.";
    Pane3, "pane-3", Global, None, "Moves to Certificates.";
    Pane4, "pane-4", Global, None, "Moves to Bloat.";
    Pane5, "pane-5", Global, None, "Moves to Checklist.";
    Pane6, "pane-6", Global, None, "Moves to Run.";
    Pane7, "pane-7", Global, None, "Moves to Log.";
    Zoom, "zoom", Global, None, "Gives the pane the whole screen, or undoes it.";
    Filter, "filter", Global, None, "Shows only what contains a text.";
    Refresh, "refresh", Global, None, "Reads every target now.";
    Runs, "runs", Global, None, "Lists the runs, to attach to one.";
    Procedures, "procedures", Global, None, "Lists the procedures with what each acts on, to open one.";
    NextProblem, "next-problem", Global, None, "Moves to the next row that is not ok, over all panes, the worst first.";
    Problems, "problems", Global, None, "Lists every row that is not ok.";
    Log, "log", Global, None, "Opens the log of the step.";
    Note, "note", Global, Acts, "Writes a note beside the step.";
    Copy, "copy", Global, None, "Copies the row, the lines of the log or the run's id to the clipboard.";
    Mouse, "mouse", Global, None, "Gives the mouse to the terminal, for its own selection, or undoes it.";
    Redraw, "redraw", Global, None, "Draws the whole screen again.";
    Suspend, "suspend", Global, None, "Stops the console until the shell continues it. Runs go on.";
    Down, "down", List, None, "Moves down.";
    Up, "up", List, None, "Moves up.";
    PageDown, "page-down", List, None, "Moves down by a page.";
    PageUp, "page-up", List, None, "Moves up by a page.";
    Top, "top", List, None, "Moves to the first.";
    Bottom, "bottom", List, None, "Moves to the last.";
    Open, "open", List, None, "Opens what the cursor is on; closes an open item with evidence.";
    Sort, "sort", List, None, "Sorts the rows by the next column.";
    Reverse, "reverse", List, None, "Reverses the order of the rows.";
    Facts, "facts", List, None, "In the detail of a row, shows facts under their own names.";
    Act, "act", List, Acts, "Offers what can act on the row; in a run, opens its prompt.";
    Abort, "abort", Run, Commits, "Asks whether to stop the run, and whether to undo what it did.";
    Resume, "resume", Run, Commits, "Asks whether to continue an interrupted run.";
    Hand, "hand", Checklist, Acts, "Signs the item off by hand, with a note: a claim. The key that confirms signs it.";
    Skip, "skip", Checklist, Acts, "Skips the item, with a reason.";
    Override, "override", Checklist, Acts, "Overrides a hard gate that did not pass, with a reason; for another person than the starter.";
    Reopen, "reopen", Checklist, Acts, "Opens the item again that was closed by hand or skipped, with a reason.";
    Search, "search", Log, None, "Searches the log.";
    NextMatch, "next-match", Log, None, "Moves to the next match.";
    PreviousMatch, "previous-match", Log, None, "Moves to the match before.";
    NextError, "next-error", Log, None, "Moves to the next line that looks like an error.";
    Wrap, "wrap", Log, None, "Wraps long lines, or cuts them.";
    Timestamps, "timestamps", Log, None, "Shows when each line was written.";
    Follow, "follow", Log, None, "Follows the end of the log.";
    PreviousLog, "previous-log", Log, None, "Shows the log of the attempt before: of the step, or of its undo.";
    NextLog, "next-log", Log, None, "Shows the log of the attempt after.";
    Confirm, "confirm", Prompt, Commits, "Confirms a change, a start, a sign-off, a decision or a note.";
    Decline, "decline", Prompt, Commits, "Answers no, after asking once more: the run stops before the step.";
    ListSet, "list-set", Prompt, None, "Lists everything the act will touch.";
    Emergency, "emergency", Prompt, Acts, "Starts the plan outside its window: asks for the reason, then a second person.";
    Leave, "leave-field", Prompt, None, "Leaves the text, so that letters are keys; goes back to it.";
}

/// A line of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What is done.
    pub action: Action,
    /// Its word in keymap files and in the palette.
    pub name: &'static str,
    /// Where it can be done.
    pub context: Context,
    /// How dangerous it is.
    pub danger: Danger,
    /// What it does, in a sentence.
    pub doc: &'static str,
}

impl Action {
    /// The action's line in the registry.
    #[must_use]
    pub fn entry(self) -> Option<&'static Entry> {
        ACTIONS.iter().find(|entry| entry.action == self)
    }

    /// Whether it is missing in a read-only console.
    #[must_use]
    pub fn acts(self) -> bool {
        self.entry().is_some_and(|entry| entry.danger != Danger::None)
    }
}
