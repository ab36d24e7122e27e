//! The procedures of the program itself: `common` ones for every estate, and packs for those that name them.

use crate::config::packs::Pack;
use crate::procedure::header::Procedure;
use std::path::Path;

/// A procedure of the program itself.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// The pack that it is in; `None` where every estate has it.
    pub pack: Option<Pack>,
    /// Its id.
    pub id: &'static str,
    /// The name in place of its file.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! shipped {
    ($pack:expr, $id:literal) => {
        Shipped {
            pack: $pack,
            id: $id,
            file: concat!("<built-in>/", $id, ".toml"),
            text: include_str!(concat!("../../procedures/", $id, ".toml")),
        }
    };
}

const CELL0: Option<Pack> = Some(Pack::Cell0);
const NOVACRON: Option<Pack> = Some(Pack::NovaCron);

/// All of them.
pub const SHIPPED: [Shipped; 15] = [
    shipped!(None, "common/delete-old-backups"),
    shipped!(None, "common/dump-database"),
    shipped!(None, "common/emergency"),
    shipped!(None, "common/reindex-index"),
    shipped!(None, "common/restart-unit"),
    shipped!(None, "common/vacuum-table"),
    shipped!(None, "common/verify-backup"),
    shipped!(None, "common/verify-newest-backup"),
    shipped!(CELL0, "cell0/archive-logs"),
    shipped!(CELL0, "cell0/checklist"),
    shipped!(CELL0, "cell0/data-retention"),
    shipped!(CELL0, "cell0/health-check"),
    shipped!(NOVACRON, "novacron/checklist"),
    shipped!(NOVACRON, "novacron/drain-queue"),
    shipped!(NOVACRON, "novacron/pre-maintenance"),
];

/// Ids that were others before, each with what it is now.
const RENAMED: [(&str, &str); 8] = [
    ("cell0/delete-old-backups", "common/delete-old-backups"),
    ("cell0/emergency", "common/emergency"),
    ("cell0/restart-unit", "common/restart-unit"),
    ("cell0/verify-backup", "common/verify-backup"),
    ("cell0/verify-newest-backup", "common/verify-newest-backup"),
    ("novacron/dump-database", "common/dump-database"),
    ("novacron/reindex-index", "common/reindex-index"),
    ("novacron/vacuum-table", "common/vacuum-table"),
];

/// Those that an estate with these packs is offered.
pub fn offered(packs: &[Pack]) -> impl Iterator<Item = &'static Shipped> + '_ {
    SHIPPED.iter().filter(|shipped| shipped.pack.is_none_or(|pack| packs.contains(&pack)))
}

/// The one that a procedure is, where it is one of the program itself.
#[must_use]
pub fn of(procedure: &Procedure) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| procedure.file == Path::new(shipped.file))
}

/// The id that a built-in procedure has now, where it had another one before.
#[must_use]
pub fn renamed(id: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(before, _)| *before == id).map(|(_, now)| *now)
}

/// Why an id that is not offered is missing, as far as the program itself knows: it is another one now, or in a pack that the
/// estate does not name.
#[must_use]
pub fn whereabouts(id: &str) -> Option<String> {
    if let Some(now) = renamed(id) {
        return Some(format!("it is `{now}` now"));
    }
    let pack = SHIPPED.iter().find(|shipped| shipped.id == id)?.pack?;
    Some(format!("it is in the built-in pack `{pack}`: name it in the estate file, packs = [\"{pack}\"]"))
}
