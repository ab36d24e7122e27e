//! Names as the tools in use make them, one case a file: what lies there, on which host, and what the row says.

use super::*;
use crate::probes::backups::series::Stored;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case is.
    what: String,
    pattern: String,
    /// The zone of the host.
    zone: String,
    now: String,
    max_age_h: u64,
    #[serde(default)]
    ended: Vec<String>,
    file: Vec<Entry>,
    expect: Expect,
    /// What a bucket of the same names says, where that is something else.
    objects: Option<Expect>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Also with directories before it: `2026-11-30/main.dump`.
    name: String,
    changed: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    directory: bool,
    /// What it holds, instead of zeros.
    text: Option<String>,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
struct Expect {
    verdict: String,
    detail: String,
    newest: Option<String>,
    at: Option<String>,
    from: Option<String>,
    count: i64,
}

impl Expect {
    fn of(seen: &Observation) -> Self {
        let text = |fact: &str| seen.facts.contains_key(fact).then(|| text(seen, fact));
        let Fact::Int(count) = seen.facts["count"] else { panic!("no count") };
        Self {
            verdict: seen.verdict.word().to_owned(),
            detail: seen.detail.clone(),
            newest: text("newest"),
            at: text("newest_at"),
            from: text("time_from"),
            count,
        }
    }
}

impl Case {
    fn clock(&self) -> Clock {
        Clock { now: unix(&self.now), zone: jiff::tz::TimeZone::get(&self.zone).unwrap() }
    }

    fn target(&self, dir: &Path) -> Backup {
        let max_age = Duration::from_secs(self.max_age_h * 3600);
        Backup { max_age, ended: self.ended.clone(), ..entry(dir, &self.pattern) }
    }

    /// What a directory of these files says.
    fn in_files(&self) -> Expect {
        let dir = tempfile::tempdir().unwrap();
        for file in &self.file {
            let path = dir.path().join(&file.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if file.directory {
                fs::create_dir(&path).unwrap();
                File::create(path.join("data")).unwrap().set_len(file.size).unwrap();
            } else if let Some(text) = &file.text {
                fs::write(&path, text).unwrap();
            } else {
                File::create(&path).unwrap().set_len(file.size).unwrap();
            }
            touch(dir.path(), &file.name, unix(&file.changed));
        }
        // A directory was changed when the last file of it was.
        for (above, _) in self.file.iter().filter_map(|file| file.name.split_once('/')) {
            let is_in = |file: &&Entry| file.name.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
            let last = self.file.iter().filter(is_in).map(|file| unix(&file.changed)).max();
            touch(dir.path(), above, last.unwrap());
        }
        let now = Wall(self.now.parse().unwrap());
        let seen = look(&self.target(dir.path()), &mut Memory::default(), now, &self.clock());
        Expect::of(&seen.unwrap())
    }

    /// What a bucket of the same names says, uploaded when the files were changed.
    fn in_objects(&self) -> Expect {
        let objects = self.file.iter().map(|file| Stored {
            name: file.name.clone().into(),
            size: file.text.as_ref().map_or(file.size, |text| text.len() as u64),
            changed: unix(&file.changed),
        });
        let series = series::of_objects(objects, &self.pattern, &self.clock());
        let place = Path::new("s3://bucket");
        let now = Wall(self.now.parse().unwrap());
        Expect::of(&lines::judge(&self.target(place), place, &series, &mut |_| None, now))
    }
}

#[test]
fn every_case_is_read_as_it_says() {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/backups");
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for file in fs::read_dir(&place).unwrap() {
        let path = file.unwrap().path();
        let case: Case =
            toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        let name = format!("{}: {}", path.file_stem().unwrap().display(), case.what);
        cases += 1;
        let found = case.in_files();
        if found != case.expect {
            wrong.push(format!("{name}\n  expected {:?}\n  files    {found:?}", case.expect));
        }
        // A bucket holds no directories, and no checksum is read in one.
        let is_of_files = |file: &Entry| file.directory || file.text.is_some() || file.name.contains('/');
        if case.objects.is_none() && case.file.iter().any(is_of_files) {
            continue;
        }
        let (expected, found) = (case.objects.as_ref().unwrap_or(&case.expect), case.in_objects());
        if found != *expected {
            wrong.push(format!("{name}\n  expected {expected:?}\n  objects  {found:?}"));
        }
    }
    assert!(cases >= 120, "only {cases} cases in {}", place.display());
    assert!(wrong.is_empty(), "{} of {cases} cases are wrong\n{}", wrong.len(), wrong.join("\n"));
}
