//! `sql`: one statement on one PostgreSQL database, classified by a parser.

pub mod classify;
