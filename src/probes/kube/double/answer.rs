//! How the double answers.

use crate::probes::kube::double::{Fail, SYSTEM, World};
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

type Answer = Response<BoxBody<Bytes, io::Error>>;

pub(super) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    world: Arc<Mutex<World>>,
    beat: watch::Sender<u64>,
) {
    // Everything that it started ends with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, world, beat) = (acceptor.clone(), Arc::clone(&world), beat.clone());
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(|request| answer(request, Arc::clone(&world), beat.clone()));
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn whole(status: u16, kind: &str, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

fn refused(status: u16) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status});
    whole(status, "application/json", body.to_string())
}

async fn answer(request: Request<Incoming>, world: Arc<Mutex<World>>, beat: watch::Sender<u64>) -> io::Result<Answer> {
    let path = request.uri().path().to_owned();
    let query: BTreeMap<String, String> =
        request.uri().query().unwrap_or_default().split('&').filter_map(pair).collect();
    let namespace = path.strip_prefix("/api/v1/namespaces/").filter(|rest| !rest.contains('/')).map(str::to_owned);
    let verb = if ["/version", SYSTEM].contains(&path.as_str()) {
        ""
    } else if namespace.is_some() {
        "get "
    } else if query.contains_key("watch") {
        "watch "
    } else {
        "list "
    };
    let text = format!("{verb}{path}?{}", request.uri().query().unwrap_or_default());
    let (fail, token) = {
        let mut world = world.lock().unwrap();
        world.asked.push(text.clone());
        (failing(&world, &text), world.token.clone())
    };
    beat.send_modify(|beat| *beat += 1);
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    if token.is_some_and(|token| shown != Some(&format!("Bearer {token}"))) {
        return Ok(refused(401));
    }
    match fail {
        Some(Fail::Hang) => std::future::pending().await,
        Some(Fail::Refuse(status, headers)) => {
            let mut answer = refused(status);
            for (name, value) in headers {
                answer.headers_mut().insert(name, value.parse().unwrap());
            }
            return Ok(answer);
        }
        Some(Fail::Say(kind, body)) => return Ok(whole(200, kind, body)),
        Some(Fail::Cut) if matches!(verb, "" | "get ") => return Err(io::Error::other("cut")),
        _ => {}
    }
    Ok(match verb {
        "" if path == SYSTEM => {
            let uid = world.lock().unwrap().uid.clone();
            whole(200, "application/json", json!({"metadata": {"name": "kube-system", "uid": uid}}).to_string())
        }
        "" => {
            let version = json!({"major": "1", "minor": "33", "gitVersion": "v1.33.2", "gitCommit": "", "gitTreeState": "",
                "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
            whole(200, "application/json", version.to_string())
        }
        "get " => {
            let name = namespace.unwrap_or_default();
            if world.lock().unwrap().absent.contains(&name) {
                refused(404)
            } else {
                let own = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "uid": name}});
                whole(200, "application/json", own.to_string())
            }
        }
        "list " => list(&path, &query, fail.as_ref(), &world.lock().unwrap()),
        _ => watched(text, path, &query, world, &beat),
    })
}

fn pair(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

fn failing(world: &World, text: &str) -> Option<Fail> {
    world.fails.iter().find(|(part, _)| text.contains(part.as_str())).map(|(_, fail)| fail.clone())
}

fn list(path: &str, query: &BTreeMap<String, String>, fail: Option<&Fail>, world: &World) -> Answer {
    let objects: Vec<&Value> = world.objects.get(path).into_iter().flat_map(BTreeMap::values).collect();
    let start: usize = query.get("continue").map_or(0, |token| token.parse().unwrap());
    let most: usize = query.get("limit").map_or(usize::MAX, |limit| limit.parse().unwrap());
    let end = objects.len().min(start.saturating_add(most));
    let mut meta = json!({"resourceVersion": world.version.to_string()});
    if end < objects.len() || matches!(fail, Some(Fail::Endless)) {
        meta["continue"] = json!(if matches!(fail, Some(Fail::Endless)) { 0 } else { end }.to_string());
    }
    let body = json!({"kind": "AnyList", "apiVersion": "v1", "metadata": meta, "items": &objects[start..end]});
    whole(200, "application/json", body.to_string())
}

/// The stream of a watch: events after its version, until its time is over.
fn watched(
    text: String,
    path: String,
    query: &BTreeMap<String, String>,
    world: Arc<Mutex<World>>,
    beat: &watch::Sender<u64>,
) -> Answer {
    let from: u64 = query["resourceVersion"].parse().unwrap();
    assert!(query.contains_key("timeoutSeconds"), "a watch without an end");
    let until = Instant::now() + world.lock().unwrap().watch_lasts;
    if from < world.lock().unwrap().oldest {
        return refused(410);
    }
    let state = (from, world, beat.subscribe(), path, text);
    let lines = stream::unfold(Some(state), move |state| async move {
        let (mut from, world, mut beat, path, message) = state?;
        loop {
            let (lines, fail, expired) = {
                let world = world.lock().unwrap();
                let new = world.events.iter().filter(|(version, of, _)| *version > from && *of == path);
                let lines: String = new.map(|(.., line)| format!("{line}\n")).collect();
                let expired = from < world.oldest;
                from = if expired { from } else { world.version };
                (lines, failing(&world, &message), expired)
            };
            match fail {
                Some(Fail::Hang) => std::future::pending().await,
                Some(Fail::Cut) => return Some((Err(io::Error::other("cut")), None)),
                _ => {}
            }
            if expired {
                let status =
                    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "code": 410, "reason": "Expired"});
                let line = format!("{}\n", json!({"type": "ERROR", "object": status}));
                return Some((Ok(Frame::data(Bytes::from(line))), None));
            }
            if !lines.is_empty() {
                let frame = Ok(Frame::data(Bytes::from(lines)));
                return Some((frame, Some((from, world, beat, path, message))));
            }
            tokio::select! {
                () = tokio::time::sleep_until(until) => return None,
                _ = beat.changed() => {}
            }
        }
    });
    let body = StreamBody::new(lines);
    let answer = Response::builder().header("content-type", "application/json");
    answer.body(BodyExt::boxed(body)).unwrap()
}
