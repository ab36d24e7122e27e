//! A procedure as a page for a change request.

use crate::support::estate::Estate;
use midwatch::config::packs::Pack;
use std::fs;

const PROCEDURE: &str = r#"
format       = 1
id           = "test/page"
title        = "Clean {{env}}"
purpose      = "Get rid of what is *old*"
owner        = "operations"
reviewed     = 2026-11-21
review_every = "90d"
lock         = ["host"]
root         = "/srv/cell0"
phases       = ["look", "clean", "after"]
[params]
env  = { one_of = ["staging", "production"] }
days = { days = [30, 3650], default = 90 }
[[look]]
title = "There is room"
check = { exec = ["df", "-h", "--", "/srv/cell0"] }
gate  = "soft"
why   = "A full disk fails everything else"
[[clean]]
title  = "Stop the worker"
effect = "change"
takes  = "30s"
do     = { systemd = "stop", unit = "worker.service" }
prove  = { exec = ["test", "-e", "/srv/cell0/stopped"] }
undo   = { systemd = "start", unit = "worker.service" }
[[clean]]
title   = "Delete old sessions"
effect  = "destroy"
takes   = "10s"
timeout = "2m"
do      = { files = "delete", under = "data/sessions", match = "*.json", older = "{{days}}" }
limit   = { share = "40%" }
prove   = { files = "gone" }
undo    = { none = "past retention" }
[[clean]]
title   = "Run the `cleaner`"
effect  = "destroy"
do      = { exec = ["/opt/clean er", "--env={{env}}", "--dir={{run.dir}}"] }
confirm = "four-eyes"
undo    = { none = "gone" }
rerun   = "safe"
[[after]]
title  = "Look at the site"
manual = "Open the site and log in."
sign   = { note = "required" }
[[after]]
notify = "Sessions older than {{days}} d are gone"
"#;

#[test]
fn a_page_lists_every_step_with_its_undo() {
    let estate = Estate::of("production");
    fs::write(estate.beside("procedures/page.toml"), PROCEDURE).unwrap();
    let whole = estate.midwatch(&["print", "test/page", "env=production"]).exits(0);
    insta::assert_snapshot!("page", whole.out);
    assert!(estate.runs().is_empty());
    let open = estate.midwatch(&["print", "test/page"]).exits(0).out;
    assert!(open.contains("asked before step 1; this page shows `<env>`"), "{open}");
    estate.midwatch(&["print", "test/pgae"]).exits(2).prints("did you mean test/page?");
    estate.midwatch(&["print", "test/page", "env=prod"]).exits(2).prints("must be one of staging, production");
}

#[test]
fn every_built_in_procedure_can_be_printed() {
    let estate = Estate::default();
    estate.configure("packs = [\"cell0\", \"novacron\"]\n");
    let catalog = midwatch::procedure::Catalog::read(None, &Pack::ALL, &midwatch::runner::adapters::BuiltIn::default());
    for procedure in catalog.procedures() {
        let page = estate.midwatch(&["print", &procedure.id]);
        let page = page.exits(0);
        assert!(page.out.starts_with("# ") && page.out.contains("### Step 1. "), "{}", page.out);
        assert!(!page.out.contains("zqopen") && !page.out.contains("98765432"), "{}", page.out);
    }
}

#[test]
fn what_is_not_given_stands_by_its_name_and_as_no_value_that_could_be_meant() {
    let estate = Estate::default();
    estate.configure("packs = [\"cell0\"]\n");
    let page = estate.midwatch(&["print", "cell0/archive-logs"]).exits(0).out;
    for line in [
        "- Nothing leaves: `<root>`\n",
        "- `root`: asked before step 1; this page shows `<root>` (an absolute path)\n",
        "Open logs/archive below \\<root\\>: are",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(!page.contains("/root"), "{page}");
    let page = estate.midwatch(&["print", "common/vacuum-table", "table=tasks"]).exits(0).out;
    for line in [
        "# Vacuum \\<schema\\>.tasks\n",
        "`<database>: VACUUM (ANALYZE) \"<schema>\".\"tasks\"`",
        "- Locks: `postgres:<database>`\n",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    // A number within bounds, a word of a list and text of a shape; a step that takes only a real value has one, and the page says so.
    let params = "[params]\ndays = { days = [30, 90] }\nenv = { one_of = [\"staging\", \"production\"] }\nimage = { text = true, match = '^sha256:[0-9a-f]+$' }\ntimes = { int = [2, 9] }\n";
    let steps = "[[look]]\ntitle = \"Look at {{image}} of {{env}}\"\ncheck = { http = \"http://127.0.0.1:1/\", times = \"{{times}}\" }\n\
        [[work]]\ntitle = \"Delete\"\neffect = \"destroy\"\ndo = { files = \"delete\", under = \"x\", match = \"*\", older = \"{{days}}\" }\nundo = { none = \"a test\" }\n";
    estate.procedure("kinds", params, steps);
    let page = estate.midwatch(&["print", "test/kinds"]).exits(0).out;
    for line in [
        "### Step 1. Look at \\<image\\> of \\<env\\>\n",
        "older than <days> d`",
        "- `times`: asked before step 1; this page shows `2` (a whole number from 2 to 9)\n",
        "- `days`: asked before step 1; this page shows `<days>` (30 to 90 days)\n",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn a_page_shows_whole_texts_and_says_what_fills_in_what_is_open() {
    let estate = Estate::default();
    estate
        .configure("[[postgres]]\nname = \"main\"\nwatch = \"host=/nowhere user=w\"\nact = \"host=/nowhere user=a\"\n");
    let steps = "[[look]]\ntitle = \"Bounds\"\nread = { sql = '''SELECT 7 AS low''' }\nsave = \"bound\"\n\
        [[work]]\ntitle = \"Raise\"\neffect = \"change\"\n\
        do = { sql = '''UPDATE public.parts\nSET note = {{run.id|literal}} -- for the record\nWHERE low = {{bound.low|literal}}''' }\n\
        undo = { none = \"a test\" }\n";
    estate.procedure("open", "", steps);
    let page = estate.midwatch(&["print", "test/open"]).exits(0).out;
    for line in [
        "  UPDATE public.parts\n  SET note = <run id> -- for the record\n  WHERE low = <bound.low>\n",
        "- Filled in by the run: `<bound.low>` is what step 1 reads: Bounds\n",
        "- Filled in by the run: `<run id>` is the id that the run gets at its start\n",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(!page.contains("saved:"), "{page}");
}
