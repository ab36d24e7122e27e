//! The README: short, with links that lead somewhere and examples that the program takes as they are.

use crate::support::estate::Estate;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The pages in Markdown: those at the root and all below `docs`.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join("docs")];
    found.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => waiting.push(path),
                Some(extension) if extension == "md" => found.push(path),
                _ => {}
            }
        }
    }
    found
}

/// What stands between ```` ```toml ```` and the end of the block, in order.
fn examples(page: &str) -> Vec<&str> {
    page.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}

#[test]
fn the_readme_is_one_page_and_starts_with_pictures() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 200, "{} lines", readme.lines().count());
    for heading in ["Install", "First estate", "First procedure", "Keys", "Limits"] {
        assert!(readme.contains(&format!("\n## {heading}\n")), "{heading}");
    }
}

#[test]
fn every_link_between_pages_leads_to_a_file() {
    let mut links = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("http") || target.starts_with('#') {
                continue;
            }
            let file = target.split('#').next().unwrap();
            assert!(page.parent().unwrap().join(file).exists(), "{}: {target}", page.display());
            links += 1;
        }
    }
    assert!(links > 20, "{links} links were looked at");
}

#[test]
fn the_first_estate_and_procedure_of_the_readme_pass_lint_and_can_be_planned() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let [estate, windows, procedure] = examples(&readme)[..] else { panic!("the README has three examples") };
    let place = Estate::default();
    for (name, text) in
        [("midwatch.toml", estate), ("windows.toml", windows), ("procedures/old-sessions.toml", procedure)]
    {
        fs::write(place.beside(name), text).unwrap();
    }
    place.midwatch(&["lint", "--strict"]).exits(0).prints("1 procedure of yours");
    // No window is open at most times, and then the plan says so after its steps.
    let planned = place.midwatch(&["plan", "shop/old-sessions"]);
    assert!(planned.out.contains("Archive sessions older than 90 days"), "{}", planned.out);
}
