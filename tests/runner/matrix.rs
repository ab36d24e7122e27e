//! Every adapter through every place at which a runner can be killed: forward, on the rollback, and in its ending.
//!
//! ```text
//! act ─ its proof ─ a check that holds ─ a check that fails ─▶ the undo ─ the check that holds, again ─▶ sealed
//!   └──────────────── the runner is killed at each place once, and another one goes on ────────────────┘
//! ```
//! The effects are counted at the target: by the server, by the kernel, by what the program wrote. Each is there once, and
//! each is undone once.

use crate::runner::failpoints::{each, killed};
use crate::runner::http::{Service, puts};
use crate::runner::sql::Base;
use crate::support::estate::Estate;
use crate::support::s3::{KEY, S3, SECRET};
use midwatch::demo::redis::PrivateRedis;
use midwatch::domain::RunStatus;
use midwatch::journal::record::WentBack;
use midwatch::runner::failpoint;
use rustix::fs::inotify;
use std::mem::MaybeUninit;

/// Where a run is killed. Its acts are, in order: the act, its proof, the check that holds, the one that fails, the undo, the
/// check again.
const PLACES: [(&str, &[u32]); 18] = [
    ("run.created", &[1]),
    ("lock.taken", &[1]),
    ("set.written", &[1]),
    ("prompt.opened", &[1]),
    ("answer.accepted", &[1]),
    ("intent.pre", &[1]),
    ("intent.post", &[1]),
    ("shim.spawned", &[1, 2, 5]),
    ("act.running", &[1]),
    ("act.exited", &[1, 2, 5]),
    ("outcome.pre", &[1]),
    ("outcome.post", &[1]),
    ("rollback.began", &[1]),
    ("undo.intent", &[1]),
    ("undo.outcome", &[1]),
    ("rollback.proved", &[1]),
    ("seal.pre", &[1]),
    ("seal.post", &[1]),
];

/// How often an effect was done, and undone, as its target has it.
type Counts<'a> = dyn Fn(&Estate) -> (usize, usize) + 'a;

/// An estate with the procedure `all`, and what counts its effects: how often it was done, and undone.
struct Scene<'a> {
    estate: Estate,
    counted: Box<Counts<'a>>,
}

/// Writes the procedure: a step of the adapter's, what comes between, a check that fails.
fn procedure(estate: &Estate, lock: &str, steps: &str) {
    let header = format!("lock = [\"{lock}\"]\nrollback = {{ on_fail = \"rollback\", prove = [\"there\"] }}");
    let checks = "[[work]]\nid = \"there\"\ntitle = \"The tree is there\"\ncheck = { exec = [\"test\", \"-d\", \"{tree}\"] }\n\
                  [[work]]\ntitle = \"It is never well\"\ncheck = { exec = [\"test\", \"-e\", \"{tree}/never\"] }\n";
    estate.procedure("all", &header, &format!("{steps}\n{checks}"));
}

/// Kills a run of each scene at one of the places, and counts what it did in the end.
fn through<'a>(made: impl Fn(&str) -> Scene<'a> + Sync) {
    each(&PLACES, |point, case| {
        let mut scene = made(&case.replace(['@', '.'], "-"));
        scene.estate.set("MIDWATCH_FAILPOINT", case);
        scene.estate.start("all", &["--yes", "change"]);
        killed(&mut scene.estate, point, case);
        let run = scene.estate.run();
        let view = run.drive();
        assert_eq!(view.sealed, Some(RunStatus::Failed), "{case}");
        assert_eq!((scene.counted)(&scene.estate), (1, 1), "{case}: done, undone");
        let went = WentBack { undone: 1, left: 0, proved: Some(true) };
        assert_eq!(view.went_back(), Some(went), "{case}");
        // One that was killed between its intent and its shim provably never began, and is begun again.
        assert_eq!(run.count("undo.intent"), 1 + usize::from(point == "undo.intent"), "{case}");
        run.is_whole_and_known();
        scene.estate.nothing_runs();
    });
}

