//! Services and programs that echo a secret, in every form: no record, output or notice contains it.

use crate::support::estate::Estate;
use crate::support::run::Run;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use midwatch::demo::postgres::{PrivatePostgres, Setup};
use midwatch::demo::redis::PrivateRedis;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

const SECRET: &str = "Canary-7f3a/9c\"1e";

/// Every form in which the service echoes it.
fn forms() -> Vec<(String, String)> {
    let reversed: String = SECRET.chars().rev().collect();
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let json = SECRET.replace('"', "\\\"").replace('/', "\\/");
    let mut all = vec![
        ("plain", SECRET.to_owned()),
        ("upper", SECRET.to_uppercase()),
        ("lower", SECRET.to_lowercase()),
        ("reversed", reversed),
        ("hex", hex.clone()),
        ("upper_hex", hex.to_uppercase()),
        ("url", url),
        ("json_escaped", json),
    ];
    for (name, before) in [("base0", ""), ("base1", "x"), ("base2", "xy")] {
        all.push((name, STANDARD.encode(format!("{before}{SECRET}{before}"))));
    }
    all.into_iter().map(|(name, form)| (name.to_owned(), form)).collect()
}

/// A part of each form that identifies the secret.
fn needles() -> Vec<String> {
    let cut = |(name, form): (String, String)| match name.starts_with("base") {
        true => form.get(4..form.len() - 4).unwrap().to_owned(),
        false => form,
    };
    let mut all: Vec<String> = forms().into_iter().map(cut).collect();
    // As they stand in a JSON record.
    all.extend(all.clone().iter().map(|form| form.replace('\\', "\\\\").replace('"', "\\\"")));
    all
}

/// Answers every request with all forms of the token it was sent.
fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn answer(mut stream: TcpStream) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    // The service echoes what it got, and nothing without the token.
    let came = head.iter().any(|line| line.to_lowercase().starts_with("x-token: ") && line.ends_with(SECRET));
    let values: serde_json::Map<String, serde_json::Value> =
        forms().into_iter().filter(|_| came).map(|(name, form)| (name, form.into())).collect();
    let body = serde_json::Value::Object(values).to_string();
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let _ = stream.write_all(text.as_bytes());
}

/// An estate whose receiver keeps what it is sent.
fn estate() -> Estate {
    let estate = Estate::default().with("TOKEN", SECRET);
    let pager = estate.beside("pager");
    fs::write(&pager, format!("#!/bin/sh\ncat >>{}\n", estate.tree("paged").display())).unwrap();
    fs::set_permissions(&pager, fs::Permissions::from_mode(0o755)).unwrap();
    let print = estate.beside("print");
    let text = "#!/bin/sh\nprintf %s \"$TOKEN\"; printf %s \"$TOKEN\" | tr a-z A-Z; printf %s \"$TOKEN\" | rev; printf %s \"$TOKEN\" | base64\n";
    fs::write(&print, text).unwrap();
    fs::set_permissions(&print, fs::Permissions::from_mode(0o755)).unwrap();
    estate.configure(&format!(
        "[secrets]\ntoken = \"env:TOKEN\"\n[[notify]]\nname = \"pager\"\nprogram = [\"{}\"]\n",
        pager.display()
    ));
    estate
}

#[test]
fn a_secret_echoed_by_a_service_or_a_program_is_masked_in_every_record() {
    let (estate, url) = (estate(), echo());
    let program = estate.beside("print").display().to_string();
    let mut steps = String::new();
    let mut message = String::new();
    for (name, _) in forms() {
        steps += &format!(
            "[[work]]\ntitle = \"Read {name}\"\nsave = \"{name}\"\n\
             read = {{ http = \"{url}/echo\", json = \".{name}\", headers = {{ X-Token = \"secret:token\" }} }}\n"
        );
        message += &format!("{name} {{{{{name}.value}}}} ");
    }
    steps += &format!(
        "[[work]]\ntitle = \"Print\"\neffect = \"change\"\nundo = {{ none = \"it prints\" }}\n\
         do = {{ exec = [\"{program}\"], env = {{ TOKEN = \"secret:token\" }} }}\n\
         [[work]]\ntitle = \"Send the values\"\nnotify = [\"pager\"]\nmessage = \"{message}\"\n\
         [[work]]\ntitle = \"Judge\"\n\
         check = {{ http = \"{url}/echo\", json = \".plain\", expect = \"== 'no'\", headers = {{ X-Token = \"secret:token\" }} }}\ngate = \"soft\"\n"
    );
    estate.procedure("echo", "", &steps);
    let mut printed = estate.start("echo", &["--yes", "change"]);
    assert!(estate.runs().len() == 1, "{} {}", printed.out, printed.err);
    for command in [
        &["attach", "--plain"][..],
        &["report"],
        &["report", "--format", "html"],
        &["report", "--format", "json"],
        &["verify"],
    ] {
        let run = estate.run();
        let answer = run.midwatch(command[0], &command[1..]);
        (printed.out, printed.err) = (printed.out + &answer.out, printed.err + &answer.err);
    }
    let output = estate.midwatch(&["plan", "test/echo"]);
    let text = format!("{}{}{}{}", printed.out, printed.err, output.out, output.err);
    let facts = estate.run().view().steps[0].outcome.clone().unwrap().evidence.unwrap().facts;
    assert_eq!(facts["value"], "[masked]", "the service echoed it\n{text}");
    let paged = fs::read_to_string(estate.tree("paged")).unwrap_or_default();
    assert!(paged.contains("plain [masked]"), "{paged}\n{text}");
    for needle in needles() {
        assert!(!text.contains(&needle), "{needle} in\n{text}");
        assert!(!paged.contains(&needle), "{needle} in\n{paged}");
        estate.keeps_nowhere(&needle);
    }
}

