use super::*;
use crate::config::estate::Limits;
use crate::domain::series::PastRead;
use crate::domain::{Fact, Observation, TargetKind, Trend, Verdict};
use crate::probes::target::{HostPart, Mount};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const SOON: Duration = Duration::from_millis(50);
const FAST: Every = Every { host: SOON, mount: SOON, source: SOON, bloat: SOON, store: SOON };

/// A server that answers 200 after a while, and counts: all connections, those open now, the most at once.
struct Server {
    url: String,
    all: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

async fn server(after: Duration) -> Server {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (all, open, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let counted = Server { url, all: Arc::clone(&all), most: Arc::clone(&most) };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (all, open, most) = (Arc::clone(&all), Arc::clone(&open), Arc::clone(&most));
            tokio::spawn(async move {
                all.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                tokio::time::sleep(after).await;
                open.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            });
        }
    });
    counted
}

fn service(name: &str, url: &str) -> Target {
    Target::Service(Service { every: SOON, ..Service::new(name, url) })
}

fn started(targets: Vec<Target>, every: Every) -> (Prober, UnboundedReceiver<Row>) {
    let (send, rows) = unbounded_channel();
    let prober = Prober::start(targets, every, &PastRead::default(), move |mut rows| {
        let _ = send.send(rows.rows.remove(0));
    });
    (prober, rows)
}

fn observation() -> Observation {
    Observation {
        verdict: Verdict::Ok,
        detail: "200".into(),
        facts: BTreeMap::new(),
        observed_at: clock::now().wall,
        trend: None,
    }
}

#[tokio::test]
async fn every_target_is_read_again_and_again_and_a_dead_one_harms_no_other() {
    let alive = server(Duration::ZERO).await;
    let mount =
        Mount { path: "/no/such/mount".into(), limits: Limits::DISK, own: false, mount_point: false, critical: true };
    let targets = vec![
        service("alive", &alive.url),
        service("dead", "http://127.0.0.1:1/"),
        Target::Host(HostPart::Memory, None),
        Target::Mount(mount),
    ];
    let (prober, mut rows) = started(targets, FAST);
    let mut newest: BTreeMap<String, Row> = BTreeMap::new();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    while times.get("alive").is_none_or(|n| *n < 4) || times.get("memory").is_none_or(|n| *n < 4) || newest.len() < 4 {
        let row = rows.recv().await.unwrap();
        *times.entry(row.target.clone()).or_default() += 1;
        newest.insert(row.target.clone(), row);
    }
    let now = clock::now().wall;
    assert_eq!(newest["alive"].verdict(now), Verdict::Ok);
    assert!(newest["alive"].history.figures().len() <= 2, "a figure for each minute");
    let reason = |name: &str| newest[name].lost.as_ref().map(|(why, _)| why.as_str());
    assert_eq!((newest["dead"].is_down(), newest["dead"].verdict(now)), (true, Verdict::Critical));
    assert_eq!(reason("/no/such/mount"), Some("no longer mounted"));
    assert_eq!(newest["/no/such/mount"].verdict(now), Verdict::Unknown);
    assert_eq!(times["/no/such/mount"], 1, "a known reason is not sent again");
    drop(prober);
    while rows.recv().await.is_some() {}
}

#[tokio::test]
async fn refreshing_reads_now_but_never_twice_at_once() {
    let slow = server(Duration::from_millis(100)).await;
    let hourly = Service { every: Duration::from_secs(3600), ..Service::new("slow", &slow.url) };
    let (prober, mut rows) = started(vec![Target::Service(hourly)], Every::default());
    rows.recv().await.unwrap();
    for _ in 0..50 {
        prober.refresh();
        tokio::task::yield_now().await;
    }
    rows.recv().await.unwrap();
    prober.refresh();
    rows.recv().await.unwrap();
    assert_eq!(slow.most.load(Ordering::SeqCst), 1);
    let all = slow.all.load(Ordering::SeqCst);
    assert!((3..=4).contains(&all), "{all} readings");
}

#[tokio::test]
async fn many_services_are_read_in_parallel_up_to_the_cap() {
    let busy = server(Duration::from_millis(30)).await;
    let targets: Vec<Target> = (0..150).map(|n| service(&format!("s{n}"), &busy.url)).collect();
    let rows: Vec<Row> =
        read_all(targets, Duration::from_secs(20)).await.into_iter().flat_map(|all| all.rows).collect();
    assert_eq!(rows.len(), 150);
    assert!(rows.iter().enumerate().all(|(n, row)| row.target == format!("s{n}") && row.lost.is_none()));
    let most = busy.most.load(Ordering::SeqCst);
    assert!((16..=64).contains(&most), "{most} at once");
}

