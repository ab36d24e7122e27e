//! The pictures in `screenshots/` are what the console draws now.

use midwatch::demo::screenshots::all;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn screenshots_are_up_to_date() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let mut expected = BTreeSet::new();
    for (name, text, svg) in all().unwrap() {
        for (file, drawn) in [(format!("{name}.txt"), text), (format!("{name}.svg"), svg)] {
            let kept = std::fs::read_to_string(dir.join(&file)).unwrap_or_default();
            assert!(kept == drawn, "{file} is out of date: run `just screenshots` and look at the difference");
            expected.insert(file);
        }
    }
    let found: BTreeSet<String> =
        dir.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, expected, "a picture that nothing draws any more");
}
