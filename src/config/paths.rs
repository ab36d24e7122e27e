//! The paths of files and directories, from the environment of a process, which is given as a value.

use crate::config::patience;
use crate::domain::{Error, Kind};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// The name of the estate file wherever it is looked for.
pub const ESTATE_FILE: &str = "midwatch.toml";

/// What a process was started in: its variables, and the root of the system's own directories.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    variables: BTreeMap<OsString, OsString>,
    root: PathBuf,
}

impl fmt::Debug for Surroundings {
    /// The names of the variables alone: any of their values may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.variables.keys().collect();
        f.debug_struct("Surroundings").field("variables", &names).field("root", &self.root).finish()
    }
}

impl Surroundings {
    /// Takes the variables as they are; the system's directories are those of `/`.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self::below(Path::new("/"), variables)
    }

    /// The same with `etc` and `var/lib` looked for below another root.
    pub fn below(root: &Path, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self { variables: variables.into_iter().collect(), root: root.to_owned() }
    }

    /// A variable's value; one that is set to nothing counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Whether a variable is there, be it set to nothing.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(name))
    }

    /// A variable as a path; a relative one is invalid and counts as unset.
    ///
    /// Source: XDG Base Directory Specification 0.8, "All paths set in these environment variables must be absolute".
    fn directory(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// A base directory of the user: the XDG variable, or its place below the home directory.
    pub(crate) fn user_base(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.directory(variable).or_else(|| Some(self.directory("HOME")?.join(below_home)))
    }

    /// A directory of the system, such as `etc/midwatch`.
    pub(crate) fn system(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }
}

/// The user's directory for what people write; `None` without a home directory.
#[must_use]
pub fn user_config(around: &Surroundings) -> Option<PathBuf> {
    Some(around.user_base("XDG_CONFIG_HOME", ".config")?.join("midwatch"))
}

/// Where an estate file is looked for when none is named, in that order.
#[must_use]
pub fn estate_places(around: &Surroundings) -> Vec<PathBuf> {
    let directories = user_config(around).into_iter().chain([around.system("etc/midwatch")]);
    directories.map(|directory| directory.join(ESTATE_FILE)).collect()
}

/// The estate file that is named, there or not: by an option, or by `$MIDWATCH_CONFIG`.
#[must_use]
pub fn named_estate_file(named: Option<&Path>, around: &Surroundings) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| around.get("MIDWATCH_CONFIG").map(PathBuf::from))
}

/// Whether nothing is at a place for an estate file. What cannot be looked at is not skipped.
#[must_use]
pub fn is_absent(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    patience::at(path, || std::fs::symlink_metadata(path))
        .is_err_and(|cause| matches!(cause.kind(), NotFound | NotADirectory))
}

/// The estate file: the one named by `--config`, by `MIDWATCH_CONFIG`, or the first that exists.
///
/// A file that is named is taken without a look, so that reading it says what is wrong with it; so is one that exists and
/// cannot be looked at. `None` means that nothing is there, and the host is to be discovered.
#[must_use]
pub fn estate_file(named: Option<&Path>, around: &Surroundings) -> Option<PathBuf> {
    named_estate_file(named, around).or_else(|| estate_places(around).into_iter().find(|path| !is_absent(path)))
}

/// Says that no estate file was found, and where it was looked for.
#[must_use]
pub fn no_estate_file(around: &Surroundings) -> String {
    let places: Vec<String> = estate_places(around).iter().map(|path| path.display().to_string()).collect();
    format!("no estate file: looked for {}; --config FILE names another one", places.join(" and "))
}

/// The directories that may hold `themes` or `keymaps` (`kind`) of the user, strongest first: beside the estate file, then
/// the user's own.
#[must_use]
pub fn layer_directories(kind: &str, estate: Option<&Path>, around: &Surroundings) -> Vec<PathBuf> {
    let beside = estate.and_then(Path::parent).map(|directory| directory.join(kind));
    let own = user_config(around).map(|directory| directory.join(kind));
    let mut all: Vec<PathBuf> = beside.into_iter().chain(own).collect();
    all.dedup();
    all
}

