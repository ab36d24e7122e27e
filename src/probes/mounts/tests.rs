use super::*;
use crate::domain::{Figure, Past, Wall};
use std::sync::Arc;

fn some(path: &str, own: bool) -> Mount {
    Mount { path: path.into(), limits: Limits::DISK, own, mount_point: false, critical: true }
}

fn full_to(used: u64, avail: u64, inodes: Option<(u64, u64)>) -> Usage {
    let (source, fs) = ("/dev/vda".into(), "ext4".into());
    Usage { size: used + avail + 5, used, avail, inodes, source, fs, ..Usage::of([1, 0, 0, 0, 0, 0]) }
}

#[test]
fn the_used_share_leaves_out_what_only_root_may_write() {
    let seen = judge(&some("/", false), &full_to(76, 19, Some((100, 50))), None).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("80 %", Verdict::Warn));
    assert_eq!(seen.facts["used_ratio"], Fact::Real(0.8));
    assert_eq!(seen.facts["inodes_ratio"], Fact::Real(0.5));
    assert!(!seen.facts.contains_key("growth_per_hour"));
    assert!(judge(&some("/", false), &full_to(0, 0, None), None).is_err());
}

#[test]
fn inodes_speak_when_they_are_worse_and_are_absent_where_there_are_none() {
    let seen = judge(&some("/", false), &full_to(10, 90, Some((100, 7))), None).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("inodes 93 %", Verdict::Critical));
    let seen = judge(&some("/", false), &full_to(85, 15, None), None).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("85 %", Verdict::Warn));
    assert!(!seen.facts.contains_key("inodes_ratio"));
}

/// The growth that is told after each of some samples, so many seconds apart.
fn forecasts(apart: u64, samples: impl IntoIterator<Item = u64>) -> Vec<Option<f64>> {
    let (start, mut growth) = (Instant::now(), Growth::default());
    let at = |number: u64| start + Duration::from_secs(number * apart);
    let lines = (0..).zip(samples).map(|(number, used)| growth.take(at(number), used)).collect();
    assert!(growth.0.len() <= 122, "ten minutes, every five seconds");
    lines
}

#[test]
fn growth_is_told_from_five_minutes_on_and_forgets_after_ten() {
    let even = forecasts(60, (0..8).map(|minute| 1000 + minute * 100));
    assert_eq!(even, [None, None, None, None, None, Some(6000.0), Some(6000.0), Some(6000.0)]);
    assert_eq!(forecasts(120, (0..6).map(|step| 900 - step * 100)).last(), Some(&Some(-3000.0)));
    assert_eq!(forecasts(15, [1000; 60]).last(), Some(&Some(0.0)));
    // So few samples say nothing, however long they take.
    assert_eq!(forecasts(150, [0, 100, 200, 300, 400]).last(), Some(&None));
    // What grew before the last ten minutes.
    let calm = (0..20).map(|minute| if minute < 8 { minute * 100 } else { 800 });
    assert_eq!(forecasts(60, calm).last(), Some(&Some(0.0)));
}

#[test]
fn what_grows_all_at_once_is_not_told_by_the_hour() {
    let mut burst = vec![1000; 18];
    burst.extend([900_000; 3]);
    assert!(forecasts(20, burst).iter().all(|found| found.is_none_or(|growth| growth == 0.0)));
    let back_and_forth = (0..30).map(|step| 1000 + (step % 2) * 500);
    assert!(forecasts(15, back_and_forth).last().unwrap().is_none());
}

#[test]
fn a_file_system_that_fills_before_long_says_when() {
    let seen = |used: u64, growth: f64| {
        let seen = judge(&some("/", false), &full_to(used, 1000 - used, None), Some(growth)).unwrap();
        let full = seen.facts.get("full_in_s").cloned();
        (seen.detail, seen.verdict, full)
    };
    assert_eq!(seen(320, 1000.0), ("32 % +100.0 %/h · full in 40 m".into(), Verdict::Warn, Some(Fact::Int(2448))));
    assert_eq!(seen(320, 100.0), ("32 % +10.0 %/h · full in 6 h".into(), Verdict::Ok, Some(Fact::Int(24_480))));
    assert_eq!(seen(320, 11.0), ("32 % +1.1 %/h".into(), Verdict::Ok, None));
    assert_eq!(seen(840, 0.1), ("84 %".into(), Verdict::Warn, None));
    assert_eq!(seen(320, -100.0), ("32 % -10.0 %/h".into(), Verdict::Ok, None));
    assert_eq!(seen(999, 1000.0).0, "100 % +100.0 %/h · full in less than 1 m");
    assert_eq!(seen(320, 0.0), ("32 %".into(), Verdict::Ok, None));
}

