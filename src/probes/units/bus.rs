//! One connection to a message bus, and systemd behind it.
//!
//! It is made when it is first needed, kept, and made again when it has died or has not answered. No call is ever sent twice: what
//! has no answer may have been carried out.

use crate::domain::quantity;
use crate::probes::{cause, dial};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::io;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixStream;
use zbus::connection::Builder;
use zbus::{
    Connection, DBusError, DynamicType, MatchRule, Message, MessageStream, ObjectPath, OwnedObjectPath, OwnedVariant,
    Type,
};

/// Where the system's bus listens unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise: D-Bus specification, "Well-known Message Bus
/// Instances", with `/var/run` as what it leads to today.
const SYSTEM: &str = "unix:path=/run/dbus/system_bus_socket";

const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How many ended jobs may wait to be looked at.
const JOBS_AHEAD: usize = 4096;

/// How long connecting and one answer may take.
const LIMIT: Duration = Duration::from_secs(2);

/// A bus with the connection to it.
pub(crate) struct Bus {
    /// One address, or several to be tried in turn, between semicolons.
    address: String,
    limit: Duration,
    live: Option<Connection>,
}

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The bus, or systemd behind it, did not answer, or not in a way that can be read. Whether a call that acts was carried out
    /// is not known.
    Lost(String),
    /// It answered with an error.
    Refused {
        /// The error's D-Bus name.
        name: String,
        /// The text that came with it; outside bytes.
        message: String,
    },
}

impl Trouble {
    /// What went wrong, in a few words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Lost(why) => why.clone(),
            Self::Refused { name, message } => {
                let denied = ["AccessDenied", "InteractiveAuthorizationRequired", "AuthFailed"];
                if denied.iter().any(|end| name.ends_with(end)) {
                    return format!("permission denied: {message}");
                }
                match name.strip_prefix("org.freedesktop.DBus.Error.") {
                    Some(end) if is_absence(end) => "no systemd behind the bus".to_owned(),
                    Some("NoReply" | "Disconnected") => "systemd went away".to_owned(),
                    _ => format!("systemd refuses: {message}"),
                }
            }
        }
    }
}

/// Whether an error of the bus means that nobody has the name: nobody owns it, and nobody could be started to.
fn is_absence(end: &str) -> bool {
    matches!(end, "ServiceUnknown" | "NameHasNoOwner") || end.starts_with("Spawn.")
}

/// All properties of one interface of one object.
pub(crate) struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    /// A text; none where it is missing or of another type.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| <&str>::try_from(value).ok())
    }

    /// A number without a sign; systemd's "not known" (all bits set) counts as missing.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        let value = self.0.get(name)?;
        let wide = u64::try_from(value).ok().filter(|number| *number != u64::MAX);
        wide.or_else(|| u32::try_from(value).ok().filter(|number| *number != u32::MAX).map(u64::from))
    }

    /// A number with a sign.
    pub(crate) fn signed(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|value| i32::try_from(value).ok()).map(i64::from)
    }

    /// Yes or no.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(|value| bool::try_from(value).ok())
    }

    /// A list of texts; empty where it is missing or of another type.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let value = self.0.get(name).and_then(|value| value.try_clone().ok());
        value.and_then(|value| <Vec<String>>::try_from(value).ok()).unwrap_or_default()
    }

    /// Bytes; empty where they are missing or of another type.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let value = self.0.get(name).and_then(|value| value.try_clone().ok());
        value.and_then(|value| <Vec<u8>>::try_from(value).ok()).unwrap_or_default()
    }

    /// Conditions or assertions: name, whether it triggers, whether it is negated, its parameter, and its state.
    pub(crate) fn conditions(&self, name: &str) -> Vec<(String, bool, bool, String, i32)> {
        let value = self.0.get(name).and_then(|value| value.try_clone().ok());
        value.and_then(|value| value.try_into().ok()).unwrap_or_default()
    }

    /// The second text of a pair, as in `LoadError`: an error's name and its message.
    pub(crate) fn message(&self, name: &str) -> Option<String> {
        let value = self.0.get(name)?.try_clone().ok()?;
        let (_, message) = <(String, String)>::try_from(value).ok()?;
        Some(message).filter(|message| !message.is_empty())
    }
}

