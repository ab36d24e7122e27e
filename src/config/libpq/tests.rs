use super::*;
use crate::config::secrets::SecretPlace;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A world of its own: a home and the system's directories, where this process is run by `ada`.
struct World {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl World {
    fn new(variables: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let mut world = Self { root, variables: Vec::new() };
        world.file("etc/passwd", &format!("other:x:99999:1::/:/\nada:x:{user}:1::/home/ada:/bin/sh\n"), 0o644);
        world.set("HOME", world.root.path().join("home").to_str().unwrap());
        for (name, value) in variables {
            world.set(name, value);
        }
        world
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn file(&self, path: &str, text: &str, mode: u32) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn access(&self, written: &str) -> Access {
        let variables = self.variables.iter().map(|(name, value)| (name.into(), value.into()));
        let around = Surroundings::below(self.root.path(), variables);
        Access { written: written.to_owned(), secrets: Secrets::default(), around }
    }

    fn resolve(&self, written: &str) -> Parameters {
        self.access(written).resolve().unwrap_or_else(|why| panic!("{written}: {why}"))
    }

    fn refuse(&self, written: &str) -> String {
        self.access(written).resolve().expect_err(written)
    }

    fn password(&self, written: &str) -> Option<String> {
        self.resolve(written).servers[0].password.as_ref().map(|secret| secret.expose().to_owned())
    }
}

/// Servers, role and database in one line: `ada@db1:5432/app`.
fn line(parameters: &Parameters) -> String {
    format!("{}@{parameters}", parameters.user)
}

#[test]
fn strings_and_urls_mean_the_same() {
    let world = World::new(&[]);
    let cases = [
        ("host=db1", "ada@db1:5432/ada"),
        ("host=db1 user=bea", "bea@db1:5432/bea"),
        ("  host = db1   port= 5433 dbname =app ", "ada@db1:5433/app"),
        (r"host=db1 dbname='my app' user=o\'hara", "o'hara@db1:5432/my app"),
        (r"host=db1 dbname='a\\b\'c' user=x", r"x@db1:5432/a\b'c"),
        (r"host=db1 dbname=a\ b", "ada@db1:5432/a b"),
        ("host=db1 dbname=''", "ada@db1:5432/ada"),
        ("host=db1 dbname=a dbname=b", "ada@db1:5432/b"),
        ("host=db1\tport=1\n dbname=a", "ada@db1:1/a"),
        ("host=db1,db2 port=1,2", "ada@db1:1,db2:2/ada"),
        ("host=db1,db2 port=,2", "ada@db1:5432,db2:2/ada"),
        ("host=db1,db2 port=7", "ada@db1:7,db2:7/ada"),
        ("host=/run/pg port=7", "ada@/run/pg:7/ada"),
        ("hostaddr=10.0.0.1", "ada@10.0.0.1:5432/ada"),
        ("hostaddr=::1", "ada@[::1]:5432/ada"),
        ("host=db1 hostaddr=10.0.0.1", "ada@db1:5432/ada"),
        ("postgresql://db1", "ada@db1:5432/ada"),
        ("postgres://db1/", "ada@db1:5432/ada"),
        ("postgresql://bea@db1:5433/app", "bea@db1:5433/app"),
        ("postgresql://bea:@db1/app", "bea@db1:5432/app"),
        ("postgresql://b%65a%40x@db%31/a%2Fb%3F", "bea@x@db1:5432/a/b?"),
        ("postgresql://db1:1,db2:2,db3/app", "ada@db1:1,db2:2,db3:5432/app"),
        ("postgresql://[2001:db8::7]:1,[::1]/app", "ada@[2001:db8::7]:1,[::1]:5432/app"),
        ("postgresql://%2Fvar%2Flib%2Fpg:7/app", "ada@/var/lib/pg:7/app"),
        ("postgresql:///app?host=/var/lib/pg&port=7&user=bea", "bea@/var/lib/pg:7/app"),
        ("postgresql://db1?dbname=a%26b&", "ada@db1:5432/a&b"),
        ("postgresql://db1/a?dbname=b", "ada@db1:5432/b"),
    ];
    for (written, expected) in cases {
        assert_eq!(line(&world.resolve(written)), expected, "{written}");
    }
}

#[test]
fn mistakes_are_reported_without_the_password() {
    let world = World::new(&[]);
    let cases = [
        ("hots=db1", "there is no connection parameter hots; host is meant?"),
        ("postgresql://db1/?sslmod=require", "there is no connection parameter sslmod; sslmode is meant?"),
        ("wonderful=1", "there is no connection parameter wonderful"),
        ("password=hunter 2 host=db1", "a connection string has a word without ="),
        ("password=hunter2", "a password is not written here: password=secret:NAME names one of [secrets]"),
        ("password=secret:", "a password is not written here: password=secret:NAME names one of [secrets]"),
        ("postgresql://a:hunter2@db1", "a password is not written here: password=secret:NAME names one of [secrets]"),
        ("password=secret:pg", "there is no secret pg"),
        ("dbname='app", "a quote in a connection string does not end"),
        ("host=db1 app", "a connection string has a word without ="),
        ("postgresql://%zz/", "a URL has a broken %, or bytes that are not UTF-8"),
        ("postgresql://a%00b/", "a URL has a broken %, or bytes that are not UTF-8"),
        ("postgresql://a%ff/", "a URL has a broken %, or bytes that are not UTF-8"),
        ("postgresql://[::1/a", "an address in a URL lacks its ]"),
        ("postgresql://[::1]5/a", "a URL has something between ] and the port"),
        ("postgresql://db1/a?sslmode", "a URL has a parameter without ="),
        ("port=0", "0 is no port"),
        ("port=70000", "70000 is no port"),
        ("host=a,b port=1,2,3", "there are neither one port nor as many as servers"),
        ("host=a,b hostaddr=10.0.0.1", "host and hostaddr name different numbers of servers"),
        ("hostaddr=db1", "hostaddr: db1 is no IP address"),
        ("host=@abstract", "sockets in the abstract namespace are not supported"),
        ("sslmode=always", "sslmode is one of disable, allow, prefer, require, verify-ca, verify-full, not always"),
        ("connect_timeout=soon", "connect_timeout: soon is no number of seconds"),
        ("service=nowhere", "there is no service nowhere"),
        (
            "sslmode=verify-full",
            "sslmode verifies, and there is no root certificate: sslrootcert names a file, or system",
        ),
        ("sslmode=require sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require or more"),
        ("sslcert=/x.crt", "sslcert names a certificate, and nothing names its key"),
        ("requirepeer=postgres", "the connection parameter requirepeer is not supported"),
        ("gssencmode=require", "the connection parameter gssencmode is not supported"),
        ("sslcrl=/x", "the connection parameter sslcrl is not supported"),
    ];
    for (written, expected) in cases {
        assert_eq!(world.refuse(written), expected, "{written}");
    }
    world.resolve("gssencmode=disable replication=off sslcertmode=disable keepalives_idle=5 sslcompression=0");
}

#[test]
fn variables_fill_what_is_not_written() {
    let world = World::new(&[
        ("PGHOST", "db9"),
        ("PGPORT", "9"),
        ("PGDATABASE", "nine"),
        ("PGUSER", "bea"),
        ("PGSSLMODE", "disable"),
        ("PGCONNECT_TIMEOUT", "1"),
        ("PGAPPNAME", "theirs"),
        ("PGOPTIONS", "-c geqo=off"),
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGCHANNELBINDING", "require"),
        ("PGPASSWORD", "pw"),
    ]);
    let found = world.resolve("");
    assert_eq!(line(&found), "bea@db9:9/nine");
    assert_eq!((found.tls.mode, found.session), (TlsMode::Disable, SessionKind::Standby));
    assert_eq!((found.connect_timeout, found.channel_binding), (Some(Duration::from_secs(2)), ChannelBinding::Require));
    assert_eq!((found.application_name.as_deref(), found.options.as_deref()), (Some("theirs"), Some("-c geqo=off")));
    assert_eq!(world.password("").as_deref(), Some("pw"));
    assert_eq!(line(&world.resolve("host=db1 dbname=app port=''")), "bea@db1:5432/app");
    assert_eq!(world.resolve("connect_timeout=0").connect_timeout, None);
    assert!(!format!("{found:?}").contains("pw"), "a password is in the debug text");
    // An address that a variable adds to a host that is written goes with it, as libpq has it.
    let world = World::new(&[("PGHOSTADDR", "10.0.0.9")]);
    let ServerPlace::Tcp { name, address } = &world.resolve("host=db1").servers[0].place else { panic!() };
    assert_eq!((name.as_deref(), *address), (Some("db1"), Some("10.0.0.9".parse().unwrap())));
}

#[test]
fn with_nothing_at_all_the_usual_socket_is_tried() {
    let world = World::new(&[]);
    let at = |place: &str| format!("ada@{}:5432/ada", world.root.path().join(place).display());
    assert_eq!(line(&world.resolve("")), at("var/run/postgresql"));
    world.file("tmp/.s.PGSQL.5432", "", 0o600);
    assert_eq!(line(&world.resolve("")), at("tmp"));
    world.file("var/run/postgresql/.s.PGSQL.5432", "", 0o600);
    assert_eq!(line(&world.resolve("")), at("var/run/postgresql"));
}

#[test]
fn services_are_the_users_then_the_systems() {
    let mut world = World::new(&[("PGDATABASE", "from the variable")]);
    world.file("etc/postgresql-common/pg_service.conf", "[main]\nhost=system\n[other]\nhost=system2\nport=2\n", 0o644);
    assert_eq!(line(&world.resolve("service=main")), "ada@system:5432/from the variable");
    let own = "# mine\n\n[broken]\nhots=1\n[main]\n  host=own  \ndbname=app\ndbname=late\nport=7\npassword=pw with = and space\n[main]\nhost=late\n\
        [nested]\nservice=main\n[ldap]\nldap://x\n[odd]\nhost\n";
    world.file("home/.pg_service.conf", own, 0o644);
    assert_eq!(line(&world.resolve("service=main")), "ada@own:7/app");
    assert_eq!(world.password("service=main").as_deref(), Some("pw with = and space"));
    assert_eq!(line(&world.resolve("service=main host=written")), "ada@written:7/app");
    assert_eq!(line(&world.resolve("postgresql://?service=other")), "ada@system2:2/from the variable");
    for (name, expected) in [
        ("broken", "line 4: there is no connection parameter hots; host is meant?"),
        ("nested", "line 14: a service cannot name another one"),
        ("ldap", "line 16: LDAP is not asked"),
        ("odd", "line 18 has no ="),
    ] {
        assert!(
            world.refuse(&format!("service={name}")).ends_with(expected),
            "{}",
            world.refuse(&format!("service={name}"))
        );
    }
    world.set("PGSERVICE", "main");
    assert_eq!(line(&world.resolve("")), "ada@own:7/app");
    assert_eq!(line(&world.resolve("service=''")).split('@').count(), 2);
    let other = world.root.path().join("other.conf");
    world.set("PGSERVICEFILE", other.to_str().unwrap());
    assert_eq!(world.refuse(""), format!("the service file {}: it does not exist", other.display()));
    world.file("other.conf", "[main]\nhost=third\n", 0o644);
    assert_eq!(line(&world.resolve("")), "ada@third:5432/from the variable");
    world.file("sys/pg_service.conf", "[deep]\nhost=fourth\n", 0o644);
    world.set("PGSYSCONFDIR", world.root.path().join("sys").to_str().unwrap());
    assert_eq!(line(&world.resolve("service=deep")), "ada@fourth:5432/from the variable");
    assert_eq!(world.refuse("service=other"), "there is no service other");
}

#[test]
fn the_password_file_is_read_by_host_port_database_and_role() {
    let mut world = World::new(&[]);
    let lines = "# db1:5432:app:ada:comment\ndb1:5432:app:ada:one\n*:5433:*:ada:two\ndb2:*:*:bea:th\\:r\\\\ee:x\nlocalhost:*:*:*:sock\n\
        /run/pg:*:*:*:dir\n10.0.0.1:*:*:*:addr\ndb\\:3:*:*:*:colon\n\\*:*:*:*:star\nshort:line\n";
    world.file("home/.pgpass", lines, 0o600);
    let cases = [
        ("host=db1 dbname=app", Some("one")),
        ("host=db1 dbname=other", None),
        ("host=db1 dbname=app user=bea", None),
        ("host=any port=5433 dbname=x", Some("two")),
        ("host=db2 user=bea", Some("th:r\\ee:x")),
        ("user=bea", Some("sock")),
        ("host=/run/pg", Some("dir")),
        ("hostaddr=10.0.0.1", Some("addr")),
        ("host=db1 hostaddr=10.0.0.1 dbname=x", None),
        ("postgresql://db%3A3/x", Some("colon")),
        ("postgresql://*/x", Some("star")),
        ("host=nowhere", None),
    ];
    for (written, expected) in cases {
        assert_eq!(world.password(written).as_deref(), expected, "{written}");
    }
    let both = world.resolve("host=db1,db2 port=5432 dbname=app");
    let passwords: Vec<_> = both.servers.iter().map(|server| server.password.as_ref().map(Secret::expose)).collect();
    assert_eq!(passwords, [Some("one"), None]);
    world.file("home/other", "*:*:*:*:other\n", 0o600);
    world.set("PGPASSFILE", world.root.path().join("home/other").to_str().unwrap());
    assert_eq!(world.password("host=nowhere").as_deref(), Some("other"));
    let written = format!("host=db1 dbname=app passfile={}", world.root.path().join("home/.pgpass").display());
    assert_eq!(world.password(&written).as_deref(), Some("one"));
}

#[test]
fn a_password_file_that_others_read_is_refused_with_the_reason() {
    let world = World::new(&[]);
    world.file("home/.pgpass", "*:*:*:*:pw\n", 0o644);
    let found = world.resolve("host=db1");
    let why = found.passfile_refused.unwrap();
    assert!(found.servers[0].password.is_none() && why.ends_with("is open to others (mode 0644, not 0600)"), "{why}");
    world.file("home/.pgpass", "*:*:*:*:pw\n", 0o400);
    assert_eq!(world.password("host=db1").as_deref(), Some("pw"));
    fs::remove_file(world.root.path().join("home/.pgpass")).unwrap();
    fs::create_dir(world.root.path().join("home/.pgpass")).unwrap();
    assert!(world.resolve("host=db1").passfile_refused.unwrap().ends_with("is no file"));
}

#[test]
fn a_secret_goes_before_every_other_password() {
    let world = World::new(&[("PGPASSWORD", "variable"), ("PW", "from env")]);
    world.file("home/.pgpass", "*:*:*:*:file\n", 0o600);
    world.file("pg.secret", "from file\r\n", 0o600);
    let mut access = world.access("host=db1 password=secret:pg");
    access.secrets.places.insert("pg".to_owned(), SecretPlace::File(world.root.path().join("pg.secret")));
    access.secrets.places.insert("env".to_owned(), SecretPlace::Env("PW".to_owned()));
    let password = |access: &Access| access.resolve().unwrap().servers[0].password.clone().unwrap().expose().to_owned();
    assert_eq!(password(&access), "from file");
    access.written = "postgresql://ada:secret%3Aenv@db1".to_owned();
    assert_eq!(password(&access), "from env");
    assert_eq!(world.password("host=db1").as_deref(), Some("variable"));
}

#[test]
fn tls_is_what_the_manual_says() {
    let world = World::new(&[]);
    let tls = |written: &str| world.resolve(written).tls;
    assert_eq!((tls("host=a").mode, tls("host=a").root), (TlsMode::Prefer, TlsRoot::None));
    assert_eq!(tls("postgresql://a?ssl=true").mode, TlsMode::Require);
    assert_eq!(tls("sslrootcert=system").mode, TlsMode::VerifyFull);
    assert_eq!(tls("sslrootcert=system sslmode=disable").mode, TlsMode::Disable);
    let file = tls("sslrootcert=/ca.pem sslmode=verify-ca");
    assert_eq!((file.mode, file.root), (TlsMode::VerifyCa, TlsRoot::File("/ca.pem".into())));
    let more = tls("sslmode=require sslnegotiation=direct sslsni=0 ssl_min_protocol_version=TLSv1.3");
    assert_eq!((more.direct, more.sni, more.only_1_3), (true, false, true));
    // What lies in the usual place is used unasked.
    for name in ["root.crt", "postgresql.crt", "postgresql.key"] {
        world.file(&format!("home/.postgresql/{name}"), "", 0o600);
    }
    let usual = tls("host=a");
    let at = |name: &str| world.root.path().join("home/.postgresql").join(name);
    assert_eq!(usual.root, TlsRoot::File(at("root.crt")));
    assert_eq!(usual.own, Some((at("postgresql.crt"), at("postgresql.key"))));
    assert_eq!(tls("sslcertmode=disable").own, None);
    assert_eq!(tls("sslcert=/c.pem sslkey=/k.pem").own, Some(("/c.pem".into(), "/k.pem".into())));
}

#[test]
fn what_is_shown_names_no_role_and_no_password() {
    let world = World::new(&[("PGPASSWORD", "pw")]);
    assert_eq!(world.access("host=db1,db2 user=bea dbname=app").shown(), "db1:5432,db2:5432/app");
    assert_eq!(world.access("hots=1").shown(), "PostgreSQL");
}

#[test]
fn a_program_is_given_everything_by_variables_and_the_password_apart() {
    let world = World::new(&[("PGPORT", "7"), ("PGHOST", "elsewhere"), ("PGPASSWORD", "of the variable")]);
    world.file("home/.pg_service.conf", "[main]\nhost=own\nport=8\npassword=of the service\n", 0o644);
    let of = |written: &str| {
        let found = world.access(written).variables().unwrap();
        let plain: Vec<String> = found.plain.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (plain.join(" "), found.password.map(|secret| secret.expose().to_owned()))
    };
    let describe = |plain: &str, password: &str| (plain.to_owned(), Some(password.to_owned()));
    assert_eq!(
        of("host=db1 user=bea dbname='my app'"),
        describe("PGDATABASE=my app PGHOST=db1 PGPORT=7 PGUSER=bea", "of the variable")
    );
    assert_eq!(
        of("service=main dbname=app sslmode=require"),
        describe("PGDATABASE=app PGHOST=own PGPORT=8 PGSSLMODE=require", "of the service")
    );
    assert_eq!(of("postgresql://db1:9/app"), describe("PGDATABASE=app PGHOST=db1 PGPORT=9", "of the variable"));
    assert!(world.access("host=db1 requirepeer=root").variables().is_err());
    let bare = World::new(&[]);
    let found = bare.access("dbname=app").variables().unwrap();
    assert!(found.plain["PGHOST"].ends_with("var/run/postgresql"), "{:?}", found.plain);
    assert_eq!(found.password, None);
}
