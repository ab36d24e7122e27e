//! What a server is asked of the group that it is part of: its cluster, or the primaries that a sentinel watches.

use crate::probes::redis::cluster::View;
use crate::probes::redis::info::Info;
use crate::probes::redis::link::{Answer, Link, Trouble};
use crate::probes::redis::nodes::{Node, nodes};
use crate::probes::redis::sentinel::{Fields, Quorum, Watch, names};
use crate::probes::redis::{views, words};
use std::collections::{BTreeMap, BTreeSet};

/// What a node says of its cluster, or why it does not.
///
/// # Errors
/// That the server does not answer any more.
pub(super) async fn cluster(
    link: &mut Link,
    target: &str,
    user: Option<&str>,
) -> Result<Result<View, String>, Trouble> {
    let info = match answered(link.ask(&["CLUSTER", "INFO"]).await, user)? {
        Ok(text) => Info::answer_to("CLUSTER INFO", &text),
        Err(why) => return Ok(Err(why)),
    };
    let nodes = answered(link.ask(&["CLUSTER", "NODES"]).await, user)?.and_then(|text| nodes(&text));
    let disagreements = nodes.as_ref().map(|nodes| of_slots(target, nodes)).unwrap_or_default();
    Ok(Ok(View { info, nodes, disagreements }))
}

/// An error that the server answered is a reason; anything else ends the reading.
fn answered<T>(answer: Result<T, Trouble>, user: Option<&str>) -> Result<Result<T, String>, Trouble> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(trouble @ Trouble::ErrorReply { .. }) => Ok(Err(words::of(&trouble, user))),
        Err(trouble) => Err(trouble),
    }
}

/// On which slots other nodes of the estate have another node than this one.
pub(super) fn of_slots(target: &str, nodes: &[Node]) -> Vec<String> {
    let Some(own) = nodes.iter().find(|node| node.is_myself) else { return Vec::new() };
    let others: BTreeSet<String> = nodes.iter().map(|node| node.id.clone()).collect();
    let owners = views::owners(nodes);
    let place = |id: Option<&str>| match id {
        Some(id) => nodes.iter().find(|node| node.id == id).map_or(id, |node| &node.place).to_owned(),
        None => "no node".to_owned(),
    };
    let compared = views::NODES.compare(target, &own.id, &others, owners.clone());
    let differing = compared.iter().filter_map(|(other, theirs)| {
        let (range, here, there) = views::difference(&owners, theirs)?;
        Some(format!("slots {range}: {} here, {} by {other}", place(here), place(there)))
    });
    differing.collect()
}

/// What a sentinel says beside INFO.
///
/// # Errors
/// That it does not answer any more.
pub(super) async fn watch(link: &mut Link, info: &Info, target: &str, user: Option<&str>) -> Result<Watch, Trouble> {
    let masters = answered(link.ask_for(&["SENTINEL", "MASTERS"]).await, user)?.and_then(entries);
    let mut watch = Watch { masters, quorum: BTreeMap::new(), disagreements: BTreeMap::new() };
    let names: Vec<String> = names(info, &watch).into_iter().collect();
    let command = |words: &[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let mut commands = vec![command(&["SENTINEL", "MYID"])];
    for name in &names {
        commands.push(command(&["SENTINEL", "CKQUORUM", name]));
        commands.push(command(&["SENTINEL", "SENTINELS", name]));
    }
    let mut answers = link.send_many(&commands, false).await?.into_iter();
    let own = match answers.next() {
        Some(Answer::Bytes(id)) => Some(String::from_utf8_lossy(&id).into_owned()),
        _ => None,
    };
    let mut others = BTreeSet::new();
    for name in names {
        let (quorum, sentinels) = (answers.next(), answers.next());
        let sentinels = sentinels.map(entries).and_then(Result::ok).unwrap_or_default();
        others.extend(sentinels.into_iter().filter_map(|mut fields| fields.remove("runid")));
        watch.quorum.insert(name, quorum_of(quorum, user));
    }
    if let Some(own) = own {
        watch.disagreements = of_addresses(target, &own, &others, &watch);
    }
    Ok(watch)
}

/// Whether a failover could be agreed on; the code alone decides.
fn quorum_of(answer: Option<Answer>, user: Option<&str>) -> Quorum {
    match answer {
        Some(Answer::Bytes(_)) => Quorum::Reached,
        Some(Answer::ErrorReply { code, words }) if code == "NOQUORUM" => {
            Quorum::Missing(words.trim().trim_end_matches('.').to_owned())
        }
        Some(Answer::ErrorReply { code, words }) => {
            let asked = "SENTINEL CKQUORUM".to_owned();
            Quorum::Unread(words::of(&Trouble::ErrorReply { asked, code, words }, user))
        }
        _ => Quorum::Unread("the answer to SENTINEL CKQUORUM is not Redis's".to_owned()),
    }
}

/// Which other sentinels of the estate have another address for a primary.
fn of_addresses(target: &str, own: &str, others: &BTreeSet<String>, watch: &Watch) -> BTreeMap<String, Vec<String>> {
    let address =
        |entry: &Fields| Some((entry.get("name")?.clone(), format!("{}:{}", entry.get("ip")?, entry.get("port")?)));
    let addresses: BTreeMap<String, String> = watch.masters.iter().flatten().filter_map(address).collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (other, theirs) in views::SENTINELS.compare(target, own, others, addresses.clone()) {
        for (name, there) in theirs {
            if addresses.get(&name).is_some_and(|here| *here != there) {
                found.entry(name).or_default().push(format!("sentinel {other} has {there} as its primary"));
            }
        }
    }
    found
}

/// The entries of a list of fields with their values.
fn entries(answer: Answer) -> Result<Vec<Fields>, String> {
    let unread = || "the answer to SENTINEL is not Redis's".to_owned();
    let Answer::Many(entries) = answer else { return Err(unread()) };
    let fields = |entry: Answer| {
        let Answer::Many(words) = entry else { return Err(unread()) };
        let texts = words.into_iter().map(|word| match word {
            Answer::Bytes(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Answer::Int(number) => Ok(number.to_string()),
            _ => Err(unread()),
        });
        let texts = texts.collect::<Result<Vec<String>, String>>()?;
        let pairs = texts.chunks_exact(2).filter_map(|pair| match pair {
            [key, value] => Some((key.clone(), value.clone())),
            _ => None,
        });
        Ok(pairs.collect())
    };
    entries.into_iter().map(fields).collect()
}
