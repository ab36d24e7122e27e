//! `midwatch check` on everything at once.

use super::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const PANES: [&str; 4] = ["health", "backups", "certificates", "bloat"];
const KEYS: [&str; 10] =
    ["target", "object", "kind", "verdict", "stale", "detail", "remedy", "observed_at", "source", "facts"];

/// The pane of each kind.
const KINDS: [(&str, &str); 10] = [
    ("host", "health"),
    ("mount", "health"),
    ("service", "health"),
    ("unit", "health"),
    ("postgres", "health"),
    ("redis", "health"),
    ("kubernetes", "health"),
    ("backup", "backups"),
    ("certificate", "certificates"),
    ("bloat", "bloat"),
];

pub(super) fn report(printed: &Printed) -> Value {
    serde_json::from_str(&printed.out).unwrap_or_else(|cause| panic!("{cause}:\n{}\n{}", printed.out, printed.err))
}

/// The rows of a pane.
fn rows<'a>(report: &'a Value, pane: &str) -> &'a [Value] {
    report["panes"][pane].as_array().unwrap_or_else(|| panic!("no pane {pane}: {report}"))
}

pub(super) fn all(report: &Value) -> impl Iterator<Item = &Value> {
    PANES.into_iter().filter_map(|pane| report["panes"].get(pane)).flat_map(|rows| rows.as_array().unwrap())
}

#[track_caller]
pub(super) fn row<'a>(report: &'a Value, kind: &str, target: &str, object: Option<&str>) -> &'a Value {
    let found =
        all(report).find(|row| row["kind"] == kind && row["target"] == target && row["object"] == Value::from(object));
    found.unwrap_or_else(|| panic!("no row {kind} {target} {object:?} in {report:#}"))
}

#[track_caller]
fn has_facts(row: &Value, facts: &str) {
    for fact in facts.split_whitespace() {
        assert!(!row["facts"][fact].is_null(), "no {fact} in {row:#}");
    }
}

/// The names of facts in `docs/facts.md`, by the kind they are of.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/facts.md")).unwrap();
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (kind, body) = section.split_once('\n').unwrap();
        let lines = body.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
        let names = lines.flat_map(|(names, _)| names.split("` `").map(str::to_owned));
        all.entry(kind.trim().to_owned()).or_default().extend(names);
    }
    all
}

#[test]
fn one_reading_of_everything_has_the_promised_shape() {
    let world = World::start();
    let before = jiff::Timestamp::now();
    let printed = world.estate.midwatch(&["check", "--json"]).exits(2);
    let report = report(&printed);
    let top: BTreeSet<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(top, BTreeSet::from(["schema", "estate", "at", "panes", "not_found"]));
    assert_eq!((&report["schema"], &report["estate"]), (&Value::from(1), &Value::from("faults")));
    let time = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time(&report["at"]) >= before && report["not_found"] == Value::Array(Vec::new()));
    for row in all(&report) {
        let keys: BTreeSet<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(KEYS), "{row:#}");
        let kind = row["kind"].as_str().unwrap();
        let pane = PANES.into_iter().find(|pane| rows(&report, pane).contains(row)).unwrap();
        assert!(KINDS.contains(&(kind, pane)), "{row:#}");
        assert!(["ok", "warn", "critical", "unknown"].contains(&row["verdict"].as_str().unwrap()), "{row:#}");
        assert!(time(&row["observed_at"]) >= before && row["stale"] == false, "{row:#}");
    }

    // Every fact is documented for its kind.
    let documented = documented();
    assert_eq!(documented.keys().map(String::as_str).collect::<BTreeSet<_>>(), KINDS.map(|(kind, _)| kind).into());
    for row in all(&report) {
        for fact in row["facts"].as_object().unwrap().keys() {
            let kind = row["kind"].as_str().unwrap();
            assert!(documented[kind].contains(fact), "docs/facts.md does not tell of {fact} of {kind}: {row:#}");
        }
    }
    for (kind, _) in KINDS.iter().filter(|(kind, _)| *kind != "kubernetes") {
        assert!(all(&report).any(|row| row["kind"] == *kind), "no row of {kind}");
    }

    for part in ["cpu", "memory", "swap", "load"] {
        assert!(row(&report, "host", part, None)["facts"].is_object());
    }
    let tree = world.estate.tree("");
    has_facts(row(&report, "mount", tree.to_str().unwrap().trim_end_matches('/'), None), "path used_ratio");
    // Not every file system counts inodes.
    assert!(all(&report).filter(|row| row["kind"] == "mount").any(|row| row["facts"]["inodes_ratio"].is_f64()));
    has_facts(row(&report, "service", "web", None), "url status latency_ms");
    assert_eq!(row(&report, "unit", bus::UNIT, None)["facts"]["active_state"], "active");
    for object in [None, Some("connections"), Some("replication")] {
        assert_eq!(row(&report, "postgres", "main", object)["verdict"], "ok");
    }
    for object in [None, Some("memory"), Some("persistence"), Some("replication")] {
        assert_eq!(row(&report, "redis", "cache", object)["verdict"], "ok");
    }
    backups(&report);
    certificates(&report);
    bloat(&report);
    world.estate.nothing_runs();
}