#[tokio::test]
async fn one_reading_of_all_ends_at_its_deadline() {
    let stalls = server(Duration::from_secs(3600)).await;
    let service = Service { timeout: Duration::from_secs(3600), ..Service::new("stalls", &stalls.url) };
    let targets = vec![Target::Service(service), Target::Host(HostPart::Swap, None)];
    let rows = read_all(targets, Duration::from_millis(700)).await;
    let rows: Vec<Row> = rows.into_iter().flat_map(|all| all.rows).collect();
    assert_eq!(rows[0].lost.as_ref().unwrap().0, "no answer within 700 ms");
    assert_eq!((rows[1].kind, rows[1].lost.as_ref()), (TargetKind::Host, None));
    assert!(rows[1].observation.is_some());
}

/// One target of each kind, of a place where nothing is.
fn of_each_kind(nowhere: &std::path::Path) -> Vec<Target> {
    let written = format!(
        "schema = 1\nname = \"x\"\nenvironment = \"production\"\n\
         [[mount]]\npath = \"{0}\"\n\
         [[service]]\nname = \"a\"\nurl = \"http://127.0.0.1:1/\"\n[[unit]]\nname = \"a.service\"\n\
         [[postgres]]\nname = \"a\"\nwatch = \"postgresql://u@127.0.0.1:1/d\"\n[[redis]]\nname = \"a\"\nurl = \"redis://127.0.0.1:1\"\n\
         [[kubernetes]]\nname = \"a\"\nkubeconfig = \"{0}/config\"\n[[certificate]]\nname = \"a\"\nfile = \"{0}/a.pem\"\n\
         [[backup]]\nname = \"a\"\nfiles = \"{0}/*.dump\"\nmax_age = \"24h\"\n",
        nowhere.display()
    );
    let path = nowhere.join("estate.toml");
    std::fs::write(&path, written).unwrap();
    let around = crate::config::paths::Surroundings::default();
    let estate = crate::config::estate::Estate::load(&path).unwrap();
    let mut targets = crate::probes::estate::targets(&estate, &around);
    targets.extend([Target::Mounts, Target::FailedUnits]);
    targets
}

#[tokio::test]
async fn a_panic_in_any_probe_is_its_reason_and_the_next_reading_is_whole() {
    let http = Arc::new(Http::default());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let nowhere = tempfile::tempdir().unwrap();
    let targets = of_each_kind(nowhere.path());
    let kinds: std::collections::BTreeSet<TargetKind> =
        targets.iter().map(|target| target.unread(Every::default()).kind).collect();
    assert_eq!(kinds.len(), TargetKind::ALL.len(), "{kinds:?}");
    for target in targets {
        let mut reader = Reader::new(&target, &http, &PastRead::default());
        reader.breaks = true;
        let why = guarded(&mut reader).await.unwrap_err();
        assert!(why.why().starts_with("the probe crashed, which is a defect of Midwatch"), "{target:?}: {why}");
        let mut known = Known::new(&target, Every::default());
        known.settle(Err(why), clock::now().wall);
        assert_eq!((known.rows.len(), known.rows[0].verdict(clock::now().wall)), (1, Verdict::Unknown), "{target:?}");
        // Nothing is left of it.
        assert!(!reader.breaks);
        let next = tokio::time::timeout(Duration::from_secs(20), guarded(&mut reader)).await.unwrap();
        assert!(next.is_ok() || !next.as_ref().unwrap_err().why().contains("crashed"), "{target:?}: {next:?}");
    }
}

#[test]
fn pauses_double_up_to_a_minute_and_differ_by_name() {
    let every = Duration::from_secs(5);
    assert_eq!(pause(every, 0, "a"), every);
    let expected = [5, 10, 20, 40, 60, 60];
    for (losses, seconds) in (1..).zip(expected) {
        let paused = pause(every, losses, "novacron-api");
        let least = Duration::from_secs(seconds);
        assert!(paused >= least && paused <= least + least / 10, "{losses}: {paused:?}");
        assert_eq!(paused, pause(every, losses, "novacron-api"));
    }
    let minute = Duration::from_secs(60);
    assert!(pause(minute, 1, "a") < every * 2, "what is read once a minute is tried again soon");
    assert_eq!(pause(minute, 0, "a"), minute);
    assert!(pause(every, u32::MAX, "a") <= Duration::from_secs(66));
    assert!(pause(Duration::from_secs(300), 9, "a") >= Duration::from_secs(300));
    assert_ne!(pause(every, 5, "novacron-api"), pause(every, 5, "novacron-worker"));
}

