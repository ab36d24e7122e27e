//! What goes over the wire: nothing that others wrote, nothing that did not change, and never too much.

use super::{Home, WIDE, choose, open_prompt, until};
use crate::support::corpus;
use crate::support::pty::{Pty, SOON};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Prints files, and asks about files with ugly names.
const UGLY: &str = r#"
format = 1
id = "test/ugly"
title = "Ugly \u001b]0;owned\u0007 work \u202e\u009b31m"
purpose = "Print what no screen may obey \u001b[2J"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
lock = ["host"]
root = "{{root}}"
phases = ["look", "clean"]

[params]
root = { path = true }

[[look]]
title = "Print it \u001b[5;5H\u001bc"
check = { exec = ["cat", "{{root}}/corpus"] }
[[look]]
title = "Fail in its name"
gate = "soft"
check = { exec = ["cat", "{{root}}/no\u001b[31m\u001b]52;c;b3duZWQ=\u0007such"] }
[[clean]]
title = "Delete them"
effect = "destroy"
do = { files = "delete", under = "names", match = "*" }
undo = { none = "they are ugly \u001b[2J" }
"#;

/// Prints a hundred thousand lines on request, and waits.
const FLOOD: &str = r#"
format = 1
id = "test/flood"
title = "Flood"
purpose = "Print more than anybody reads"
owner = "tests"
reviewed = 2026-11-21
review_every = "90d"
lock = ["host"]
root = "{{root}}"
phases = ["flood"]

[params]
root = { path = true }

[[flood]]
title = "Print it"
effect = "change"
do = { exec = ["sh", "-c", "seq -f 'line %.0f of a hundred thousand, as wide as a log line may well be on any day' 1 100000; echo the end; until test -e go; do sleep 0.02; done"], cwd = "{{root}}" }
undo = { none = "nothing to undo" }
"#;

/// What the bytes are beside text, a sequence each; a control character that begins none is one by itself.
fn sequences(raw: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = String::from_utf8(raw.to_vec()).expect("only UTF-8 is written");
    while let Some(at) = rest.find(|c| c == '\x1b' || corpus::is_forbidden(c)) {
        rest.drain(..at);
        let end = match rest.strip_prefix("\x1b[") {
            Some(after) => after.find(|c: char| ('\x40'..='\x7e').contains(&c)).map_or(rest.len(), |end| end + 3),
            None => rest.chars().next().map_or(1, char::len_utf8),
        };
        found.push(rest.drain(..end).collect());
    }
    found
}

/// Whether our own encoder or guard writes this.
fn is_ours(sequence: &str) -> bool {
    let Some(body) = sequence.strip_prefix("\x1b[") else { return sequence == "\x18" };
    let Some((parameters, last)) = body.split_at_checked(body.len() - 1) else { return false };
    if let Some(mode) = parameters.strip_prefix('?') {
        return matches!(mode, "2026" | "25" | "1049" | "2004" | "1000" | "1006") && matches!(last, "h" | "l");
    }
    let numbers = parameters.bytes().all(|byte| byte.is_ascii_digit() || byte == b';');
    numbers && matches!(last, "m" | "H" | "C" | "X" | "J" | "K")
}

