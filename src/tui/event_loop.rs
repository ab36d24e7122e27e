//! The loop: waits for a key, a message, a signal or the clock; updates; draws at most once; hands effects on.
//!
//! It never waits for anything else. Everything slow happens behind the gate and comes back as a message.

use crate::app::confirm::{Confirmed, Removal};
use crate::app::effect::{Effect, Screen as Wanted};
use crate::app::model::Model;
use crate::app::msg::Msg;
use crate::app::update::update;
use crate::config::theme::Theme;
use crate::domain::Error;
use crate::domain::clean::Depth;
use crate::domain::error::Result;
use crate::domain::time::Now;
use crate::gate::Gate;
use crate::probes::clock;
use crate::tui::clipboard;
use crate::tui::guard::{Death, TerminalGuard, catch_panics};
use crate::tui::hangup::Hangup;
use crate::tui::input::{self, Input};
use crate::tui::pace::{Cause, Pace};
use crate::tui::screen::Screen;
use crate::tui::tty::Tty;
use crate::ui;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// How many waiting messages are taken into one frame.
const DRAIN: usize = 256;

/// What a console is opened with.
pub struct Console<'a> {
    /// What it knows at first.
    pub model: Model,
    /// What it asks for once the first frame is out.
    pub first: Vec<Effect>,
    /// The gate that runs effects.
    pub gate: Box<dyn Gate>,
    /// Messages from the gate.
    pub inbox: mpsc::Receiver<Msg>,
    /// Sends to the inbox.
    pub outbox: mpsc::Sender<Msg>,
    /// How it looks.
    pub theme: &'a Theme,
    /// How many colours the terminal has.
    pub depth: Depth,
    /// The terminal.
    pub tty: Tty,
}

/// Why the loop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// The operator left.
    Quit,
    /// The operator left, and wants the demo removed.
    Remove(Confirmed<Removal>),
    /// A signal; its number.
    Signal(i32),
    /// The terminal is gone.
    Gone,
}

struct Loop<'a> {
    model: Model,
    gate: Box<dyn Gate>,
    theme: &'a Theme,
    view: ui::ViewState,
    screen: Screen<Tty>,
    guard: TerminalGuard,
    tty: Tty,
    pace: Pace,
    epoch: Instant,
    /// The second of the clock on the screen in which the footer's figure was last worked out.
    rated: Option<i64>,
    left: Option<Left>,
}

/// Signals that end, stop or resize the console.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    stop: Signal,
    resize: Signal,
}

/// Holds the terminal until the operator leaves, a signal ends it, or the terminal is gone; it is then as it was. Returns also what is
/// to be printed there for an operator who left.
///
/// # Errors
/// When the terminal cannot be taken or drawn to.
pub async fn run(console: Console<'_>) -> Result<(Left, Vec<String>)> {
    let tty = console.tty.clone();
    match held(console).await {
        // The first failure is due to the terminal, which is gone.
        Err(_) if tty.size().is_err() => Ok((Left::Gone, Vec::new())),
        other => other.map_err(|cause| Error::machine("use the terminal", cause)),
    }
}