/// The secret as it is, backwards, and in the other case, as text and as a JSON record has it.
fn spellings() -> Vec<String> {
    let reversed: String = SECRET.chars().rev().collect();
    let plain =
        [SECRET.to_owned(), reversed.clone(), SECRET.to_uppercase(), SECRET.to_lowercase(), reversed.to_uppercase()];
    plain.iter().flat_map(|text| [text.clone(), text.replace('"', "\\\"")]).collect()
}

/// Asserts that nothing that a run printed, kept or reports holds the secret.
#[track_caller]
fn prints_it_nowhere(estate: &Estate, run: &Run<'_>, printed: &str) {
    let mut text = printed.to_owned();
    for command in [
        &["attach", "--plain"][..],
        &["report"],
        &["report", "--format", "html"],
        &["report", "--format", "json"],
        &["verify"],
    ] {
        let answer = run.midwatch(command[0], &command[1..]);
        text += &format!("{}{}", answer.out, answer.err);
    }
    for spelling in spellings() {
        assert!(!text.contains(&spelling), "{spelling} in\n{text}");
        estate.keeps_nowhere(&spelling);
    }
}

#[test]
fn an_error_of_postgresql_that_holds_a_secret_is_masked_in_every_record() {
    let place = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(&place.path().join("pg"), &Setup::default()).unwrap();
    let table = format!(
        "CREATE ROLE admin LOGIN SUPERUSER; CREATE TABLE public.vault (id int, note text UNIQUE, number int);
         INSERT INTO public.vault VALUES (1, '{SECRET}'), (2, reverse('{SECRET}')), (3, upper('{SECRET}'));"
    );
    postgres.sql("postgres", &table).unwrap();
    let estate = estate();
    let way = postgres.conninfo_as("admin", "postgres");
    estate.configure(&format!(
        "[[postgres]]\nname = \"main\"\nwatch = \"\"\"{way} password=secret:token\"\"\"\n\
         act = \"\"\"{way} password=secret:token\"\"\"\n"
    ));
    // The message about a value that is no number holds it; of a key that is there already, the detail beside the message does.
    let number = |id: u32| format!("UPDATE public.vault SET number = note::int WHERE id = {id}");
    let twice = |id: u32| format!("INSERT INTO public.vault SELECT 0, note FROM public.vault WHERE id = {id}");
    for (id, name) in [(1, "plain"), (2, "reversed"), (3, "upper")] {
        for (sql, text) in [(number(id), "[masked]"), (twice(id), "duplicate key value")] {
            let steps = format!(
                "[[work]]\ntitle = \"Write\"\neffect = \"change\"\ndo = {{ sql = '''{sql}''' }}\nundo = {{ none = \"a test\" }}\n"
            );
            estate.procedure("vault", "", &steps);
            let printed = estate.start("vault", &["--yes", "change"]);
            let run = estate.run();
            let output = format!("{name}: {} {}", printed.out, printed.err);
            let outcome = run.view().steps[0].outcome.clone().unwrap_or_else(|| panic!("{output}"));
            assert!(outcome.detail.contains(text), "the server did not say it: {} {output}", outcome.detail);
            prints_it_nowhere(&estate, &run, &output);
            run.midwatch("abort", &[]).exits(0);
            run.sealed();
            prints_it_nowhere(&estate, &run, "");
        }
    }
    estate.nothing_runs();
}

