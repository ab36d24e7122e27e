//! Mounts of this host against what it says should be mounted, in a mount namespace of the test's own.

use super::check::{all, report, row};
use super::*;
use serde_json::Value;

/// `midwatch check health --json` after a script, in a namespace that has this text for its `/etc/fstab`.
fn check(estate: &Estate, fstab: &str, script: &str) -> Value {
    let table = estate.beside("fstab");
    fs::write(&table, fstab).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec"]);
    command.arg(format!("mount --bind '{}' /etc/fstab\n{script}\nexec \"$0\" check health --json", table.display()));
    command.arg(crate::support::estate::BINARY);
    estate.surround(&mut command);
    let printed = finish(command);
    assert!(printed.err.is_empty(), "{}", printed.err);
    report(&printed)
}

fn of<'a>(report: &'a Value, path: &Path) -> &'a Value {
    row(report, "mount", path.to_str().unwrap(), None)
}

#[test]
fn a_named_path_that_should_be_mounted_and_is_not_is_critical() {
    let estate = Estate::default();
    let places = ["named", "unit", "wanted", "plain"].map(|name| estate.beside(&format!("tree/{name}")));
    let [named, unit, wanted, plain] = &places;
    for place in &places {
        fs::create_dir(place).unwrap();
        // How full this machine's own disk is must not decide.
        let roomy = "disk = { warn = \"99.9%\", critical = \"100%\" }\n";
        let key = if place == wanted { "mount_point = true\n" } else { roomy };
        estate.configure(&format!("[[mount]]\npath = \"{}\"\n{key}", place.display()));
    }
    let fstab =
        format!("/dev/sdb {} ext4 defaults 0 2\n/dev/sdc {} ext4 noauto 0 2\n", named.display(), plain.display());
    let name = finish({
        let mut command = Command::new("systemd-escape");
        command.args(["--path", "--suffix=mount"]).arg(unit);
        command
    });
    let script = format!(
        "mkdir -p /run/systemd; mount -t tmpfs x /run/systemd; mkdir /run/systemd/generator; touch '/run/systemd/generator/{}'",
        name.out.trim()
    );
    let report = check(&estate, &fstab, &script);
    for (place, why) in
        [(named, "/etc/fstab names it"), (unit, ".mount names it"), (wanted, "the estate wants a mount point")]
    {
        let row = of(&report, place);
        let detail = row["detail"].as_str().unwrap();
        assert!(row["verdict"] == "critical" && detail.starts_with("not mounted: ") && detail.contains(why), "{row:#}");
        assert_eq!(row["facts"]["down"], true);
    }
    let row = of(&report, plain);
    let holder = row["facts"]["held_by"].as_str().unwrap();
    assert!(row["detail"].as_str().unwrap().ends_with(&format!("held by {holder}")), "{row:#}");
    assert_ne!(row["verdict"], "critical");
    // Once something is mounted there, all is ok.
    let script = format!("mount -t tmpfs -o size=1m x '{}'", named.display());
    let report = check(&estate, &fstab, &script);
    let row = of(&report, named);
    assert!(row["verdict"] == "ok" && row["facts"].get("held_by").is_none(), "{row:#}");
}

#[test]
fn a_mount_that_the_estate_names_has_one_row_with_its_own_limits() {
    let estate = Estate::default();
    let place = estate.tree("full");
    fs::create_dir(&place).unwrap();
    let at = place.display();
    let script = format!("mount -t tmpfs -o size=1m x '{at}'; head -c 983040 /dev/zero > '{at}/filler'");
    let rows =
        |report: &Value| -> Vec<Value> { all(report).filter(|row| row["target"] == at.to_string()).cloned().collect() };
    let report = check(&estate, "", &script);
    assert_eq!(rows(&report).iter().map(|row| row["verdict"].clone()).collect::<Vec<_>>(), ["critical"]);
    estate.configure(&format!("[[mount]]\npath = \"{at}/\"\ndisk = {{ warn = \"96%\", critical = \"99%\" }}\n"));
    let report = check(&estate, "", &script);
    let found = rows(&report);
    assert_eq!(found.iter().map(|row| row["verdict"].clone()).collect::<Vec<_>>(), ["ok"], "{found:#?}");
    assert_eq!(found[0]["facts"]["configured"], true);
}

