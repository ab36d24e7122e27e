//! Redis: `REDIS_URL`, else a local socket, else a listener on the usual port.

use crate::config::discovery::{is_socket, list};
use crate::config::estate::{Estate, Redis, Unread};
use crate::config::paths::Surroundings;
use crate::config::redis_url;
use crate::config::secrets::SecretPlace;
use crate::domain::TargetKind;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// The variable that names a server, by custom with its password in it.
const VARIABLE: &str = "REDIS_URL";

/// What listens on the usual port, in the words of `/proc/net/tcp` (proc_net(5)): address and port in hexadecimal, each group of four
/// bytes in the machine's order; and how it is reached.
const LISTENERS: [(&str, &str, &str); 4] = [
    ("proc/net/tcp", "0100007F:18EB", "127.0.0.1"),
    ("proc/net/tcp", "00000000:18EB", "127.0.0.1"),
    ("proc/net/tcp6", "00000000000000000000000001000000:18EB", "[::1]"),
    ("proc/net/tcp6", "00000000000000000000000000000000:18EB", "[::1]"),
];

/// The state of a socket that listens, as `/proc/net/tcp` has it.
const LISTENS: &str = "0A";

/// How many sockets of the machine are looked at; those that listen come first.
const MOST: usize = 20_000;

pub(super) fn look(around: &Surroundings, estate: &mut Estate) {
    if around.get(VARIABLE).is_some() {
        return of_variable(around, estate);
    }
    match of_socket(around, estate).or_else(|| of_listener(around)) {
        Some(url) => {
            estate.discovered.push(format!("Redis at {url}"));
            estate.redis.push(redis(url, None));
        }
        None => {
            let looked = "no REDIS_URL, no local socket, and nothing listens on port 6379 here";
            estate.not_found.push(format!("Redis: {looked}"));
        }
    }
}

fn redis(url: String, password: Option<String>) -> Redis {
    Redis {
        name: "redis".to_owned(),
        url,
        password,
        act: None,
        act_password: None,
        mode: None,
        memory: None,
        critical: true,
        ca: None,
    }
}

/// Takes the URL of the variable without its password, which is read from there whenever it is needed.
fn of_variable(around: &Surroundings, estate: &mut Estate) {
    let text = around.get(VARIABLE).and_then(|url| url.to_str()).ok_or_else(|| "is not UTF-8".to_owned());
    match text.and_then(redis_url::part) {
        Ok(parted) => {
            let password = parted.password.map(|_| VARIABLE.to_owned());
            if let Some(name) = &password {
                estate.secrets.places.insert(name.clone(), SecretPlace::EnvUrl(VARIABLE.to_owned()));
            }
            estate.discovered.push(format!("Redis from {VARIABLE}"));
            estate.redis.push(redis(parted.url, password));
        }
        // A named server has a row, which reports what is wrong with it.
        Err(why) => {
            estate.discovered.push(format!("Redis from {VARIABLE}"));
            let why = format!("the URL in {VARIABLE} {why}");
            estate.unread.push(Unread { kind: TargetKind::Redis, name: "redis".to_owned(), why });
        }
    }
}

/// A socket in `/run/redis*/`.
fn of_socket(around: &Surroundings, estate: &mut Estate) -> Option<String> {
    let run = around.system("run");
    let is_redis = |name: &str| name.starts_with("redis");
    let directories = list(&run, estate)
        .into_iter()
        .filter(|path| path.is_dir() && path.file_name().and_then(|name| name.to_str()).is_some_and(is_redis));
    let sockets: Vec<_> = directories.flat_map(|directory| list(&directory, estate)).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let socket = sockets.into_iter().find(|path| is_socket(path))?;
    let path = socket.to_str().filter(|path| path.chars().all(plain))?;
    Some(format!("unix://{path}"))
}

/// A listener on port 6379 that this machine reaches by its loopback.
fn of_listener(around: &Surroundings) -> Option<String> {
    let found = LISTENERS.iter().find(|(file, address, _)| {
        let Ok(file) = File::open(around.system(file)) else { return false };
        BufReader::new(file).lines().take(MOST).map_while(Result::ok).any(|line| {
            let mut words = line.split_ascii_whitespace().skip(1);
            words.next() == Some(address) && words.nth(1) == Some(LISTENS)
        })
    });
    found.map(|(_, _, host)| format!("redis://{host}:6379/0"))
}