#[test]
fn nothing_that_others_wrote_is_obeyed() {
    let service = "[[service]]\nname = \"api \\u202e\\u2066x\"\nurl = \"http://127.0.0.1:9/\"\n";
    let home = Home::with(service, &[("ugly", UGLY)]);
    let cases: Vec<Vec<u8>> = corpus::cases().into_iter().map(|(_, case)| case).collect();
    let lines: Vec<u8> = cases.iter().flat_map(|case| [b"before", case.as_slice(), b"after\n"].concat()).collect();
    fs::write(home.path("work/corpus"), &lines).unwrap();
    fs::create_dir(home.path("work/names")).unwrap();
    for (number, case) in cases.iter().enumerate() {
        let name: Vec<u8> = [format!("{number:03}").as_bytes(), case].concat();
        let name: Vec<u8> = name.into_iter().filter(|byte| !b"/\0".contains(byte)).take(200).collect();
        fs::write(home.path("work/names").join(OsStr::from_bytes(&name)), "").unwrap();
    }
    let run = home.run("test/ugly");
    let pty = home.open(&["attach", &run], &[], WIDE);
    // The soft gate asks first, or the destroy does.
    pty.wait_for(SOON, |screen| screen.contains(" opens it"));
    pty.press_until("\r", |screen| screen.contains("step 3 of 3") || screen.contains("step 2 of 3"));
    if pty.screen().contains("step 2 of 3") {
        choose(&pty, "skip");
        pty.send("\tnever mind\t");
        pty.wait_for(SOON, |screen| screen.contains("never mind"));
        pty.press_until("c", |screen| screen.contains(" opens it"));
        open_prompt(&pty, "DESTROY");
    }
    // Every page of the set, every page of the log, the palette, the step, the row.
    pty.press_until("\tv", |screen| screen.contains("000"));
    page_through(&pty);
    pty.press_until("\x1b", |screen| !screen.contains("DESTROY"));
    pty.send("6gg\r");
    pty.wait_for(SOON, |screen| screen.contains("undo") && screen.contains("its log"));
    pty.send("l");
    pty.wait_for(SOON, |screen| screen.contains("Print it") && screen.contains("after"));
    pty.send("gg");
    pty.wait_for(SOON, |screen| screen.contains("before^@after"));
    page_through(&pty);
    pty.send("R");
    pty.wait_for(SOON, |screen| screen.contains("┏ Runs"));
    leave(&pty, "┏ Runs");
    pty.send(":");
    pty.wait_for(SOON, |screen| screen.contains("┏ Commands"));
    pty.send("ugly");
    pty.wait_for(SOON, |screen| screen.contains("run test/ugly"));
    leave(&pty, "┏ Commands");
    pty.send("1gg\r");
    pty.wait_for(SOON, |screen| screen.contains("source"));
    leave(&pty, "source");
    while pty.look(vt100::Screen::alternate_screen) {
        let before = pty.screen();
        pty.send("q");
        pty.wait_until(SOON, |screen| !screen.alternate_screen() || screen.contents() != before);
    }
    pty.exit(SOON);
    let raw = pty.raw();
    let odd: Vec<String> = sequences(&raw).into_iter().filter(|sequence| !is_ours(sequence)).collect();
    // Before and after the console the line itself ends its lines.
    let odd: Vec<String> = odd.into_iter().filter(|sequence| sequence != "\r" && sequence != "\n").collect();
    assert!(odd.is_empty(), "{} forbidden: {:?}", odd.len(), &odd[..odd.len().min(20)]);
    assert!(raw.len() > 20_000, "{} bytes are too few to have shown it all", raw.len());
    assert!(is_ours("\x1b[38;5;1m") && !is_ours("\x1b]0;x") && !is_ours("\x1b[5i") && !is_ours("\u{9b}"));
}

/// Leaves a dialog; what is typed next is no part of the same key.
fn leave(pty: &Pty, dialog: &str) {
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| !screen.contains(dialog));
}

/// Goes down by pages until nothing moves any more.
fn page_through(pty: &Pty) {
    let body = |screen: &str| screen.lines().skip(3).take(30).collect::<Vec<_>>().join("\n");
    for _ in 0..200 {
        let before = body(&pty.screen());
        let drawn = pty.raw().len();
        pty.send("\x1b[6~");
        // A scrolled page has drawn many rows; a clock draws one.
        let until = Instant::now() + Duration::from_millis(700);
        let mut has_scrolled = false;
        while Instant::now() < until && !has_scrolled {
            pty.wait_for_bytes(SOON, |raw, _| raw.len() > drawn);
            has_scrolled = body(&pty.screen()) != before;
        }
        if !has_scrolled {
            return;
        }
    }
    panic!("the pages have no end:\n{}", pty.screen());
}

/// The frames of a stretch of bytes: each is one synchronised update.
fn frames(raw: &[u8]) -> Vec<&[u8]> {
    let mark = b"\x1b[?2026h";
    let starts: Vec<usize> =
        (0..raw.len().saturating_sub(mark.len() - 1)).filter(|at| raw[*at..].starts_with(mark)).collect();
    let ends = starts.iter().skip(1).copied().chain([raw.len()]);
    starts.iter().zip(ends).map(|(start, end)| &raw[*start..end]).collect()
}

/// A service that is always well, for as long as the tests run, and how often it was asked.
fn healthy() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, asked)
}