async fn held(console: Console<'_>) -> io::Result<(Left, Vec<String>)> {
    let Console { model, first, gate, mut inbox, outbox, theme, depth, tty } = console;
    // Listened to before the size is read, so that no change of it is missed.
    let mut signals = Signals::listen()?;
    let guard = TerminalGuard::enter(tty.clone(), model.mouse)?;
    report_panics(&guard, outbox.clone());
    let (gone, mut gone_notice) = mpsc::channel(1);
    let _hangup = Hangup::watch(tty.clone(), move || {
        let _ = gone.try_send(());
    })?;
    let mut turn = Loop::open(model, gate, theme, guard, tty, depth)?;
    // The first frame waits for nothing: not for the reader of events, not for a probe.
    turn.pace.want(Cause::Key, turn.now());
    turn.draw()?;
    for effect in first {
        turn.carry_out(effect)?;
    }
    let Some(mut events) = events(&turn.tty) else { return Ok((Left::Gone, Vec::new())) };
    while turn.left.is_none() {
        let (pause, tick) = (turn.pause(), turn.model.until_tick(clock::now().wall));
        tokio::select! {
            biased;
            () = signals.next(&mut turn) => {}
            _ = gone_notice.recv() => turn.left = Some(Left::Gone),
            event = events.next() => turn.take(event)?,
            msg = inbox.recv() => if let Some(msg) = msg {
                turn.receive(msg)?;
            },
            () = tokio::time::sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => {}
            () = tokio::time::sleep(tick) => turn.tick(clock::now())?,
        }
        turn.drain(&mut events, &mut inbox).await?;
        if turn.left.is_none() && turn.pace.is_due(turn.now()) {
            turn.draw()?;
        }
    }
    drop(events);
    // A terminal that is gone cannot be given back, and waiting for it would only keep us.
    let _ = turn.guard.leave();
    let left = turn.left.unwrap_or(Left::Quit);
    let lines = if left == Left::Quit { turn.model.left_behind() } else { Vec::new() };
    Ok((left, lines))
}

/// The reader of events; none where the terminal went away before there was one.
fn events(tty: &Tty) -> Option<EventStream> {
    tty.size().ok()?;
    // It panics where it finds no terminal to open (crossterm 0.29), and this one may go at any moment.
    std::panic::catch_unwind(EventStream::new).ok()
}

