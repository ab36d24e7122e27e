use super::*;
use crate::domain::RunStatus;
use crate::journal::samples::{self, bytes, created, night, recovered_night, run_id, steps};
use std::process::{Command, Stdio};

fn journals() -> Vec<Vec<u8>> {
    let short = vec![created(steps()[..1].to_vec()), samples::sealed(RunStatus::Aborted, 0)];
    vec![bytes(1, &night()), bytes(2, &recovered_night()), bytes(3, &short)]
}

/// A line as any journal of run 1 might have it, with its digest right.
fn forged(v: u32, seq: u64, run: u64, prev: &Digest, kind: &str, body: &str) -> Vec<u8> {
    let run = run_id(run);
    let actor = r#"{"host":"h","name":"n","pid":1,"through":"runner","uid":0}"#;
    let head = format!(
        r#"{{"v":{v},"seq":{seq},"run":"{run}","kind":"{kind}","wall":"2026-08-22T02:47:31.000000000Z","boot":1,"actor":{actor},"body":{body},"prev":"{prev}""#
    );
    let h = Digest::of(format!("{prev}{head}").as_bytes());
    format!("{head},\"h\":\"{h}\"}}\n").into_bytes()
}

/// A journal of run 1 with one record, and what follows it.
fn begun(after: impl Fn(&Digest) -> Vec<u8>) -> Vec<u8> {
    let mut journal = bytes(1, &[created(steps())]);
    let head = read(&journal).records[0].h.clone();
    journal.extend(after(&head));
    journal
}

fn damage(journal: &[u8]) -> (u64, u64, String) {
    match read(journal).verdict {
        Verdict::Damaged { seq, at, why } => (seq, at, why),
        other => panic!("{other}"),
    }
}

#[test]
fn every_prefix_has_its_verdict() {
    // The rule: a prefix that ends at a newline is whole, though not sealed; every other one is torn where its last line begins.
    for journal in journals() {
        let lines: Vec<usize> = (0..journal.len()).filter(|at| journal[*at] == b'\n').map(|at| at + 1).collect();
        let mut before = Walk::default();
        let (mut from, mut good) = (0, 0);
        for end in 0..=journal.len() {
            if lines.contains(&end) {
                // The lines before are the same every time; reading on from the last but one is what matters.
                if good > from {
                    before.step(&journal[from..good - 1]).unwrap();
                }
                (from, good) = (good, end);
            }
            let (at, verdict) = before.clone().all(&journal[from..end], drop).unwrap();
            assert_eq!(from as u64 + at, good as u64);
            let expected = match end - good {
                0 => Verdict::Whole { sealed: end == journal.len() },
                bytes => Verdict::Torn { at, bytes: bytes as u64 },
            };
            assert_eq!(verdict, expected, "prefix of {end} bytes");
        }
    }
}

#[test]
fn the_empty_file_is_whole_and_has_no_records() {
    let chain = read(b"");
    assert_eq!((chain.records.len(), chain.good_bytes, chain.verdict), (0, 0, Verdict::Whole { sealed: false }));
}

#[test]
fn no_flipped_byte_is_whole() {
    // The rule: a flip anywhere is damage, and the error names its record; only a flip of the very last newline leaves a last line
    // without its newline, and that is torn. A flip that makes a newline inside the last line leaves a line that does not chain.
    for (number, journal) in journals().iter().enumerate() {
        let mut starts = vec![0];
        starts.extend((0..journal.len()).filter(|at| journal[*at] == b'\n').map(|at| at + 1));
        let mut line = 0;
        let mut before = Walk::default();
        for at in 0..journal.len() {
            if at == starts[line + 1] {
                before.step(&journal[starts[line]..at - 1]).unwrap();
                line += 1;
            }
            // Every bit of the shortest journal; of the others one bit a byte, each in turn, and the flip to NUL.
            let bits =
                if number == 2 { (0..8).map(|bit| 1 << bit).collect() } else { vec![1 << (at % 8), journal[at]] };
            for mask in bits {
                let mut flipped = journal[starts[line]..].to_vec();
                flipped[at - starts[line]] ^= mask;
                let (good, verdict) = before.clone().all(flipped.as_slice(), drop).unwrap();
                assert_eq!(good, 0, "byte {at}, mask {mask:#x}");
                let last_newline = at + 1 == journal.len();
                match verdict {
                    Verdict::Torn { at: 0, .. } if last_newline => {}
                    Verdict::Damaged { seq, at: 0, .. } if !last_newline => assert_eq!(seq, line as u64 + 1),
                    other => panic!("byte {at}, mask {mask:#x}: {other}"),
                }
            }
        }
    }
}