impl Bus {
    /// The system's bus.
    pub(crate) fn system() -> Self {
        let set = std::env::var("DBUS_SYSTEM_BUS_ADDRESS").ok().filter(|address| !address.is_empty());
        Self::at(&set.unwrap_or_else(|| SYSTEM.to_owned()))
    }

    /// The bus at a D-Bus address.
    pub(crate) fn at(address: &str) -> Self {
        Self { address: address.to_owned(), limit: LIMIT, live: None }
    }

    /// Whether there is a connection that has not been seen to break.
    pub(crate) fn lives(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.is_closed())
    }

    /// Calls a method of systemd's manager: `RestartUnit`, `Reload`; the reply's values as a tuple.
    pub(crate) async fn manager<B, R>(&mut self, member: &str, body: &B) -> Result<R, Trouble>
    where
        B: Serialize + DynamicType,
        R: DeserializeOwned + Type,
    {
        self.call(MANAGER_PATH, MANAGER, member, body).await
    }

    /// The object of a unit, which systemd reads from its files where it is not in memory.
    pub(crate) async fn load_unit(&mut self, name: &str) -> Result<String, Trouble> {
        let path: OwnedObjectPath = self.manager("LoadUnit", &name).await?;
        Ok(path.as_str().to_owned())
    }

    /// Names and objects of the units that have failed.
    pub(crate) async fn failed_units(&mut self) -> Result<Vec<(String, String)>, Trouble> {
        /// Name, description, load, active and sub state, what it follows, object, job, its type and its object.
        type Listed = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);
        let listed: Vec<Listed> = self.manager("ListUnitsFiltered", &vec!["failed"]).await?;
        let mut units: Vec<_> = listed.into_iter().map(|unit| (unit.0, unit.6.as_str().to_owned())).collect();
        units.sort();
        Ok(units)
    }

    /// Every property of one interface of systemd: `Unit`, `Service`.
    pub(crate) async fn properties(&mut self, path: &str, interface: &str) -> Result<Properties, Trouble> {
        self.properties_of(SYSTEMD, path, interface).await
    }

    /// The same of another service on this bus: the login manager.
    pub(crate) async fn properties_of(
        &mut self,
        service: &str,
        path: &str,
        interface: &str,
    ) -> Result<Properties, Trouble> {
        let interface = format!("{service}.{interface}");
        self.call_to(service, path, PROPERTIES, "GetAll", &interface.as_str()).await.map(Properties)
    }

    /// What systemd tells of jobs that are over, from now on.
    ///
    /// Source: `org.freedesktop.systemd1(5)`: signals are sent while at least one client is subscribed.
    pub(crate) async fn ended_jobs(&mut self) -> Result<MessageStream, Trouble> {
        if !self.lives() {
            self.live = Some(self.connect().await?);
        }
        let Some(live) = &self.live else { return Err(Trouble::Lost("no connection to the bus".to_owned())) };
        let wanted = MatchRule::builder().msg_type(zbus::message::Type::Signal);
        let wanted = wanted.path(MANAGER_PATH).interface(MANAGER).member("JobRemoved").build();
        let wanted = wanted.map_err(|error| trouble(&error))?;
        let stream = MessageStream::for_match_rule(wanted, live, NonZero::new(JOBS_AHEAD));
        let stream = match tokio::time::timeout(self.limit, stream).await {
            Ok(stream) => stream.map_err(|error| trouble(&error))?,
            Err(_) => return Err(Trouble::Lost("the bus gives no answer".to_owned())),
        };
        self.manager::<_, ()>("Subscribe", &()).await?;
        Ok(stream)
    }

    async fn call<B, R>(&mut self, path: &str, interface: &str, member: &str, body: &B) -> Result<R, Trouble>
    where
        B: Serialize + DynamicType,
        R: DeserializeOwned + Type,
    {
        self.call_to(SYSTEMD, path, interface, member, body).await
    }

    async fn call_to<B, R>(
        &mut self,
        service: &str,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) -> Result<R, Trouble>
    where
        B: Serialize + DynamicType,
        R: DeserializeOwned + Type,
    {
        if !self.lives() {
            self.live = Some(self.connect().await?);
        }
        let Some(live) = &self.live else { return Err(Trouble::Lost("no connection to the bus".to_owned())) };
        let path = ObjectPath::try_from(path).map_err(|_| Trouble::Lost("not an object of systemd".to_owned()))?;
        let asked = live.call_method(Some(service), path, Some(interface), member, body);
        let answer = match tokio::time::timeout(self.limit, asked).await {
            Ok(Ok(reply)) => read(&reply, member),
            Ok(Err(error)) => Err(trouble(&error)),
            Err(_) => Err(Trouble::Lost(format!("systemd gives no answer within {}", quantity::span(self.limit)))),
        };
        if matches!(answer, Err(Trouble::Lost(_))) {
            self.live = None;
        }
        answer
    }

    /// Connects to the first address that answers.
    async fn connect(&self) -> Result<Connection, Trouble> {
        let mut why = "the bus has no address".to_owned();
        for address in self.address.split(';').filter(|address| !address.is_empty()) {
            match tokio::time::timeout(self.limit, connected(address)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => why = format!("no connection to the bus: {}", unreached(&error)),
                Err(_) => why = format!("the bus gives no answer within {}", quantity::span(self.limit)),
            }
        }
        Err(Trouble::Lost(why))
    }
}

