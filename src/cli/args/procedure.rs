//! The arguments of the commands that take a procedure.

use crate::cli::switch::Switch;
use clap::Args;

/// A procedure with its parameters.
#[derive(Clone, Debug, Args)]
pub struct Procedure {
    /// The procedure's id, such as common/restart-unit; `midwatch procedures` lists them.
    #[arg(value_name = "PROC")]
    pub procedure: String,
    /// Its parameters.
    #[arg(value_name = "KEY=VALUE", value_parser = key_value)]
    pub params: Vec<(String, String)>,
}

/// `midwatch procedures`.
#[derive(Debug, Args)]
pub struct Procedures {
    /// One procedure's id; or a text that ids and titles must contain.
    #[arg(value_name = "PROC")]
    pub procedure: Option<String>,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// `midwatch plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// What to plan.
    #[command(flatten)]
    pub procedure: Procedure,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// `midwatch print`.
#[derive(Debug, Args)]
pub struct Print {
    /// What to print; parameters that are left out stand open on the page.
    #[command(flatten)]
    pub procedure: Procedure,
}

/// `midwatch rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// What to rehearse.
    #[command(flatten)]
    pub procedure: Procedure,
    /// Print JSON.
    #[arg(long, env = "MIDWATCH_JSON", value_parser = Switch("MIDWATCH_JSON"))]
    pub json: bool,
}

/// Splits `key=value` at the first equals sign.
fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("\"{}\" is not KEY=VALUE", text.escape_debug())),
    }
}