#[test]
fn a_program_runs_once_and_is_undone_once() {
    through(|_| {
        let estate = Estate::default();
        let act = |name: &str| format!("{{ exec = [\"sh\", \"-c\", \"echo x >>{{tree}}/{name}; sleep 0.1\"] }}");
        let steps = format!(
            "[[work]]\ntitle = \"Append\"\neffect = \"change\"\ndo = {}\nprove = {{ exec = [\"test\", \"-s\", \"{{tree}}/done\"] }}\nundo = {}\n",
            act("done"),
            act("undone")
        );
        procedure(&estate, "host", &steps);
        Scene { estate, counted: Box::new(|estate| (estate.lines("done"), estate.lines("undone"))) }
    });
}

/// How many files of a pattern the kernel saw come into a directory by another name's leaving.
struct Arrivals(std::os::fd::OwnedFd);

impl Arrivals {
    fn into(estate: &Estate, below: &str) -> Self {
        let fd = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).unwrap();
        inotify::add_watch(&fd, estate.tree(below), inotify::WatchFlags::MOVED_TO).unwrap();
        Self(fd)
    }

    fn of(&self, ends: &str) -> usize {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut count = 0;
        while let Ok(event) = reader.next() {
            count += usize::from(event.file_name().is_some_and(|name| name.to_bytes().ends_with(ends.as_bytes())));
        }
        count
    }
}

#[test]
fn files_are_moved_once_and_back_once() {
    through(|_| {
        let estate = Estate::default();
        estate.file("archive/kept", "");
        for number in 0..3 {
            estate.file(&format!("logs/{number}.gz"), "log");
        }
        let steps = "[[work]]\ntitle = \"Move\"\neffect = \"change\"\n\
                     do = { files = \"move\", under = \"logs\", match = \"*.gz\", to = \"archive\" }\n\
                     prove = { files = \"arrived\" }\nundo = { files = \"restore\" }\n";
        procedure(&estate, "host", steps);
        let (there, back) = (Arrivals::into(&estate, "archive"), Arrivals::into(&estate, "logs"));
        let counted = move |estate: &Estate| {
            assert_eq!((estate.names("logs").len(), estate.names("archive").len()), (3, 1));
            let (there, back) = (there.of(".gz"), back.of(".gz"));
            assert_eq!((there % 3, back % 3), (0, 0), "{there} went there, {back} came back");
            (there / 3, back / 3)
        };
        Scene { estate, counted: Box::new(counted) }
    });
}

#[test]
fn a_flag_is_set_once_and_released_once() {
    let place = tempfile::tempdir().unwrap();
    let settings = ["--slowlog-log-slower-than", "0", "--slowlog-max-len", "1000000"];
    let server = PrivateRedis::start(&place.path().join("redis"), &settings).unwrap();
    through(|case| {
        let estate = Estate::default();
        let url = server.url();
        estate.configure(&format!("[[redis]]\nname = \"cache\"\nurl = \"{url}\"\nact = \"{url}\"\n"));
        let key = format!("drain-{case}");
        let steps = format!(
            "[[work]]\ntitle = \"Flag\"\neffect = \"change\"\n\
             do = {{ redis = \"set\", key = \"{key}\", value = \"{{{{run.id}}}}\", expire = \"2h\", if = \"absent\" }}\n\
             prove = {{ redis = \"holds\" }}\nundo = {{ redis = \"release\", key = \"{key}\", value = \"{{{{run.id}}}}\" }}\n"
        );
        procedure(&estate, "redis:cache", &steps);
        let server = &server;
        let counted = move |_: &Estate| {
            // What the server carried out, one after another: number, time, span, words, from where, by whom.
            type Carried = (u64, u64, u64, Vec<String>, String, String);
            let all: Vec<Carried> = server.ask(&["SLOWLOG", "GET", "-1"]).unwrap();
            let of = |word: &str| {
                let is_it = |words: &[String]| words[0].eq_ignore_ascii_case(word) && words.get(1) == Some(&key);
                all.iter().filter(|carried| is_it(&carried.3)).count()
            };
            (of("SET"), of("DEL") + of("UNLINK"))
        };
        Scene { estate, counted: Box::new(counted) }
    });
}

