//! Finds procedures: those beside the estate file, then those that are built in.

use crate::config;
use crate::config::file::kind_word;
use crate::config::packs::Pack;
use crate::config::patience;
use crate::config::reader::{LARGEST_FILE, Place, Problem, nearest};
use crate::config::shell;
use crate::config::trust::{self, Loose};
use crate::domain::error::system_text;
use crate::domain::{Error, Kind, Row};
use crate::procedure::acts_on::Refusal;
use crate::procedure::adapters::Adapters;
use crate::procedure::header::Procedure;
use crate::procedure::read::{draft, read};
use crate::procedure::{shipped, uses};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawMode, fstat, openat, statat};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// How deep below `procedures` files are looked for.
const DEEPEST: usize = 16;

/// How many files are read at most.
const MOST_FILES: usize = 5000;

/// Sound procedures, by id.
pub type Library = BTreeMap<String, Procedure>;

/// Whether a procedure is one of the program itself.
#[must_use]
pub fn is_built_in(procedure: &Procedure) -> bool {
    shipped::of(procedure).is_some()
}

/// Every procedure that can be launched, and everything wrong with the others.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The sound ones, by id.
    procedures: Library,
    /// What is wrong with the files found.
    problems: Vec<Problem>,
    /// Those that are not sound, as far as they could be read.
    drafts: Vec<Procedure>,
    /// The ids of the files that others can change, which are not used.
    refused: BTreeMap<String, Problem>,
}

impl Catalog {
    /// Reads `procedures/**/*.toml` beside the estate file, then what is built in for every estate and in its packs; where an id
    /// is taken twice, the first found wins and the other is reported.
    #[must_use]
    pub fn read(estate_file: Option<&Path>, packs: &[Pack], adapters: &dyn Adapters) -> Self {
        let mut catalog = Self::default();
        if let Some(directory) = estate_file.and_then(Path::parent) {
            let mut files = Vec::new();
            collect(&directory.join("procedures"), 0, &mut files, &mut catalog.problems);
            for file in files {
                match (text_of(&file), trust::check(&file)) {
                    (Ok(text), Ok(())) => catalog.add(&text, &file, adapters),
                    (Err(why), Err(Loose { odd: Some(_), .. })) => catalog.problems.push(at_start(&file, why)),
                    (text, Err(loose)) => catalog.refuse(text.ok(), &file, &loose, adapters),
                    (Err(why), Ok(())) => catalog.problems.push(at_start(&file, why)),
                }
            }
        }
        for shipped in shipped::offered(packs) {
            catalog.add(shipped.text, Path::new(shipped.file), adapters);
        }
        let Self { procedures, refused, .. } = &mut catalog;
        procedures.retain(|id, procedure| !(is_built_in(procedure) && refused.contains_key(id)));
        catalog.link(adapters);
        let unnamed = catalog.drafts.iter().flat_map(|own| uses::unnamed(own, &catalog.procedures, &catalog.drafts));
        let unnamed: Vec<Problem> = unnamed.collect();
        catalog.problems.extend(unnamed);
        catalog
    }

    /// The same with other files beside them, which can be included and take precedence over those of the same id.
    #[must_use]
    pub fn beside(mut self, files: &[PathBuf], adapters: &dyn Adapters) -> Self {
        for (file, text) in files.iter().filter_map(|file| Some((file, text_of(file).ok()?))) {
            match draft(&text, file, adapters) {
                (Some(procedure), problems) if problems.is_empty() => {
                    self.procedures.insert(procedure.id.clone(), procedure);
                }
                (draft, _) => self.drafts.extend(draft),
            }
        }
        self
    }

    /// Everything wrong with one file, also with what it includes of these procedures.
    pub fn lint(&mut self, text: &str, file: &Path, adapters: &dyn Adapters) -> Vec<Problem> {
        let (procedure, mut problems) = draft(text, file, adapters);
        let Some(procedure) = procedure else { return problems };
        if !problems.is_empty() {
            problems.extend(uses::unnamed(&procedure, &self.procedures, &self.drafts));
            problems.sort_by_key(|problem| problem.place);
            return problems;
        }
        self.procedures.insert(procedure.id.clone(), procedure.clone());
        uses::check(&procedure, adapters, &self.procedures)
    }

    /// Leaves out a file that others can change. Its id stays taken: what is built in under it is another procedure than the one
    /// that the estate means.
    fn refuse(&mut self, text: Option<String>, file: &Path, loose: &Loose, adapters: &dyn Adapters) {
        let message = format!("it is not used: {loose}");
        let problem = Problem { hint: loose.command.clone(), ..at_start(file, message) };
        if let Some(procedure) = text.and_then(|text| read(&text, file, adapters).ok()) {
            self.refused.insert(procedure.id, problem.clone());
        }
        self.problems.push(problem);
    }

    /// Takes out what includes something that is not there, or itself; and then what includes that.
    fn link(&mut self, adapters: &dyn Adapters) {
        loop {
            let includes = |procedure: &&Procedure| procedure.steps.iter().any(|step| step.refers_to_others());
            let checked = self.procedures.values().filter(includes);
            let wrong: Vec<(String, Vec<Problem>)> = checked
                .map(|procedure| (procedure.id.clone(), uses::check(procedure, adapters, &self.procedures)))
                .filter(|(_, problems)| !problems.is_empty())
                .collect();
            if wrong.is_empty() {
                return;
            }
            for (id, problems) in wrong {
                self.procedures.remove(&id);
                self.problems.extend(problems);
            }
        }
    }

