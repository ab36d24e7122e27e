//! Whether the role of `act` could run an undo now; nothing is run.
//!
//! EXPLAIN checks every privilege and runs nothing, for the statements that it takes. Maintenance and definitions
//! need the ownership of their objects. Sources: PostgreSQL 18 manual, EXPLAIN; 5.8 Privileges;
//! `ExecCheckPermissions`.

use crate::domain::EffectClass;
use crate::probes::postgres::connect::act::connect_to_act;
use crate::probes::postgres::connect::{Failure, Session};
use crate::procedure::plan::Action;
use crate::procedure::quote::Quote;
use crate::runner::adapters as common;
use crate::runner::adapters::rehearse::Rehearsed;
use crate::runner::adapters::sql::shape::{Named, Shape, shape};
use crate::runner::adapters::sql::{Ask, Spec, connection, look};
use std::time::Duration;

/// The `lock_timeout`; nothing here needs a conflicting lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The statements that EXPLAIN takes.
const EXPLAINED: [&str; 7] = ["insert", "update", "delete", "merge", "select", "with", "values"];

/// The statements that can be granted to other roles than the owner (MAINTAIN, from PostgreSQL 17 on).
const MAINTAINED: [&str; 5] = ["vacuum", "analyze", "reindex", "cluster", "refresh"];

/// Asks the server over `act`.
pub(in super::super) fn rehearse(undo: &Action, of: &Action) -> Rehearsed {
    let read = common::spec::<Spec>(undo).and_then(|undo| Ok((undo, common::spec::<Spec>(of)?)));
    let (undo_spec, of) = match read {
        Ok(specs) => specs,
        Err(error) => return Rehearsed::Unknown(error.message),
    };
    let Ask::Statement { sql, .. } = &undo_spec.ask else {
        return Rehearsed::Unknown("it is no statement".to_owned());
    };
    let made = match &of.ask {
        Ask::Statement { sql, .. } => shape(sql).named,
        _ => Vec::new(),
    };
    connection::finish(asked(undo, &undo_spec, sql, &made)).unwrap_or_else(|error| Rehearsed::Unknown(error.message))
}

async fn asked(undo: &Action, spec: &Spec, sql: &str, made: &[Named]) -> Rehearsed {
    if sql.contains("{{") {
        return Rehearsed::Unknown("only the run knows its text".to_owned());
    }
    let Some(way) = spec.act.as_ref().or(spec.watch.as_ref().filter(|_| undo.least == EffectClass::Read)) else {
        return Rehearsed::NotPossible(format!("{} has no `act`", spec.target));
    };
    let acting = match connect_to_act(&way.access(), LOCK_TIMEOUT).await {
        Ok(acting) => acting,
        Err(failure) => return of_failure(&failure, "`act` gets no session"),
    };
    let session = acting.session();
    match look::server(session).await {
        Ok(server) if server.standby => {
            return Rehearsed::NotPossible("the server is a standby, which takes no changes".to_owned());
        }
        Ok(_) => {}
        Err(failure) => return Rehearsed::Unknown(failure.reason),
    }
    let shape = shape(sql);
    if EXPLAINED.contains(&shape.word.as_str()) {
        return match session.rows(&format!("EXPLAIN {sql}")).await {
            Ok(_) => Rehearsed::Possible("the server plans it for the role of `act`".to_owned()),
            Err(failure) if failure.code.as_deref() == Some("42P01") && names_made(&shape, made) => {
                Rehearsed::Unknown(format!("the step itself makes what it names: {}", failure.reason))
            }
            Err(failure) => of_failure(&failure, "the server does not plan it"),
        };
    }
    if shape.setting.is_some() {
        return setting(session).await;
    }
    owned(session, &shape, made).await
}

/// A refusal by the server is a no; any other failure is unknown.
fn of_failure(failure: &Failure, what: &str) -> Rehearsed {
    let text = format!("{what}: {}", failure.reason);
    // 42: no such object, no right. 28: no such role, wrong password. 3D: no such database. 25006: read-only.
    let certain = failure
        .code
        .as_deref()
        .is_some_and(|code| ["42", "28", "3D"].iter().any(|class| code.starts_with(class)) || code == "25006");
    if certain { Rehearsed::NotPossible(text) } else { Rehearsed::Unknown(text) }
}

fn names_made(shape: &Shape, made: &[Named]) -> bool {
    shape.named.iter().any(|named| made.contains(named))
}

async fn setting(session: &Session) -> Rehearsed {
    const SUPER: &str = "SELECT rolsuper AS may FROM pg_roles WHERE rolname = current_user";
    match session.row(SUPER).await.map(|line| line.flag("may")) {
        Ok(Some(true)) => Rehearsed::Possible("the role of `act` is a superuser".to_owned()),
        Ok(Some(false)) => Rehearsed::Unknown(
            "the role of `act` is no superuser; whether it was granted this setting is not known".to_owned(),
        ),
        Ok(None) => Rehearsed::Unknown("the server does not report the privileges of the role of `act`".to_owned()),
        Err(failure) => Rehearsed::Unknown(failure.reason),
    }
}

/// Checks the owner of each relation that the statement names.
async fn owned(session: &Session, shape: &Shape, made: &[Named]) -> Rehearsed {
    if shape.named.is_empty() {
        let word = shape.word.to_uppercase();
        return Rehearsed::Unknown(format!("what {word} needs cannot be checked in advance"));
    }
    let mut seen = Vec::new();
    for named in &shape.named {
        let name = shown(named);
        let question = format!(
            "SELECT (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = to_regclass({})) AS may",
            Quote::Literal.quote(&regclass(named))
        );
        match session.row(&question).await.map(|line| line.flag("may")) {
            Ok(Some(true)) => seen.push(name),
            Ok(Some(false)) if MAINTAINED.contains(&shape.word.as_str()) => {
                let why = format!("the role of `act` does not own {name}; whether it may maintain it is not known");
                return Rehearsed::Unknown(why);
            }
            Ok(Some(false)) => return Rehearsed::NotPossible(format!("the role of `act` does not own {name}")),
            Ok(None) if made.contains(named) => {
                return Rehearsed::Unknown(format!("{name} is not there yet; the step itself makes it"));
            }
            Ok(None) => return Rehearsed::NotPossible(format!("{name} is not there")),
            Err(failure) => return Rehearsed::Unknown(failure.reason),
        }
    }
    Rehearsed::Possible(format!("the role of `act` owns {}", seen.join(", ")))
}

/// A name as `to_regclass` reads it.
fn regclass(named: &Named) -> String {
    let quoted = |name: &str| Quote::Ident.quote(name);
    match &named.schema {
        Some(schema) => format!("{}.{}", quoted(schema), quoted(&named.name)),
        None => quoted(&named.name),
    }
}

fn shown(named: &Named) -> String {
    match &named.schema {
        Some(schema) => format!("{schema}.{}", named.name),
        None => named.name.clone(),
    }
}