/// Says that there is no home directory to keep something in.
pub(crate) fn homeless(doing: &str, variable: &str) -> Error {
    Error::new(Kind::Usage, format!("cannot {doing}: HOME is not set to an absolute path"))
        .hint(format!("set {variable} to a directory of your own"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs;

    /// Surroundings of these variables below a root.
    pub(crate) fn around(root: &Path, variables: &[(&str, &Path)]) -> Surroundings {
        Surroundings::below(root, variables.iter().map(|(name, value)| (name.into(), value.as_os_str().to_owned())))
    }

    fn write(path: &Path) -> PathBuf {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "schema = 1\n").unwrap();
        path.to_owned()
    }

    #[test]
    fn the_estate_file_is_the_strongest_that_is_named_or_exists() {
        let dir = tempfile::tempdir().unwrap();
        let (root, home, xdg) = (dir.path().join("root"), dir.path().join("home"), dir.path().join("xdg"));
        let plain = around(&root, &[("HOME", &home)]);
        assert_eq!(estate_file(None, &plain), None);
        let system = write(&root.join("etc/midwatch/midwatch.toml"));
        assert_eq!(estate_file(None, &plain), Some(system.clone()));
        let own = write(&home.join(".config/midwatch/midwatch.toml"));
        assert_eq!(estate_file(None, &plain), Some(own));
        // An XDG directory without the file leaves the system's.
        let with_xdg = around(&root, &[("HOME", &home), ("XDG_CONFIG_HOME", &xdg)]);
        assert_eq!(estate_file(None, &with_xdg), Some(system.clone()));
        let other = write(&xdg.join("midwatch/midwatch.toml"));
        assert_eq!(estate_file(None, &with_xdg), Some(other));
        let set = around(&root, &[("HOME", &home), ("MIDWATCH_CONFIG", Path::new("not/there.toml"))]);
        assert_eq!(estate_file(None, &set), Some("not/there.toml".into()));
        assert_eq!(estate_file(Some(Path::new("named.toml")), &set), Some("named.toml".into()));
        // Without a home, and with variables that are empty or relative, only the system's is left.
        let poor = around(&root, &[("MIDWATCH_CONFIG", Path::new("")), ("XDG_CONFIG_HOME", Path::new("relative"))]);
        assert_eq!(estate_file(None, &poor), Some(system));
    }

    #[test]
    fn a_dangling_estate_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("home/.config/midwatch");
        fs::create_dir_all(&own).unwrap();
        std::os::unix::fs::symlink("/nowhere", own.join(ESTATE_FILE)).unwrap();
        let found = estate_file(None, &around(dir.path(), &[("HOME", &dir.path().join("home"))]));
        assert_eq!(found, Some(own.join(ESTATE_FILE)));
        // Neither is one that cannot be looked at.
        let circle = dir.path().join("circle");
        std::os::unix::fs::symlink(&circle, &circle).unwrap();
        let found = estate_file(None, &around(dir.path(), &[("XDG_CONFIG_HOME", &circle)]));
        assert_eq!(found, Some(circle.join("midwatch/midwatch.toml")));
    }

    #[test]
    fn layers_lie_beside_the_estate_file_and_in_the_users_directory() {
        let plain = around(Path::new("/"), &[("HOME", Path::new("/home/ada"))]);
        let estate = Path::new("/etc/midwatch/midwatch.toml");
        let expected = [Path::new("/etc/midwatch/themes"), Path::new("/home/ada/.config/midwatch/themes")];
        assert_eq!(layer_directories("themes", Some(estate), &plain), expected);
        let own = Path::new("/home/ada/.config/midwatch/midwatch.toml");
        assert_eq!(layer_directories("themes", Some(own), &plain).len(), 1);
    }
}