#[test]
fn a_row_is_sent_for_each_good_reading_and_for_each_new_reason() {
    let mut known = Known::new(&service("a", "http://127.0.0.1:1/"), Every::default());
    let at = clock::now().wall;
    let loss = |why: &str| Err(Loss::unread(why));
    let good = || Ok(vec![Finding::of_target(observation())]);
    assert!(known.settle(loss("refused"), at));
    assert!(!known.settle(loss("refused"), at));
    assert!(known.settle(loss("timed out"), at));
    assert!(known.settle(good(), at));
    assert!(known.settle(good(), at));
    assert!(known.settle(loss("timed out"), at));
    assert!(known.rows[0].observation.is_some(), "the last good reading stays");
}

#[test]
fn rows_come_and_go_with_what_a_target_holds() {
    let mut known = Known::new(&service("cluster", "http://127.0.0.1:1/"), Every::default());
    let at = clock::now().wall;
    let good = |name: &str, minute: u64| {
        let seen = Observation {
            facts: BTreeMap::from([("latency_ms", Fact::Int(1))]),
            observed_at: at.plus(Duration::from_secs(minute * 60)),
            trend: Some(Trend::of("latency_ms")),
            ..observation()
        };
        Finding::of(name, Ok(seen))
    };
    let named = |known: &Known| known.rows.iter().filter_map(|row| row.object.clone()).collect::<Vec<_>>();
    known.settle(Err(Loss::unread("no route")), at);
    assert_eq!((known.rows.len(), &known.rows[0].object), (1, &None), "a target that never answered has one row");
    known.settle(Ok(vec![good("a", 0), good("b", 0)]), at);
    assert_eq!(named(&known), ["a", "b"]);
    known.settle(Err(Loss::unread("no route")), at);
    assert_eq!(named(&known), ["a", "b"], "a loss removes nothing");
    assert!(known.rows.iter().all(|row| row.lost.is_some()));
    known.settle(Ok(vec![good("b", 1), Finding::of("c", Err("no permission".to_owned()))]), at);
    assert_eq!(named(&known), ["b", "c"]);
    assert_eq!(
        (known.rows[0].history.figures().len(), known.rows[0].lost.as_ref()),
        (2, None),
        "a row keeps its history"
    );
    assert_eq!(known.rows[1].lost.as_ref().unwrap().0, "no permission");
    known.settle(Ok(vec![]), at);
    assert!(known.rows.is_empty());
}

#[test]
fn what_provably_does_not_serve_is_a_reading_of_its_own_row_and_a_loss_of_its_objects() {
    let mut known = Known::new(&service("web", "http://127.0.0.1:1/x"), Every::default());
    let (first, later) = (Wall::from_unix(1_000, 0), Wall::from_unix(1_005, 0));
    let object = || Finding::of("part", Ok(Observation { observed_at: first, ..observation() }));
    let whole = || Finding::of_target(Observation { observed_at: first, ..observation() });
    known.settle(Ok(vec![whole(), object()]), first);
    assert!(known.settle(Err(Loss::down("connection refused")), later));
    let (web, part) = (&known.rows[0], &known.rows[1]);
    let seen = web.observation.as_ref().unwrap();
    assert_eq!((web.verdict(later), seen.detail.as_str()), (Verdict::Critical, "down: connection refused"));
    assert_eq!((seen.observed_at, web.is_down(), web.lost.as_ref()), (later, true, None));
    let url = Fact::Text("http://127.0.0.1:1/x".to_owned());
    assert_eq!(seen.facts, BTreeMap::from([("down", Fact::Bool(true)), ("url", url)]));
    assert_eq!((part.verdict(later), part.is_down()), (Verdict::Unknown, false));
    assert_eq!(part.lost.as_ref().unwrap().0, "connection refused");
    assert_eq!(part.observation.as_ref().unwrap().observed_at, first, "its last reading stays, and ages");
    assert!(known.settle(Err(Loss::down("connection refused")), later), "each reading of it starts its age again");
    // What is not known is no proof, whatever was known before.
    known.settle(Err(Loss::unread("timed out")), later);
    assert_eq!((known.rows[0].verdict(later), known.rows[0].is_down()), (Verdict::Unknown, false));
    known.settle(Ok(vec![whole()]), later);
    assert_eq!((known.rows[0].verdict(first), known.rows.len()), (Verdict::Ok, 1));

    let soft = Service { critical: false, ..Service::new("web", "http://127.0.0.1:1/") };
    let mut known = Known::new(&Target::Service(soft), Every::default());
    known.settle(Err(Loss::down("connection refused")), first);
    assert_eq!((known.rows.len(), known.rows[0].verdict(first)), (1, Verdict::Warn));
    // A reader may say it beside its other findings.
    let down = Finding { object: None, source: None, seen: Err(Loss::down("connection reset")) };
    known.settle(Ok(vec![down, object()]), first);
    assert_eq!((known.rows[0].verdict(first), known.rows[1].verdict(first)), (Verdict::Warn, Verdict::Ok));
}

