//! Keeping secret values out of a log, wherever a chunk is cut.

/// What stands where a secret was.
pub const MASKED: &[u8] = b"[masked]";

/// Replaces secret values in one stream.
///
/// The last bytes of a chunk are held back as long as they may be the beginning of a secret.
#[derive(Clone, Debug)]
pub struct Mask {
    values: Vec<Vec<u8>>,
    held: Vec<u8>,
}

impl Mask {
    /// Makes a mask of values; empty ones hide nothing.
    pub fn new(values: &[Vec<u8>]) -> Self {
        let mut values: Vec<Vec<u8>> = values.iter().filter(|value| !value.is_empty()).cloned().collect();
        // The longest first: of two that begin alike, the whole one goes.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values, held: Vec::new() }
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes the next bytes, and gives those that may be written.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        self.cover(&text, true)
    }

    /// Gives what was held back: nothing more comes.
    pub fn finish(&mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.held);
        self.cover(&text, false)
    }

    /// Replaces the values in a text; holds its end back where more may come.
    fn cover(&mut self, text: &[u8], more: bool) -> Vec<u8> {
        let mut first = [false; 256];
        for byte in self.values.iter().filter_map(|value| value.first()) {
            if let Some(flag) = first.get_mut(usize::from(*byte)) {
                *flag = true;
            }
        }
        let may_begin = |byte: &u8| first.get(usize::from(*byte)).copied().unwrap_or(true);
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        loop {
            let plain = rest.iter().position(may_begin).unwrap_or(rest.len());
            let (before, here) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
            out.extend_from_slice(before);
            let Some((byte, after)) = here.split_first() else { return out };
            if more && self.values.iter().any(|value| value.len() > here.len() && value.starts_with(here)) {
                self.held = here.to_vec();
                return out;
            }
            rest = match self.values.iter().find_map(|value| here.strip_prefix(value.as_slice())) {
                Some(after) => {
                    out.extend_from_slice(MASKED);
                    after
                }
                None => {
                    out.push(*byte);
                    after
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(values: &[&str], chunks: &[&str]) -> String {
        let values: Vec<Vec<u8>> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let mut mask = Mask::new(&values);
        let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| mask.feed(chunk.as_bytes())).collect();
        out.extend(mask.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_secret_is_hidden_wherever_the_chunks_are_cut() {
        let text = "pw=hunter2;hunhunter2 hunter";
        for one in 0..=text.len() {
            for two in one..=text.len() {
                let chunks = [&text[..one], &text[one..two], &text[two..]];
                assert_eq!(masked(&["hunter2"], &chunks), "pw=[masked];hun[masked] hunter", "{chunks:?}");
            }
        }
        let single: Vec<&str> = text.split_inclusive(|_| true).collect();
        assert_eq!(masked(&["hunter2", ""], &single), "pw=[masked];hun[masked] hunter");
    }

    #[test]
    fn of_secrets_that_begin_alike_the_longest_goes() {
        assert_eq!(masked(&["abc", "abcdef"], &["abcde", "f abc", "dex"]), "[masked] [masked]dex");
        assert_eq!(masked(&["aab"], &["aaa", "ab"]), "aa[masked]");
        assert_eq!(masked(&[], &["a", "b"]), "ab");
    }
}
