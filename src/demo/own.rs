//! The demo's own copies of the procedures of the pack `cell0`. The pack is for a host with a gateway on port 8080; here the gateway has
//! another port each time, so the copies name that one, and a procedure that is begun as it is offered goes through.

use crate::config::packs::Pack;
use crate::demo::build;
use crate::demo::services::Served;
use crate::domain::Wall;
use crate::domain::error::{Error, Result};
use crate::procedure::shipped::SHIPPED;
use std::fs;
use std::path::Path;

/// The service that the pack's procedures ask.
const GATEWAY: &str = "cell0-gateway";
/// Where the pack looks for it.
const BUILT_IN: &str = "\"http://127.0.0.1:8080/health\"";
/// What is not copied: the demo has a checklist of its own.
const CHECKLIST: &str = "cell0/checklist";

/// Writes the copies below a directory, as of `now`.
///
/// # Errors
/// When a file cannot be written.
pub fn build(dir: &Path, now: Wall, services: &[Served]) -> Result<()> {
    let place = dir.join("procedures/cell0");
    fs::create_dir_all(&place).map_err(|cause| Error::machine(format_args!("make {}", place.display()), cause))?;
    let gateway = services.iter().find(|service| service.name == GATEWAY);
    let url = gateway.map(|service| toml::Value::String(service.url.clone()).to_string());
    for shipped in SHIPPED.iter().filter(|shipped| shipped.pack == Some(Pack::Cell0) && shipped.id != CHECKLIST) {
        let text = url.as_ref().map_or_else(|| shipped.text.to_owned(), |url| shipped.text.replace(BUILT_IN, url));
        build::write(&dir.join("procedures").join(format!("{}.toml", shipped.id)), text.as_bytes(), now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedure::Catalog;
    use crate::runner::adapters::BuiltIn;

    #[test]
    fn the_health_check_asks_the_gateway_of_the_demo() {
        let dir = tempfile::tempdir().unwrap();
        let gateway = Served { name: GATEWAY.into(), url: "http://127.0.0.1:54321/health".into() };
        build(dir.path(), Wall::from_unix(1_795_315_200, 0), &[gateway]).unwrap();
        let catalog = Catalog::read(Some(&dir.path().join("midwatch.toml")), &[Pack::NovaCron], &BuiltIn::default());
        assert!(catalog.problems().is_empty(), "{:?}", catalog.problems());
        for id in ["cell0/archive-logs", "cell0/data-retention"] {
            assert!(catalog.find(id).is_ok(), "{id}");
        }
        let check = catalog.find("cell0/health-check").unwrap();
        let url = check.params.iter().find(|param| param.name == "url").unwrap();
        assert_eq!(format!("{:?}", url.default).matches("http://127.0.0.1:54321/health").count(), 1, "{url:?}");
    }
}
