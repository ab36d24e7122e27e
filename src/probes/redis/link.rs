//! One connection to a Redis: where it is, how it begins, and what is asked over it.

use crate::config::secrets::Secret;
use crate::domain::Loss;
use crate::probes::blocking::run_blocking_within;
use crate::probes::contact::Connection;
use crate::probes::redis::begin::{connect, greet, why_closed};
use crate::probes::redis::words::{self, Plain};
use crate::probes::target::RedisServer;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError, Value};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

/// How long connecting may take, how long the begin of TLS after that, and how long one answer.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// How we call ourselves, for CLIENT LIST.
const NAME: &str = "midwatch";

/// Where a server is and as whom it is asked.
pub(super) struct Address {
    place: Place,
    /// The user; the default one where there is none.
    pub(super) user: Option<String>,
    password: Option<String>,
    pub(super) database: i64,
}

#[derive(Clone)]
pub(super) enum Place {
    Tcp { host: String, port: u16, tls: bool },
    Unix(PathBuf),
}

impl Address {
    /// Reads a URL; what is wrong with it is said without it, because a password may be in it.
    pub(super) fn of(url: &str) -> Result<Self, String> {
        let known = url.into_connection_info().map_err(|_| "not the URL of a Redis".to_owned())?;
        let place = match known.addr().clone() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp { host, port, tls: false },
            ConnectionAddr::TcpTls { host, port, insecure: false, .. } => Place::Tcp { host, port, tls: true },
            ConnectionAddr::Unix(path) => Place::Unix(path),
            _ => return Err("an unverified TLS connection is not made: name a `ca` instead".to_owned()),
        };
        let settings = known.redis_settings();
        settings.password().into_iter().map(Secret::new).for_each(drop);
        Ok(Self {
            place,
            user: settings.username().map(str::to_owned),
            password: settings.password().map(str::to_owned),
            database: settings.db(),
        })
    }

    /// The URL as it may be shown: with the user, without a password.
    pub(super) fn shown(&self) -> String {
        let user = self.user.as_deref().unwrap_or_default();
        match &self.place {
            Place::Tcp { host, port, tls } => {
                let scheme = if *tls { "rediss" } else { "redis" };
                let at = if user.is_empty() { "" } else { "@" };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                format!("{scheme}://{user}{at}{host}:{port}/{}", self.database)
            }
            Place::Unix(path) => {
                let mut query = Vec::new();
                if self.database != 0 {
                    query.push(format!("db={}", self.database));
                }
                if !user.is_empty() {
                    query.push(format!("user={user}"));
                }
                let mark = if query.is_empty() { "" } else { "?" };
                format!("unix://{}{mark}{}", path.display(), query.join("&"))
            }
        }
    }
}

/// Why an answer was not had.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The connection ended.
    Gone(Loss),
    /// No answer in time, or one that is not Redis's.
    Lost(String),
    /// An error that the server answered: its code and the words behind it.
    ErrorReply { asked: String, code: String, words: String },
}

/// A connection that is signed in.
pub(super) struct Link {
    connection: MultiplexedConnection,
    driver: AbortHandle,
    made: Connection,
    /// Whether CONFIG was refused: it is not asked for again, because every refusal stands in the server's ACL log.
    no_config: bool,
    /// How long one answer may take.
    patience: Duration,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What a connection runs over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

impl Link {
    /// Connects and signs in.
    ///
    /// # Errors
    /// Why not, without any secret.
    pub(super) async fn open(server: &RedisServer) -> Result<Self, Loss> {
        Self::open_as(server, ANSWER, false).await
    }

    /// Becomes a newer connection to the same server; a CONFIG that was refused is not asked for again.
    pub(super) fn become_new(&mut self, mut new: Self) {
        new.no_config = self.no_config;
        *self = new;
    }

    /// The same with a patience of its own. `strict` takes nothing but the database that is meant.
    ///
    /// # Errors
    /// Why not, without any secret.
    pub(super) async fn open_as(server: &RedisServer, patience: Duration, strict: bool) -> Result<Self, Loss> {
        let mut address = Address::of(&server.entry.url)?;
        if let Some(name) = server.entry.password.clone() {
            let (secrets, around) = (server.secrets.clone(), server.around.clone());
            let own = name.clone();
            let read = move || secrets.read(&own, &around);
            let secret = run_blocking_within(CONNECT, "redis secret", format!("redis secret {name}"), read).await?;
            address.password = Some(secret.expose().to_owned());
        }
        let mut stream = connect(&address.place, server.entry.ca.clone()).await?;
        let describe = |trouble: Trouble| words::loss(&trouble, address.user.as_deref());
        match greet(&mut stream).await {
            Err(Trouble::Gone(why)) => return Err(why_closed(&address.place, why).await),
            greeted => greeted.map_err(describe)?,
        }
        let quiet = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(patience));
        let made = MultiplexedConnection::new_with_config(&quiet, stream, config).await;
        let (connection, driving) = made.map_err(|error| describe(trouble("connecting", &error, patience)))?;
        let driver = tokio::spawn(driving).abort_handle();
        let made = Connection::made("redis", address.shown());
        let mut link = Self { connection, driver, made, no_config: false, patience };
        link.sign_in(&address, strict).await.map_err(describe)?;
        Ok(link)
    }