fn backups(report: &Value) {
    for (set, verdict, hours) in [("fresh", "ok", 1), ("stale", "critical", 60)] {
        let row = row(report, "backup", set, None);
        assert_eq!(row["verdict"], verdict, "{row:#}");
        has_facts(row, "newest newest_at age_s size_bytes");
        let age = row["facts"]["age_s"].as_i64().unwrap();
        assert!((hours * 3600..hours * 3600 + 120).contains(&age), "{row:#}");
        assert_eq!((&row["facts"]["newest"], &row["facts"]["size_bytes"]), (&"set-0.dump".into(), &4096.into()));
        // Where no checksum stands beside it, that is told, and it is not called verified.
        assert!(row["facts"].get("verified").is_none() && row["facts"]["not_verified"].is_string(), "{row:#}");
    }
    let none = row(report, "backup", "none", None);
    assert_eq!((&none["verdict"], &none["facts"]["count"]), (&"critical".into(), &0.into()));
    assert!(none["facts"].get("newest").is_none() && none["facts"].get("age_s").is_none(), "{none:#}");
}

fn certificates(report: &Value) {
    for (name, verdict, days) in [
        ("served", "ok", 80),
        ("file", "ok", 80),
        ("served-expired", "critical", -10),
        ("file-expired", "critical", -10),
    ] {
        let row = row(report, "certificate", name, None);
        assert_eq!(row["verdict"], verdict, "{row:#}");
        has_facts(row, "not_before not_after days_left serial subject issuer names");
        assert_eq!(row["facts"]["days_left"], days, "{row:#}");
        assert!(row["facts"]["not_after"].as_str().unwrap().ends_with('Z'), "{row:#}");
    }
}

fn bloat(report: &Value) {
    let orders = row(report, "bloat", "main", Some("public.orders"));
    has_facts(orders, "database schema name kind size_bytes bloat_bytes bloat_ratio method error_ratio");
    let facts = &orders["facts"];
    assert_eq!((&facts["database"], &facts["kind"]), (&"shop".into(), &"table".into()));
    // Two of three rows are gone.
    let (ratio, error) = (facts["bloat_ratio"].as_f64().unwrap(), facts["error_ratio"].as_f64().unwrap());
    assert!((ratio - 2.0 / 3.0).abs() <= error + 0.01, "{orders:#}");
    let smaller = row(report, "bloat", "main", Some("smaller relations"));
    assert!(smaller["facts"].get("bloat_bytes").is_none(), "what was not estimated is not 0: {smaller:#}");
}

