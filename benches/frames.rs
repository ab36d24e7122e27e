//! Frames: how long one takes, and how many bytes of it go to the terminal.

use divan::{Bencher, black_box};
use midwatch::app::Model;
use midwatch::app::msg::{LogLine, Msg, Page};
use midwatch::app::update::update;
use midwatch::config::theme::{Glyphs, Theme};
use midwatch::demo::sample;
use midwatch::domain::Boot;
use midwatch::domain::clean::Depth;
use midwatch::gate::operate;
use midwatch::tui::screen::Screen;
use midwatch::ui::{self, ViewState};
use std::fmt;
use std::io::{Sink, sink};

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug)]
struct Size(u16, u16);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

const SIZES: [Size; 3] = [Size(80, 24), Size(120, 36), Size(200, 50)];

/// How many lines the log of the sample run has here.
const LOG_LINES: u32 = 1000;

/// A console on a terminal that takes everything.
struct Bench {
    model: Model,
    screen: Screen<Sink>,
    theme: Theme,
    view: ViewState,
}

impl Bench {
    /// A console that follows a run with a long log; nothing is drawn yet.
    fn new(size: Size) -> Self {
        let view = sample::running().view().expect("a possible history");
        let mut model = sample::following((size.0, size.1), Some(operate::authority()), view, true);
        let known = model.log.page.clone().expect("the sample has a log");
        let lines = (0..LOG_LINES).map(line).collect();
        let page = Page { total_lines: u64::from(LOG_LINES), lines, ..known };
        sample::read_log(&mut model, page);
        let screen = Screen::new(sink(), size.0, size.1, Depth::True).expect("a screen in memory");
        let theme = Theme::load("night", &[], Depth::True, Glyphs::Unicode).0;
        Self { model, screen, theme, view: ViewState::default() }
    }

    /// Draws one frame; how many bytes it took.
    fn draw(&mut self) -> usize {
        let (model, theme, view) = (&self.model, &self.theme, &mut self.view);
        let drawn = self.screen.draw(usize::MAX, |frame| ui::draw(frame, &model.snapshot(), theme, view));
        self.model.drawn(std::mem::take(&mut self.view.seen), Boot(0));
        drawn.expect("memory takes everything").bytes
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace().filter_map(midwatch::domain::Key::parse) {
            let now = self.model.now;
            update(&mut self.model, Msg::KeyPressed(key, now));
        }
    }

    fn clock(&mut self, second: i64) {
        update(&mut self.model, Msg::Tick(sample::now(second)));
    }

    /// A console whose log has the whole screen and is held, some lines above its end.
    fn held(size: Size) -> Self {
        let mut bench = Self::new(size);
        bench.draw();
        bench.press("7 z");
        bench.draw();
        bench.press("PageUp PageUp PageUp");
        bench.draw();
        bench
    }
}

/// A line as a service writes it, of about 80 bytes.
fn line(number: u32) -> LogLine {
    let text = format!(
        "level=info worker={} moved data/sessions/s-{:06x}.json in {} ms",
        number % 8,
        number * 7919,
        number % 97
    );
    LogLine {
        bytes: text.into_bytes(),
        cut: 0,
        stderr: number.is_multiple_of(50),
        at: Some(sample::at(i64::from(number / 10))),
    }
}

/// Something that makes a frame, and how to get there.
type Occasion = (&'static str, fn(Size) -> usize);

const OCCASIONS: [Occasion; 9] = [
    ("first frame", |size| Bench::new(size).draw()),
    ("nothing changed", |size| {
        let mut bench = Bench::new(size);
        bench.draw();
        bench.draw()
    }),
    ("the clock moved on by a second", |size| {
        let mut bench = Bench::new(size);
        bench.draw();
        bench.clock(452);
        bench.draw()
    }),
    ("the cursor moved by a row", |size| {
        let mut bench = Bench::new(size);
        bench.draw();
        bench.press("1 j");
        bench.draw();
        bench.press("j");
        bench.draw()
    }),
    ("the log was scrolled by a line", |size| {
        let mut bench = Bench::held(size);
        bench.press("k");
        bench.draw()
    }),
    ("the log was scrolled by ten lines", |size| {
        let mut bench = Bench::held(size);
        bench.press("k k k k k k k k k k");
        bench.draw()
    }),
    ("the help was opened", |size| {
        let mut bench = Bench::new(size);
        bench.draw();
        bench.press("?");
        bench.draw()
    }),
    ("the help was closed", |size| {
        let mut bench = Bench::new(size);
        bench.draw();
        bench.press("?");
        bench.draw();
        bench.press("Esc");
        bench.draw()
    }),
    ("Ctrl-L", |size| {
        let mut bench = Bench::new(size);
        bench.draw();
        bench.screen.redraw().expect("nothing is written");
        bench.draw()
    }),
];

/// Prints how many bytes a frame takes for each occasion and size.
pub fn print_bytes() {
    println!(
        "\nbytes a frame                     {:>8} {:>8} {:>8}",
        SIZES[0].to_string(),
        SIZES[1].to_string(),
        SIZES[2].to_string()
    );
    for (occasion, bytes) in OCCASIONS {
        println!("{occasion:<33} {:>8} {:>8} {:>8}", bytes(SIZES[0]), bytes(SIZES[1]), bytes(SIZES[2]));
    }
}

/// From a model to the bytes of a whole screen.
#[divan::bench(args = SIZES)]
fn whole(bencher: Bencher<'_, '_>, size: Size) {
    let mut bench = Bench::new(size);
    bencher.bench_local(|| {
        bench.screen.redraw().expect("nothing is written");
        black_box(bench.draw())
    });
}

/// A frame that differs from the one before in its clock.
#[divan::bench(args = SIZES)]
fn clock(bencher: Bencher<'_, '_>, size: Size) {
    let (mut bench, mut second) = (Bench::new(size), 452);
    bencher.bench_local(|| {
        second = if second == 452 { 453 } else { 452 };
        bench.clock(second);
        black_box(bench.draw())
    });
}

/// A frame that differs from the one before in the lines of the log.
#[divan::bench(args = SIZES)]
fn scroll(bencher: Bencher<'_, '_>, size: Size) {
    let (mut bench, mut up) = (Bench::held(size), false);
    bencher.bench_local(|| {
        up = !up;
        bench.press(if up { "k" } else { "j" });
        black_box(bench.draw())
    });
}
