//! `[[store]]` of the estate file.

use crate::config::keys::{Form, Key, Kind, Needs, Section};

/// A bucket of an object store.
pub(super) const SECTION: Section = Section {
    name: "store",
    form: Form::Many,
    doc: "A bucket of an S3-compatible object store: how `s3://bucket/…` is reached. What is absent here is taken from the \
          `AWS_*` variables; a bucket without an entry is reached by them alone.",
    keys: &[
        Key::required("name", Kind::Name, "\"backups\"", "Its name, unique among stores."),
        Key::required(
            "bucket",
            Kind::Text("a bucket's name", "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"),
            "\"novacron-backups\"",
            "The bucket, unique among stores.",
        ),
        Key::optional(
            "endpoint",
            Kind::Text("an http or https URL without a path", "^https?://[^/]+/?$"),
            "Amazon's own, or `AWS_ENDPOINT_URL`",
            "\"https://minio.novacron.io:9000\"",
            "Where the store answers.",
        ),
        Key::optional(
            "region",
            Kind::Text("a region's name", "^[a-z0-9-]+$"),
            "`AWS_REGION`, or us-east-1",
            "\"eu-central-1\"",
            "The region that requests are signed for.",
        ),
        Key::optional(
            "access_key",
            Kind::Secret,
            "`AWS_ACCESS_KEY_ID`, or what the machine is given",
            "\"secret:cache\"",
            "The secret that is the id of the access key.",
        ),
        Key::optional(
            "secret_key",
            Kind::Secret,
            "`AWS_SECRET_ACCESS_KEY`",
            "\"secret:cache\"",
            "The secret that is the access key itself.",
        ),
        Key::optional(
            "token",
            Kind::Secret,
            "`AWS_SESSION_TOKEN`; none where both keys are here",
            "\"secret:cache\"",
            "The secret that is the session's token.",
        ),
        Key::optional(
            "ca",
            Kind::Path,
            "the machine's own trust alone",
            "\"/etc/midwatch/ca.pem\"",
            "Certificates that the server's may lead to as well.",
        ),
    ],
    needs: Needs::Nothing,
};