#[tokio::test]
async fn the_root_and_a_directory_of_our_own_can_be_read() {
    assert!(discover().unwrap().contains(&PathBuf::from("/")));
    let seen = MountReader::new(some("/", false)).read().await.unwrap().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().to_str().unwrap();
    let held = MountReader::new(some(own, true)).read().await.unwrap().unwrap();
    assert_eq!(held.facts["path"], Fact::Text(own.to_owned()));
    for seen in [seen, held] {
        assert!(matches!(seen.facts["size_bytes"], Fact::Int(size) if size > 0));
        assert!(matches!(seen.facts["used_ratio"], Fact::Real(share) if (0.0..=1.0).contains(&share)));
    }
    assert_eq!(MountReader::new(some(own, false)).read().await.unwrap_err(), Loss::unread("no longer mounted"));
    let gone = format!("{own}/gone");
    let gone = MountReader::new(some(&gone, true)).read().await.unwrap_err();
    assert_eq!(gone, Loss::missing("not mounted: no such directory"));
}

#[test]
fn the_figures_of_a_file_system_are_those_of_df() {
    let judged = |figures: [u64; 6]| {
        let seen = judge(&some("/", false), &Usage::of(figures), None).unwrap();
        (seen.detail, seen.verdict, seen.facts.contains_key("inodes_ratio"))
    };
    // 100 blocks used, and two more than anyone but root may have.
    let negative = 0_u64.wrapping_sub(2);
    assert_eq!(judged([4096, 105, 5, negative, 9, 9]), ("103 %".into(), Verdict::Critical, true));
    assert_eq!(judged([4096, 1000, 803, 800, u64::MAX, u64::MAX]), ("20 %".into(), Verdict::Ok, false));
    assert_eq!(judged([4096, 1000, 800, 800, 0, 0]), ("20 %".into(), Verdict::Ok, false));
    assert_eq!(judged([4096, 1000, 800, 800, 5, 9]), ("20 %".into(), Verdict::Ok, false), "more free than there are");
    for used in 0..=1000 {
        let seen = judge(&some("/", false), &Usage::of([4096, 1000, 1000 - used, 1000 - used, 0, 0]), None).unwrap();
        assert_eq!(seen.detail, crate::domain::facts::format_fact("used_ratio", &seen.facts["used_ratio"]));
    }
    assert_eq!([0.0, 0.196, 0.2, 0.201, 0.84].map(quantity::used), ["0 %", "20 %", "20 %", "21 %", "84 %"]);
}

#[tokio::test]
async fn a_file_system_without_blocks_has_no_row_unless_it_is_named() {
    // It is always there, and has no blocks (statfs(2)).
    let proc = |own: bool| Mount { own, ..some("/proc", own) };
    assert_eq!(MountReader::new(proc(false)).read().await, Ok(None));
    let named = MountReader::new(proc(true)).read().await;
    assert_eq!(named, Err(Loss::unread("the file system tells no size")));
}

#[test]
fn an_automount_is_never_touched() {
    let table = b"1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /net rw - autofs auto rw\n";
    let mounts = mountinfo::parse(table).unwrap();
    let waits = held(&mounts, &some("/net/host", true), &Fstab::default()).unwrap_err();
    assert!(waits.why().contains("automount") && !waits.is_proof());
    assert!(mounted(&mounts, Path::new("/net")).is_err());
}

#[test]
fn a_directory_stands_for_its_mount_unless_something_wants_it_mounted() {
    let mounts = mountinfo::parse(b"1 0 8:1 / / rw - ext4 /dev/sda rw\n").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    let path = real.to_str().unwrap();
    let (none, named) = (Fstab::default(), Fstab::parse(format!("/dev/sdb {path} ext4 defaults 0 2").as_bytes()));
    let waits = Fstab::parse(format!("/dev/sdb {path} ext4 noauto 0 2").as_bytes());
    for fstab in [&none, &waits] {
        let (mount, held_by) = held(&mounts, &some(path, true), fstab).unwrap();
        assert_eq!((mount.id, held_by), (1, Some("/".into())));
    }
    let lost = held(&mounts, &some(path, true), &named).unwrap_err();
    assert_eq!(lost, Loss::missing("not mounted: /etc/fstab names it, and / holds it"));
    let lost = held(&mounts, &Mount { mount_point: true, ..some(path, true) }, &none).unwrap_err();
    assert_eq!(lost, Loss::missing("not mounted: the estate wants a mount point, and / holds it"));
    // By another name it is wanted as well.
    let other = tempfile::tempdir().unwrap();
    let link = other.path().join("link");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let lost = held(&mounts, &some(link.to_str().unwrap(), true), &named).unwrap_err();
    assert_eq!(lost, Loss::missing("not mounted: /etc/fstab names it, and / holds it"));
}

