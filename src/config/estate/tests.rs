//! Whole files, and what is wrong with others.

use super::*;
use crate::config::secrets::SecretPlace;
use crate::domain::Verdict;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

#[test]
fn a_whole_file_is_read() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/estates/valid/full.toml"));
    let estate = Estate::parse(&text.unwrap(), Path::new("full.toml")).unwrap();
    let secrets = Secrets {
        places: BTreeMap::from([
            ("pg".to_owned(), SecretPlace::File("/etc/midwatch/pg.secret".into())),
            ("cache-password".to_owned(), SecretPlace::Env("CACHE_PASSWORD".to_owned())),
        ]),
    };
    let store = || Store {
        name: "backups".into(),
        bucket: "novacron-backups".into(),
        endpoint: Some("https://minio.novacron.io:9000".into()),
        region: Some("eu-central-1".into()),
        access_key: Some("cache-password".into()),
        secret_key: Some("pg".into()),
        token: None,
        ca: Some("/etc/midwatch/ca.pem".into()),
    };
    let expected = Estate {
        name: "novacron".into(),
        environment: Environment::Staging,
        packs: vec![Pack::NovaCron],
        trusted_reads: vec!["/opt/cell0/cell0-doctor.py".into()],
        thresholds: Thresholds {
            disk: Limits { warn: 0.7, critical: 0.85 },
            cpu: Some(Limits { warn: 0.9, critical: 0.99 }),
        },
        services: vec![
            Service {
                name: "novacron-api".into(),
                url: "https://novacron.io/health/api".into(),
                timeout: Duration::from_secs(2),
                status: vec![],
                critical: true,
                every: Service::EVERY,
                ca: Some("/etc/midwatch/ca.pem".into()),
            },
            Service {
                name: "shop".into(),
                url: "http://127.0.0.1:8080/".into(),
                timeout: Service::TIMEOUT,
                status: vec![200, 401],
                critical: false,
                every: Duration::from_secs(60),
                ca: None,
            },
        ],
        mounts: vec![
            Mount {
                path: "/srv/cell0".into(),
                disk: Some(Limits { warn: 0.8, critical: 0.95 }),
                mount_point: true,
                critical: true,
            },
            Mount { path: "/var/log".into(), disk: None, mount_point: false, critical: false },
        ],
        secrets: secrets.clone(),
        units: vec![
            Unit { name: "nginx.service".into(), critical: true },
            Unit { name: r"getty@tty1\x2dextra.service".into(), critical: false },
        ],
        failed_units: false,
        postgres: vec![
            Postgres {
                name: "main".into(),
                watch: "service=novacron_watch".into(),
                act: Some("host=db1 user='midwatch admin' password=secret:pg".into()),
                bloat_size: Some(1 << 30),
                transaction_age: Some(Duration::from_secs(3600)),
                kept_wal: Some(2 << 30),
                critical: true,
            },
            Postgres {
                name: "audit".into(),
                watch: "postgresql://watch@db1:5433,db2/audit?sslmode=verify-full&password=secret:pg".into(),
                act: None,
                bloat_size: None,
                transaction_age: None,
                kept_wal: None,
                critical: false,
            },
        ],
        redis: vec![
            Redis {
                name: "cache".into(),
                url: "rediss://watch@cache1:6380/0".into(),
                password: Some("cache-password".into()),
                act: Some("rediss://admin@cache1:6380/0".into()),
                act_password: Some("pg".into()),
                mode: Some(RedisMode::Cluster),
                memory: Some(Limits { warn: 0.7, critical: 0.9 }),
                critical: false,
                ca: Some("/etc/midwatch/ca.pem".into()),
            },
            Redis {
                name: "queue".into(),
                url: "unix:///run/redis/queue.sock?db=1".into(),
                password: None,
                act: None,
                act_password: None,
                mode: None,
                memory: None,
                critical: true,
                ca: None,
            },
        ],
        kubernetes: vec![
            Kubernetes {
                name: "main".into(),
                kubeconfig: Some("/etc/midwatch/kubeconfig".into()),
                context: Some("novacron".into()),
                namespaces: vec!["novacron".into(), "ingress-nginx".into()],
                critical: false,
                workloads: vec![Workload {
                    kind: "deployment".into(),
                    namespace: Some("novacron".into()),
                    name: "api".into(),
                }],
            },
            Kubernetes {
                name: "here".into(),
                kubeconfig: None,
                context: None,
                namespaces: vec![],
                workloads: vec![],
                critical: true,
            },
        ],
        certificates: vec![
            Certificate {
                name: "api".into(),
                connect: Some("api.novacron.io:443".into()),
                server_name: None,
                file: Some("/etc/letsencrypt/live/api/fullchain.pem".into()),
                ca: None,
                warn_days: 30,
                critical_days: 7,
            },
            Certificate {
                name: "inner".into(),
                connect: Some("[fd00::1]:8443".into()),
                server_name: Some("inner.novacron.io".into()),
                file: None,
                ca: Some("/etc/midwatch/ca.pem".into()),
                warn_days: 14,
                critical_days: 3,
            },
        ],
        backups: vec![
            Backup {
                name: "database".into(),
                place: BackupPlace::Files("/backups/*.dump".into()),
                max_age: Duration::from_secs(86_400),
                every: None,
                min_size: None,
                ended: Vec::new(),
            },
            Backup {
                name: "objects".into(),
                place: BackupPlace::Objects(Box::new(ObjectPlace {
                    prefix: "s3://novacron-backups/database/".into(),
                    store: Some(store()),
                    secrets: secrets.clone(),
                })),
                max_age: Duration::from_secs(8 * 86_400),
                every: Some(Duration::from_secs(7 * 86_400)),
                min_size: Some(1 << 20),
                ended: vec!["old_*".into()],
            },
        ],
        stores: vec![store()],
        receivers: vec![
            Receiver {
                name: "oncall".into(),
                way: Way::Mail {
                    to: vec!["oncall@novacron.io".into(), "night@novacron.io".into()],
                    smtp: "smtp://midwatch@mail.novacron.io?tls=required".into(),
                    from: Some("midwatch@novacron.io".into()),
                    password: Some("cache-password".into()),
                },
            },
            Receiver { name: "room".into(), way: Way::Slack { url: Address::Secret("pg".into()) } },
            Receiver {
                name: "customers".into(),
                way: Way::Webhook {
                    url: Address::Plain("https://status.novacron.io/hook".into()),
                    token: Some("pg".into()),
                },
            },
            Receiver {
                name: "pager".into(),
                way: Way::Program { argv: vec!["/opt/novacron/page".into(), "--low".into()] },
            },
        ],
        keep: Keep { runs: Some(500), age: Some(Duration::from_secs(400 * 86_400)) },
        source: Some("full.toml".into()),
        discovered: vec![],
        not_found: vec![],
        unread: vec![],
    };
    assert_eq!(estate, expected);
    assert!(expected.services[0].is_healthy(204) && !expected.services[0].is_healthy(401));
    assert!(expected.services[1].is_healthy(401) && !expected.services[1].is_healthy(204));
}

#[test]
fn limits_are_reached_at_their_value_and_no_number_is_unknown() {
    let limits = Limits::DISK;
    let cases = [
        (0.799, Verdict::Ok),
        (0.8, Verdict::Warn),
        (0.899, Verdict::Warn),
        (0.9, Verdict::Critical),
        (f64::NAN, Verdict::Unknown),
    ];
    for (share, expected) in cases {
        assert_eq!(limits.judge(share), expected, "{share}");
    }
}

#[test]
fn a_refused_file_reports_every_problem() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("midwatch.toml");
    fs::write(&path, "schema = 1\nname = 3\nenvironment = \"other\"\nmonut = 1\n").unwrap();
    let error = Estate::load(&path).unwrap_err();
    let text = error.to_string().replace(&path.display().to_string(), "FILE");
    let expected = "cannot use the estate file FILE: 2 problems\n  FILE:2:8: `name` must be text, not a \
        whole number\n  FILE:4:1: unknown key `monut` (did you mean `mount`?)";
    assert_eq!(text, expected);
    assert_eq!(error.kind.exit_code(), 2);
}
