//! Services and programs that say a secret back, in every form: no record, output or notice holds it.

use crate::support::estate::Estate;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

const SECRET: &str = "Canary-7f3a/9c\"1e";

/// Every form in which the service says it.
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

/// A part of each form that says the secret: what no neighbour has a part in.
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
    // The service says what it was sent, and nothing where the token did not come.
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
fn what_a_service_or_a_program_says_back_is_masked_in_every_record() {
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
    let mut said = estate.start("echo", &["--yes", "change"]);
    assert!(estate.runs().len() == 1, "{} {}", said.out, said.err);
    for command in [
        &["attach", "--plain"][..],
        &["report"],
        &["report", "--format", "html"],
        &["report", "--format", "json"],
        &["verify"],
    ] {
        let run = estate.run();
        let told = run.midwatch(command[0], &command[1..]);
        (said.out, said.err) = (said.out + &told.out, said.err + &told.err);
    }
    let told = estate.midwatch(&["plan", "test/echo"]);
    let text = format!("{}{}{}{}", said.out, said.err, told.out, told.err);
    let facts = estate.run().view().steps[0].outcome.clone().unwrap().evidence.unwrap().facts;
    assert_eq!(facts["value"], "[masked]", "the service said it back\n{text}");
    let paged = fs::read_to_string(estate.tree("paged")).unwrap_or_default();
    assert!(paged.contains("plain [masked]"), "{paged}\n{text}");
    for needle in needles() {
        assert!(!text.contains(&needle), "{needle} in\n{text}");
        assert!(!paged.contains(&needle), "{needle} in\n{paged}");
        estate.keeps_nowhere(&needle);
    }
}