#[test]
fn at_rest_nothing_is_written_until_the_minute_ends() {
    // A service is read all the time; what is read of it stays the same.
    let (address, asked) = healthy();
    let service = format!("[[service]]\nname = \"api\"\nurl = \"http://{address}/\"\nevery = \"1s\"\n");
    let home = Home::with(&service, &[]);
    let pty = home.open(&[], &[], (100, 30));
    pty.wait_for(SOON, |screen| screen.contains("live") && screen.contains("200"));
    // The log takes the place of the rows, so that no reading is on the screen.
    pty.send("7z");
    pty.wait_for(SOON, |screen| screen.contains("there is no log") && !screen.contains("1 Health ─"));
    // What the start wrote has left the average.
    pty.wait_for(SOON, |screen| screen.contains("<100 B/s"));
    let (rest, before) = (pty.raw().len(), asked.load(Ordering::SeqCst));
    until("the service is read ten times more", || asked.load(Ordering::SeqCst) >= before + 10);
    let raw = pty.raw();
    let drawn = frames(&raw[rest..]);
    let (mut clocks, mut counted, mut rates) = (0, 0, 0);
    for frame in &drawn {
        let text = String::from_utf8_lossy(frame).into_owned();
        assert!(frame.ends_with(b"\x1b[?2026l"), "{text:?}");
        // The counts of the strip may change with a reading of the host, and the rate in the footer with what that wrote.
        if text.contains("\x1b[2;") {
            counted += 1;
            continue;
        }
        if text.starts_with("\x1b[?2026h\x1b[30;") {
            rates += 1;
            continue;
        }
        clocks += 1;
        assert!(text.starts_with("\x1b[?2026h\x1b[1;"), "{text:?}");
        assert!(frame.len() <= 90, "{} bytes: {text:?}", frame.len());
    }
    // A rate lasts for some seconds, and what was counted just before is in the first of them.
    assert!(rates <= 4 * (counted + 1), "{rates} rates after {counted} counts");
    assert!(
        clocks <= 2,
        "{clocks} frames while a minute ended once or twice: {:?}",
        String::from_utf8_lossy(&raw[rest..])
    );
}

#[test]
fn every_key_is_answered() {
    let home = Home::with("", &[]);
    let pty = home.open(&[], &[], (80, 24));
    pty.wait_for(SOON, |screen| screen.contains("live"));
    for turn in 0..40 {
        let opens = turn % 2 == 0;
        pty.send(if opens { "?" } else { "q" });
        pty.wait_for(SOON, |screen| screen.contains("keys and symbols") == opens);
    }
}

#[test]
fn a_flood_is_followed_within_the_cap_and_keys_stay_alive() {
    let home = Home::with("", &[("flood", FLOOD)]);
    let run = home.run("test/flood");
    let pty = home.open(&["attach", &run], &[], WIDE);
    open_prompt(&pty, "□ CHANGE");
    let (began, before) = (Instant::now(), pty.raw().len());
    pty.press_until("c", |screen| screen.contains("following"));
    // In the middle of it, keys are answered.
    pty.send("?");
    pty.wait_for(SOON, |screen| screen.contains("keys and symbols"));
    pty.send("\x1b");
    pty.wait_for(SOON, |screen| screen.contains("the end") && screen.contains("following"));
    let screen = pty.wait_for(SOON, |screen| screen.contains("100,001/100,001"));
    assert!(screen.contains("line 100000 of a hundred thousand"), "{screen}");
    // No second of what was read holds more than the cap, give or take one frame that was read late.
    let times: Vec<_> = pty.times().into_iter().filter(|(_, end)| *end > before).collect();
    let mut start = before;
    for (place, (at, _)) in times.iter().enumerate() {
        let within = times[place..].iter().take_while(|(then, _)| *then - *at < Duration::from_secs(1)).last();
        let bytes = within.map_or(0, |(_, end)| end - start);
        assert!(bytes <= 32_000 + 8_000, "{bytes} bytes in a second");
        start = times[place].1;
    }
    let (bytes, elapsed) = (pty.raw().len() - before, began.elapsed());
    assert!(bytes as f64 <= 32_000.0 * (elapsed.as_secs_f64() + 1.0), "{bytes} bytes in {elapsed:?}");
    fs::write(home.path("work/go"), "").unwrap();
    pty.wait_for(SOON, |screen| screen.contains("ended well"));
    until("the runner is gone", || home.processes("__runner").is_empty());
}