/// Reports a task that panicked to the loop.
fn report_panics(guard: &TerminalGuard, outbox: mpsc::Sender<Msg>) {
    catch_panics(guard.restore(), move |death: Death| {
        let _ = outbox.try_send(Msg::TaskDied(death.thread.plain()));
    });
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    async fn next(&mut self, turn: &mut Loop<'_>) {
        let number = tokio::select! {
            _ = self.hangup.recv() => SignalKind::hangup(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.resize.recv() => {
                turn.left = turn.measure().err().map(|_| Left::Gone);
                return;
            }
            _ = self.stop.recv() => {
                turn.left = turn.suspend().err().map(|_| Left::Gone);
                return;
            }
        };
        turn.left = Some(Left::Signal(number.as_raw_value()));
    }
}

impl<'a> Loop<'a> {
    /// Takes the terminal as it is now; nothing is drawn yet.
    fn open(
        mut model: Model,
        gate: Box<dyn Gate>,
        theme: &'a Theme,
        guard: TerminalGuard,
        tty: Tty,
        depth: Depth,
    ) -> io::Result<Self> {
        let (columns, rows) = tty.size()?;
        model.resized(columns, rows);
        Ok(Self {
            screen: Screen::new(tty.clone(), columns, rows, depth)?,
            pace: Pace::new(model.ssh),
            view: ui::ViewState::default(),
            epoch: Instant::now(),
            rated: None,
            left: None,
            model,
            gate,
            theme,
            guard,
            tty,
        })
    }

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// Takes one event of the terminal.
    fn take(&mut self, event: Option<io::Result<Event>>) -> io::Result<()> {
        let Some(Ok(event)) = event else {
            self.left = Some(Left::Gone);
            return Ok(());
        };
        let Some(event) = input::read(event) else { return Ok(()) };
        let msg = match event {
            Input::Key(key) => Msg::KeyPressed(key, clock::now()),
            Input::Paste(text) => Msg::Pasted(text, clock::now()),
            Input::Mouse(what, column, row) => Msg::MouseMoved(what, (column, row), clock::now()),
            // The signal may come early or late: what counts is the terminal's size now.
            Input::Resize(..) => return self.measure(),
        };
        self.update(msg, Cause::Key)
    }

    /// Takes the terminal's size, if it is another one.
    fn measure(&mut self) -> io::Result<()> {
        let (columns, rows) = self.tty.size()?;
        if self.model.size == (columns, rows) {
            return Ok(());
        }
        self.screen.resize(columns, rows);
        self.update(Msg::Resized(columns, rows), Cause::Key)
    }

    /// Takes everything else that is ready, so that it is drawn together.
    async fn drain(&mut self, events: &mut EventStream, inbox: &mut mpsc::Receiver<Msg>) -> io::Result<()> {
        for _ in 0..DRAIN {
            if self.left.is_some() {
                return Ok(());
            }
            // Asked in the name of this task: the stream wakes only the task that asked first.
            if let Poll::Ready(event) = poll_fn(|task| Poll::Ready(events.poll_next_unpin(task))).await {
                self.take(event)?;
                continue;
            }
            // The stream says nothing, too, while its own thread is about to read what is there.
            let before = clock::boot();
            if !self.tty.has_input() {
                self.model.note_silence(before);
                if self.model.due_at().is_some_and(|at| at <= before) {
                    self.update(Msg::KeyAlone(clock::now()), Cause::Key)?;
                }
            }
            let Ok(msg) = inbox.try_recv() else { return Ok(()) };
            self.receive(msg)?;
        }
        Ok(())
    }

    /// How long until something is due: a frame, or the dialog on the screen taking keys if none is waiting then.
    fn pause(&self) -> Option<Duration> {
        let frame = self.pace.due().map(|due| due.saturating_sub(self.now()));
        let wake = self.model.wakes_at().map(|at| at.since(clock::boot()));
        let stored = self.model.due_at().map(|at| at.since(clock::boot()));
        [frame, wake, stored].into_iter().flatten().min()
    }

    /// Takes the messages of the gate, at the present time: between two ticks the clock may not advance for a while.
    fn receive(&mut self, msg: Msg) -> io::Result<()> {
        let now = clock::now();
        if now.wall.0.as_second() != self.model.now.wall.0.as_second() {
            self.tick(now)?;
        }
        self.update(msg, Cause::Data)
    }

    fn tick(&mut self, now: Now) -> io::Result<()> {
        self.update(Msg::Tick(now), Cause::Data)
    }

    fn update(&mut self, msg: Msg, cause: Cause) -> io::Result<()> {
        self.pace.want(cause, self.now());
        for effect in update(&mut self.model, msg) {
            self.carry_out(effect)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Query(query) => self.gate.query(query),
            Effect::Command(command) => self.gate.command(command),
            Effect::Screen(Wanted::Quit) => self.left = Some(Left::Quit),
            Effect::Screen(Wanted::Remove(removal)) => self.left = Some(Left::Remove(removal)),
            Effect::Screen(Wanted::Redraw) => {
                self.screen.redraw()?;
                self.pace.want(Cause::Key, self.now());
            }
            Effect::Screen(Wanted::Suspend) => self.suspend()?,
            Effect::Screen(Wanted::Copy(text)) => self.screen.append(&clipboard::sequence(&text)),
            Effect::Screen(Wanted::Mouse(on)) => self.screen.append(self.guard.mouse(on)),
        }
        Ok(())
    }

    /// Gives the terminal back until the shell continues us.
    fn suspend(&mut self) -> io::Result<()> {
        if self.guard.suspend()? {
            let (columns, rows) = self.tty.size()?;
            self.screen.resize(columns, rows);
            self.screen.redraw()?;
            self.update(Msg::Resized(columns, rows), Cause::Key)?;
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        let now = self.now();
        // Only with the clock: a figure that changed with every frame would itself cause one.
        let second = self.model.now.wall.0.as_second();
        if self.rated.replace(second) != Some(second) {
            self.model.bytes_per_second = Some(u64::try_from(self.pace.average(now)).unwrap_or(u64::MAX));
        }
        let (model, theme, view) = (&self.model, self.theme, &mut self.view);
        let drawn =
            self.screen.draw(self.pace.allowance(now), |frame| ui::draw(frame, &model.snapshot(), theme, view))?;
        self.pace.drawn(&drawn, self.now());
        if drawn.fresh {
            self.model.sending(std::mem::take(&mut self.view.seen));
        }
        if drawn.left == 0 {
            self.model.sent(clock::boot());
        }
        Ok(())
    }
}
