//! Whether a file of certificates is as servers take it.
//!
//! A server takes the first certificate of a file as its own, needs the key of that one, and sends the others behind it
//! (`SSL_CTX_use_certificate_chain_file(3)`). Each of these certifies one before it (RFC 5246, 7.4.2); where several issue the same, any
//! of them may come first.
//!
//! | what | verdict |
//! |---|---|
//! | the key beside it is of another certificate than the first | critical: no server starts with it |
//! | an issuer of the certificate stands before it | critical: a server takes that as its own |
//! | a CA's that issued nothing of it stands before it, and the certificate is not self-signed | warn: a server would take it, and a list of what is trusted may be so |
//! | one is in it twice; a CA's that issued none of those before it | warn: some clients refuse such a chain |
//!
//! A bundle of CAs has no order, and no key.

use crate::domain::Verdict;
use crate::probes::certs::judge::Bundle;
use crate::probes::certs::parse::Parsed;
use crate::probes::certs::private::{Match, Private};

/// What is behind a fault of the order that clients may pardon.
const REFUSED: &str = "some clients refuse such a chain";

/// The worst that is wrong with the order of a file; nothing where a server takes it as it is meant.
#[must_use]
pub fn judge(bundle: &Bundle, private: Option<&Private>) -> Option<(Verdict, String)> {
    if bundle.of_cas {
        return None;
    }
    let all = bundle.in_order();
    let found = private.map(|private| (private, private.of(&all)));
    let is_keyed = match &found {
        Some((private, Match::Other(at))) => {
            return Some((Verdict::Critical, private.words_of_other(all.get(*at).copied())));
        }
        Some((private, Match::None)) => return Some((Verdict::Critical, private.words_of_other(None))),
        Some((_, Match::First)) => true,
        Some((_, Match::Unknown(_))) | None => false,
    };
    let (leaf, first) = (&bundle.leaf, *all.first()?);
    if bundle.at > 0 && !is_keyed && !leaf.self_issued {
        let words = format!("{} stands before it, and servers take the first certificate", first.subject_word);
        return Some((if is_above(first, leaf, &all) { Verdict::Critical } else { Verdict::Warn }, words));
    }
    let misplaced = all.iter().enumerate().skip(1).find_map(|(at, one)| {
        let before = all.get(..at).unwrap_or_default();
        if before.iter().any(|other| other.der == one.der) {
            return Some(format!("{} is in it twice: {REFUSED}", one.subject_word));
        }
        let issued = before.iter().any(|other| other.may_be_issued_by(one));
        (one.is_ca && !issued && bundle.at == 0)
            .then(|| format!("{} issued none of the certificates before it: {REFUSED}", one.subject_word))
    });
    misplaced.map(|words| (Verdict::Warn, words))
}

/// Whether a certificate issued another one, or an issuer of that.
fn is_above(issuer: &Parsed, below: &Parsed, all: &[&Parsed]) -> bool {
    let mut reached = vec![below];
    let mut at = 0;
    while let Some(one) = reached.get(at).copied() {
        at += 1;
        for other in all.iter().copied().filter(|other| one.may_be_issued_by(other)) {
            if other.der == issuer.der {
                return true;
            }
            if !reached.iter().any(|known| known.der == other.der) {
                reached.push(other);
            }
        }
    }
    false
}
