//! The mount table: `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`), and which of its mounts are worth a row.

use crate::probes::fstab::Fstab;
use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The mount's number.
    pub id: u32,
    /// The number of the mount it is mounted on.
    pub parent: u32,
    /// The device, `major:minor`; all mounts of one file system share it.
    pub device: String,
    /// The directory of the file system that is visible here; not `/` for a bind mount of a part.
    pub root: PathBuf,
    /// Where it is mounted.
    pub point: PathBuf,
    /// Whether this mount or its file system is read-only.
    pub read_only: bool,
    /// Whether the file system has turned read-only by itself, below a mount that is not: `errors=remount-ro` (ext4(5)).
    pub turned: bool,
    /// The file system's type.
    pub fs: String,
    /// The file system's source: a device, a server's export, or a word; outside bytes.
    pub source: String,
}

/// Kinds that hold no data of anybody, or (`autofs`) that a look would mount.
const PSEUDO: [&str; 31] = [
    "autofs",
    "binder",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fuse.vmware-vmblock",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfsd",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "resctrl",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sysfs",
    "tracefs",
];
/// Kinds that are images: always full, by design.
const IMAGES: [&str; 11] = [
    "cramfs",
    "erofs",
    "fuse.dwarfs",
    "fuse.erofsfuse",
    "fuse.fuseiso",
    "fuse.snapfuse",
    "fuse.squashfuse",
    "fuse.squashfuse_ll",
    "iso9660",
    "squashfs",
    "udf",
];
/// Kinds on disks that are written to, and that turn read-only where they are damaged.
const WRITABLE: [&str; 11] =
    ["btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "ntfs3", "reiserfs", "vfat"];
/// Where a `tmpfs` is plumbing.
const PLUMBING: [&str; 7] =
    ["/run", "/dev", "/sys", "/proc", "/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet"];
/// Files that a container runtime mounts one by one from its own disk.
const CONTAINER_FILES: [&str; 4] = ["/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/dev/termination-log"];

/// Reads the table's text.
///
/// # Errors
/// Which line is not as the manual has it; a table without lines is an error too.
pub fn parse(table: &[u8]) -> Result<Vec<Mounted>, String> {
    let mut mounts = Vec::new();
    for (number, line) in table.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        mounts.push(parse_line(line).ok_or_else(|| format!("line {} of the mount table cannot be read", number + 1))?);
    }
    if mounts.is_empty() { Err("the mount table is empty".to_owned()) } else { Ok(mounts) }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw`, with any number of fields before the dash.
fn parse_line(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|byte| *byte == b' ');
    let text = |field: &[u8]| String::from_utf8_lossy(&unescape(field)).into_owned();
    let path = |field: &[u8]| PathBuf::from(OsString::from_vec(unescape(field)));
    let id = text(fields.next()?).parse().ok()?;
    let parent = text(fields.next()?).parse().ok()?;
    let device = text(fields.next()?);
    let root = path(fields.next()?);
    let point = path(fields.next()?);
    let options = fields.next()?;
    fields.find(|field| *field == b"-")?;
    let fs = text(fields.next()?);
    let source = text(fields.next()?);
    let super_options = fields.next()?;
    let has = |options: &[u8], word: &[u8]| options.split(|byte| *byte == b',').any(|option| option == word);
    let is_emergency = has(super_options, b"emergency_ro");
    let read_only = has(options, b"ro") || has(super_options, b"ro") || is_emergency;
    let turns = WRITABLE.contains(&fs.as_str());
    let turned = turns && (is_emergency || (has(super_options, b"ro") && !has(options, b"ro")));
    point.is_absolute().then_some(Mounted { id, parent, device, root, point, read_only, turned, fs, source })
}

/// Turns `\040` into a space, and so on; the kernel writes space, tab, newline, backslash and hash so.
pub(crate) fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        let octal = after.split_first_chunk::<3>().filter(|_| *byte == b'\\').and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
            Some((u8::from_str_radix(digits, 8).ok()?, after))
        });
        let (byte, after) = octal.unwrap_or((*byte, after));
        out.push(byte);
        rest = after;
    }
    out
}

/// The mount that a path lies in, by the tree of mounts: one mounted over another hides what lies below it.
#[must_use]
pub fn holding<'a>(mounts: &'a [Mounted], path: &Path) -> Option<&'a Mounted> {
    let ids: HashSet<u32> = mounts.iter().map(|mount| mount.id).collect();
    let mut current: Option<&Mounted> = None;
    // Every step goes one mount deeper, so there are at most as many as mounts.
    for _ in mounts {
        let below = |mount: &&Mounted| {
            let is_child = match current {
                Some(current) => mount.parent == current.id && mount.id != current.id,
                None => mount.parent == mount.id || !ids.contains(&mount.parent),
            };
            is_child && path.starts_with(&mount.point)
        };
        match mounts.iter().filter(below).min_by_key(|mount| mount.point.as_os_str().len()) {
            Some(next) => current = Some(next),
            None => break,
        }
    }
    current
}

impl Mounted {
    /// Whether it is read-only although it was mounted to be written to, or the table of this host wants it so.
    pub(crate) fn is_wrongly_read_only(&self, fstab: &Fstab) -> bool {
        self.read_only && (self.turned || (!IMAGES.contains(&self.fs.as_str()) && fstab.wants_writable(&self.point)))
    }
}

/// The mounts that get a row each: visible, real, and each file system once, at its highest and shortest place.
#[must_use]
pub(crate) fn shown<'a>(mounts: &'a [Mounted], fstab: &Fstab) -> Vec<&'a Mounted> {
    let visible = |mount: &&Mounted| holding(mounts, &mount.point).is_some_and(|top| top.id == mount.id);
    let mut real: Vec<&Mounted> = mounts.iter().filter(|mount| is_real(mount, fstab)).filter(visible).collect();
    real.sort_by_key(|mount| (mount.root != Path::new("/"), mount.point.as_os_str().len(), mount.id));
    let mut seen = HashSet::new();
    real.retain(|mount| seen.insert(mount.device.as_str()));
    real.sort_by(|a, b| a.point.cmp(&b.point));
    real
}

fn is_real(mount: &Mounted, fstab: &Fstab) -> bool {
    // What is an image, and always full, is read-only by design.
    let is_image = mount.read_only && !mount.is_wrongly_read_only(fstab);
    let fs = mount.fs.as_str();
    let plumbing = || PLUMBING.iter().any(|place| mount.point.starts_with(place));
    if CONTAINER_FILES.iter().any(|file| mount.point == Path::new(file)) {
        return false;
    }
    match fs {
        "tmpfs" => !is_image && !plumbing(),
        // Its figures are those of the file system below it, except for a container, which sees nothing else.
        "overlay" | "aufs" => mount.point == Path::new("/"),
        _ if PSEUDO.contains(&fs) || IMAGES.contains(&fs) => false,
        // An AppImage serves its own contents; the kind is called after its file.
        _ if fs.starts_with("fuse.") && fs.to_ascii_lowercase().ends_with(".appimage") => false,
        _ if is_image && mount.source.starts_with("/dev/loop") => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw
25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:50 / /tmp rw - tmpfs tmpfs rw
41 27 254:0 /srv/data /srv/bind rw - ext4 /dev/vda rw
42 27 8:17 / /mnt/two\\040words\\011and\\134more rw master:1 propagate_from:2 - xfs /dev/sd\\040b rw
43 27 0:60 / /home rw - autofs systemd-1 rw,fd=1
44 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
45 27 7:2 / /mnt/image ro - ext4 /dev/loop2 ro
46 27 0:61 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
47 27 0:62 / /mnt/nfs rw - nfs4 server:/export rw
48 27 0:63 / /auto rw - autofs systemd-1 rw
49 48 0:64 / /auto rw - nfs4 server:/auto rw
50 27 8:33 / /mnt/over/below rw - ext4 /dev/sdc1 rw
51 27 8:49 / /mnt/over rw - ext4 /dev/sdd1 rw
52 27 0:65 / /tiny ro - tmpfs tmpfs ro
53 27 0:66 / /empty/source rw - tmpfs  rw
";

    fn points(mounts: &[&Mounted]) -> Vec<String> {
        mounts.iter().map(|mount| mount.point.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn only_real_mounts_are_shown_and_each_file_system_once() {
        let mounts = parse(TABLE).unwrap();
        let expected = ["/", "/auto", "/empty/source", "/mnt/nfs", "/mnt/over", "/mnt/two words\tand\\more", "/tmp"];
        assert_eq!(points(&shown(&mounts, &Fstab::default())), expected);
    }

    /// What is shown of a table of the corpus against what is expected; a line each.
    fn differs(path: &Path) -> Option<String> {
        let table = std::fs::read(path).unwrap();
        let expected = std::fs::read_to_string(path.with_extension("expected")).unwrap();
        let seen = match parse(&table) {
            Ok(mounts) => points(&shown(&mounts, &Fstab::default())).join("\n"),
            Err(why) => format!("error: {why}"),
        };
        (seen.trim_end() != expected.trim_end()).then(|| format!("{}:\n{seen}", path.display()))
    }

    #[test]
    fn every_mount_table_of_the_corpus_has_its_rows() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mounts");
        let mut cases: Vec<PathBuf> = std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        cases.retain(|path| path.extension().is_some_and(|kind| kind == "mountinfo"));
        cases.sort();
        assert!(cases.len() > 15, "{}", cases.len());
        let wrong: Vec<String> = cases.iter().filter_map(|path| differs(path)).collect();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    #[test]
    fn a_path_lies_in_the_mount_that_is_on_top_there() {
        let mounts = parse(TABLE).unwrap();
        let cases = [
            ("/srv/cell0", 27),
            ("/srv/bind/x", 41),
            ("/srv/binder", 27),
            ("/home/somebody", 43),
            ("/auto/x", 49),
            ("/mnt/over/below/x", 51),
            ("/dev/shm", 25),
        ];
        for (path, id) in cases {
            assert_eq!(holding(&mounts, Path::new(path)).unwrap().id, id, "{path}");
        }
        assert!(holding(&[], Path::new("/")).is_none());
    }

    #[test]
    fn escapes_are_decoded_and_broken_ones_stay() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"/a\\040b", b"/a b"),
            (b"/a\\012b", b"/a\nb"),
            (b"/a\\134040", b"/a\\040"),
            (b"/a\\04", b"/a\\04"),
            (b"/a\\999", b"/a\\999"),
            (b"/\\377", b"/\xff"),
        ];
        for (given, expected) in cases {
            assert_eq!(unescape(given), expected);
        }
    }

    #[test]
    fn a_table_that_cannot_be_read_is_an_error() {
        for bad in [&b""[..], b"\n", b"x y z", b"1 2 0:1 / / rw ext4 /dev/vda rw", b"1 2 0:1 / rel rw - ext4 d rw"] {
            assert!(parse(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
        let broken = [TABLE, b"54 27 0:67 / /x rw - tmpfs\n"].concat();
        assert_eq!(parse(&broken).unwrap_err(), "line 19 of the mount table cannot be read");
    }
}
