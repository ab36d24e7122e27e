//! The pages of a prompt that asks for several steps, and whether everything that it shows was read.
//!
//! A step has a page. A page is read once it stood whole on the screen; a text that is too long for the page is read once its
//! list was followed to its end. Nothing is confirmed before all of it was read.

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

/// What is still to be read before a prompt can be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The page of this number, from 0.
    Page(usize),
    /// The text of the page of this number, from 0.
    Text(usize),
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

    /// Turns to the page before or after.
    pub fn turn(&mut self, by: isize) {
        self.page = self.page.saturating_add_signed(by.signum()).min(self.pages() - 1);
        self.hint = None;
    }

    /// Takes note that the page in sight stands whole on the screen.
    pub fn see(&mut self) {
        self.seen.insert(self.page);
    }

    /// Takes note that the text of the page in sight was followed to its end.
    pub fn follow(&mut self) {
        self.followed.insert(self.page);
    }

    /// The first thing that was not read yet.
    #[must_use]
    pub fn unread(&self) -> Option<Unread> {
        if !self.is_consent() {
            return None;
        }
        let unread = |page: usize| {
            let long = self.text_of(page).is_some_and(|lines| lines > INLINE);
            match (self.seen.contains(&page), long && !self.followed.contains(&page)) {
                (false, _) => Some(Unread::Page(page)),
                (true, true) => Some(Unread::Text(page)),
                (true, false) => None,
            }
        };
        (0..self.pages()).find_map(unread)
    }

    /// How many lines the text of a page has, where it has one.
    fn text_of(&self, page: usize) -> Option<usize> {
        let listing = self.page_at(page)?.preview?.listing.as_ref()?;
        Some(listing.text.lines().count())
    }

    /// The text of the page in sight, where it has one.
    #[must_use]
    pub fn listing(&self) -> Option<&Listing> {
        self.page()?.preview?.listing.as_ref()
    }
}