#[test]
fn what_a_row_lacks_is_printed_with_what_would_help() {
    let world = World::start();
    world.postgres.sql("postgres", "REVOKE pg_monitor, pg_read_all_data FROM watch").unwrap();
    let report = report(&world.estate.midwatch(&["check", "--json"]).exits(2));
    let remedy = |kind: &str, target: &str, object: Option<&str>| row(&report, kind, target, object)["remedy"].clone();
    assert_eq!(remedy("postgres", "main", None), "GRANT pg_monitor TO watch;");
    assert_eq!(remedy("postgres", "main", Some("connections")), "GRANT pg_monitor TO watch;");
    assert_eq!(remedy("bloat", "main", Some("public.orders")), "GRANT pg_read_all_data TO watch;");
    assert_eq!(remedy("backup", "fresh", None), "no SHA-256 beside it: expects set-0.dump.sha256");
    assert_eq!(remedy("redis", "cache", None), Value::Null);
    // So it stands in the text, behind what the row says.
    let printed = world.estate.midwatch(&["check"]).exits(2);
    for (row, remedy) in [
        ("postgres     main  ", " · role without pg_monitor · GRANT pg_monitor TO watch"),
        ("bloat        main public.orders  ", " · GRANT pg_read_all_data TO watch"),
        ("backup       fresh  ", " · no SHA-256 beside it: expects set-0.dump.sha256"),
    ] {
        let (kind, name) = row.split_once(' ').unwrap();
        let is_it = |line: &&str| line.contains(kind) && line.contains(&format!("  {}  ", name.trim()));
        let line = printed.out.lines().find(is_it).unwrap_or_else(|| panic!("{row} in {}", printed.out));
        assert!(line.trim_end().ends_with(remedy), "{line}");
    }
}

#[test]
fn what_a_set_with_a_checksum_gives_is_verified() {
    let world = Small::new();
    world.write("a.dump", b"data");
    world.write("a.dump.sha256", b"3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7  a.dump\n");
    world.estate(&format!("[[backup]]\nname = \"set\"\nfiles = \"{}\"\nmax_age = \"1h\"\n", world.at("*.dump")));
    let report = report(&world.check(&["backups"], 0));
    let facts = &row(&report, "backup", "set", None)["facts"];
    assert_eq!(facts["verified"], true, "{facts:#}");
    for fact in facts.as_object().unwrap().keys() {
        assert!(documented()["backup"].contains(fact), "{fact}");
    }
}

#[test]
fn what_refuses_is_critical_and_what_cannot_be_looked_at_is_unknown() {
    let mut world = World::start();
    let (gone, away) = (world.estate.tree("backups/gone"), world.estate.tree("away"));
    let absent = format!(
        "[[backup]]\nname = \"gone\"\nfiles = \"{}/*.dump\"\nmax_age = \"1d\"\n[[mount]]\npath = \"{}\"\n",
        gone.display(),
        away.display()
    );
    world.write_estate(&format!("{}{absent}", world.servers()));
    world.lose();
    let printed = world.estate.midwatch(&["check", "--json"]).exits(2);
    let first = report(&printed);
    let away = away.to_str().unwrap();
    let down =
        [("service", "web"), ("postgres", "main"), ("redis", "cache"), ("certificate", "served"), ("bloat", "main")];
    for (kind, target) in down {
        let row = row(&first, kind, target, None);
        assert_eq!((&row["verdict"], &row["facts"]["down"]), (&"critical".into(), &true.into()), "{row:#}");
        assert!(row["detail"].as_str().unwrap().starts_with("down: "), "{row:#}");
        assert!(row["observed_at"].is_string() && row["stale"] == false, "{row:#}");
        assert!(documented()[kind].contains("down"));
    }
    for (kind, target, text) in
        [("backup", "gone", "no such directory"), ("mount", away, "not mounted: no such directory")]
    {
        let row = row(&first, kind, target, None);
        assert_eq!((&row["verdict"], &row["detail"]), (&"critical".into(), &text.into()), "{row:#}");
    }
    // The bus is our means of looking, and says nothing of the unit.
    let unit = row(&first, "unit", bus::UNIT, None);
    assert!(unit["verdict"] == "unknown" && unit["facts"].is_null(), "{unit:#}");

    let soft = format!("{}{absent}", world.servers()).split_inclusive("]]\n").map(str::to_owned).collect::<String>();
    let soft = ["[[service]]\n", "[[postgres]]\n", "[[redis]]\n", "[[mount]]\n"]
        .into_iter()
        .fold(soft, |soft, head| soft.replace(head, &format!("{head}critical = false\n")));
    world.write_estate(&soft);
    let report = report(&world.estate.midwatch(&["check", "--json"]).exits(2));
    for (kind, target) in
        [("service", "web"), ("postgres", "main"), ("redis", "cache"), ("bloat", "main"), ("mount", away)]
    {
        let row = row(&report, kind, target, None);
        assert_eq!((&row["verdict"], &row["facts"]["down"]), (&"warn".into(), &true.into()), "{row:#}");
    }
}

