use super::*;
use crate::domain::{RunId, Wall};
use std::path::PathBuf;

fn message() -> Message {
    Message {
        estate: "novacron".to_owned(),
        environment: "production".to_owned(),
        procedure: "novacron/update".to_owned(),
        title: "Update\r\nBcc: nobody@example.org".to_owned(),
        run: "01R".to_owned(),
        host: "bastion".to_owned(),
        step: 3,
        steps: 4,
        step_title: "Notify <them> & us".to_owned(),
        outcome: "2 done".to_owned(),
        at: Wall::from_unix(1_787_363_251, 0),
        text: "Over.".to_owned(),
    }
}

fn combine(came: &[(&str, Came)]) -> ActEnd {
    end(&came.iter().map(|(name, one)| ((*name).to_owned(), one.clone())).collect::<Vec<_>>())
}

#[test]
fn an_undelivered_receiver_fails_the_notice_and_an_unclear_one_leaves_it_unknown() {
    let (yes, no) = (Came::Delivered("HTTP 200".to_owned()), Came::Not("it answered 503".to_owned()));
    let unclear = Came::Unclear("it took too long".to_owned());
    assert_eq!(combine(&[("a", yes.clone())]).ending, Ending::Ok);
    let failed = combine(&[("a", yes.clone()), ("b", no.clone())]);
    assert_eq!((failed.ending, failed.counts["told"], failed.counts["not_told"]), (Ending::Failed, 1, 1));
    let unknown = combine(&[("a", yes), ("b", no), ("c", unclear)]);
    assert_eq!(unknown.ending, Ending::Unknown);
    let facts = unknown.evidence.unwrap().facts;
    let who: Vec<bool> = ["a", "b", "c", "d"].iter().map(|name| was_delivered(&facts, name)).collect();
    assert_eq!(who, [true, false, false, false]);
}

#[test]
fn a_subject_is_one_line_and_a_text_for_slack_is_escaped() {
    let message = message();
    assert_eq!(message.subject(), "[PRODUCTION] novacron: Update  Bcc: nobody@example.org");
    let slack: serde_json::Value = serde_json::from_slice(&message.slack().unwrap()).unwrap();
    let text = slack["text"].as_str().unwrap();
    assert!(text.contains("step 3 of 4: Notify &lt;them&gt; &amp; us") && text.contains("so far: 2 done"), "{text}");
    let json: serde_json::Value = serde_json::from_slice(&message.json("room").unwrap()).unwrap();
    assert_eq!((&json["midwatch"], &json["receiver"]), (&serde_json::json!(1), &serde_json::json!("room")));
    assert_eq!((&json["step"], &json["outcome"]), (&serde_json::json!(3), &serde_json::json!("2 done")));
}

/// An estate with these receivers, and the result of notifying one of them.
fn notify(receivers: &str, name: &str, within: Duration) -> ActEnd {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("midwatch.toml");
    std::fs::write(&file, format!("schema = 1\nname = \"n\"\nenvironment = \"other\"\n{receivers}")).unwrap();
    let around = Around { estate: Some(file), name: "n".to_owned(), runs: PathBuf::from("/"), own: RunId::new(1, 1) };
    let within_ms = u64::try_from(within.as_millis()).unwrap();
    let delivery = Delivery { receivers: vec![name.to_owned()], message: message(), within_ms, around };
    act(&delivery.action().unwrap(), &mut Vec::new(), &AtomicBool::new(false))
}

#[test]
fn an_unreachable_receiver_is_not_delivered() {
    // The port is closed.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let receivers = format!(
        r#"
secrets.gone = "env:MIDWATCH_TEST_NO_SUCH_SECRET"
[[notify]]
name = "hook"
webhook = "http://{free}/hunter2"
[[notify]]
name = "mail"
mail = ["a@b.example"]
smtp = "smtp://{free}"
[[notify]]
name = "room"
slack = "secret:gone"
[[notify]]
name = "pager"
program = ["/no/such/program"]
"#
    );
    for name in ["hook", "mail", "room", "pager", "nobody"] {
        let end = notify(&receivers, name, Duration::from_secs(60));
        assert_eq!(end.ending, Ending::Failed, "{name}: {}", end.detail);
        assert!(end.detail.contains("not delivered: ") && !end.detail.contains("hunter2"), "{}", end.detail);
    }
}

#[test]
fn a_program_that_never_ends_is_killed_and_its_delivery_is_unknown() {
    let receivers = "[[notify]]\nname = \"pager\"\nprogram = [\"/bin/sleep\", \"600\"]\n";
    let end = notify(receivers, "pager", Duration::from_millis(300));
    assert_eq!(end.ending, Ending::Unknown);
    assert!(end.detail.contains("it took too long"), "{}", end.detail);
}

#[test]
fn a_mail_server_that_asks_for_nothing_gets_no_password_without_tls() {
    use std::io::{BufRead, BufReader};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut received = String::new();
        (&stream).write_all(b"220 test\r\n").unwrap();
        let mut reader = BufReader::new(&stream);
        while reader.read_line(&mut received).is_ok_and(|count| count > 0) {
            let line = received.lines().last().unwrap_or_default();
            // The server offers no STARTTLS and no log-in.
            let answer = if line.starts_with("EHLO") { "250-test\r\n250 8BITMIME\r\n" } else { "250 well\r\n" };
            if (&stream).write_all(answer.as_bytes()).is_err() {
                break;
            }
        }
        received
    });
    let receivers = format!(
        "secrets.mail = \"env:PATH\"\n[[notify]]\nname = \"mail\"\nmail = [\"a@b.example\"]\nsmtp = \"smtp://u@{address}?tls=required\"\npassword = \"secret:mail\"\n"
    );
    let end = notify(&receivers, "mail", Duration::from_secs(60));
    assert_eq!(end.ending, Ending::Failed, "{}", end.detail);
    let message = server.join().unwrap();
    assert!(!message.contains("AUTH") && !message.contains("MAIL"), "{message}");
}

#[test]
fn a_notice_carries_nothing_that_a_terminal_or_a_reader_obeys() {
    let odd = "a\u{1b}]52;c;aGk=\u{7}\u{9b}31m\u{202e}b\u{200b}\r";
    let mut message = message();
    (message.title, message.step_title, message.outcome) = (odd.to_owned(), odd.to_owned(), odd.to_owned());
    message.text = format!("first{odd}\nsecond");
    let clean = message.cleaned();
    let (slack, json) = (clean.slack().unwrap(), clean.json("room").unwrap());
    for bytes in [slack, json] {
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let text = value["text"].as_str().unwrap_or_default().to_owned() + value["body"].as_str().unwrap_or_default();
        assert!(text.contains("second") && !text.contains(is_obeyed), "{text:?}");
    }
    assert!(!clean.subject().contains(is_obeyed) && !clean.body().contains(is_obeyed));
    assert!(clean.body().starts_with("first") && clean.body().contains("\nsecond\n"), "{:?}", clean.body());
}

fn is_obeyed(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(u32::from(c), 0x200b..=0x200f | 0x202a..=0x202e | 0x2066..=0x2069)
}
