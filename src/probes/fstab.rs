//! What this host says should be mounted: `/etc/fstab` (fstab(5)) and the mount units of systemd (systemd.mount(5)).

use crate::probes::mountinfo::unescape;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The table.
const TABLE: &str = "/etc/fstab";

/// Where units lie that an administrator, a program or a generator made; those of packages are not meant for every host.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator", "/usr/local/lib/systemd/system"];

/// The lines of `/etc/fstab`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fstab(Vec<Entry>);

/// One line: where something is to be mounted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    point: PathBuf,
    options: Vec<String>,
}

impl Fstab {
    /// Reads the table; none is an empty one.
    pub(crate) fn read() -> Self {
        Self::parse(&fs::read(TABLE).unwrap_or_default())
    }

    /// `source point kind options dump pass`; the options may be missing, and mean `defaults` then.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let entry = |line: &[u8]| {
            let mut fields = line.split(|byte| byte.is_ascii_whitespace()).filter(|field| !field.is_empty());
            let source = fields.next().filter(|source| !source.starts_with(b"#"))?;
            let point = PathBuf::from(OsString::from_vec(unescape(fields.next()?)));
            let options = String::from_utf8_lossy(fields.nth(1).unwrap_or_default()).into_owned();
            let options = options.split(',').map(str::to_owned).collect();
            (!source.is_empty() && point.is_absolute()).then_some(Entry { point, options })
        };
        Self(text.split(|byte| *byte == b'\n').filter_map(entry).collect())
    }

    /// The last line of a point, for that is mounted on top.
    fn of(&self, point: &Path) -> Option<&Entry> {
        self.0.iter().rev().find(|entry| entry.point == point)
    }

    /// Whether it names this point as one that is mounted when the host starts.
    pub(crate) fn wants(&self, point: &Path) -> bool {
        self.of(point).is_some_and(|entry| !entry.has("noauto"))
    }

    /// Whether it names this point as one that is written to.
    pub(crate) fn wants_writable(&self, point: &Path) -> bool {
        self.of(point).is_some_and(|entry| !entry.has("ro"))
    }
}

impl Entry {
    fn has(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }
}

/// The mount unit of this host that names a point, where there is one.
pub(crate) fn unit_of(point: &Path) -> Option<String> {
    let name = format!("{}.mount", escaped(point));
    UNITS.iter().any(|place| Path::new(place).join(&name).is_file()).then_some(name)
}

/// A path as systemd has it in a unit's name (systemd.unit(5)).
fn escaped(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"/").unwrap_or(bytes);
    if bytes.is_empty() {
        return "-".to_owned();
    }
    let mut name = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if at == 0 => name.push_str("\\x2e"),
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b':' | b'_' | b'.' => name.push(char::from(*byte)),
            other => name.push_str(&format!("\\x{other:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_point_whatever_stands_around_it() {
        let table = b"# /dev/sda1 /no ext4 defaults 0 1\n\n/dev/sda1 / ext4 errors=remount-ro 0 1\n\
            UUID=x\t/srv/two\\040words  xfs\tdefaults,noauto 0 0\nserver:/e /nfs nfs ro,hard\n/dev/sdb /bare ext4\n\
            /dev/sdc none swap sw 0 0\nbroken\n/dev/sdd /again ext4 ro\n/dev/sde /again ext4 rw\n";
        let table = Fstab::parse(table);
        let of = |point: &str| (table.wants(Path::new(point)), table.wants_writable(Path::new(point)));
        assert_eq!(of("/"), (true, true));
        assert_eq!(of("/srv/two words"), (false, true));
        assert_eq!(of("/nfs"), (true, false));
        assert_eq!(of("/bare/"), (true, true));
        assert_eq!(of("/again"), (true, true));
        for none in ["/no", "none", "/srv", "/nfs/below"] {
            assert_eq!(of(none), (false, false), "{none}");
        }
        assert_eq!(Fstab::parse(b""), Fstab::default());
    }

    #[test]
    fn a_path_has_the_name_that_systemd_gives_it() {
        let cases = [
            ("/", "-"),
            ("/srv/data", "srv-data"),
            ("/srv/data/", "srv-data"),
            ("/mnt/a-b c", "mnt-a\\x2db\\x20c"),
            ("/.hidden/.x", "\\x2ehidden-.x"),
            ("/d\u{fc}", "d\\xc3\\xbc"),
        ];
        for (path, name) in cases {
            assert_eq!(escaped(Path::new(path)), name, "{path}");
        }
    }
}
