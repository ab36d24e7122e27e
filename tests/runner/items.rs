//! `midwatch check checklist`: the items of a live checklist as rows.

use super::checklist::{accepted, becomes, estate, hand, skip};
use crate::support::estate::wait_for;
use midwatch::journal::fold::ItemState;
use midwatch::runner::protocol::{Demand, Reply};

#[test]
fn check_gives_the_items_of_the_open_checklist_and_nothing_when_it_is_over() {
    let estate = estate();
    let report = |panes: &[&str], code: i32| -> serde_json::Value {
        let printed = estate.midwatch(&[&["check", "--json"], panes].concat()).exits(code);
        serde_json::from_str(&printed.out).unwrap()
    };
    // None is open: asked for by name it is unknown, else it does not count.
    assert_eq!(report(&["checklist"], 3)["panes"]["checklist"], serde_json::json!([]));
    estate.midwatch(&["check", "checklist"]).exits(3).prints("checklist: none is open");
    let all = estate.midwatch(&["check", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&all.out).unwrap();
    assert_eq!(all["panes"]["checklist"], serde_json::json!([]));

    estate.file("backups/a.gz", "x");
    let run = estate.start_waiting("list");
    becomes(&run, 0, ItemState::Evidence);
    becomes(&run, 3, ItemState::Evidence);
    accepted(&run, 1, skip("not tonight"));
    accepted(&run, 2, hand("seen"));
    let items = report(&["checklist"], 3)["panes"]["checklist"].as_array().unwrap().clone();
    let verdicts: Vec<_> = items.iter().map(|item| item["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["ok", "warn", "warn", "ok", "unknown", "unknown", "unknown"]);
    let claim = &items[2];
    assert_eq!(
        (&claim["target"], &claim["object"], &claim["kind"]),
        (&"test/list".into(), &"Service".into(), &"item".into())
    );
    let facts = &claim["facts"];
    assert_eq!((&facts["phase"], &facts["state"], &facts["note"]), (&"before".into(), &"claim".into(), &"seen".into()));
    assert!(
        facts["by"].is_string()
            && facts["at"].is_string()
            && facts["run"].is_string()
            && claim["observed_at"].is_string()
    );
    assert!(items[4]["facts"].get("note").is_none(), "what is not known is not there");
    assert!(report(&["backups"], 3)["panes"].get("checklist").is_none());

    // Evidence, claims and skips alone are a warning, while the last item is open it is unknown; over, nothing is left.
    assert!(matches!(run.ask(Demand::Abort { undo: false }), Reply::Accepted { .. }));
    wait_for("the end", || run.view().sealed);
    assert_eq!(report(&["checklist"], 3)["panes"]["checklist"], serde_json::json!([]));
}