#[tokio::test]
async fn what_is_down_is_read_again_before_its_reading_is_stale() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_prober, mut rows) = started(vec![service("gone", &format!("http://{free}/"))], FAST);
    let mut last = None;
    // A pause that grew with each loss would soon be longer than three periods, and all twelve would take longer than this.
    let until = Instant::now() + Duration::from_secs(60);
    for _ in 0..12 {
        let row = tokio::time::timeout_at(until, rows.recv()).await.expect("it is read in time").unwrap();
        let at = row.observation.as_ref().unwrap().observed_at;
        assert!(row.is_down(), "{row:?}");
        assert!(last.is_none_or(|last| at > last), "each is a reading of its own");
        last = Some(at);
    }
    let every = [Duration::from_millis(50), Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60)];
    assert!(every.iter().all(|every| pause(*every, 1, "gone") < *every * 3));
}

#[test]
fn the_log_tells_each_change_of_a_target_and_of_its_objects_once() {
    let (lines, _guard) = crate::probes::contact::captured::begin();
    let mut known = Known::new(&service("web", "http://127.0.0.1:1/"), FAST);
    let at = clock::now().wall;
    let lost = |why: &str| Err(Loss::unread(why));
    let object = |name: &str, seen: Result<(), &str>| Finding {
        object: Some(name.to_owned()),
        source: None,
        seen: seen.map(|()| observation()).map_err(Loss::from),
    };
    let forbidden = || vec![object("a", Err("forbidden")), object("b", Err("forbidden")), object("c", Ok(()))];
    for reading in [
        lost("refused"),
        lost("refused"),
        lost("reset"),
        Ok(forbidden()),
        Ok(forbidden()),
        Ok(vec![object("a", Ok(())), object("b", Ok(())), object("c", Ok(()))]),
        Ok(vec![object("a", Ok(())), object("b", Ok(())), object("c", Ok(()))]),
        lost("refused"),
    ] {
        known.settle(reading, at);
    }
    let messages: Vec<String> =
        lines.with("").iter().map(|line| line.replace(" kind=\"service\" target=\"web\"", "")).collect();
    assert_eq!(
        messages,
        [
            "WARN probe failed failures=1 cause=\"refused\"",
            "WARN probe failed failures=3 cause=\"reset\"",
            "INFO probe answers again failures=3",
            "WARN probe failed object=\"a\" objects=2 cause=\"forbidden\"",
            "INFO probe answers again object=\"a\" objects=2",
            "WARN probe failed failures=1 cause=\"refused\"",
        ]
    );
}

#[test]
fn what_is_read_as_often_is_read_together_and_stays_so() {
    let (epoch, five) = (Instant::now(), Duration::from_secs(5));
    let ms = |count| epoch + Duration::from_millis(count);
    // Each starts a little late, one of them by half a second at first.
    let (mut one, mut other) = (ms(1), ms(499));
    for turn in 1..=1000 {
        (one, other) = (together(epoch, one + five, five), together(epoch, other + five, five));
        assert_eq!((one, other), (ms(turn * 5000), ms(turn * 5000)));
        (one, other) = (one + Duration::from_millis(turn % 7), other + Duration::from_millis(turn % 400));
    }
    let odd = Duration::from_millis(1500);
    assert_eq!(together(epoch, ms(1500), odd), ms(1500));
}
