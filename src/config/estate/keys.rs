//! Every key of the estate file: the table behind `midwatch schema estate` and its page in `docs/reference`.

use crate::config::estate::policy;
use crate::config::keys::{Form, Key, Kind, Needs, Section};
use crate::config::packs;

/// The title of the file's schema.
pub const TITLE: &str = "Midwatch estate file (midwatch.toml)";

const HOST_PORT: &str = r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}$";
const CONNECTION: Kind = Kind::Text("a libpq string or URL", r"\S");
/// Of a server that is watched.
const DOWN: Key = critical("Whether it is critical that it is down; a warning otherwise.");

const fn critical(doc: &'static str) -> Key {
    Key::optional("critical", Kind::Flag, "true", "false", doc)
}

/// The sections in the order of the reference; the first is the top of the file.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "",
        form: Form::Top,
        doc: "What the estate is called, and how much is at stake.",
        keys: &[
            Key::required("schema", Kind::Version, "1", "The version of the format."),
            Key::required("name", Kind::Name, "\"novacron\"", "What the estate is called; drawn in the header."),
            Key::required(
                "environment",
                Kind::Word(&["production", "staging", "other"]),
                "\"production\"",
                "How much is at stake; drawn, and weighs on confirmations.",
            ),
            Key::optional(
                packs::KEY,
                Kind::Words(packs::WORDS),
                "the `common` ones alone",
                "[\"novacron\"]",
                "Packs of built-in procedures that are offered here, besides the `common` ones.",
            ),
            Key::optional(
                "trusted_reads",
                Kind::Paths,
                "none",
                "[\"/opt/cell0/doctor\"]",
                "Programs that only read, besides the built-in list.",
            ),
        ],
        needs: Needs::Nothing,
    },
    policy::SECTION,
    Section {
        name: "thresholds",
        form: Form::Once,
        doc: "Limits for targets without limits of their own.",
        keys: &[
            Key::optional(
                "disk",
                Kind::Limits,
                "80% and 90%",
                "{ warn = \"80%\", critical = \"90%\" }",
                "Used space and used inodes of a mount.",
            ),
            Key::optional(
                "cpu",
                Kind::Limits,
                "not judged",
                "{ warn = \"90%\", critical = \"99%\" }",
                "The busy share of all processors of this host, over at least 1 s.",
            ),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "secrets",
        form: Form::Names,
        doc: "Where each secret lies, by a name of your own; others refer to it as `secret:NAME`. A secret itself is never in \
              the file.",
        keys: &[Key::required(
            "cache",
            Kind::Text("`file:/path` or `env:NAME`", "^(file:/|env:[A-Za-z_])"),
            "\"file:/etc/midwatch/pg.secret\"",
            "A file of at most 64 KiB that none but its owner may open (mode 0600), or a variable of Midwatch's own.",
        )],
        needs: Needs::Nothing,
    },
    Section {
        name: "service",
        form: Form::Many,
        doc: "An HTTP service.",
        keys: &[
            Key::required("name", Kind::Name, "\"novacron-api\"", "Its name, unique among services."),
            Key::required(
                "url",
                Kind::Text("an http or https URL", "^https?://"),
                "\"https://novacron.io/health/api\"",
                "What is asked for, without user and password.",
            ),
            Key::optional("timeout", Kind::Span, "5s", "\"2s\"", "How long the whole answer may take: 100ms to 1m."),
            Key::optional("every", Kind::Span, "10s", "\"30s\"", "How often it is asked: 1s to 1d."),
            Key::optional("status", Kind::Status, "any 2xx", "[200, 204]", "The status codes that are healthy."),
            Key::optional(
                "critical",
                Kind::Flag,
                "true",
                "false",
                "Whether a failure is critical; a warning otherwise.",
            ),
            Key::optional(
                "ca",
                Kind::Path,
                "the machine's own trust",
                "\"/etc/midwatch/ca.pem\"",
                "Certificates that the service's must lead to; with `https://` alone.",
            ),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "unit",
        form: Form::Many,
        doc: "A systemd unit of this host.",
        keys: &[
            Key::required(
                "name",
                Kind::Text("a unit's name with its suffix", r"^[A-Za-z0-9:_.\\@-]+\.[a-z]+$"),
                "\"nginx.service\"",
                "Its name, unique among units.",
            ),
            Key::optional(
                "critical",
                Kind::Flag,
                "true",
                "false",
                "Whether a unit that is not active is critical; a warning otherwise.",
            ),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "mount",
        form: Form::Many,
        doc: "A mount point, or a path, for the mount that holds it: its row then names that mount. Every other mount of this host \
              is shown beside these. A path that `/etc/fstab` or a `.mount` unit of systemd names must be mounted.",
        keys: &[
            Key::required("path", Kind::Path, "\"/srv/cell0\"", "The path, unique among mounts."),
            Key::optional(
                "disk",
                Kind::Limits,
                "those of `[thresholds]`",
                "{ warn = \"70%\", critical = \"85%\" }",
                "Its own limits, for space and for inodes.",
            ),
            Key::optional(
                "mount_point",
                Kind::Flag,
                "false",
                "true",
                "Whether the path must be a mount point also where nothing on this host requires it.",
            ),
            critical("Whether it is critical that it is not mounted, or has turned read-only; a warning otherwise."),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "postgres",
        form: Form::Many,
        doc: "One database of one PostgreSQL server. A password is in a connection only as `password=secret:NAME`; `PG*`, the \
              service file and the password file hold as libpq has them. Through a connection pooler it is watched, and never acted on.",
        keys: &[
            Key::required("name", Kind::Name, "\"main\"", "Its name, unique among databases."),
            Key::required(
                "watch",
                CONNECTION,
                "\"service=novacron_watch\"",
                "How to reach it as a role that only looks.",
            ),
            Key::optional(
                "act",
                CONNECTION,
                "what acts on it is not offered",
                "\"host=db1 user=admin password=secret:cache\"",
                "How acts reach it.",
            ),
            Key::optional(
                "bloat_size",
                Kind::Size,
                "\"100 MiB\"",
                "\"1 GiB\"",
                "From how many bytes on, beyond the error bar, the bloat of a table or an index warns, where it is also 40 % of it.",
            ),
            Key::optional(
                "transaction_age",
                Kind::Span,
                "10m",
                "\"1h\"",
                "From which age on a transaction that waits for its client, or that was prepared and left, warns: 1s to 365d; a prepared one is critical from six times that on.",
            ),
            Key::optional(
                "kept_wal",
                Kind::Size,
                "\"64 MiB\"",
                "\"1 GiB\"",
                "From how many bytes on WAL that is kept for an unused slot, or waits to be archived, warns; critical from 10 GiB, or ten times this where that is more.",
            ),
            DOWN,
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "redis",
        form: Form::Many,
        doc: "A Redis server.",
        keys: &[
            Key::required("name", Kind::Name, "\"cache\"", "Its name, unique among these."),
            Key::required(
                "url",
                Kind::Text("a Redis URL", "^(rediss?|unix|redis[+]unix)://"),
                "\"rediss://cache1:6380/0\"",
                "`redis://`, `rediss://` (TLS) or `unix://`, where needed with a user's name, never with a password.",
            ),
            Key::optional("password", Kind::Secret, "none", "\"secret:cache\"", "The secret that is the password."),
            Key::optional(
                "act",
                Kind::Text("a Redis URL", "^(rediss?|unix|redis[+]unix)://"),
                "what acts on it is not offered",
                "\"rediss://admin@cache1:6380/0\"",
                "How acts reach it, written as `url` is.",
            ),
            Key::optional(
                "act_password",
                Kind::Secret,
                "that of `url`",
                "\"secret:cache\"",
                "The secret that is the password for `act`.",
            ),
            Key::optional(
                "mode",
                Kind::Word(&["standalone", "cluster", "sentinel"]),
                "any",
                "\"cluster\"",
                "The mode that it must run in (`redis_mode` of INFO); in another one it is critical.",
            ),
            Key::optional(
                "memory",
                Kind::Limits,
                "80% and 90%",
                "{ warn = \"70%\", critical = \"90%\" }",
                "Used memory as a share of `maxmemory`.",
            ),
            DOWN,
            Key::optional(
                "ca",
                Kind::Path,
                "the machine's own trust",
                "\"/etc/midwatch/ca.pem\"",
                "Certificates that the server's must lead to; with `rediss://` alone.",
            ),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "kubernetes",
        form: Form::Many,
        doc: "A Kubernetes cluster, or some of its namespaces.",
        keys: &[
            Key::required("name", Kind::Name, "\"main\"", "Its name, unique among clusters."),
            Key::optional(
                "kubeconfig",
                Kind::Path,
                "`$KUBECONFIG`, `~/.kube/config`, or the cluster we run in",
                "\"/etc/midwatch/kubeconfig\"",
                "The kubeconfig.",
            ),
            Key::optional(
                "context",
                Kind::Text("a context's name", r"\S"),
                "the kubeconfig's current one",
                "\"novacron\"",
                "The context of the kubeconfig.",
            ),
            Key::optional(
                "namespaces",
                Kind::Texts("a list of namespaces", "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
                "the context's own",
                "[\"novacron\"]",
                "The namespaces that are watched.",
            ),
            DOWN,
            Key::optional(
                "workloads",
                Kind::Texts("a list of workloads", "^(deployment|statefulset|daemonset)/([a-z0-9.-]+/)?[a-z0-9.-]+$"),
                "none",
                "[\"deployment/api\"]",
                "Workloads that must be there, as `kind/name`, or `kind/namespace/name` where several namespaces are watched; one \
                 that is missing, or is scaled to 0, is critical.",
            ),
        ],
        needs: Needs::Nothing,
    },
    Section {
        name: "certificate",
        form: Form::Many,
        doc: "What an endpoint serves, what a file holds, or both and whether they are the same.",
        keys: &[
            Key::required("name", Kind::Name, "\"api\"", "Its name, unique among certificates."),
            Key::optional(
                "connect",
                Kind::Text("`host:port` or `[address]:port`", HOST_PORT),
                "no endpoint",
                "\"api.novacron.io:443\"",
                "The endpoint that serves it.",
            ),
            Key::optional(
                "server_name",
                Kind::Text("a host's name or address", "^[0-9A-Za-z:._-]+$"),
                "the host of `connect`",
                "\"api.novacron.io\"",
                "The name that is asked for (SNI) and must be in the certificate.",
            ),
            Key::optional(
                "file",
                Kind::Path,
                "no file",
                "\"/etc/letsencrypt/live/api/fullchain.pem\"",
                "A PEM or DER file, a bundle, or a directory of these.",
            ),
            Key::optional(
                "ca",
                Kind::Path,
                "the machine's own trust",
                "\"/etc/midwatch/ca.pem\"",
                "The roots that what is served must lead to; with `connect` alone.",
            ),
            Key::optional("warn", Kind::Days, "30d", "\"60d\"", "Fewer days left than this: a warning."),
            Key::optional("critical", Kind::Days, "7d", "\"14d\"", "Fewer days left than this: critical."),
        ],
        needs: Needs::Any(&["connect", "file"]),
    },
    store::SECTION,
    Section {
        name: "backup",
        form: Form::Many,
        doc: "A series of backups.",
        keys: &[
            Key::required("name", Kind::Name, "\"database\"", "Its name, unique among backups."),
            Key::optional(
                "files",
                Kind::Text("an absolute path whose last part may hold `*` and `?`", "^/[^*?]*[^/]+$"),
                "no files",
                "\"/backups/*.dump\"",
                "Its members: files or directories.",
            ),
            Key::optional(
                "objects",
                Kind::Text("a prefix of an object store", "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$"),
                "no objects",
                "\"s3://bucket/prefix/\"",
                "Its members: objects.",
            ),
            Key::required(
                "max_age",
                Kind::Span,
                "\"24h\"",
                "A newest backup older than this is critical: 1m to 3650d.",
            ),
            Key::optional(
                "every",
                Kind::Span,
                "taken from the series",
                "\"12h\"",
                "How far apart its members are meant to be: 1m to `max_age`.",
            ),
            Key::optional(
                "min_size",
                Kind::Size,
                "not judged",
                "\"1 MiB\"",
                "A newest member smaller than this is critical.",
            ),
            Key::optional(
                "ended",
                Kind::Texts("a list of patterns of names", "^[^/].*$"),
                "none",
                "[\"old_*.dump\"]",
                "Members that are judged no more, since their series has ended.",
            ),
        ],
        needs: Needs::One(&["files", "objects"]),
    },
    notify::SECTION,
];

mod notify;
mod store;
#[cfg(test)]
mod tests;