#[test]
fn what_is_down_fails_a_gate_and_the_outcome_says_so() {
    let mut world = World::start();
    world.lose();
    for (name, check, text) in [
        ("service", "probe = \"service\", target = \"web\"", "critical: down: connection refused"),
        ("http", &*format!("http = \"http://{}/health\"", world.web.address), "down: error sending request"),
        ("part", "probe = \"redis\", target = \"cache\", object = \"memory\"", "critical: down: "),
        ("warned", "probe = \"postgres\", target = \"main\", at_least = \"warn\"", "critical: down: "),
    ] {
        let step = format!("[[look]]\ntitle = \"Look\"\ncheck = {{ {check} }}\n");
        world.estate.procedure(name, "", &step);
        let printed = world.estate.start(name, &[]).exits(1);
        let both = format!("{}{}", printed.out, printed.err);
        assert!(both.contains(text) && !printed.out.contains("unknown"), "{name}: {both}");
    }
    // What says nothing leaves open how it is.
    world.come_back();
    world.freeze(true);
    let printed = world.estate.start("service", &[]);
    world.freeze(false);
    assert!(printed.out.contains("unknown: timed out after 1 s"), "{}{}", printed.out, printed.err);
}

/// An estate without servers.
struct Small(Estate);

impl Small {
    fn new() -> Self {
        Self(Estate::default())
    }

    fn at(&self, name: &str) -> String {
        self.0.tree(name).to_str().unwrap().to_owned()
    }

    /// Writes a file that is half an hour old: a newer one may be unfinished.
    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.tree(name), bytes).unwrap();
        let at = SystemTime::now() - Duration::from_secs(1800);
        fs::File::options().write(true).open(self.0.tree(name)).unwrap().set_modified(at).unwrap();
    }

    fn estate(&self, entries: &str) {
        let text = format!("schema = 1\nname = \"small\"\nenvironment = \"other\"\n{entries}");
        fs::write(self.0.beside("midwatch.toml"), text).unwrap();
    }

    #[track_caller]
    fn check(&self, panes: &[&str], code: i32) -> Printed {
        self.0.midwatch(&[&["check", "--json"], panes].concat()).exits(code)
    }
}

