//! A real HTTP service: what is sent once, proved, undone; killed on the way, with its effects counted there.

use crate::runner::failpoints::{each, killed};
use crate::runner::redis::Cache;
use crate::support::estate::{Estate, wait_for};
use crate::support::run::{Run, consent};
use midwatch::domain::RunStatus;
use midwatch::journal::record::{Ask, Ending, Outcome};
use midwatch::runner::protocol::Demand;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as the service took it.
#[derive(Clone, Debug)]
pub struct Taken {
    pub line: String,
    pub headers: Vec<String>,
    pub body: String,
}

impl Taken {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

/// A banner that is set by PUT, removed by DELETE, and read by GET; everything that was taken is kept.
#[derive(Clone, Default)]
pub struct Service {
    pub taken: Arc<Mutex<Vec<Taken>>>,
    banner: Arc<Mutex<Option<String>>>,
    /// Whether a change is carried out and then not answered.
    silent: Arc<Mutex<bool>>,
}

impl Service {
    /// Starts it; it ends with the test.
    pub fn start() -> (Self, String) {
        let service = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let own = service.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream.unwrap()));
            }
        });
        (service, url)
    }

    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut taken = Taken { line: lines.remove(0), headers: lines, body: String::new() };
        let length = taken.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        taken.body = String::from_utf8(body).unwrap();
        let (method, path) = taken.line.split_once(' ').unwrap();
        let (method, path) = (method.to_owned(), path.split(' ').next().unwrap().to_owned());
        self.taken.lock().unwrap().push(taken.clone());
        let answer = match (method.as_str(), path.as_str()) {
            ("GET", "/banner") => match self.banner.lock().unwrap().clone() {
                Some(text) => ("200 OK", format!("{{\"banner\": {text}}}")),
                None => ("404 Not Found", String::new()),
            },
            ("PUT", "/banner") => {
                *self.banner.lock().unwrap() = Some(taken.body);
                ("200 OK", String::new())
            }
            ("DELETE", "/banner") => {
                *self.banner.lock().unwrap() = None;
                ("204 No Content", String::new())
            }
            ("POST", "/moved") => ("307 Temporary Redirect", String::new()),
            _ => ("404 Not Found", String::new()),
        };
        if *self.silent.lock().unwrap() && method != "GET" {
            // Until the client gives up.
            let _ = stream.read(&mut [0]);
            return;
        }
        let location = if answer.0.starts_with("307") { "location: /banner\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {}\r\n{location}content-length: {}\r\nconnection: close\r\n\r\n",
            answer.0,
            answer.1.len()
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.1.as_bytes()));
    }

    /// The requests of a method.
    pub fn of(&self, method: &str) -> Vec<Taken> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|taken| taken.line.starts_with(&format!("{method} "))).cloned().collect()
    }
}

fn outcome(run: &Run<'_>) -> Outcome {
    let so = |view: &midwatch::journal::fold::RunView| view.steps[0].outcome.is_some();
    run.wait("an outcome", so).steps[0].outcome.clone().unwrap()
}

/// A step that puts the banner up.
pub fn puts(url: &str, more: &str) -> String {
    format!(
        "[[work]]\ntitle = \"Banner\"\neffect = \"change\"\n\
         do = {{ http = \"{url}/banner\", method = \"PUT\", body = {{ text = \"{{{{run.id}}}}\", until = 4 }}, within = \"1s\"{more} }}\n\
         prove = {{ http = \"{url}/banner\", json = \".banner.text\", expect = \"== '{{{{run.id}}}}'\" }}\n\
         undo = {{ http = \"{url}/banner\", method = \"DELETE\", status = 204 }}\n"
    )
}

#[test]
fn a_request_is_shown_sent_once_and_proved() {
    let (service, url) = Service::start();
    let estate = Estate::default().with("API", "hunter2");
    let text = "schema = 1\nname = \"test\"\nenvironment = \"other\"\n[secrets]\napi = \"env:API\"\n";
    std::fs::write(estate.beside("midwatch.toml"), text).unwrap();
    estate.procedure("http", "", &puts(&url, ", headers = { Authorization = \"Bearer secret:api\" }"));
    let run = estate.start_waiting("http");
    let prompt = run.prompt();
    let Ask::Confirm { preview, .. } = &prompt.ask else { panic!("{prompt:?}") };
    let fact = |name: &str| preview.facts.iter().find(|(known, _)| known == name).map(|(_, output)| output.as_str());
    assert_eq!(fact("request"), Some(format!("PUT {url}/banner").as_str()));
    assert_eq!(fact("header Authorization"), Some("Bearer secret:api"));
    assert!(fact("GET answers now").unwrap().starts_with("404 in "), "{preview:?}");
    assert_eq!(service.of("PUT").len(), 0);
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok), "{:?}", outcome(&run));
    let [put] = service.of("PUT").try_into().unwrap();
    assert_eq!(put.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(put.header("idempotency-key"), Some(format!("{}-1", run.dir.id).as_str()));
    assert_eq!(put.header("content-type"), Some("application/json"));
    assert_eq!(put.body, format!("{{\"text\":\"{}\",\"until\":4}}", run.dir.id));
    // The secret is nowhere in what is kept of the run.
    for entry in walk(&run.dir.path) {
        let bytes = std::fs::read(&entry).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"), "{}", entry.display());
    }
    run.is_whole_and_known();
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    let (dirs, files): (Vec<_>, Vec<_>) =
        entries.filter(|path| path.is_dir() || path.is_file()).partition(|path| path.is_dir());
    files.into_iter().chain(dirs.iter().flat_map(|dir| walk(dir))).collect()
}

