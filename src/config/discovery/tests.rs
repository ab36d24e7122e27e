use super::*;
use crate::config::libpq::Access;
use crate::config::secrets::SecretPlace;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

/// A root directory of its own, with a home in it.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, below: &str) -> PathBuf {
        let path = self.0.path().join(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    fn write(&self, below: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.at(below);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn around(&self, variables: &[(&str, &str)]) -> Surroundings {
        let home = self.at("home/ada/x").parent().unwrap().to_owned();
        let own = [("HOME".into(), home.into_os_string())];
        let given = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Surroundings::below(self.0.path(), own.into_iter().chain(given))
    }

    fn discover(&self, variables: &[(&str, &str)]) -> Estate {
        discover("bastion-1", &self.around(variables))
    }

    /// Phrases without this root.
    fn notes(&self, phrases: &[String]) -> Vec<String> {
        let root = self.0.path().display().to_string();
        phrases.iter().map(|phrase| phrase.replace(&root, "")).collect()
    }
}

fn databases(estate: &Estate) -> Vec<(&str, &str)> {
    estate.postgres.iter().map(|database| (database.name.as_str(), database.watch.as_str())).collect()
}

#[test]
fn an_empty_host_is_production_and_says_what_is_not_there() {
    let root = Root::new();
    let estate = root.discover(&[]);
    assert_eq!((estate.environment, &estate.source, estate.failed_units), (Environment::Production, &None, false));
    assert_eq!(estate.discovered, ["host bastion-1", "the mounts of this host"]);
    let expected = [
        "an estate file: looked for /home/ada/.config/midwatch/midwatch.toml and /etc/midwatch/midwatch.toml",
        "services and backups: known only from an estate file",
        "systemd units: systemd does not run here",
        "PostgreSQL: no PG* variable, service file or password file names one, and there is no local socket",
        "Redis: no REDIS_URL, no local socket, and nothing listens on port 6379 here",
        "Kubernetes: no KUBECONFIG, no ~/.kube/config, and this is no pod",
        "certificates: none in the usual places",
    ];
    assert_eq!(root.notes(&estate.not_found), expected);
    let is_empty = estate.postgres.is_empty() && estate.redis.is_empty() && estate.kubernetes.is_empty();
    assert!(is_empty && estate.certificates.is_empty() && estate.services.is_empty());
}

#[test]
fn systemd_is_its_directory_or_a_bus() {
    for place in ["run/systemd/system/x", "run/dbus/system_bus_socket"] {
        let root = Root::new();
        root.write(place, "", 0o600);
        let estate = root.discover(&[]);
        assert!(estate.failed_units && estate.discovered.contains(&"failed systemd units".to_owned()), "{place}");
    }
}

#[test]
fn the_variables_of_libpq_name_a_database_and_go_first() {
    let root = Root::new();
    root.write("home/ada/.pg_service.conf", "[main]\nhost=db1\n", 0o600);
    let estate = root.discover(&[("PGHOST", "db1"), ("PGDATABASE", "app"), ("PGPASSWORD", "hunter2")]);
    assert_eq!(databases(&estate), [("app", "")]);
    assert_eq!(estate.postgres[0].act, None);
    assert_eq!(estate.discovered[2], "PostgreSQL app from PGHOST, PGDATABASE");
    // A whole connection string is no name: a password may be in it.
    let estate = root.discover(&[("PGDATABASE", "postgresql://ada:hunter2@db1/app")]);
    assert_eq!(databases(&estate), [("postgres", "")]);
    assert!(!format!("{estate:?}").contains("hunter2"));
    // A role or a password alone names no server.
    assert_eq!(databases(&root.discover(&[("PGUSER", "ada")])), [("main", "service=main")]);
}

#[test]
fn the_service_file_names_databases() {
    let root = Root::new();
    let text = "# [no]\n[main]\nhost=db1\npassword=hunter2\n[my app]\nhost=db2\n[main]\n[]\n";
    root.write("etc/postgresql-common/pg_service.conf", text, 0o644);
    let estate = root.discover(&[]);
    assert_eq!(databases(&estate), [("main", "service=main"), ("my app", "service='my app'")]);
    let expected = "PostgreSQL main, my app from /etc/postgresql-common/pg_service.conf";
    assert_eq!(root.notes(&estate.discovered)[2], expected);
    assert!(!format!("{estate:?}").contains("hunter2"));
    let many: String = (0..11).map(|number| format!("[s{number}]\nhost=db1\nuser=ada\n")).collect();
    root.write("home/ada/.pg_service.conf", &many, 0o600);
    let estate = root.discover(&[]);
    assert_eq!(estate.postgres.len(), 8);
    assert!(estate.not_found.iter().any(|phrase| phrase.starts_with("3 more databases of ")), "{estate:?}");
    // What is found can be used.
    let around = root.around(&[]);
    let access = Access { written: estate.postgres[0].watch.clone(), secrets: Secrets::default(), around };
    assert!(access.resolve().unwrap().to_string().starts_with("db1:5432/"));
}

#[test]
fn the_password_file_names_servers_and_keeps_its_passwords() {
    let root = Root::new();
    let text = "# x\n*:*:*:ada:hunter2\ndb1:5432:app:watch:hunter2\ndb1:5432:app:other:hunter2\ndb2:6432:*:*:hunter2\n\
        db3:*:my\\:db:o'hara:hunter2\ndb1:5432:replication:watch:hunter2\nshort\n";
    root.write("home/ada/.pgpass", text, 0o600);
    let estate = root.discover(&[]);
    let expected = [
        ("app@db1", "host=db1 dbname=app port=5432 user=watch"),
        ("db2:6432", "host=db2 dbname=postgres port=6432"),
        ("my:db@db3", "host=db3 dbname=my:db user='o\\'hara'"),
    ];
    assert_eq!(databases(&estate), expected);
    assert!(!format!("{estate:?}").contains("hunter2"));
    let around = root.around(&[]);
    let access = Access { written: expected[0].1.to_owned(), secrets: Secrets::default(), around };
    let password = access.resolve().unwrap().servers[0].password.clone();
    assert_eq!(password.map(|secret| secret.expose().to_owned()), Some("hunter2".to_owned()));
    root.write("home/ada/.pgpass", text, 0o640);
    let estate = root.discover(&[]);
    assert_eq!(databases(&estate), []);
    let expected = "/home/ada/.pgpass: not used, it is open to others (mode 0640)";
    assert!(root.notes(&estate.not_found).contains(&expected.to_owned()), "{:?}", estate.not_found);
}

#[test]
fn local_sockets_are_seen_and_not_connected_to() {
    let root = Root::new();
    let listener = UnixListener::bind(root.at("var/run/postgresql/.s.PGSQL.5432")).unwrap();
    listener.set_nonblocking(true).unwrap();
    root.write("var/run/postgresql/.s.PGSQL.5432.lock", "", 0o600);
    root.write("tmp/.s.PGSQL.5499", "not a socket", 0o600);
    let describe =
        |estate: &Estate| root.notes(&estate.postgres.iter().map(|one| one.watch.clone()).collect::<Vec<_>>());
    let estate = root.discover(&[]);
    assert_eq!(estate.postgres[0].name, "postgres");
    assert_eq!(describe(&estate), ["host=/var/run/postgresql port=5432 dbname=postgres"]);
    let _same = UnixListener::bind(root.at("tmp/.s.PGSQL.5432")).unwrap();
    let _other = UnixListener::bind(root.at("tmp/.s.PGSQL.5433")).unwrap();
    let estate = root.discover(&[]);
    let names: Vec<_> = estate.postgres.iter().map(|database| database.name.as_str()).collect();
    assert_eq!(names, ["postgres:5432", "postgres:5433"]);
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_password_in_redis_url_works_and_is_nowhere() {
    let root = Root::new();
    let variables = [("REDIS_URL", "rediss://ada:hunter%402@cache1:6380/2")];
    let estate = root.discover(&variables);
    assert_eq!((estate.redis[0].name.as_str(), estate.redis[0].url.as_str()), ("redis", "rediss://ada@cache1:6380/2"));
    let name = estate.redis[0].password.clone().unwrap();
    assert_eq!(estate.secrets.places[&name], SecretPlace::EnvUrl("REDIS_URL".to_owned()));
    let around = root.around(&variables);
    assert_eq!(estate.secrets.read(&name, &around).unwrap().expose(), "hunter@2");
    assert_eq!(estate.discovered[2], "Redis from REDIS_URL");
    let shown = format!("{estate:?} {around:?} {:#?}", crate::config::secrets::Secret::new("hunter@2"));
    assert!(!shown.contains("hunter"), "{shown}");
    // Without a password there is no secret; a URL that cannot be read is not repeated.
    let estate = root.discover(&[("REDIS_URL", "redis://cache1")]);
    assert_eq!((estate.redis[0].password.clone(), estate.secrets.clone()), (None, Secrets::default()));
    let estate = root.discover(&[("REDIS_URL", "http://:hunter2@cache1")]);
    assert!(estate.redis.is_empty() && !format!("{estate:?}").contains("hunter2"));
    let why = "the URL in REDIS_URL must begin with redis://, rediss://, unix:// or redis+unix://".to_owned();
    assert_eq!(estate.unread, [Unread { kind: TargetKind::Redis, name: "redis".to_owned(), why }]);
}

#[test]
fn a_local_redis_is_a_socket_or_a_listener() {
    let root = Root::new();
    let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
    let line =
        |local: &str, state: &str| format!("{head}   0: {local} 00000000:0000 {state} 00000000:00000000 00:0 0\n");
    let cases = [
        ("proc/net/tcp", line("0100007F:18EB", "0A"), Some("redis://127.0.0.1:6379/0")),
        ("proc/net/tcp", line("00000000:18EB", "0A"), Some("redis://127.0.0.1:6379/0")),
        ("proc/net/tcp", line("0100007F:18EB", "01"), None),
        ("proc/net/tcp", line("0100007F:18EC", "0A"), None),
        ("proc/net/tcp", line("0200000A:18EB", "0A"), None),
        ("proc/net/tcp6", line("00000000000000000000000001000000:18EB", "0A"), Some("redis://[::1]:6379/0")),
    ];
    for (file, text, expected) in cases {
        let path = root.write(file, &text, 0o444);
        let estate = root.discover(&[]);
        assert_eq!(estate.redis.first().map(|redis| redis.url.as_str()), expected, "{text}");
        fs::remove_file(path).unwrap();
    }
    let socket = root.at("run/redis/redis-server.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let estate = root.discover(&[]);
    assert_eq!(estate.redis[0].url, format!("unix://{}", socket.display()));
    assert_eq!(estate.redis[0].password, None);
}

#[test]
fn a_cluster_is_named_by_its_context() {
    let root = Root::new();
    let file = root.write("home/ada/.kube/config", "apiVersion: v1\ncurrent-context: \"novacron\"\n", 0o600);
    let estate = root.discover(&[]);
    assert_eq!((estate.kubernetes[0].name.as_str(), &estate.kubernetes[0].kubeconfig), ("novacron", &None));
    assert_eq!(root.notes(&estate.discovered)[2], "Kubernetes novacron from /home/ada/.kube/config");
    fs::remove_file(file).unwrap();
    // A named file has a row that reports what is wrong with it.
    let estate = root.discover(&[("KUBECONFIG", "/nowhere/config")]);
    assert_eq!(estate.discovered[2], "Kubernetes kubernetes from KUBECONFIG");
    let pod = [("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    assert!(root.discover(&pod).kubernetes.is_empty());
    root.write("var/run/secrets/kubernetes.io/serviceaccount/token", "hunter2", 0o600);
    assert_eq!(root.discover(&pod).discovered[2], "Kubernetes kubernetes from the pod that we run in");
    assert!(root.discover(&[]).kubernetes.is_empty());
}

#[test]
fn certificates_are_found_once_each_and_keys_are_left_alone() {
    let root = Root::new();
    let chain = root.write("etc/letsencrypt/live/api.novacron.io/fullchain.pem", "x", 0o600);
    root.write("etc/letsencrypt/live/README", "x", 0o600);
    root.write("etc/kubernetes/pki/ca.crt", "x", 0o600);
    let site = format!(
        "server {{\n  ssl_certificate {};\n  ssl_certificate ssl/shop.pem; # x\n  ssl_certificate_key /k.pem;\n  \
         ssl_certificate $of;\n  # ssl_certificate /no.pem;\n  ssl_certificate {};\n}}\n",
        chain.display(),
        root.at("etc/ssl/private/x.pem").display()
    );
    root.write("etc/nginx/sites-enabled/shop", &site, 0o644);
    let haproxy = "frontend f\n  bind :443 ssl crt /srv/a.pem crt /srv/b.pem alpn h2\n  # bind :1 crt /srv/c.pem\n";
    root.write("etc/haproxy/haproxy.cfg", haproxy, 0o644);
    let estate = root.discover(&[]);
    let files: Vec<String> =
        estate.certificates.iter().map(|one| one.file.as_ref().unwrap().display().to_string()).collect();
    let expected = [
        "/etc/letsencrypt/live/api.novacron.io/fullchain.pem",
        "/etc/kubernetes/pki",
        "/etc/nginx/ssl/shop.pem",
        "/srv/a.pem",
        "/srv/b.pem",
    ];
    assert_eq!(root.notes(&files), expected);
    assert_eq!(estate.certificates[0].name, "api.novacron.io");
    assert_eq!((estate.certificates[0].warn_days, estate.certificates[0].critical_days), (30, 7));
}