#[test]
fn what_turned_read_only_is_told_from_what_is_so_by_nature() {
    let of = |line: &str, fstab: &[u8]| {
        let mounts = mountinfo::parse(line.as_bytes()).unwrap();
        (mounts[0].read_only, mounts[0].is_wrongly_read_only(&Fstab::parse(fstab)))
    };
    let fstab = b"/dev/sda /srv ext4 defaults 0 2";
    assert_eq!(of("1 0 8:1 / /srv rw - ext4 /dev/sda rw", fstab), (false, false));
    assert_eq!(of("1 0 8:1 / /srv ro - ext4 /dev/sda ro", fstab), (true, true));
    assert_eq!(of("1 0 8:1 / /srv ro - ext4 /dev/sda ro", b""), (true, false));
    assert_eq!(of("1 0 8:1 / /srv ro - ext4 /dev/sda ro", b"/dev/sda /srv ext4 ro"), (true, false));
    // After an error only the file system is so; ext4 of newer kernels has a word for it.
    assert_eq!(of("1 0 8:1 / /srv rw - ext4 /dev/sda ro,errors=remount-ro", b""), (true, true));
    assert_eq!(of("1 0 8:1 / /srv rw - ext4 /dev/sda rw,emergency_ro", b""), (true, true));
    for image in ["squashfs", "iso9660", "erofs"] {
        assert_eq!(of(&format!("1 0 8:1 / /srv rw - {image} /dev/sda ro"), fstab), (true, false), "{image}");
    }
}

#[test]
fn what_is_wrongly_read_only_is_as_bad_as_the_estate_says_and_says_why() {
    let usage = Usage { read_only: true, wrongly_read_only: Some("it was writable before"), ..full_to(10, 90, None) };
    let seen = judge(&some("/", true), &usage, None).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("read-only: it was writable before · 10 %", Verdict::Critical));
    assert_eq!(seen.facts["read_only"], Fact::Bool(true));
    let lenient = Mount { critical: false, ..some("/", true) };
    assert_eq!(judge(&lenient, &usage, None).unwrap().verdict, Verdict::Warn);
    let usage = Usage { read_only: true, held_by: Some("/srv".into()), ..full_to(10, 90, None) };
    let seen = judge(&some("/srv/x", true), &usage, None).unwrap();
    assert_eq!((seen.detail.as_str(), seen.verdict), ("10 % · held by /srv", Verdict::Ok));
}

#[test]
fn what_was_read_before_tells_the_growth_at_once_and_a_gap_tells_nothing() {
    let now = Instant::now() + Duration::from_secs(3600);
    let minutes = |past: &[(u64, u64)]| -> Vec<(Duration, u64)> {
        past.iter().map(|(ago, used)| (Duration::from_secs(ago * 60), *used)).collect()
    };
    let growth = |past: &[(u64, u64)]| {
        let mut growth = Growth::default();
        growth.begin_with(now, minutes(past).into_iter());
        growth.take(now, 2000)
    };
    let even: Vec<(u64, u64)> = (1..=8).rev().map(|ago| (ago, 2000 - ago * 100)).collect();
    assert_eq!(growth(&even), Some(6000.0));
    assert_eq!(growth(&even[4..]), None, "five minutes are too few");
    // It was not watched for the last three minutes, or for three in between.
    assert_eq!(growth(&even[..5]), None);
    let holed: Vec<_> = even.iter().copied().filter(|(ago, _)| !(2..=4).contains(ago)).collect();
    assert_eq!(growth(&holed), None);
    // What is older than the window, however even it is.
    let old: Vec<_> = (11..=30).rev().map(|ago| (ago, 2000 - ago * 10)).collect();
    assert_eq!(growth(&old), None);
    // Samples of its own come after, and one of the past does not replace them.
    let mut own = Growth::default();
    own.take(now, 2000);
    own.begin_with(now, minutes(&even).into_iter());
    assert_eq!(own.take(now + Duration::from_secs(60), 2100), Some(6000.0));
    // A loss of some minutes is a gap, too.
    assert_eq!(own.take(now + Duration::from_secs(300), 2500), None);
}

#[tokio::test]
async fn a_mount_takes_its_growth_from_the_past_once_that_is_read() {
    let past = PastRead::default();
    let mut reader = MountReader::new(some("/", true)).after(past.clone());
    let first = reader.read().await.unwrap().unwrap();
    assert!(!first.facts.contains_key("growth_per_hour"));
    let Fact::Real(used) = first.facts[USED] else { panic!("{first:?}") };
    let whole = match (&first.facts["avail_bytes"], used) {
        (Fact::Int(avail), used) => *avail as f64 / (1.0 - used),
        other => panic!("{other:?}"),
    };
    // It has grown by a hundredth of the whole each minute.
    let at = |ago: u64| Wall(clock::now().wall.0.checked_sub(Duration::from_secs(ago * 60)).unwrap());
    let figures = (1..=9_u32).rev().map(|ago| Figure::of(at(ago.into()), used - f64::from(ago) / 100.0));
    let of = |target: &str| SeriesId {
        kind: TargetKind::Mount,
        target: target.to_owned(),
        object: None,
        fact: USED.to_owned(),
    };
    past.fill(Arc::new(Past(BTreeMap::from([(of("/"), figures.collect())]))));
    let second = reader.read().await.unwrap().unwrap();
    let Some(Fact::Int(growth)) = second.facts.get("growth_per_hour") else { panic!("{second:?}") };
    let share = *growth as f64 / whole;
    assert!((0.5..0.7).contains(&share), "{share} of the whole an hour");
    assert!(second.detail.contains("%/h"), "{}", second.detail);
}