#[test]
fn a_file_system_that_turned_read_only_says_so_and_keeps_its_row() {
    let estate = Estate::default();
    let places = ["writable", "image"].map(|name| estate.tree(name));
    let [writable, image] = &places;
    for place in &places {
        fs::create_dir(place).unwrap();
    }
    let mount = |place: &Path| format!("mount -t tmpfs -o size=1m x '{0}'; mount -o remount,ro '{0}'", place.display());
    let script = format!("{}\n{}", mount(writable), mount(image));
    let fstab = format!("x {} tmpfs defaults\nx {} tmpfs ro\n", writable.display(), image.display());
    let report = check(&estate, &fstab, &script);
    let row = of(&report, writable);
    let detail = row["detail"].as_str().unwrap();
    assert!(row["verdict"] == "critical" && detail.starts_with("read-only: /etc/fstab has it writable"), "{row:#}");
    assert_eq!(row["facts"]["read_only"], true);
    // One that is read-only by design has none, unless it is named, and then it is ok.
    assert!(all(&report).all(|row| row["target"] != image.to_str().unwrap()));
    estate.configure(&format!(
        "[[mount]]\npath = \"{}\"\ncritical = false\n[[mount]]\npath = \"{}\"\n",
        writable.display(),
        image.display()
    ));
    let report = check(&estate, &fstab, &script);
    assert_eq!((&of(&report, writable)["verdict"], &of(&report, image)["verdict"]), (&"warn".into(), &"ok".into()));
}

#[tokio::test]
async fn what_was_writable_at_an_earlier_reading_should_be_so() {
    use midwatch::config::estate::Limits;
    use midwatch::domain::{Fact, Verdict};
    use midwatch::probes::Mount;
    use midwatch::probes::mounts::MountReader;
    let disk = crate::support::disk::Disk::mount(1024);
    let path = disk.path().to_owned();
    let mount = Mount { path, limits: Limits::DISK, own: false, mount_point: false, critical: true };
    let mut reader = MountReader::new(mount.clone());
    let seen = reader.read().await.unwrap().unwrap();
    assert_eq!((seen.verdict, &seen.facts["read_only"]), (Verdict::Ok, &Fact::Bool(false)));
    disk.freeze();
    let seen = reader.read().await.unwrap().unwrap();
    assert_eq!((seen.verdict, &seen.facts["read_only"]), (Verdict::Critical, &Fact::Bool(true)));
    assert!(seen.detail.starts_with("read-only: it was writable before"), "{}", seen.detail);
    // Who sees it for the first time takes it as it is.
    assert_eq!(MountReader::new(mount).read().await.unwrap().unwrap().verdict, Verdict::Ok);
}

/// Mounts a mirror of a directory and kills its program, in a namespace of its own.
fn dead(place: &Path) -> String {
    format!(
        "mkdir -p '{0}.source'; bindfs -f '{0}.source' '{0}' & pid=$!\n\
         until grep -q ' {0} ' /proc/self/mountinfo; do sleep 0.02; done\nkill -9 $pid; wait $pid 2>/dev/null || true",
        place.display()
    )
}

#[test]
fn a_mount_whose_program_has_gone_is_critical_where_the_estate_names_it_alone() {
    let estate = Estate::default();
    let place = estate.tree("dead");
    fs::create_dir(&place).unwrap();
    let detail = "the program behind the file system has gone";
    for (verdict, named) in [("warn", false), ("critical", true)] {
        if named {
            estate.configure(&format!("[[mount]]\npath = \"{}\"\n", place.display()));
        }
        let report = check(&estate, "", &dead(&place));
        let row = of(&report, &place);
        assert!(row["verdict"] == verdict && row["detail"].as_str().unwrap().contains(detail), "{row:#}");
        assert_eq!((&row["facts"]["down"], &row["facts"]["configured"]), (&true.into(), &named.into()));
    }
}
