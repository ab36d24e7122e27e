//! The processors, which the estate's own limits judge and nothing else.

use super::check::{all, report, row};
use super::*;

#[test]
fn the_processors_are_judged_where_the_estate_says_so_and_nowhere_else() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("midwatch.toml");
    for (thresholds, judged) in [("", false), ("[thresholds]\ncpu = { warn = \"1%\", critical = \"100%\" }\n", true)] {
        fs::write(&file, format!("schema = 1\nname = \"e\"\nenvironment = \"other\"\n{thresholds}")).unwrap();
        let mut command = Command::new(crate::support::estate::BINARY);
        command.args(["check", "health", "--json", "--config"]).arg(&file).env_clear();
        let report = report(&finish(command));
        let cpu = row(&report, "host", "cpu", None);
        assert_eq!(cpu["facts"]["warn_ratio"].is_number(), judged, "{cpu:#}");
        match judged {
            true => {
                assert!(cpu["facts"]["interval_s"].as_f64().unwrap() >= 1.0 && cpu["verdict"] != "unknown", "{cpu:#}");
            }
            false => assert_eq!(cpu["verdict"], "ok", "{cpu:#}"),
        }
        assert!(all(&report).all(|row| row["stale"] == false), "{report:#}");
    }
}
