//! Mail over TLS through the real binary: only over it goes the password, only to whom the machine trusts, and it stands nowhere.

use crate::support::estate::Estate;
use crate::support::mail::{Mail, Speaks, certified};
use crate::support::run::Run;
use midwatch::domain::{RunStatus, StepState};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const PASSWORD: &str = "hunter2-mail";

/// `\0watch\0hunter2-mail` and the password, in base64: what AUTH PLAIN and AUTH LOGIN send.
const ENCODED: [&str; 2] = ["AHdhdGNoAGh1bnRlcjItbWFpbA==", "aHVudGVyMi1tYWls"];

/// An estate with a mail receiver on this server, which trusts a given root.
fn estate(url: &str, root: Option<&std::path::Path>) -> Estate {
    let mut estate = Estate::default();
    let empty = estate.beside("empty.pem");
    fs::write(&empty, "").unwrap();
    estate.set("SSL_CERT_FILE", root.unwrap_or(&empty).to_str().unwrap());
    estate.set("SSL_CERT_DIR", estate.beside("none").to_str().unwrap().to_owned().as_str());
    let secret = estate.beside("mail.secret");
    fs::write(&secret, PASSWORD).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    estate.configure(&format!(
        "[secrets]\nmail = \"file:{}\"\n[[notify]]\nname = \"oncall\"\nmail = [\"oncall@test.example\"]\n\
         smtp = \"{url}\"\nfrom = \"midwatch@test.example\"\npassword = \"secret:mail\"\n",
        secret.display()
    ));
    estate.procedure(
        "notify",
        "",
        "[[work]]\ntitle = \"Notify on-call\"\nnotify = [\"oncall\"]\nmessage = \"It is over.\"\n",
    );
    estate
}

/// Runs to the end; gives how the receiver fared.
fn run_and_print(estate: &Estate) -> (Run<'_>, String) {
    estate.start("notify", &[]).exits(0);
    let run = estate.run();
    let view = run.sealed();
    assert_eq!(view.sealed, Some(RunStatus::Ok));
    let facts = view.steps[0].outcome.as_ref().unwrap().evidence.as_ref().unwrap().facts.clone();
    let text = facts["oncall"].clone();
    assert_eq!(view.steps[0].state == StepState::Done, text.starts_with("delivered"), "{text}");
    let report = run.midwatch("report", &[]).exits(0);
    for secret in [PASSWORD, ENCODED[0], ENCODED[1]] {
        estate.keeps_nowhere(secret);
        assert!(!text.contains(secret) && !report.out.contains(secret), "{text}\n{}", report.out);
    }
    (run, text)
}

#[test]
fn a_letter_goes_over_tls_with_the_password_only_there() {
    for (speaks, url) in
        [(Speaks::AtOnce, "smtps://watch@HOST"), (Speaks::AfterStartTls, "smtp://watch@HOST?tls=required")]
    {
        let dir = tempfile::tempdir().unwrap();
        let mail = Mail::start(speaks, certified(dir.path(), "127.0.0.1"), "235 in");
        let estate = estate(&url.replace("HOST", &mail.address.to_string()), Some(&dir.path().join("root.pem")));
        let (_, text) = run_and_print(&estate);
        assert_eq!(text, "delivered (mail handed in for 1 addresses)", "{speaks:?}: {:?}", mail.received());
        let (plain, secure) = (mail.lines(false), mail.lines(true));
        assert!(secure.contains(ENCODED[0]) && secure.contains("It is over."), "{secure}");
        for part in ["AUTH", "MAIL", "RCPT", "It is over", ENCODED[0]] {
            assert!(!plain.contains(part), "{speaks:?}: {plain}");
        }
        assert_eq!(plain.contains("STARTTLS"), speaks == Speaks::AfterStartTls, "{plain}");
    }
}

#[test]
fn an_untrusted_server_learns_nothing() {
    for (speaks, url) in
        [(Speaks::AtOnce, "smtps://watch@HOST"), (Speaks::AfterStartTls, "smtp://watch@HOST?tls=required")]
    {
        // An untrusted root, and the certificate of another server.
        for (name, trusted) in [("127.0.0.1", false), ("other.test", true)] {
            let dir = tempfile::tempdir().unwrap();
            let mail = Mail::start(speaks, certified(dir.path(), name), "235 in");
            let root = dir.path().join("root.pem");
            let estate = estate(&url.replace("HOST", &mail.address.to_string()), trusted.then_some(root.as_path()));
            let (_, text) = run_and_print(&estate);
            assert!(text.starts_with("not delivered: ") && text.contains("certificate"), "{speaks:?} {name}: {text}");
            let all = mail.lines(false) + &mail.lines(true);
            for part in ["AUTH", "MAIL", "It is over", ENCODED[0]] {
                assert!(!all.contains(part), "{speaks:?} {name}: {all}");
            }
        }
    }
}

#[test]
fn a_server_without_tls_gets_no_password_and_its_answer_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let (config, root) = (certified(dir.path(), "127.0.0.1"), dir.path().join("root.pem"));
    let mail = Mail::start(Speaks::Never, config.clone(), "235 in");
    let estate_of = |mail: &Mail, url: &str| estate(&url.replace("HOST", &mail.address.to_string()), Some(&root));
    let (_, text) = run_and_print(&estate_of(&mail, "smtp://watch@HOST?tls=required"));
    assert!(text.starts_with("not delivered: "), "{text}");
    let lines = mail.lines(false);
    assert!(lines.contains("EHLO") && !lines.contains("AUTH") && !lines.contains("It is over"), "{lines}");

    let refuses = Mail::start(Speaks::AtOnce, config, "535 hunter2-mail is wrong");
    let (_, output) = run_and_print(&estate_of(&refuses, "smtps://watch@HOST"));
    assert_eq!(output, "not delivered: log-in: the mail server refused: 535");
    assert!(!refuses.lines(true).contains("It is over"));
}
