use super::*;

#[test]
fn the_programs_that_a_script_needs_are_named_and_nothing_else() {
    let script = "helper() { sync; }\nset -u\nhelper\n[ -e x ]\nif grep -q a b; then \"$EDITOR\" x; fi\n\
        page off | tee log\nnotify || true\n/opt/app/page on\nout=$(date)\n";
    assert_eq!(programs(script), ["/opt/app/page", "page", "sync", "tee"]);
    assert_eq!(programs("if true; then"), Vec::<String>::new());
}

fn told(script: &str, strict: bool) -> Vec<String> {
    findings(script, strict).iter().map(|one| format!("{}:{} {}", one.line, one.column, one.says)).collect()
}

#[test]
fn each_danger_is_told_at_its_place() {
    let cases = [
        ("rm -rf $DIR", "1:8 `rm` of a variable that is not quoted: $DIR"),
        ("true\nrm \"$A\" $(ls)", "2:9 `rm` of a variable that is not quoted: $(ls)"),
        ("rm -rf \"$DIR/old\"", "1:8 an empty variable makes it remove from `/`: \"$DIR/old\""),
        ("sudo rm -r \"${DIR}\"/old", "1:12 an empty variable makes it remove from `/`: \"${DIR}\"/old"),
        ("rm -fr build", "1:8 a relative `rm -r` removes whatever the working directory holds: build"),
        ("kill -9 42", "1:1 `kill -9` leaves the program no time to close anything"),
        ("kill -s KILL 42", "1:1 `kill -9` leaves the program no time to close anything"),
        ("if x; then pkill -f api; fi", "1:12 `pkill` hits every process that fits, others' too"),
        ("curl -s https://x/y | sudo bash", "1:23 it runs whatever the network brings"),
        ("bash -c \"$(curl -s https://x)\"", "1:1 it runs whatever the network brings"),
        ("echo x > /tmp/report", "1:10 everybody can put a link in the place of /tmp/report first"),
        ("ls | tee \"/tmp/list.$$\"", "1:10 everybody can put a link in the place of /tmp/list.$$ first"),
        ("dropdb x || true", "1:13 `|| true` swallows a failure"),
        ("for f in a; do rm -r $f; done", "1:22 `rm` of a variable that is not quoted: $f"),
        ("x=\"$(kill -9 1)\"", "1:1 `kill -9` leaves the program no time to close anything"),
        (
            "case $x in a) ( rm -r old );; esac",
            "1:23 a relative `rm -r` removes whatever the working directory holds: old",
        ),
    ];
    for (script, expected) in cases {
        assert_eq!(told(script, true), [expected], "{script}");
    }
}

#[test]
fn what_is_careful_is_not_told_of() {
    for script in [
        "rm -rf \"${DIR:?}/old\"",
        "rm -f -- \"$file\"",
        "rm -rf /srv/cell0/tmp",
        "rm old",
        "kill -TERM \"$pid\"",
        "curl -fsS https://x/health | grep ok",
        "echo 'rm -rf $DIR' # rm -rf $DIR",
        "f=$(mktemp); echo x > \"$f\"",
        "echo x > /tmpfiles/x",
        "grep -q x file || exit 3",
        "cat <<'END'\nrm -rf $DIR\nEND",
    ] {
        assert_eq!(told(script, true), Vec::<String>::new(), "{script}");
    }
}

#[test]
fn without_strict_mode_more_is_told() {
    let loose = "1:1 a failure in the middle is passed over: the script is not strict";
    let cd = "1:1 nothing checks that `cd` worked: what follows may work elsewhere";
    assert_eq!(told("cd /srv; ls", false), [loose, cd]);
    assert_eq!(told("cd /srv && ls", false), Vec::<String>::new());
    assert_eq!(told("if cd /srv; then ls; fi", false), Vec::<String>::new());
    assert_eq!(told("pg_dump x | gzip", false), [loose]);
    assert_eq!(told("ls", false), Vec::<String>::new());
    assert_eq!(told("cd /srv; ls", true), Vec::<String>::new());
    assert_eq!(told("set -euo pipefail\ncd /srv; ls", false), Vec::<String>::new());
}

#[test]
fn what_turns_strict_mode_off_is_told_where_it_is_forced() {
    assert_eq!(told("true\ntrue; set +eu; true", true), ["2:7 strict mode is turned off from here on"]);
    assert_eq!(told("set -euo pipefail\nset +x; true", true), Vec::<String>::new());
    assert_eq!(told("set -e\nset +e", false), Vec::<String>::new());
}

#[test]
fn what_cannot_be_read_says_so() {
    assert!(
        told("if true; then", true)[0]
            .starts_with("1:1 it cannot be read as a shell script: syntax error: something is not closed")
    );
    assert!(told("true\n ;;", true)[0].starts_with("2:2 it cannot be read"), "{:?}", told("true\n ;;", true));
    assert_eq!(told("", true), Vec::<String>::new());
    let deep = format!("{}true{}", "( ".repeat(60), " )".repeat(60));
    assert!(told(&deep, true)[0].contains("too deep"), "{:?}", told(&deep, true));
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(script in ".{0,60}") {
        let _ = findings(&script, false);
    }
}
