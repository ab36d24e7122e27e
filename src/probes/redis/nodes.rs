//! The answer to CLUSTER NODES: <https://redis.io/docs/latest/commands/cluster-nodes/>.

use std::fmt;

/// How many slots a cluster has: <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>.
pub(super) const SLOTS: u16 = 16_384;

/// One node, as the node that answers sees it.
pub(super) struct Node {
    pub(super) id: String,
    /// `ip:port`.
    pub(super) place: String,
    /// Of a replica: the id of its primary.
    pub(super) primary: Option<String>,
    pub(super) is_replica: bool,
    /// Whether it is the one that answers.
    pub(super) is_myself: bool,
    pub(super) health: Health,
    /// Whether its address is not known (`noaddr`).
    pub(super) is_lost: bool,
    pub(super) slots: Vec<Range>,
}

/// What the others found of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Up,
    /// `fail?`, which the manual calls PFAIL: this node has no answer.
    MayHaveFailed,
    /// `fail`: the majority has none.
    Failed,
}

/// Slots from one to another, both counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Range {
    fn of(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: first.parse().ok()?, last: last.parse().ok()? };
        (range.first <= range.last && range.last < SLOTS).then_some(range)
    }

    fn len(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }
}

impl fmt::Display for Range {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(out, "{}", self.first),
            false => write!(out, "{}-{}", self.first, self.last),
        }
    }
}

/// How many slots are in some ranges.
pub(super) fn count(ranges: &[Range]) -> u64 {
    ranges.iter().map(|range| range.len()).sum()
}

/// `slot 7`, `slots 0-5460, 8001`: at most four ranges, and how many more.
pub(super) fn named(ranges: &[Range]) -> String {
    let shown: Vec<String> = ranges.iter().take(4).map(ToString::to_string).collect();
    let more = match ranges.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more ranges"),
    };
    format!("{} {}{more}", if count(ranges) == 1 { "slot" } else { "slots" }, shown.join(", "))
}

/// The slots that no node has.
pub(super) fn unassigned(nodes: &[Node]) -> Vec<Range> {
    let mut taken: Vec<Range> = nodes.iter().flat_map(|node| node.slots.iter().copied()).collect();
    taken.sort_unstable();
    let mut free = Vec::new();
    let mut next = 0;
    for range in taken {
        if range.first > next {
            free.push(Range { first: next, last: range.first - 1 });
        }
        next = next.max(range.last + 1);
    }
    if next < SLOTS {
        free.push(Range { first: next, last: SLOTS - 1 });
    }
    free
}

/// Reads the lines; nothing is left out in silence.
///
/// # Errors
/// The line that is not readable, by its number.
pub(super) fn nodes(text: &str) -> Result<Vec<Node>, String> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let lines = whole.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read =
        |(at, line): (usize, &str)| node(line).ok_or_else(|| format!("CLUSTER NODES has no readable line {}", at + 1));
    let nodes: Vec<Node> = lines.map(read).collect::<Result<_, _>>()?;
    if nodes.is_empty() { Err("CLUSTER NODES has no node".to_owned()) } else { Ok(nodes) }
}

/// Reads `ID IP:PORT@BUS[,HOST] FLAGS PRIMARY PING PONG EPOCH LINK SLOTS…`.
fn node(line: &str) -> Option<Node> {
    let mut words = line.split_ascii_whitespace();
    let id = words.next()?.to_owned();
    let place = words.next()?;
    let place = place.split(['@', ',']).next()?;
    let flags: Vec<&str> = words.next()?.split(',').collect();
    let primary = words.next()?;
    // The times of a ping and its answer, the epoch, and the state of the link on the cluster's bus.
    let rest: Vec<&str> = words.collect();
    let (_, slots) = rest.split_at_checked(4)?;
    // A slot on its way from or to another node is in brackets; it is still of the node that gives it.
    let slots = slots.iter().filter(|slot| !slot.starts_with('['));
    let has = |flag: &str| flags.contains(&flag);
    Some(Node {
        place: if place.starts_with(':') && has("myself") { "this node".to_owned() } else { place.to_owned() },
        primary: (primary != "-").then(|| primary.to_owned()),
        is_replica: has("slave") || has("replica"),
        is_myself: has("myself"),
        health: match (has("fail"), has("fail?")) {
            (true, _) => Health::Failed,
            (false, true) => Health::MayHaveFailed,
            (false, false) => Health::Up,
        },
        is_lost: has("noaddr"),
        slots: slots.map(|slot| Range::of(slot)).collect::<Option<_>>()?,
        id,
    })
}