#[test]
fn the_exit_code_is_the_worst_rows_and_an_empty_pane_counts_when_it_was_asked_for() {
    let world = Small::new();
    world.write("now.dump", b"data");
    let set = |name: &str, files: &str, max: &str| {
        format!("[[backup]]\nname = \"{name}\"\nfiles = \"{}\"\nmax_age = \"{max}\"\n", world.at(files))
    };
    let fresh = set("fresh", "*.dump", "24h");
    let unread = set("unread", "now.dump/*.dump", "24h");
    let missing = set("missing", "nowhere/*.dump", "24h");
    let none = set("none", "*.tar", "24h");
    let nameless = "[[service]]\nname = \"gone\"\nurl = \"http://nowhere.invalid/\"\ncritical = false\n";
    for (entries, panes, code) in [
        (fresh.clone(), &["backups"][..], 0),
        (fresh.clone(), &["backups", "bloat"], 3),
        (fresh.clone(), &["certificates"], 3),
        (format!("{fresh}{unread}"), &["backups"], 3),
        (format!("{fresh}{missing}"), &["backups"], 2),
        (format!("{fresh}{unread}{none}"), &["backups"], 2),
        (format!("{fresh}{none}"), &["backups", "bloat"], 2),
        (nameless.to_owned(), &["health"], 3),
    ] {
        world.estate(&entries);
        let printed = world.check(panes, code);
        let report = report(&printed);
        let given: BTreeSet<&str> = report["panes"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(given, panes.iter().copied().collect(), "the panes that were asked for, and no other");
    }
    // A warning alone.
    let pem = world.at("soon.pem");
    Tls::start(&world.0.tree(""));
    fs::rename(world.0.tree("fine.pem"), &pem).unwrap();
    world.estate(&format!("[[certificate]]\nname = \"soon\"\nfile = \"{pem}\"\nwarn = \"90d\"\n{fresh}"));
    world.check(&["certificates"], 1);
    world.check(&["certificates", "backups"], 1);
    // Panes without rows do not count where none was asked for.
    world.estate(&fresh);
    let answer = world.0.midwatch(&["check", "--json"]);
    let report = report(&answer);
    assert!(rows(&report, "bloat").is_empty() && rows(&report, "certificates").is_empty());
    let worst = |verdict: &str| all(&report).any(|row| row["verdict"] == verdict);
    let code = [("critical", 2), ("unknown", 3), ("warn", 1), ("ok", 0)].into_iter().find(|(word, _)| worst(word));
    assert_eq!(answer.code, code.map(|(_, code)| code), "{report:#}");

    // Text says the same.
    world.estate(&fresh);
    world.0.midwatch(&["check", "bloat"]).exits(3).prints("bloat: nothing is configured or found");
    world.0.midwatch(&["check", "backups"]).exits(0).prints("ok        backup");
    // What prevents a reading is unknown, and nothing that looks like a reading is printed.
    world.estate("[[backup]]\nname = 3\n");
    let output = world.0.midwatch(&["check", "--json"]).exits(3).prints("midwatch.toml:");
    assert!(output.out.is_empty(), "{}", output.out);
    world.0.midwatch(&["check", "nonsense"]).exits(3);
}

#[test]
fn every_documented_fact_is_one_that_a_probe_gives() {
    let mut text = String::new();
    let mut places = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/probes")];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None => places.push(path),
                Some(_) if path.ends_with("tests.rs") => {}
                Some(_) => text.push_str(&fs::read_to_string(path).unwrap()),
            }
        }
    }
    // The limits that an estate sets are facts of more than one kind.
    text.push_str(&fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/estate.rs")).unwrap());
    let unknown: Vec<String> =
        documented().into_values().flatten().filter(|name| !text.contains(&format!("\"{name}\""))).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(documented().values().map(BTreeSet::len).sum::<usize>() > 150);
}

#[test]
fn without_any_environment_this_host_is_read_all_the_same() {
    for path in [None, Some("")] {
        let mut command = Command::new(crate::support::estate::BINARY);
        command.args(["check", "health", "--json"]).env_clear();
        command.envs(path.map(|path| ("PATH", path)));
        let printed = finish(command);
        assert!(printed.err.is_empty(), "{}", printed.err);
        let report = report(&printed);
        has_facts(row(&report, "host", "cpu", None), "busy_ratio");
        let absent = report["not_found"].as_array().unwrap();
        assert!(absent.iter().any(|line| line.as_str().unwrap().contains("estate file")));
    }
    let mut command = Command::new(crate::support::estate::BINARY);
    command.args(["check", "health"]).env_clear();
    let text = finish(command).out;
    let no_file = "not found an estate file: looked for /etc/midwatch/midwatch.toml\n";
    for line in ["found     the mounts of this host\n", no_file] {
        assert!(text.contains(line), "{text}");
    }
}