#[test]
fn a_reply_of_redis_that_holds_a_secret_is_masked_in_every_record() {
    let place = tempfile::tempdir().unwrap();
    let server = PrivateRedis::start(&place.path().join("redis"), &[]).unwrap();
    let reversed: String = SECRET.chars().rev().collect();
    for (key, value) in [("plain", SECRET), ("reversed", &reversed), ("upper", &SECRET.to_uppercase())] {
        let _: String = server.ask(&["SET", key, value]).unwrap();
    }
    let (estate, url) = (estate(), server.url());
    estate.configure(&format!(
        "[[redis]]\nname = \"cache\"\nurl = \"{url}?user=default\"\npassword = \"secret:token\"\n\
         act = \"{url}?user=default\"\nact_password = \"secret:token\"\n"
    ));
    let mut steps = String::new();
    for (name, form) in [("plain", "cat"), ("reversed", "rev"), ("upper", "tr a-z A-Z")] {
        // A server answers a command that it does not know with what followed it.
        let ask = format!("printf %s \"$TOKEN\" | {form} | redis-cli -x -s {} NOSUCH", server.socket().display());
        steps += &format!(
            "[[work]]\ntitle = \"Ask {name}\"\neffect = \"change\"\nundo = {{ none = \"it asks\" }}\n\
             do = {{ exec = [\"sh\", \"-c\", '''{ask}'''], env = {{ TOKEN = \"secret:token\" }} }}\n\
             [[work]]\ntitle = \"Read {name}\"\nsave = \"{name}\"\nread = {{ redis = \"get\", key = \"{name}\" }}\n\
             [[work]]\ntitle = \"Notify {name}\"\nnotify = [\"pager\"]\nmessage = \"it is {{{{{name}.value}}}}\"\n"
        );
    }
    // Last, because the number is unknown: the run waits for a person there.
    steps += "[[work]]\ntitle = \"Judge\"\ncheck = { redis = \"get\", key = \"reversed\", expect = \"== 1\" }\n";
    estate.procedure("vault", "", &steps);
    let printed = estate.start("vault", &["--yes", "change"]);
    let (run, text) = (estate.run(), format!("{} {}", printed.out, printed.err));
    for (index, name) in [(0, "plain"), (3, "reversed"), (6, "upper")] {
        let log = fs::read_to_string(run.dir.log(&format!("{}.1.log", index + 1))).unwrap_or_default();
        assert!(log.contains("unknown command") && log.contains("[masked]"), "{name}: {log}\n{text}");
        let read = run.view().steps[index + 1].outcome.clone().unwrap_or_else(|| panic!("{name}: {text}"));
        assert!(read.evidence.unwrap().facts.values().any(|value| value == "[masked]"), "{name}: {text}");
    }
    let judged = run.view().steps[9].outcome.clone().unwrap_or_else(|| panic!("{text}"));
    assert!(judged.detail.contains("reversed holds [masked]"), "{judged:?}");
    prints_it_nowhere(&estate, &run, &text);
    run.midwatch("abort", &[]).exits(0);
    run.sealed();
    prints_it_nowhere(&estate, &run, "");
    estate.nothing_runs();
}

#[test]
fn a_notice_contains_no_secret_from_any_source() {
    let estate = estate();
    // A program that no secret was given to prints one that it finds.
    estate.file("app.conf", &format!("token = {SECRET}\n"));
    estate.procedure(
        "notify",
        "",
        "[[work]]\ntitle = \"Read\"\nsave = \"conf\"\nread = { exec = [\"cat\", \"{tree}/app.conf\"] }\n\
         [[work]]\ntitle = \"Send\"\nnotify = [\"pager\"]\nmessage = \"found {{conf.output}}\"\n\
         [[work]]\ntitle = \"Write it down\"\nnotify = \"found {{conf.output}}\"\n",
    );
    let printed = estate.start("notify", &[]).exits(0);
    let run = estate.run();
    let paged = fs::read_to_string(estate.tree("paged")).unwrap();
    assert!(paged.contains("found token = [masked]"), "{paged}\n{}", printed.out);
    let spec = fs::read_to_string(run.dir.attempt("2.1").join("spec.json")).unwrap();
    assert!(spec.contains("found token = [masked]"), "{spec}");
    let note = run.view().steps[2].remark.clone().unwrap_or_default();
    assert!(note.contains("found token = [masked]"), "{note}");
    for spelling in spellings() {
        assert!(!paged.contains(&spelling) && !spec.contains(&spelling), "{spelling} in\n{paged}\n{spec}");
    }
}