/// Connects to one address. A socket is dialled here, because its path may lie on a file system that does not answer.
async fn connected(address: &str) -> zbus::Result<Connection> {
    // A path with more behind it, or with bytes that are written otherwise, is left to the library.
    match address.strip_prefix("unix:path=").filter(|path| !path.contains(['%', ','])) {
        Some(path) => {
            let stream = dial::unix(Path::new(path)).await.and_then(UnixStream::into_std);
            Builder::unix_stream(stream.map_err(|cause| zbus::Error::InputOutput(Arc::new(cause)))?).build().await
        }
        None => Builder::address(address).build().await,
    }
}

/// The values of a reply.
fn read<R: DeserializeOwned + Type>(reply: &Message, member: &str) -> Result<R, Trouble> {
    let body = reply.body();
    body.deserialize().map_err(|_| Trouble::Lost(format!("systemd's answer to {member} is of another form")))
}

/// Tells an error that systemd or the bus answered from a call that got lost.
fn trouble(error: &zbus::Error) -> Trouble {
    match error {
        zbus::Error::MethodError(name, message, _) => {
            Trouble::Refused { name: name.as_str().to_owned(), message: message.clone().unwrap_or_default() }
        }
        zbus::Error::FDO(fault) => match fault.as_ref() {
            zbus::fdo::Error::ZBus(inner) => Trouble::Lost(format!("the bus was lost: {}", unreached(inner))),
            known => Trouble::Refused {
                name: known.name().as_str().to_owned(),
                message: DBusError::description(known).unwrap_or_default().to_owned(),
            },
        },
        other => Trouble::Lost(format!("the bus was lost: {}", unreached(other))),
    }
}

/// Why the bus cannot be reached, in a few words.
fn unreached(error: &zbus::Error) -> String {
    let known = match error {
        zbus::Error::InputOutput(cause) | zbus::Error::Connection(cause, _) => Some(cause),
        _ => None,
    };
    match known.map(|cause| cause.kind()) {
        Some(io::ErrorKind::NotFound) => "its socket does not exist".to_owned(),
        Some(io::ErrorKind::ConnectionRefused) => "nobody listens on its socket".to_owned(),
        Some(io::ErrorKind::PermissionDenied) => "permission denied".to_owned(),
        Some(io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
            "the connection broke".to_owned()
        }
        Some(_) => known.map(|cause| cause::deepest(cause.as_ref())).unwrap_or_default(),
        None => match error {
            zbus::Error::Address(_) => {
                "its address is not valid: it must be like unix:path=/run/dbus/system_bus_socket".to_owned()
            }
            zbus::Error::Handshake(_) => {
                "what listens on its socket does not speak D-Bus, or closed at once".to_owned()
            }
            other => other.to_string(),
        },
    }
}

#[cfg(test)]
impl Bus {
    /// The same with another limit for an answer.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}
