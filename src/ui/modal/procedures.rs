//! Every procedure, with what it does and what it acts on.
//!
//! ```text
//! ┏ Procedures ━━ 3 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┃    effect      procedure               acts on      title                   ┃
//! ┃ ▌  ▲ change    common/vacuum-table     bloat        Vacuum a table          ┃
//! ```

use super::lists::{mark, selected};
use super::{Dialog, title};
use crate::app::Snapshot;
use crate::app::keymap::Action;
use crate::app::modal::palette::in_general;
use crate::app::msg::Offer;
use crate::config::theme::Role;
use crate::domain::quantity;
use crate::ui::pen::Pen;
use crate::ui::text::{Piece, Strip};
use ratatui::text::Line;

/// The columns of an effect with its symbol.
const EFFECT: usize = 11;

/// The fewest columns in which a title says something.
const LEAST_TITLE: usize = 12;

pub(super) fn list(
    pen: Pen<'_>,
    snapshot: &Snapshot<'_>,
    list: Option<&[Offer]>,
    cursor: Option<usize>,
    width: usize,
) -> Dialog {
    let offers = list.unwrap_or_default();
    let widest = |of: fn(&Offer) -> usize| offers.iter().map(of).max().unwrap_or(0);
    let id = widest(|offer| offer.procedure.chars().count()).clamp(10, width / 2);
    let on = widest(|offer| acts_on(offer).chars().count()).clamp(8, width / 4);
    let mut body: Vec<Line<'static>> = Vec::new();
    match list {
        None => body.extend(pen.sentence(Role::UiMuted, "reading the procedures", width)),
        Some([]) => body.extend(pen.sentence(Role::UiText, "This estate has no procedure.", width)),
        Some(offers) => body.extend(offers.iter().enumerate().map(|(place, offer)| {
            let is_on = cursor == Some(place);
            selected(pen, is_on, line(pen, offer, (id, on), is_on, width), width)
        })),
    }
    let muted = pen.style(Role::UiMuted);
    let start = 2 + EFFECT;
    let head = Strip::new().gap(2).put(muted, "EFFECT").to(start).put(muted, "PROCEDURE").to(start + id + 2);
    let head = head.put(muted, "ACTS ON").to(start + id + on + 4);
    let head = if width > head.width() + LEAST_TITLE { head.put(muted, "TITLE") } else { head };
    let mut keys = vec![(Action::Down, "chooses"), (Action::Back, "goes back")];
    if cursor.is_some() && !snapshot.read_only {
        keys.insert(1, (Action::Open, "opens it; nothing starts yet"));
    }
    let count = quantity::count(offers.len() as u64);
    Dialog {
        title: title(pen, [(Role::UiTitle, Piece::Words("Procedures")), (Role::UiMuted, Piece::from(count))]),
        head: if offers.is_empty() { Vec::new() } else { vec![head.line()] }.into(),
        body: body.into(),
        keys,
        cursor: (!offers.is_empty()).then_some(cursor.unwrap_or(0)),
        ..Dialog::default()
    }
}

/// The kinds of rows, or that it is begun by its name.
fn acts_on(offer: &Offer) -> String {
    if offer.acts_on.is_empty() { "no row".to_owned() } else { offer.acts_on.join(", ") }
}

fn line(pen: Pen<'_>, offer: &Offer, (id, on): (usize, usize), chosen: bool, width: usize) -> Line<'static> {
    let role = Role::from(offer.effect);
    let strip = mark(pen, chosen).put(pen.style(role), pen.symbol(role)).gap(1);
    let strip = strip.put(pen.style(role), offer.effect.word()).to(2 + EFFECT);
    let start = strip.width();
    let strip = strip.put_within(id, pen.style(Role::UiText), &offer.procedure).to(start + id + 2);
    let strip = strip.put_within(on, pen.style(Role::UiMuted), acts_on(offer)).to(start + id + on + 4);
    let room = width.saturating_sub(strip.width() + 1);
    if room < LEAST_TITLE {
        return strip.line();
    }
    strip.put_within(room, pen.style(Role::UiText), in_general(&offer.title)).line()
}
