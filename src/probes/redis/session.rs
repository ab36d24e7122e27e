//! A session that asks one Redis what it is told to, for whoever looks or acts step by step.
//!
//! Unlike a reader it holds to the database that is meant, and an error of the server is told with its code. Whatever was sent and
//! not answered may have been done: [`Failure::is_lost`] says so.

use crate::probes::redis::link::{Address, Answer, Link, Trouble};
use crate::probes::redis::{Info, words};
use crate::probes::target::RedisServer;
use std::time::Duration;

/// What a server answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nothing: there is no such key, or a condition did not hold.
    Nil,
    /// A number.
    Int(i64),
    /// Text or bytes.
    Bytes(Vec<u8>),
    /// Several answers.
    Many(Vec<Self>),
    /// An error in the place of one of several answers.
    Failed(Failure),
}

impl Reply {
    /// As text, where it is one; bytes that are no text are replaced.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// As a number that is not negative.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }
}

/// Why something was not answered as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code of the server's error: `READONLY`, `NOPERM`.
    pub code: Option<String>,
    /// In a few words, without any secret.
    pub reason: String,
}

impl Failure {
    /// Whether there was no answer at all: then nobody knows whether it was done.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.code.is_none()
    }
}

/// One signed-in connection.
pub struct Session {
    link: Link,
    user: Option<String>,
    /// The number of the database.
    pub database: i64,
    /// Where it is, without any secret.
    pub place: String,
}

impl Session {
    /// Connects, signs in and takes the database that is meant; each answer may take `patience`.
    ///
    /// # Errors
    /// Why not, without any secret.
    pub async fn open(server: &RedisServer, patience: Duration) -> Result<Self, String> {
        let address = Address::of(&server.entry.url)?;
        let place = address.shown();
        let link = Link::open_as(server, patience, true).await?;
        Ok(Self { link, database: address.database, user: address.user, place })
    }

    /// Sends one command.
    ///
    /// # Errors
    /// What the server says against it, or that it does not answer.
    pub async fn ask<W: AsRef<[u8]>>(&mut self, asked: &[W]) -> Result<Reply, Failure> {
        let asked = owned(asked);
        let name = named(&asked);
        let answer = self.link.send_bytes(&asked).await.map_err(|trouble| self.failure_of(&trouble))?;
        match self.reply(&name, answer) {
            Reply::Failed(failure) => Err(failure),
            reply => Ok(reply),
        }
    }

    /// Sends several commands at once; each has its own answer.
    ///
    /// # Errors
    /// That the server does not answer.
    pub async fn ask_all(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<Vec<Reply>, Failure> {
        self.many(commands, false).await
    }

    /// The same as one transaction: what others do comes before all of them, or after.
    ///
    /// # Errors
    /// That the server refuses the transaction, or does not answer.
    pub async fn ask_whole(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<Vec<Reply>, Failure> {
        self.many(commands, true).await
    }

    async fn many(&mut self, commands: &[Vec<Vec<u8>>], whole: bool) -> Result<Vec<Reply>, Failure> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.link.send_many(commands, whole).await.map_err(|trouble| self.failure_of(&trouble))?;
        if answers.len() != commands.len() {
            return Err(Failure { code: None, reason: "it answers another number of questions".to_owned() });
        }
        let pairs = commands.iter().zip(answers);
        Ok(pairs.map(|(asked, answer)| self.reply(&named(asked), answer)).collect())
    }

    /// What INFO says.
    ///
    /// # Errors
    /// That it is denied, or not answered.
    pub async fn info(&mut self) -> Result<Info, Failure> {
        let reply = self.ask(&["INFO"]).await?;
        let text = reply.text().ok_or_else(|| Failure { code: None, reason: "INFO tells nothing".to_owned() })?;
        Ok(Info::of(&text))
    }

    /// One setting; none where CONFIG is not to be had.
    ///
    /// # Errors
    /// That there is no answer.
    pub async fn config(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let result = self.link.config(name).await;
        result.map_err(|trouble| self.failure_of(&trouble))
    }

    fn failure_of(&self, trouble: &Trouble) -> Failure {
        let code = match trouble {
            Trouble::ErrorReply { code, .. } => Some(code.clone()),
            Trouble::Gone(_) | Trouble::Lost(_) => None,
        };
        Failure { code, reason: words::of(trouble, self.user.as_deref()) }
    }

    fn reply(&self, asked: &str, answer: Answer) -> Reply {
        match answer {
            Answer::Nil => Reply::Nil,
            Answer::Int(number) => Reply::Int(number),
            Answer::Bytes(bytes) => Reply::Bytes(bytes),
            Answer::Many(inner) => Reply::Many(inner.into_iter().map(|answer| self.reply(asked, answer)).collect()),
            Answer::ErrorReply { code, words } => {
                Reply::Failed(self.failure_of(&Trouble::ErrorReply { asked: asked.to_owned(), code, words }))
            }
        }
    }
}

fn owned<W: AsRef<[u8]>>(words: &[W]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_ref().to_vec()).collect()
}

/// A command as it may be named: never with what follows it.
fn named(words: &[Vec<u8>]) -> String {
    words.first().map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default()
}
