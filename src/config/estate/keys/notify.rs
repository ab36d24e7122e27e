//! The keys of `[[notify]]`.

use crate::config::keys::{Form, Key, Kind, Needs, Section};

const URL: Kind = Kind::Text("an http or https URL, or `secret:NAME`", "^(https?://|secret:)");

/// The section in the table of keys.
pub(super) const SECTION: Section = Section {
    name: "notify",
    form: Form::Many,
    doc: "A receiver of notices, named by a procedure's `notify`: by e-mail, by a POST of JSON, by a POST as Slack takes it, or by \
          a program of your own that reads the text on standard input.",
    keys: &[
        Key::required("name", Kind::Name, "\"oncall\"", "Its name, unique among receivers."),
        Key::optional(
            "mail",
            Kind::Texts("a list of e-mail addresses", "^[^@ ]+@[^@ ]+$"),
            "no e-mail",
            "[\"oncall@novacron.io\"]",
            "Its addresses.",
        ),
        Key::optional("webhook", URL, "no webhook", "\"https://status.novacron.io/hook\"", "What JSON is posted to."),
        Key::optional("slack", URL, "no such webhook", "\"secret:cache\"", "What `{ \"text\": … }` is posted to."),
        Key::optional(
            "program",
            Kind::Texts("a program's absolute path, and its arguments", "^[^\\x00]*$"),
            "no program",
            "[\"/opt/novacron/page\", \"--low\"]",
            "What is run; exit code 0 means that the notice was delivered.",
        ),
        Key::optional(
            "smtp",
            Kind::Text("an SMTP URL", "^smtps?://"),
            "`smtp://127.0.0.1:25`",
            "\"smtps://mail.novacron.io\"",
            "Where e-mail is handed in, with the user who logs in: `smtps://`, or `smtp://…?tls=required` (STARTTLS), or `smtp://`.",
        ),
        Key::optional(
            "from",
            Kind::Text("an e-mail address", "^[^@ ]+@[^@ ]+$"),
            "`midwatch@` this host",
            "\"midwatch@novacron.io\"",
            "The sender of e-mail.",
        ),
        Key::optional(
            "password",
            Kind::Secret,
            "no log-in",
            "\"secret:cache\"",
            "The secret that is the password for e-mail, or a webhook's bearer token; only over TLS, or on this host.",
        ),
    ],
    needs: Needs::One(&["mail", "webhook", "slack", "program"]),
};