    /// The sound procedures, by id.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.procedures
    }

    fn add(&mut self, text: &str, file: &Path, adapters: &dyn Adapters) {
        match draft(text, file, adapters) {
            (Some(procedure), problems) if problems.is_empty() => match self.procedures.get(&procedure.id) {
                Some(first) => {
                    let why = format!("the id `{}` is taken by {}, which is used", procedure.id, first.file.display());
                    self.problems.push(at_start(file, why));
                }
                None => {
                    self.procedures.insert(procedure.id.clone(), procedure);
                }
            },
            (draft, problems) => {
                self.drafts.extend(draft);
                self.problems.extend(problems);
            }
        }
    }

    /// The sound procedures, by id.
    pub fn procedures(&self) -> impl Iterator<Item = &Procedure> {
        self.procedures.values()
    }

    /// What is wrong with the files found.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Finds a procedure by its id.
    ///
    /// # Errors
    /// Of kind usage when there is none, with the nearest id and the files that could not be read.
    pub fn find(&self, id: &str) -> Result<&Procedure, Error> {
        if let Some(procedure) = self.procedures.get(id) {
            return Ok(procedure);
        }
        if let Some(problem) = self.refused.get(id) {
            let (file, why) = (problem.file.display(), &problem.message);
            let error = Error::new(Kind::Usage, format!("cannot use the procedure {id} in {file}: {why}"));
            return Err(problem.hint.iter().fold(error, |error, command| error.hint(command.as_str())));
        }
        let mut error = Error::new(
            Kind::Usage,
            format!("cannot find the procedure \"{}\": there is none of that id", id.escape_debug()),
        );
        let near =
            || nearest(id, self.procedures.keys().map(String::as_str)).map(|near| format!("did you mean {near}?"));
        if let Some(hint) = shipped::whereabouts(id).or_else(near) {
            error = error.hint(hint);
        }
        for problem in self.problems.iter().take(5) {
            error = error.hint(problem.to_string());
        }
        Err(error.hint(format!("{} lists what can be run here", shell::on_estate("procedures"))))
    }

    /// The procedures that act on a row, each with the parameters it takes from it.
    #[must_use]
    pub fn offers(&self, row: &Row) -> Vec<(&Procedure, BTreeMap<String, String>)> {
        self.procedures.values().filter_map(|procedure| Some((procedure, procedure.offer(row).ok()?))).collect()
    }

    /// The procedures that act on rows of this kind and not on this one, each with the reasons of its bindings.
    #[must_use]
    pub fn refusals(&self, row: &Row) -> Vec<(&Procedure, Vec<Refusal>)> {
        let refused = self.procedures.values().filter_map(|procedure| Some((procedure, procedure.offer(row).err()?)));
        refused.filter(|(_, why)| !why.is_empty()).collect()
    }
}

fn at_start(file: &Path, message: String) -> Problem {
    Problem { file: file.to_owned(), place: Place { line: 1, column: 1 }, message, hint: None }
}

/// Collects `*.toml` below a directory, sorted; a directory reached by a symbolic link is not entered.
fn collect(directory: &Path, depth: usize, files: &mut Vec<PathBuf>, problems: &mut Vec<Problem>) {
    let list = || std::fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = match patience::at(directory, list) {
        Ok(entries) => entries,
        Err(cause) if depth == 0 && cause.kind() == std::io::ErrorKind::NotFound => return,
        Err(cause) => {
            return problems.push(at_start(directory, format!("cannot list the directory: {}", system_text(cause))));
        }
    };
    let mut paths: Vec<_> = entries.into_iter().map(|entry| (entry.path(), entry.file_type())).collect();
    paths.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (path, kind) in paths {
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        let is_directory = kind.is_ok_and(|kind| kind.is_dir());
        if is_directory && depth == DEEPEST {
            problems.push(at_start(&path, format!("directories are nested more than {DEEPEST} deep")));
        } else if is_directory {
            collect(&path, depth + 1, files, problems);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            if files.len() == MOST_FILES {
                problems.push(at_start(&path, format!("more than {MOST_FILES} procedures; this one is left out")));
                return;
            }
            files.push(path);
        }
    }
}

fn is_file(mode: RawMode) -> Result<(), String> {
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => Ok(()),
        kind => Err(format!("it is {}, not a file", kind_word(kind))),
    }
}

/// Reads a procedure's file: a regular file of bounded size that is UTF-8. Anything else, a pipe or a device, is
/// never waited for.
///
/// # Errors
/// The reason, in a few words.
pub fn text_of(file: &Path) -> Result<String, String> {
    patience::at(file, || text(file))
}

fn text(file: &Path) -> Result<String, String> {
    // Opening a pipe, a tape or a console can do something by itself: what it is, is asked first.
    let kind =
        statat(CWD, file, AtFlags::empty()).map_err(|cause| format!("cannot open it: {}", system_text(cause)))?;
    is_file(kind.st_mode)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let open =
        openat(CWD, file, flags, Mode::empty()).map_err(|cause| format!("cannot open it: {}", system_text(cause)))?;
    let stat = fstat(&open).map_err(|cause| format!("cannot look at it: {}", system_text(cause)))?;
    is_file(stat.st_mode)?;
    let mut bytes = Vec::new();
    let mut bounded = File::from(open).take(LARGEST_FILE + 1);
    bounded.read_to_end(&mut bytes).map_err(|cause| format!("cannot read it: {}", system_text(cause)))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(format!("it is larger than {}", crate::domain::quantity::bytes(LARGEST_FILE)));
    }
    let text = config::file::text_of(bytes)?;
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(text)
}
