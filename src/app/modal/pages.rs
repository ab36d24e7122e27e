//! The pages of a prompt that asks for several steps: a step has a page, and a text that is too long for the page a list of its own.
//! Nothing is confirmed before all of them were read (`app/reading.rs`).

use crate::app::modal::PromptDialog;
use crate::domain::{Digest, Listing, Preview};
use crate::journal::record::Ask;

/// The most lines of a script that stand in the prompt itself; a longer one has its own list.
pub const INLINE: usize = 12;

/// One step of a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Page<'a> {
    /// The step, from 0.
    pub step: u32,
    /// The digest of its frozen set.
    pub set: &'a Digest,
    /// What is shown of it; `None` in a record of an older version, which kept the headline alone.
    pub preview: Option<&'a Preview>,
    /// Its headline.
    pub headline: &'a str,
}

impl PromptDialog {
    /// How many steps it asks for: 1 but for a prompt that covers more than its own step.
    #[must_use]
    pub fn pages(&self) -> usize {
        match &self.prompt.ask {
            Ask::Confirm { also, .. } => also.len() + 1,
            _ => 1,
        }
    }

    /// The step on a page; `None` where no act is confirmed.
    #[must_use]
    pub fn page_at(&self, number: usize) -> Option<Page<'_>> {
        let Ask::Confirm { set, preview, also, .. } = &self.prompt.ask else { return None };
        let Some(earlier) = number.checked_sub(1) else {
            let headline = &preview.headline;
            return Some(Page { step: self.prompt.step, set, preview: Some(preview.as_ref()), headline });
        };
        let covered = also.get(earlier)?;
        let preview = covered.preview.as_deref();
        Some(Page { step: covered.step, set: &covered.set, preview, headline: &covered.headline })
    }

    /// The step on the page in sight.
    #[must_use]
    pub fn page(&self) -> Option<Page<'_>> {
        self.page_at(self.page)
    }

    /// Whether a move goes beyond the rows of the page in sight, which can be scrolled so far, to another page.
    #[must_use]
    pub fn leaves_page(&self, by: isize, scroll_end: u16) -> bool {
        let at = self.scroll.min(scroll_end);
        if by > 0 { at == scroll_end && self.page + 1 < self.pages() } else { at == 0 && self.page > 0 }
    }

    /// Turns to the page before or after.
    pub fn turn(&mut self, by: isize) {
        self.page = self.page.saturating_add_signed(by.signum()).min(self.pages() - 1);
        self.scroll = 0;
        self.hint = None;
    }

    /// Whether the text of a page is too long for the page, and has a list of its own.
    #[must_use]
    pub fn has_long_text(&self, page: usize) -> bool {
        let text = |page: usize| self.page_at(page)?.preview?.listing.as_ref();
        text(page).is_some_and(|listing| listing.text.lines().count() > INLINE)
    }

    /// The text of the page in sight, where it has one.
    #[must_use]
    pub fn listing(&self) -> Option<&Listing> {
        self.page()?.preview?.listing.as_ref()
    }
}