    /// What an error of the client means; a connection that ended is logged as lost.
    fn trouble(&mut self, asked: &str, error: &RedisError) -> Trouble {
        let trouble = trouble(asked, error, self.patience);
        match &trouble {
            Trouble::Gone(loss) => self.made.lose(loss.why()),
            Trouble::Lost(why) => self.made.lose(why),
            Trouble::ErrorReply { .. } => {}
        }
        trouble
    }

    async fn sign_in(&mut self, address: &Address, strict: bool) -> Result<(), Trouble> {
        let password = address.password.as_deref();
        let signed = match (address.user.as_deref(), password) {
            (Some(user), password) => self.ask(&["AUTH", user, password.unwrap_or_default()]).await,
            (None, Some(password)) => self.ask(&["AUTH", password]).await,
            (None, None) => Ok(String::new()),
        };
        match signed {
            // A server without the command repeats what followed it.
            Err(Trouble::ErrorReply { asked, code, words }) if Plain::of(&code, &words) == Some(Plain::NoCommand) => {
                return Err(Trouble::ErrorReply { asked, code, words: "unknown command".to_owned() });
            }
            // A user was named, and no password: the empty one serves only for a user without any.
            Err(Trouble::ErrorReply { asked, code, words })
                if password.is_none() && words::is_of_password(&code, &words) =>
            {
                return Err(Trouble::ErrorReply { asked, code: words::NO_PASSWORD.to_owned(), words });
            }
            Err(trouble) => return Err(trouble),
            Ok(_) => {}
        }
        for asked in [&["CLIENT", "SETNAME", NAME][..], &["SELECT", &address.database.to_string()]] {
            if asked.first() == Some(&"SELECT") && address.database == 0 {
                continue;
            }
            match self.ask(asked).await {
                Err(trouble) if strict && asked.first() == Some(&"SELECT") => return Err(trouble),
                // Neither a name nor a chosen database is needed for what is read.
                Err(Trouble::ErrorReply { code, .. }) if code == "NOPERM" => {}
                Err(Trouble::ErrorReply { code, words, .. }) if Plain::of(&code, &words) == Some(Plain::NoCommand) => {}
                // It is told by the first question that matters, with its own words.
                Err(Trouble::ErrorReply { code, .. }) if code == "NOAUTH" || code == "LOADING" => {}
                Err(trouble) => return Err(trouble),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Asks for a text.
    pub(super) async fn ask(&mut self, asked: &[&str]) -> Result<String, Trouble> {
        match self.send(asked).await? {
            Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(text),
            Value::Okay => Ok("OK".to_owned()),
            _ => Err(no_answer(asked)),
        }
    }

    /// Asks for a list, or for whatever it is.
    pub(super) async fn ask_for(&mut self, asked: &[&str]) -> Result<Answer, Trouble> {
        Ok(Answer::of(self.send(asked).await?))
    }

    /// One setting; none where CONFIG is not to be had.
    pub(super) async fn config(&mut self, name: &str) -> Result<Option<String>, Trouble> {
        if self.no_config {
            return Ok(None);
        }
        match self.send(&["CONFIG", "GET", name]).await {
            Ok(Value::Array(pair)) => match pair.as_slice() {
                [_, Value::BulkString(value)] => Ok(Some(String::from_utf8_lossy(value).into_owned())),
                _ => Ok(None),
            },
            Ok(_) => Ok(None),
            Err(Trouble::ErrorReply { .. }) => {
                self.no_config = true;
                Ok(None)
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn send(&mut self, asked: &[&str]) -> Result<Value, Trouble> {
        let mut command = Cmd::new();
        for word in asked {
            command.arg(*word);
        }
        let answer = self.connection.send_packed_command(&command).await.and_then(Value::extract_error);
        answer.map_err(|error| self.trouble(&named(asked), &error))
    }

    /// Sends one command of bytes; an error of the server is an answer, too.
    pub(super) async fn send_bytes(&mut self, words: &[Vec<u8>]) -> Result<Answer, Trouble> {
        let answer = self.connection.send_packed_command(&command(words)).await;
        answer.map(Answer::of).map_err(|error| self.trouble(&name_of(words), &error))
    }

    /// Sends several at once, in this order; gives as many answers. `whole` lets none of others come between them; where somebody
    /// changed what is watched, nothing is done and the code is `CHANGED`.
    pub(super) async fn send_many(&mut self, commands: &[Vec<Vec<u8>>], whole: bool) -> Result<Vec<Answer>, Trouble> {
        let mut pipe = redis::pipe();
        let name = commands.first().map(|words| name_of(words)).unwrap_or_default();
        let words = |word: &str| vec![vec![word.as_bytes().to_vec()]];
        let (first, last) = if whole { (words("MULTI"), words("EXEC")) } else { (Vec::new(), Vec::new()) };
        let all: Vec<&Vec<Vec<u8>>> = first.iter().chain(commands).chain(&last).collect();
        for words in &all {
            pipe.add_command(command(words));
        }
        let answers = self.connection.send_packed_commands(&pipe, 0, all.len()).await;
        let answers = answers.map_err(|error| self.trouble(&name, &error))?;
        let mut answers: Vec<Answer> = answers.into_iter().map(Answer::of).collect();
        if !whole {
            return Ok(answers);
        }
        // A command that was refused when it was queued says why; EXEC then says only that there was one.
        let refused = answers.iter().find_map(|answer| match answer {
            Answer::ErrorReply { code, words } => Some((code.clone(), words.clone())),
            _ => None,
        });
        if let Some((code, words)) = refused {
            return Err(Trouble::ErrorReply { asked: name, code, words });
        }
        match answers.pop() {
            Some(Answer::Many(inner)) => Ok(inner),
            Some(Answer::Nil) => {
                Err(Trouble::ErrorReply { asked: name, code: "CHANGED".to_owned(), words: String::new() })
            }
            _ => Err(Trouble::Lost(format!("the answer to {name} is not Redis's"))),
        }
    }
}

/// What a server answers.
pub(super) enum Answer {
    Nil,
    Int(i64),
    Bytes(Vec<u8>),
    Many(Vec<Self>),
    /// An error: its code and the words behind it.
    ErrorReply {
        code: String,
        words: String,
    },
}

impl Answer {
    fn of(value: Value) -> Self {
        match value {
            Value::Int(number) => Self::Int(number),
            Value::Boolean(flag) => Self::Int(i64::from(flag)),
            Value::BulkString(bytes) => Self::Bytes(bytes),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Self::Bytes(text.into_bytes()),
            Value::Okay => Self::Bytes(b"OK".to_vec()),
            Value::Double(number) => Self::Bytes(number.to_string().into_bytes()),
            Value::Array(inner) | Value::Set(inner) => Self::Many(inner.into_iter().map(Self::of).collect()),
            Value::Map(pairs) => {
                let flat = pairs.into_iter().flat_map(|(key, value)| [key, value]);
                Self::Many(flat.map(Self::of).collect())
            }
            Value::ServerError(error) => {
                let words = error.details().unwrap_or_default().to_owned();
                Self::ErrorReply { code: error.code().to_owned(), words }
            }
            _ => Self::Nil,
        }
    }
}

fn command(words: &[Vec<u8>]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word.as_slice());
    }
    command
}

/// A command of bytes as it may be named.
fn name_of(words: &[Vec<u8>]) -> String {
    words.first().map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default()
}

/// A command as it may be named: with its subcommand, and never with what follows.
fn named(asked: &[&str]) -> String {
    match asked {
        [command @ ("CLUSTER" | "SENTINEL"), subcommand, ..] => format!("{command} {subcommand}"),
        _ => asked.first().copied().unwrap_or_default().to_owned(),
    }
}

fn no_answer(asked: &[&str]) -> Trouble {
    Trouble::Lost(format!("the answer to {} is not Redis's", named(asked)))
}

fn trouble(asked: &str, error: &RedisError, patience: Duration) -> Trouble {
    if let Some(code) = error.code() {
        let words = error.detail().unwrap_or_default().to_owned();
        return Trouble::ErrorReply { asked: asked.to_owned(), code: code.to_owned(), words };
    }
    if error.is_timeout() {
        return Trouble::Lost(format!("no answer within {} s", patience.as_secs()));
    }
    if error.is_connection_dropped() || error.is_io_error() {
        return Trouble::Gone(Loss::unread("the connection ended"));
    }
    Trouble::Lost(format!("the answer to {asked} is not Redis's"))
}
