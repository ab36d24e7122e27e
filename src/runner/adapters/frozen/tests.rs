use super::*;
use serde::Deserialize;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Books {
    set: String,
    count: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Book {
    title: String,
    pages: u64,
}

impl Head for Books {
    type Item = Book;
    const OF: &'static str = "books";

    fn listed(&self) -> u64 {
        self.count
    }

    fn drift(&self, _: &Self) -> Vec<String> {
        Vec::new()
    }
}

impl Listed for Book {
    const WORDS: (&'static str, &'static str) = ("book", "books");
    const MOST: u64 = 4;
    type Key<'a> = &'a str;

    fn key(&self) -> &str {
        &self.title
    }

    fn item(&self) -> Item {
        Item::named(self.title.clone())
    }

    fn describe(change: &Change<'_, Self>) -> String {
        change.named(|book| book.title.clone())
    }
}

fn book(title: &str, pages: u64) -> Book {
    Book { title: title.to_owned(), pages }
}

fn set(count: u64, books: &[Book]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, &Books { set: "books".to_owned(), count }, books).unwrap();
    bytes
}

fn why(bytes: &[u8]) -> String {
    whole::<Books>(&mut &*bytes).unwrap_err().message
}

#[test]
fn what_was_written_is_read_and_what_is_not_whole_is_refused() {
    let books = [book("a", 1), book("b", 2)];
    let bytes = set(2, &books);
    assert_eq!(whole::<Books>(&mut bytes.as_slice()).unwrap().1, books);
    assert!(why(&bytes[..bytes.len() - 1]).ends_with("its last line is torn"));
    assert!(why(&set(3, &books)).ends_with("it does not hold the number of books in its head"));
    assert!(why(&set(1, &books)).ends_with("it does not hold the number of books in its head"));
    assert!(why(&set(5, &books)).ends_with("it has too many books"));
    assert!(why(b"{\"set\":\"books\"}\n").ends_with("its first line is no head of books"));
    assert!(why(b"").ends_with("its first line is no head"));
    let other = [set(1, &[]), b"{\"title\":7}\n".to_vec()].concat();
    assert!(why(&other).ends_with("a line is no book"));
}

#[test]
fn a_page_holds_what_was_asked_for_and_the_number_of_all() {
    let bytes = set(3, &[book("a", 1), book("b", 2), book("c", 3)]);
    let page = |from, rows| {
        let mut set = bytes.as_slice();
        let first = head(&mut set).unwrap();
        let (count, items) = items_of::<Books>(&first, &mut set, from, rows).unwrap();
        (count, items.into_iter().map(|item| item.name).collect::<String>())
    };
    assert_eq!(page(0, 2), (3, "ab".to_owned()));
    assert_eq!(page(2, 9), (3, "c".to_owned()));
    assert_eq!(page(3, 9), (3, String::new()));
    assert_eq!(page(u64::MAX, u64::MAX), (3, String::new()));
    let all = || vec![Item::named("x".to_owned()), Item::named("y".to_owned())];
    assert_eq!(page_of(all(), 1, u64::MAX), (2, vec![Item::named("y".to_owned())]));
}

#[test]
fn drift_is_reported_in_the_order_of_the_keys() {
    let was = [book("b", 1), book("c", 1), book("d", 1)];
    let is = [book("a", 1), book("c", 2), book("d", 1)];
    assert_eq!(changes(&was, &is), ["new: a", "no longer among them: b", "changed: c"]);
    assert_eq!(changes(&was, &was), [""; 0]);
}

#[test]
fn a_draft_knows_the_digest_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("set");
    let mut draft = Draft::create(&path).unwrap();
    draft.write_all(&set(1, &[book("a", 1)])).unwrap();
    let digest = draft.finish().unwrap();
    assert_eq!(digest, crate::domain::Digest::of(&std::fs::read(&path).unwrap()));
}

#[test]
fn bytes_survive_and_are_shown_without_loss() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Name(#[serde(with = "bytes")] Vec<u8>);
    for (name, written, shown) in [
        (b"a\tb\\".as_slice(), r#""a\tb\\""#, r"a\tb\\"),
        (b"\xff.j", r#"{"hex":"ff2e6a"}"#, r"\xff.j"),
        ("é\u{1b}".as_bytes(), "\"é\\u001b\"", "é\\x1b"),
    ] {
        assert_eq!(serde_json::to_string(&Name(name.to_vec())).unwrap(), written);
        assert_eq!(serde_json::from_str::<Name>(written).unwrap(), Name(name.to_vec()));
        assert_eq!(bytes::shown(name), shown);
    }
    for wrong in [r#"{"hex":"f"}"#, r#"{"hex":"+f"}"#, r#"{"hex":"zz"}"#, "7"] {
        assert!(serde_json::from_str::<Name>(wrong).is_err(), "{wrong}");
    }
}