#[test]
fn a_flip_is_found_from_the_beginning_too() {
    let journal = bytes(1, &night());
    for at in (0..journal.len()).step_by(97) {
        let mut flipped = journal.clone();
        flipped[at] ^= 0x20;
        let chain = read(&flipped);
        assert!(matches!(chain.verdict, Verdict::Damaged { .. }), "byte {at}: {}", chain.verdict);
        assert_eq!(chain.records.len(), journal[..at].iter().filter(|byte| **byte == b'\n').count());
    }
}

#[test]
fn sha256sum_proves_a_line_without_midwatch() {
    let journal = bytes(1, &night());
    for record in read(&journal).records {
        let text = String::from_utf8(journal.clone()).unwrap();
        let line = text.lines().nth(usize::try_from(record.seq).unwrap() - 1).unwrap();
        let end = line.rfind(",\"h\":").unwrap();
        let mut child =
            Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("coreutils");
        let mut input = child.stdin.take().unwrap();
        io::Write::write_all(&mut input, format!("{}{}", record.prev, &line[..end]).as_bytes()).unwrap();
        drop(input);
        let lines = child.wait_with_output().unwrap().stdout;
        assert_eq!(String::from_utf8(lines).unwrap(), format!("{}  -\n", record.h));
    }
}

#[test]
fn lines_have_their_keys_in_order() {
    let journal = String::from_utf8(bytes(1, &night()[..2])).unwrap();
    let second = journal.lines().nth(1).unwrap();
    let prev = &read(journal.as_bytes()).records[0].h;
    let run = run_id(1);
    let expected = format!(
        r#"{{"v":1,"seq":2,"run":"{run}","kind":"lock.taken","wall":"2026-08-22T01:47:32.123456789Z","boot":8000000000,"actor":{{"host":"bastion","login_uid":1000,"name":"anna","pid":4242,"through":"runner","uid":1000}},"body":{{"identity":"machine-id:0123","name":"host"}},"prev":"{prev}","h":""#
    );
    assert!(second.starts_with(&expected), "{second}\n{expected}");
}

#[test]
fn two_journals_glued_are_damaged_at_the_second() {
    for (first, second) in [(1, 2), (1, 1)] {
        let mut glued = bytes(first, &night());
        let end = glued.len() as u64;
        glued.extend(bytes(second, &night()));
        let (seq, at, why) = damage(&glued);
        assert_eq!((seq, at), (18, end));
        assert_eq!(why, "it is numbered 1, and 18 is due");
    }
}