#[test]
fn a_statement_is_carried_out_once_and_its_undo_once() {
    let base = Base::new();
    base.sql(
        "CREATE TABLE public.done (name text); CREATE TABLE public.undone (name text); \
              ALTER TABLE public.done OWNER TO admin; ALTER TABLE public.undone OWNER TO admin; \
              GRANT SELECT ON public.done, public.undone TO watch",
    );
    let (watch, act) = (base.conninfo("watch"), base.conninfo("admin"));
    through(|case| {
        let estate = Estate::default();
        estate.configure(&format!(
            "[[postgres]]\nname = \"main\"\nwatch = \"\"\"{watch}\"\"\"\nact = \"\"\"{act}\"\"\"\n"
        ));
        let insert = |table: &str| format!("INSERT INTO public.{table} SELECT '{case}' FROM pg_sleep(0.1)");
        let steps = format!(
            "[[work]]\ntitle = \"Insert\"\neffect = \"change\"\ndo = {{ sql = '''{}''' }}\n\
             prove = {{ sql = '''SELECT count(*) > 0 FROM public.done WHERE name = '{case}' ''' }}\nundo = {{ sql = '''{}''' }}\n",
            insert("done"),
            insert("undone")
        );
        procedure(&estate, "postgres:main", &steps);
        let (base, case) = (&base, case.to_owned());
        let counted = move |_: &Estate| {
            let count = |table: &str| base.sql(&format!("SELECT count(*) FROM public.{table} WHERE name = '{case}'"));
            (count("done").parse().unwrap(), count("undone").parse().unwrap())
        };
        Scene { estate, counted: Box::new(counted) }
    });
}

#[test]
fn a_request_is_sent_once_and_undone_once() {
    through(|_| {
        let (service, url) = Service::start();
        let estate = Estate::default();
        procedure(&estate, "host", &puts(&url, ""));
        Scene { estate, counted: Box::new(move |_| (service.of("PUT").len(), service.of("DELETE").len())) }
    });
}

/// Objects have no undo of their own: what is undone is the note of the step behind them, and no object is put again.
#[test]
fn objects_are_put_once_and_an_undo_puts_none_again() {
    const BUCKET: &str = "nova-backups";
    let s3 = S3::start(BUCKET);
    through(|case| {
        let estate = Estate::default().with("S3_ID", KEY).with("S3_KEY", SECRET);
        estate.configure(&s3.entry(BUCKET));
        for name in ["db.dump", "deep/config.json", "deep/er/volume.json"] {
            estate.file(&format!("backup/{name}"), name);
        }
        let steps = format!(
            "[[work]]\ntitle = \"Copy away\"\neffect = \"change\"\n\
             do = {{ objects = \"put\", from = \"{{tree}}/backup\", to = \"s3://{BUCKET}/{case}/\" }}\n\
             prove = {{ objects = \"same-sha256\" }}\nundo = {{ none = \"an extra backup harms nobody\" }}\n\
             [[work]]\ntitle = \"Note\"\neffect = \"change\"\ndo = {{ exec = [\"sh\", \"-c\", \"echo x >>{{tree}}/noted\"] }}\n\
             undo = {{ exec = [\"sh\", \"-c\", \"echo x >>{{tree}}/unnoted\"] }}\n"
        );
        procedure(&estate, "host", &steps);
        let (s3, under) = (&s3, format!("/{BUCKET}/{case}/"));
        let counted = move |estate: &Estate| {
            let taken = s3.taken();
            let of = |method: &str| {
                let start = format!("{method} {under}");
                taken.iter().filter(|line| line.starts_with(&start)).count()
            };
            assert_eq!((of("DELETE"), estate.lines("noted")), (0, 1));
            assert_eq!(of("PUT") % 3, 0, "{taken:?}");
            (of("PUT") / 3, estate.lines("unnoted"))
        };
        Scene { estate, counted: Box::new(counted) }
    });
}

#[test]
fn no_place_of_the_spine_is_left_out() {
    // Those in the act itself belong to the adapters that have more than one object.
    let spine = failpoint::ALL.iter().filter(|name| !["act.item", "act.half"].contains(name));
    assert_eq!(spine.collect::<Vec<_>>(), PLACES.iter().map(|(name, _)| name).collect::<Vec<_>>());
}
