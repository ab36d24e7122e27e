//! Built-in procedures: the common ones for every estate, packs for those that name them.

use crate::support::estate::Estate;
use midwatch::config::packs::Pack;
use midwatch::procedure::Catalog;
use midwatch::procedure::shipped::{SHIPPED, offered};
use midwatch::runner::adapters::BuiltIn;
use std::fs;

const VACUUM: &str = "[rules.other]\nanytime = [\"novacron/vacuum-table\", \"novacron/checklist\"]\n";

#[test]
fn each_is_in_the_pack_that_its_id_names_and_needs_no_other() {
    for packs in [&[][..], &[Pack::Cell0], &[Pack::NovaCron], &Pack::ALL] {
        let catalog = Catalog::read(None, packs, &BuiltIn::default());
        assert_eq!(catalog.problems(), [], "{packs:?}");
        let ids: Vec<&str> = catalog.procedures().map(|procedure| procedure.id.as_str()).collect();
        assert_eq!(ids.len(), offered(packs).count(), "{packs:?}");
        for id in ids {
            let named = id.split_once('/').unwrap().0;
            assert!(named == "common" || packs.iter().any(|pack| pack.word() == named), "{id}: {packs:?}");
        }
    }
    for shipped in &SHIPPED {
        assert_eq!(shipped.id.split_once('/').unwrap().0, shipped.pack.map_or("common", Pack::word));
        let text = shipped.text.to_lowercase();
        let system = ["novacron", "cell0", "cell 0"].iter().find(|word| text.contains(*word));
        assert!(shipped.pack.is_some() || system.is_none(), "{} names {system:?}", shipped.id);
    }
}

#[test]
fn an_id_that_is_not_offered_says_where_it_is() {
    let estate = Estate::default();
    let pack = "it is in the built-in pack `cell0`: name it in the estate file, packs = [\"cell0\"]";
    for (id, hint) in [
        ("novacron/vacuum-table", "it is `common/vacuum-table` now"),
        ("cell0/checklist", pack),
        ("common/vacum-table", "did you mean common/vacuum-table?"),
    ] {
        estate.midwatch(&["plan", id]).exits(2).prints(hint);
        estate.midwatch(&["run", id]).exits(2).prints(hint);
    }
    // What refers to one says so at its place.
    estate.procedure("own", "", "[[a]]\nuse = \"cell0/health-check\"\nparams = { root = \"/srv\" }\n");
    estate.procedure(
        "other",
        "",
        "[[a]]\ntitle = \"x\"\ncheck = { run = \"novacron/dump-database\", since = \"12h\" }\n",
    );
    fs::write(estate.beside("windows.toml"), format!("schema = 1\n{VACUUM}")).unwrap();
    let printed = estate.midwatch(&["lint"]).exits(2);
    for line in [
        format!("there is no procedure `cell0/health-check` ({pack})"),
        "there is no procedure `novacron/dump-database` (it is `common/dump-database` now)".to_owned(),
        "windows.toml:3:12: there is no procedure `novacron/vacuum-table` (it is `common/vacuum-table` now)".to_owned(),
        "windows.toml:3:37: there is no procedure `novacron/checklist` (it is in the built-in pack `novacron`"
            .to_owned(),
    ] {
        assert!(printed.out.contains(&line), "{line}\n{}", printed.out);
    }
    estate.configure("packs = [\"cell0\", \"novacron\"]\n");
    let text = estate.midwatch(&["lint"]).exits(2).out;
    assert!(!text.contains("health-check") && !text.contains("novacron/checklist"), "{text}");
}

#[test]
fn an_estate_is_offered_the_packs_that_it_names_and_no_other() {
    let estate = Estate::default();
    let completed = |estate: &Estate| estate.midwatch(&["__complete", "--", "run", ""]).exits(0).out;
    let ids = completed(&estate);
    assert!(ids.contains("common/vacuum-table\n") && !ids.contains("cell0/") && !ids.contains("novacron/"), "{ids}");
    estate.configure("packs = [\"novacron\"]\n");
    let ids = completed(&estate);
    assert!(ids.contains("novacron/checklist\n") && !ids.contains("cell0/"), "{ids}");
    // A misspelt one is refused by every command, with its place.
    let file = estate.beside("midwatch.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("novacron", "novacorn")).unwrap();
    let text = format!("{}:4:10: there is no built-in pack `novacorn`", file.display());
    estate.midwatch(&["lint"]).exits(2).prints(&text).prints("did you mean `novacron`?");
    estate.midwatch(&["plan", "common/vacuum-table"]).exits(2).prints(&text);
}
