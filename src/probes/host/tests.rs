use super::*;

const STAT: &str =
    "cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 50 0 25 400 25 0 0 0 0 0\ncpu1 50 0 25 400 25 0 0 0 0 0\nintr 1\n";

fn real(seen: &Observation, key: &str) -> f64 {
    match seen.facts.get(key) {
        Some(Fact::Real(figure)) => *figure,
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn the_busy_share_is_that_of_the_interval() {
    let before = CpuTimes::parse(STAT).unwrap();
    assert_eq!((before.total, before.idle, before.cores), (1000, 800, 2));
    let after = CpuTimes::parse("cpu 130 0 60 850 60 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1\n").unwrap();
    let seen = busy(&before, &after, Duration::from_millis(5003), None).unwrap();
    assert!((real(&seen, "busy_ratio") - 0.4).abs() < 1e-9);
    assert!((real(&seen, "iowait_ratio") - 0.1).abs() < 1e-9);
    assert_eq!((seen.detail.as_str(), seen.verdict), ("40 % over 5 s", Verdict::Ok));
    assert!(busy(&after, &before, Duration::from_secs(5), None).is_err());
    assert!(busy(&after, &after, Duration::from_secs(5), None).is_err(), "no time passed");
}

#[test]
fn the_busy_share_is_judged_by_the_limits_of_the_estate_alone() {
    let before = CpuTimes::parse(STAT).unwrap();
    let after = CpuTimes { total: 1100, ..before.clone() };
    let seen = |millis, limits| busy(&before, &after, Duration::from_millis(millis), limits).unwrap();
    for interval in [500, 1000, 5000] {
        let all = seen(interval, None);
        assert_eq!(all.verdict, Verdict::Ok, "{interval}");
        assert!(!all.facts.contains_key("warn_ratio"), "{:?}", all.facts);
    }
    let limits = |warn, critical| Some(Limits { warn, critical });
    for interval in [1000, 5000] {
        let all = seen(interval, limits(0.9, 1.0));
        assert_eq!((all.verdict, real(&all, "critical_ratio")), (Verdict::Critical, 1.0), "{interval}");
        assert_eq!(seen(interval, limits(0.9, 1.1)).verdict, Verdict::Warn);
    }
    let short = seen(999, limits(0.9, 1.0));
    let why = "100 % over 999 ms: too short to judge, which needs 1 s";
    assert_eq!((short.verdict, short.detail.as_str()), (Verdict::Unknown, why));
}

#[tokio::test]
async fn one_reading_is_long_enough_to_be_judged() {
    let mut reader = HostReader::new(HostPart::Cpu, Some(Limits { warn: 0.0, critical: 2.0 }));
    for _ in 0..2 {
        let seen = reader.read().await.unwrap();
        assert_eq!(seen.verdict, Verdict::Warn, "{seen:?}");
    }
}

#[test]
fn the_row_and_its_facts_tell_the_same_share() {
    use crate::domain::facts;
    let before = CpuTimes { total: 0, idle: 0, iowait: 0, steal: 0, cores: 1 };
    for idle in 0..=1000 {
        let after = CpuTimes { total: 1000, idle, ..before.clone() };
        let seen = busy(&before, &after, Duration::from_secs(5), None).unwrap();
        assert_eq!(seen.detail, format!("{} over 5 s", facts::format_fact("busy_ratio", &seen.facts["busy_ratio"])));
        let proc = tempfile::tempdir().unwrap();
        let text = format!("MemTotal: 1000 kB\nMemAvailable: {idle} kB\nSwapTotal: 1000 kB\nSwapFree: {idle} kB\n");
        fs::write(proc.path().join("meminfo"), text).unwrap();
        let table = meminfo::Table::read(proc.path()).unwrap();
        for seen in [table.memory().unwrap(), table.swap().unwrap()] {
            let message = facts::format_fact("used_ratio", &seen.facts["used_ratio"]);
            assert_eq!(seen.detail.split(" · ").next().unwrap().split(" of ").next(), Some(message.as_str()));
        }
    }
}

#[test]
fn intervals_are_said_as_they_were_meant() {
    assert_eq!(stated(Duration::from_millis(4996)), "5 s");
    assert_eq!(stated(Duration::from_millis(501)), "501 ms");
    assert_eq!(stated(Duration::from_millis(990)), "1 s");
}

#[test]
fn missing_figures_are_errors_and_never_zero() {
    for bad in ["", "cpu\n", "cpu 1 2 3\ncpu0 1\n", "cpu 1 2 3 x 5 6 7 8\ncpu0 1\n", "cpu 1 2 3 4 5 6 7 8\nintr 1\n"] {
        assert!(CpuTimes::parse(bad).is_err(), "{bad:?}");
    }
    for bad in ["", "0.1 0.2", "0.1 x 0.3 1/2 3", "nan 1 1", "-1 0 0"] {
        assert!(parse_load(bad).is_err(), "{bad:?}");
    }
    for bad in ["", "full avg10=0.00", "some avg60=1.00", "some avg10=x", "some avg10=101", "some avg10=1\nfull"] {
        assert!(Stall::parse(bad).is_err(), "{bad:?}");
    }
    let (some, none) = (Stall { some: 0.0, full: Some(0.0) }, Stall { some: 0.0, full: None });
    let (some, none) = (Some(&some), Some(&none));
    assert!(pressure_seen(none, some, some).is_ok(), "processors had no line full before Linux 5.13");
    assert!(pressure_seen(some, none, some).is_err());
    assert!(pressure_seen(some, some, none).is_err());
}

#[test]
fn pressure_is_judged_by_memory_stalls() {
    let text = "some avg10=4.50 avg60=1.85 avg300=0.63 total=6\nfull avg10=4.42 avg60=1.80 avg300=0.61 total=5\n";
    let io = Stall::parse(text).unwrap();
    assert!((io.some - 0.045).abs() < 1e-9 && (io.full.unwrap() - 0.0442).abs() < 1e-9);
    let calm = Stall { some: 0.0, full: Some(0.0) };
    let seen = pressure_seen(Some(&calm), Some(&calm), Some(&io)).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("cpu 0 % · memory 0 % · io 4 % over 10 s", Verdict::Ok));
    let thrashing = Stall { some: 0.6, full: Some(0.3) };
    assert_eq!(pressure_seen(Some(&calm), Some(&thrashing), Some(&io)).unwrap().verdict, Verdict::Critical);
}

#[test]
fn load_is_judged_against_the_cores() {
    let seen = load_seen(parse_load("0.14 0.09 0.10 2/103 10849\n").unwrap(), 2).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("0.14 0.09 0.10 on 2 cores", Verdict::Ok));
    assert_eq!(load_seen([0.0, 4.0, 0.0], 2).unwrap().verdict, Verdict::Warn);
    assert_eq!(load_seen([0.0, 4.0, 0.0], 4).unwrap().verdict, Verdict::Ok);
}