#[test]
fn strangers_gaps_and_followers_of_the_seal_are_damage() {
    let note = r#"{"text":"x"}"#;
    let (seq, at, why) = damage(&begun(|prev| forged(1, 2, 9, prev, "note", note)));
    assert_eq!((seq, why), (2, format!("record 2 belongs to run {}", run_id(9))));
    assert!(at > 0);
    let (_, _, why) = damage(&begun(|prev| forged(1, 3, 1, prev, "note", note)));
    assert_eq!(why, "it is numbered 3, and 2 is due");
    let (_, _, why) = damage(&begun(|_| forged(1, 2, 1, &Digest::of(b"x"), "note", note)));
    assert_eq!(why, "it does not follow the record before it");
    let (_, _, why) = damage(&begun(|prev| forged(1, 2, 1, prev, "run.sealed", r#"{"status":"ok","unknown":0}"#)));
    assert_eq!(why, "a run is sealed as ok while a step of it is not over");
    let mut over = bytes(1, &night());
    let head = read(&over).records[16].h.clone();
    over.extend(forged(1, 18, 1, &head, "note", note));
    assert_eq!(damage(&over).2, "record 18 follows the seal");
    let first = forged(1, 1, 1, &Digest::zero(), "note", note);
    assert_eq!(damage(&first), (1, 0, "the first record is not run.created".to_owned()));
}

#[test]
fn wrong_json_with_a_right_digest_is_damage() {
    let cases = [
        ("note", r#"{"text":"x","text":"y"}"#, "duplicate field `text`"),
        ("odd", r#"{"a":{"b":1,"b":1}}"#, "duplicate field `b`"),
        ("odd", r#"{"a":1.5}"#, "floating point"),
        ("odd", r#"{"a":123456789012345678901234567890}"#, "floating point"),
        ("note", r#"{"text":7}"#, "its note is not one"),
        ("note", "[]", "its note is not one"),
        ("note", r#"{"text":"x"},"extra":1"#, "unknown field `extra`"),
        ("note", r#"{"text":"x"},"seq":2"#, "duplicate field `seq`"),
        ("note", r#"{"text":"x""#, "it is not a record"),
    ];
    for (kind, body, expected) in cases {
        let (seq, _, why) = damage(&begun(|prev| forged(1, 2, 1, prev, kind, body)));
        assert_eq!(seq, 2);
        assert!(why.contains(expected), "{body}: {why}");
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(damage(&begun(|prev| forged(1, 2, 1, prev, "odd", &deep))).2.contains("recursion limit"));
}

#[test]
fn a_nul_tail_is_torn_however_long() {
    let journal = bytes(1, &night());
    let end = journal.len() as u64;
    for (text, nuls) in [(&b""[..], 1), (b"", 4096), (b"", 200_000), (b"{\"v\":1,\"se", 200_000)] {
        let mut tail = journal.clone();
        tail.extend(text);
        tail.resize(tail.len() + nuls, 0);
        let expected = Verdict::Torn { at: end, bytes: (text.len() + nuls) as u64 };
        assert_eq!(read(&tail).verdict, expected);
        assert_eq!(read(&tail).good_bytes, end);
        // A newline after the NUL bytes makes a line of them, and that does not chain.
        tail.push(b'\n');
        assert_eq!(damage(&tail).1, end);
    }
}

#[test]
fn a_record_is_at_most_one_mebibyte() {
    let body = |extra: usize| format!(r#"{{"text":"{}"}}"#, "x".repeat(extra));
    let prev = read(&bytes(1, &[created(steps())])).records[0].h.clone();
    let spare = LARGEST_RECORD - forged(1, 2, 1, &prev, "note", &body(0)).len();
    let largest = begun(|prev| forged(1, 2, 1, prev, "note", &body(spare)));
    assert_eq!(read(&largest).verdict, Verdict::Whole { sealed: false });
    let larger = begun(|prev| forged(1, 2, 1, prev, "note", &body(spare + 1)));
    assert_eq!(damage(&larger).2, "it is larger than 1048576 bytes");
    let endless = begun(|_| vec![b'x'; LARGEST_RECORD + 1]);
    assert_eq!(damage(&endless).2, "1048577 bytes without a newline, more than a record can have");
}

#[test]
fn a_newer_version_is_read_and_reported() {
    let journal = begun(|prev| {
        let second = forged(2, 2, 1, prev, "step.dreamt", r#"{"of":[1,{"b":2,"a":null}]}"#);
        let prev = decode(second.strip_suffix(b"\n").unwrap()).unwrap().record.h;
        // A known kind with a body, and in a place, that only the newer version understands; and a key more.
        let third = forged(2, 3, 1, &prev, "note", r#"{"words":["x"]},"token":7"#);
        let prev = decode(third.strip_suffix(b"\n").unwrap()).unwrap().record.h;
        let fourth = forged(2, 4, 1, &prev, "step.skipped", r#"{"step":77,"reason":"r"}"#);
        [second, third, fourth].concat()
    });
    let chain = read(&journal);
    assert_eq!(chain.verdict, Verdict::Whole { sealed: false });
    assert_eq!(chain.walk.newest(), 2);
    let kinds: Vec<&str> = chain.records.iter().skip(1).map(|record| record.event.kind()).collect();
    assert_eq!(kinds, ["step.dreamt", "note", "step.skipped"]);
    assert!(chain.records.iter().skip(1).all(|record| matches!(record.event, Event::Other { .. })));
    assert_eq!(damage(&begun(|prev| forged(0, 2, 1, prev, "note", r#"{"text":"x"}"#))).2, "there is no version 0");
}

#[test]
fn an_unknown_kind_of_this_version_is_kept_raw() {
    let journal = begun(|prev| forged(1, 2, 1, prev, "step.dreamt", r#"{"b":1}"#));
    let chain = read(&journal);
    let expected = Event::Other { kind: "step.dreamt".into(), body: serde_json::json!({"b":1}) };
    assert_eq!((chain.walk.newest(), &chain.records[1].event), (1, &expected));
}
