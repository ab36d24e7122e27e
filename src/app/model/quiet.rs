//! The quiet time: how long a dialog must stand on the screen, whole and with no key in between, before a key counts in it.

use super::{Model, Seen, TYPED_AHEAD};
use crate::app::modal::Modal;
use crate::domain::Boot;
use std::time::Duration;

/// The same for a prompt that follows one which was answered here: a second press of the key came for that one.
const AFTER_AN_ANSWER: Duration = Duration::from_secs(1);

impl Model {
    /// How long the topmost dialog must have been on the screen for a key to be meant for it.
    fn quiet_time(&self) -> Duration {
        match self.modal() {
            Some(Modal::Prompt(dialog)) if dialog.follows => AFTER_AN_ANSWER,
            _ => TYPED_AHEAD,
        }
    }

    /// How far up or down a page goes.
    #[must_use]
    pub fn page(&self) -> u16 {
        self.seen.page_rows.saturating_sub(1).max(1)
    }

    /// The topmost dialog shows something else now: it must be drawn and looked at before a key counts.
    pub fn look_again(&mut self) {
        self.unseen();
    }

    pub(super) fn unseen(&mut self) {
        self.pending.clear();
        self.moving = false;
        self.held = None;
        self.forget_frames();
    }

    /// A key moved what another key commits to (a choice, a page): that counts only after it was drawn and looked at.
    pub fn note_move(&mut self) {
        self.moving = true;
        self.forget_frames();
    }

    /// A key scrolled the topmost dialog: its quiet time begins again, and further keys may scroll it meanwhile.
    pub fn scrolled(&mut self) {
        self.moving |= self.is_awake();
        self.disturbed();
    }

    /// Whether the topmost dialog was looked at, and a key moved something in it since then.
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.moving
    }

    /// No frame so far shows what the topmost dialog is now.
    fn forget_frames(&mut self) {
        self.shown_since = None;
        self.seen.whole = false;
        if let Some(seen) = &mut self.unsent {
            seen.whole = false;
        }
    }

    /// Takes note of what a frame shows. It was seen once all of it was [sent](Self::sent): on a slow line that takes a while.
    pub fn sending(&mut self, seen: Seen) {
        self.unsent = Some(seen);
    }

    /// Takes note that all of the last frame was sent.
    pub fn sent(&mut self, at: Boot) {
        if let Some(seen) = self.unsent.take() {
            self.drawn(seen, at);
        }
    }

    /// Takes note of what a frame showed and when; called after each drawing, and asks for no new one.
    pub fn drawn(&mut self, seen: Seen, at: Boot) {
        if seen.whole && seen.size == self.size {
            // Lines that are on the screen for the first time are looked at before a key counts.
            if self.reads(&seen.text) {
                self.shown_since = Some(at);
            }
            self.shown_since.get_or_insert(at);
        }
        self.seen = seen;
    }

    /// Takes note that no key was waiting at a moment: what comes later was typed later.
    ///
    /// A key that waited while the console was held up is as old as that, however late it is read.
    pub fn note_silence(&mut self, at: Boot) {
        self.last_message = Some(at);
    }

    /// Whether somebody tells whether keys are waiting.
    #[must_use]
    pub fn is_told_of_waiting_keys(&self) -> bool {
        self.last_message.is_some()
    }

    /// When it must next be seen that no key is waiting, for the topmost dialog to take keys from then on.
    #[must_use]
    pub fn wakes_at(&self) -> Option<Boot> {
        let since = self.shown_since.filter(|_| self.modal().is_some_and(Modal::is_guarded))?;
        let wakes = Boot(since.0.saturating_add(self.quiet_time().as_nanos() as u64));
        (self.last_message < Some(wakes)).then_some(wakes)
    }

    /// What the last frame showed.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Takes the terminal's new size, or its return after a pause: nothing can be confirmed until it was drawn again and looked at.
    pub fn resized(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        self.forget_frames();
    }

    /// A key came that was not meant for the topmost dialog: its quiet time begins again.
    pub fn disturbed(&mut self) {
        self.shown_since = self.shown_since.map(|since| since.max(self.now.boot));
    }

    /// Whether the topmost dialog has been on the screen long enough for a key to be meant for it.
    ///
    /// Counted to the last moment at which no key was waiting; to the present where nobody tells of such moments.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        let received = self.last_message.unwrap_or(self.now.boot);
        self.shown_since.is_some_and(|since| received.since(since) >= self.quiet_time())
    }

    /// Whether the topmost dialog stood on the screen at its present size, whole but for the lines that it scrolls.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.seen.whole && self.seen.size == self.size
    }
}