#[tokio::test]
async fn this_machine_can_be_read() {
    for part in [HostPart::Memory, HostPart::Swap, HostPart::Load] {
        HostReader::new(part, None).read().await.unwrap();
    }
    let mut reader = HostReader::new(HostPart::Cpu, None);
    let seen = reader.read().await.unwrap();
    assert!((0.0..=1.0).contains(&real(&seen, "busy_ratio")));
    assert!(real(&seen, "interval_s") >= 0.5);
    assert!(real(&reader.read().await.unwrap(), "interval_s") >= 0.5, "two readings at once still cover an interval");
    let seen = HostReader::new(HostPart::Pressure, None).read().await.unwrap();
    let is_there = fs::read_to_string("/proc/pressure/io").is_ok();
    assert_eq!(seen.facts.contains_key("io_some_ratio"), is_there, "{seen:?}");
}

/// What a reader says of a host whose `/proc` holds these files.
async fn of_host(part: HostPart, files: &[(&str, &str)]) -> Result<Observation, String> {
    let proc = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = proc.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    HostReader { part, proc: proc.path().to_owned(), before: None, limits: None, processes: None }.read().await
}

const CALM: &str = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";

#[tokio::test]
async fn what_the_kernel_does_not_have_is_not_available_and_what_it_hides_is_unknown() {
    let seen = of_host(HostPart::Pressure, &[("stat", STAT)]).await.unwrap();
    assert_eq!(
        (seen.verdict, seen.detail.as_str()),
        (Verdict::Ok, "not available: this kernel does not report pressure")
    );
    assert_eq!((seen.facts, seen.trend), (BTreeMap::from([(NOT_AVAILABLE, Fact::Bool(true))]), None));
    // With `subset=pid` there is nothing but processes.
    let why = of_host(HostPart::Pressure, &[]).await.unwrap_err();
    assert!(why.contains("stat: no such file"), "{why}");
    // Some of it: the rest is judged.
    let thrashing = CALM.replace("avg10=0.00", "avg10=40.00");
    let some = [("stat", STAT), ("pressure/memory", thrashing.as_str())];
    let seen = of_host(HostPart::Pressure, &some).await.unwrap();
    let words = "cpu not available · memory 40 % · io not available over 10 s";
    assert_eq!((seen.verdict, seen.detail.as_str()), (Verdict::Critical, words));
    // What is there and cannot be read is unknown.
    let broken = [("stat", STAT), ("pressure/memory", CALM), ("pressure/cpu", CALM), ("pressure/io", "some nonsense")];
    let why = of_host(HostPart::Pressure, &broken).await.unwrap_err();
    assert!(why.ends_with("pressure/io has no avg10"), "{why}");
    assert!(lacks(&Error::from_raw_os_error(95)), "psi=0 gives EOPNOTSUPP");
    assert!(!lacks(&Error::from_raw_os_error(13)) && !lacks(&Error::from_raw_os_error(5)));
}

/// What is read of the files of one host, a line for each part.
async fn read_detail(proc: &Path) -> String {
    let mut lines = String::new();
    for part in [HostPart::Memory, HostPart::Swap, HostPart::Load, HostPart::Pressure] {
        let words = match (HostReader { part, proc: proc.to_owned(), before: None, limits: None, processes: None })
            .read()
            .await
        {
            Ok(seen) => format!("{} {}", seen.verdict.word(), seen.detail),
            Err(why) => format!("unknown {why}"),
        };
        lines.push_str(&format!("{}: {words}\n", part.word()));
    }
    lines
}

#[tokio::test]
async fn every_host_of_the_corpus_is_read_as_it_is() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hosts");
    let mut cases: Vec<PathBuf> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let (seen, expected) = (read_detail(case).await, fs::read_to_string(case.join("expected")).unwrap());
        if seen != expected {
            wrong.push(format!("{}:\n{seen}instead of\n{expected}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
