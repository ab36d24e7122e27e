//! From a role to ratatui's style, and back again for tests that look at roles.

use crate::config::theme::{Glyphs, Look, Mods, Role, Theme};
use crate::ui::ink;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border::{PLAIN, Set};

/// A frame of ASCII, for terminals that show nothing else.
const ASCII_BORDER: Set<'static> = Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Finds the switch of one modifier.
type Switch = fn(&mut Mods) -> &mut bool;

/// The modifiers, each with its switch.
const MODIFIERS: [(Modifier, Switch); 5] = [
    (Modifier::BOLD, |mods| &mut mods.bold),
    (Modifier::DIM, |mods| &mut mods.dim),
    (Modifier::ITALIC, |mods| &mut mods.italic),
    (Modifier::UNDERLINED, |mods| &mut mods.underlined),
    (Modifier::REVERSED, |mods| &mut mods.reversed),
];

impl Theme {
    /// The style of a role, to lay over what is there.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let Look { fg, bg, mut mods } = self.look(role);
        let set = MODIFIERS.iter().filter(|(_, switch)| *switch(&mut mods)).map(|(modifier, _)| *modifier);
        Style { fg: fg.map(ink::color), bg: bg.map(ink::color), ..Style::new().add_modifier(set.collect()) }
    }

    /// The lines that frames are made of.
    #[must_use]
    pub fn border(&self) -> Set<'static> {
        match self.glyphs {
            Glyphs::Unicode => PLAIN,
            Glyphs::Ascii => ASCII_BORDER,
        }
    }

    /// The first role that looks exactly so, else the first whose letters have this colour.
    ///
    /// Under [`Theme::labelled`] that is the very role that was drawn.
    #[must_use]
    pub fn role_of(&self, style: Style) -> Option<Role> {
        let drawn = look(style);
        let exact = Role::ALL.iter().find(|role| self.look(**role) == drawn && drawn != Look::default());
        let letters = || Role::ALL.iter().find(|role| drawn.fg.is_some() && self.look(**role).fg == drawn.fg);
        exact.or_else(letters).copied()
    }

    /// The first role whose ground has this style's colour: what was laid under or over the letters.
    #[must_use]
    pub fn ground_of(&self, style: Style) -> Option<Role> {
        let drawn = look(style).bg?;
        Role::ALL.iter().find(|role| self.look(**role).bg == Some(drawn)).copied()
    }
}

/// A style as a look; the terminal's own colours are none.
fn look(style: Style) -> Look {
    let own = |color: Option<Color>| color.filter(|color| *color != Color::Reset).map(ink::ink);
    let mut mods = Mods::default();
    for (modifier, switch) in MODIFIERS {
        *switch(&mut mods) = style.add_modifier.contains(modifier);
    }
    Look { fg: own(style.fg), bg: own(style.bg), mods }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clean::Depth;
    use ratatui::buffer::Cell;

    #[test]
    fn a_look_becomes_a_style() {
        let (night, _) = Theme::load("night", &[], Depth::Sixteen, Glyphs::Unicode);
        let expected = Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD);
        assert_eq!(night.style(Role::VerdictCritical), expected);
        let expected = Style::new().fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD);
        assert_eq!(night.style(Role::EnvProduction), expected);
        assert_eq!(night.style(Role::UiText), Style::new());
    }

    #[test]
    fn a_labelled_cell_tells_its_role_even_under_the_cursor() {
        let theme = Theme::labelled(Glyphs::Unicode);
        for role in Role::ALL.iter().filter(|role| **role != Role::UiSelection) {
            let mut cell = Cell::default();
            cell.set_style(theme.style(*role));
            assert_eq!((theme.role_of(cell.style()), theme.ground_of(cell.style())), (Some(*role), None));
            cell.set_style(theme.style(Role::UiSelection));
            let expected = (Some(*role), Some(Role::UiSelection));
            assert_eq!((theme.role_of(cell.style()), theme.ground_of(cell.style())), expected);
        }
        assert_eq!(theme.role_of(Cell::default().style()), None);
    }

    #[test]
    fn frames_of_ascii_are_ascii() {
        let set = Theme::labelled(Glyphs::Ascii).border();
        let parts =
            [set.top_left, set.top_right, set.bottom_left, set.bottom_right, set.vertical_left, set.vertical_right];
        assert!(parts.iter().chain(&[set.horizontal_top, set.horizontal_bottom]).all(|part| part.is_ascii()));
    }
}