#[test]
fn a_request_without_an_answer_is_unknown_and_the_proof_finds_it_done() {
    let (service, url) = Service::start();
    let estate = Estate::default();
    estate.procedure("http", "", &puts(&url, ""));
    let run = estate.start_waiting("http");
    let prompt = run.prompt();
    *service.silent.lock().unwrap() = true;
    run.accept(&prompt, consent(&prompt));
    assert_eq!(run.sealed().sealed, Some(RunStatus::Ok));
    let unknown = run.unknown();
    assert_eq!((unknown, service.of("PUT").len()), (1, 1), "{:?}", run.events());
    run.midwatch("verify", &[]).exits(0);
}

#[test]
fn a_redirect_of_a_change_is_not_followed() {
    let (service, url) = Service::start();
    let estate = Estate::default();
    let steps = format!(
        "[[work]]\ntitle = \"Move\"\neffect = \"change\"\ndo = {{ http = \"{url}/moved\", method = \"POST\", body = \"x\" }}\n\
         undo = {{ none = \"a test\" }}\n"
    );
    estate.procedure("http", "", &steps);
    let run = estate.start_waiting("http");
    let prompt = run.prompt();
    run.accept(&prompt, consent(&prompt));
    let end = outcome(&run);
    assert_eq!(end.ending, Ending::Failed);
    assert!(end.detail.contains("answered 307") && end.detail.ends_with("it was refused"), "{end:?}");
    assert_eq!((service.of("POST").len(), service.of("PUT").len()), (1, 0));
}

/// Where a run is killed that sets a flag, puts a banner up and deletes keys, each with its proof.
const FORWARD: [(&str, &[u32]); 13] = [
    ("run.created", &[1]),
    ("lock.taken", &[1]),
    ("set.written", &[1, 2, 3, 5]),
    ("prompt.opened", &[1, 2]),
    ("answer.accepted", &[1, 2]),
    ("intent.pre", &[1, 2, 3]),
    ("intent.post", &[1, 2, 3]),
    ("shim.spawned", &[1, 2, 3, 4, 5, 6]),
    ("act.exited", &[1, 2, 3, 4, 5, 6]),
    ("outcome.pre", &[1, 2, 3]),
    ("outcome.post", &[1, 2, 3]),
    ("seal.pre", &[1]),
    ("seal.post", &[1]),
];

/// Where it is killed on the rollback, which takes the banner down and releases the flag.
const BACKWARD: [(&str, &[u32]); 4] =
    [("undo.intent", &[1, 2]), ("shim.spawned", &[5, 6]), ("act.exited", &[5, 6]), ("seal.pre", &[1])];

/// A server, a service, and the procedure on both.
fn both(case: &str) -> (Cache, Service) {
    let mut cache = Cache::new();
    let (service, url) = Service::start();
    cache.estate = std::mem::take(&mut cache.estate).with("MIDWATCH_FAILPOINT", case);
    for key in ["cache:a", "cache:b", "cache:c", "job_queue"] {
        cache.ask(&["HSET", key, "a", "b"]);
    }
    let steps = format!(
        "[[work]]\ntitle = \"Flag\"\neffect = \"change\"\n\
         do = {{ redis = \"set\", key = \"drain\", value = \"{{{{run.id}}}}\", expire = \"2h\", if = \"absent\" }}\n\
         prove = {{ redis = \"holds\" }}\nundo = {{ redis = \"release\", key = \"drain\", value = \"{{{{run.id}}}}\" }}\n{}\
         [[work]]\ntitle = \"Drop\"\neffect = \"destroy\"\ndo = {{ redis = \"delete\", match = \"cache:*\" }}\n\
         prove = {{ redis = \"gone\" }}\nundo = {{ none = \"a test\" }}\n",
        puts(&url, "")
    );
    cache.estate.procedure("all", "lock = [\"host\"]", &steps);
    (cache, service)
}

#[test]
fn killed_anywhere_a_redis_and_a_service_are_changed_once() {
    each(&FORWARD, |point, case| {
        let (mut cache, service) = both(case);
        cache.estate.start("all", &["--yes", "change", "--confirm", "delete 3 keys"]);
        killed(&mut cache.estate, point, case);
        let run = cache.estate.run();
        assert_eq!(run.drive().sealed, Some(RunStatus::Ok), "{case}");
        assert_eq!((cache.calls("set"), service.of("PUT").len()), (1, 1), "{case}");
        let left: u64 = cache.server.ask(&["DBSIZE"]).unwrap();
        assert_eq!((left, cache.calls("unlink")), (2, 3), "{case}");
        run.is_whole_and_known();
        cache.estate.nothing_runs();
    });
}

#[test]
fn killed_anywhere_in_a_rollback_each_step_is_undone_once() {
    each(&BACKWARD, |point, case| {
        let (mut cache, service) = both(case);
        cache.estate.start("all", &["--yes", "change"]).exits(75);
        cache.estate.run().send(Demand::Abort { undo: true });
        cache.estate.run().wait(case, |view| view.abort.is_some());
        killed(&mut cache.estate, point, case);
        let run = cache.estate.run();
        assert_eq!(run.drive().sealed, Some(RunStatus::Aborted), "{case}");
        let keys: BTreeSet<String> =
            service.of("DELETE").iter().filter_map(|it| it.header("idempotency-key").map(str::to_owned)).collect();
        assert_eq!(
            (service.of("DELETE").len(), keys),
            (1, BTreeSet::from([format!("{}-2-undo", run.dir.id)])),
            "{case}"
        );
        assert_eq!(
            (cache.calls("del"), cache.calls("set"), cache.ask(&["GET", "drain"]).as_str()),
            (1, 1, "nil"),
            "{case}"
        );
        run.is_whole_and_known();
        wait_for("the end of every process", || cache.estate.processes().is_empty().then_some(()));
    });
}
