//! Masks the secrets that this process has read in the output of services and programs, before it reaches any record.
//!
//! A service may return a secret: an echo, an error text, a query over `pg_settings`, a key of Redis. The reports,
//! previews and output of an act are masked here, in the process that read the secret.

use crate::config::secrets;
use crate::domain::Preview;
use crate::journal::log::Mask;
use crate::runner::adapters::ActEnd;
use std::io::{self, Write};

/// How many bytes a value must have: a shorter one would match everywhere.
const SHORTEST: usize = 4;

fn values() -> Vec<Vec<u8>> {
    let mut values = secrets::held();
    values.retain(|value| value.len() >= SHORTEST);
    values
}

/// An end without secrets.
#[must_use]
pub fn end(mut end: ActEnd) -> ActEnd {
    let mask = Mask::new(&values());
    if !mask.is_empty() {
        end.detail = mask.whole(&end.detail);
        end.next = end.next.map(|next| mask.whole(&next));
        if let Some(seen) = &mut end.evidence {
            seen.source = mask.whole(&seen.source);
            seen.facts.values_mut().for_each(|value| *value = mask.whole(value));
        }
    }
    end
}

/// A preview without secrets. Its frozen set is unchanged: an undo needs the old values.
#[must_use]
pub fn preview(mut preview: Preview) -> Preview {
    let mask = Mask::new(&values());
    if !mask.is_empty() {
        preview.headline = mask.whole(&preview.headline);
        preview.place = mask.whole(&preview.place);
        preview.facts.iter_mut().for_each(|(_, value)| *value = mask.whole(value));
        preview.warnings.iter_mut().for_each(|warning| *warning = mask.whole(warning));
        preview.undo = mask.whole(&preview.undo);
        if let Some(listing) = &mut preview.listing {
            listing.text = mask.whole(&listing.text);
        }
    }
    preview
}

/// A text without secrets.
#[must_use]
pub fn text(text: &str) -> String {
    Mask::new(&values()).whole(text)
}

/// An output that masks the secrets that this process has read.
pub struct Output<W: Write> {
    inner: W,
    mask: Mask,
    held: usize,
}

impl<W: Write> Output<W> {
    /// Masks what is written to `inner`.
    pub fn of(inner: W) -> Self {
        Self { inner, mask: Mask::new(&[]), held: 0 }
    }

    /// Writes the bytes held back because a secret might have begun there.
    ///
    /// # Errors
    /// As writing to what is below.
    pub fn finish(&mut self) -> io::Result<()> {
        let rest = self.mask.finish();
        self.inner.write_all(&rest)?;
        self.inner.flush()
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let values = values();
        if values.len() != self.held {
            self.finish()?;
            self.held = values.len();
            self.mask = Mask::new(&values);
        }
        let shown = self.mask.feed(bytes);
        self.inner.write_all(&shown)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Drop for Output<W> {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secrets::Secret;
    use crate::domain::Listing;

    #[test]
    fn a_prompt_shows_no_secret() {
        let _held = Secret::new("elephant-4471-in-a-listing");
        let text = "SELECT 1\nWHERE token = 'elephant-4471-in-a-listing'\n".to_owned();
        let seen = preview(Preview {
            listing: Some(Listing { name: "SQL statement".to_owned(), text }),
            ..Preview::default()
        });
        let text = seen.listing.unwrap().text;
        assert!(text.starts_with("SELECT 1\nWHERE token = '") && !text.contains("elephant"), "{text}");
    }
}
