//! The screen of `watch`: the only home of crossterm. Only lines that differ are written, in one go, so that nothing
//! flickers.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::event::{Event as Typed, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{cursor, queue};
use tokio::sync::mpsc::{Receiver, channel};

use super::frame;
use super::plain::words;
use super::text::{Paint, sanitise};
use crate::event::display::{Display, Key, WatchView};
use crate::event::{Event, Sink};

/// A terminal in full-screen mode.
pub struct Screen {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    colour: bool,
}

#[derive(Default)]
struct State {
    view: WatchView,
    /// The latest event, in words.
    doing: String,
    /// What stands there now.
    lines: Vec<String>,
    size: (u16, u16),
    open: bool,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// It is none, or does not obey.
    pub fn open(colour: bool) -> std::io::Result<Self> {
        terminal::enable_raw_mode()?;
        let mut out = std::io::stdout();
        queue!(out, terminal::EnterAlternateScreen, cursor::Hide, Clear(ClearType::All))?;
        out.flush()?;
        let state = State { open: true, ..State::default() };
        Ok(Self { inner: Arc::new(Inner { state: Mutex::new(state), colour }) })
    }
}

impl Display for Screen {
    fn show(&self, view: &WatchView) {
        self.inner.change(|state| {
            state.view = view.clone();
            state.doing.clear();
        });
    }

    fn keys(&self) -> Receiver<Key> {
        let (sender, receiver) = channel(16);
        let inner = self.inner.clone();
        // A thread of its own, because reading a terminal cannot be given up.
        std::thread::spawn(move || {
            while let Ok(typed) = crossterm::event::read() {
                match typed {
                    Typed::Resize(..) => inner.change(|state| state.lines.clear()),
                    Typed::Key(key) if key.kind != KeyEventKind::Release => {
                        let control = key.modifiers.contains(KeyModifiers::CONTROL);
                        if let Some(key) = meaning(key.code, control)
                            && sender.blocking_send(key).is_err()
                        {
                            return;
                        }
                    }
                    _ => {}
                }
            }
        });
        receiver
    }

    fn close(&self) {
        self.inner.close();
    }

    fn sink(&self) -> Arc<dyn Sink> {
        self.inner.clone()
    }
}

fn meaning(code: KeyCode, control: bool) -> Option<Key> {
    Some(match (code, control) {
        (KeyCode::Char('c' | 'd'), true) | (KeyCode::Char('q') | KeyCode::Esc, false) => Key::Quit,
        (KeyCode::Char('v') | KeyCode::Enter, false) => Key::VerifyAll,
        (KeyCode::Char('h'), false) => Key::Hint,
        (KeyCode::Char('n') | KeyCode::Tab, _) => Key::Next,
        (KeyCode::Char('l'), false) => Key::Logs,
        (KeyCode::Char('r'), false) => Key::Reset,
        (KeyCode::Char('o'), false) => Key::Open,
        _ => return None,
    })
}

impl Sink for Inner {
    fn emit(&self, event: Event) {
        if let Event::GoalDone { goal, verdict, took } = &event {
            self.change(|state| {
                for row in state.view.goals.iter_mut().filter(|row| row.goal == *goal) {
                    row.verdict = Some(*verdict);
                    row.running = false;
                    row.took = took.as_millis().try_into().unwrap_or(u64::MAX);
                }
            });
        }
        let text = match &event {
            Event::CheckBegan { goal, check } => Some(format!("{goal}: {check}")),
            Event::StepWaiting { goal, seen, .. } => Some(format!("{goal}: waiting, {}", seen.replace('\n', " "))),
            other => words(other),
        };
        if let Some(text) = text {
            self.change(|state| state.doing = sanitise(&text));
        }
    }
}

impl Inner {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        // A terminal that has gone away will be noticed by whoever reads from it.
        let _ = self.draw(&mut state);
    }

    fn draw(&self, state: &mut State) -> std::io::Result<()> {
        if !state.open {
            return Ok(());
        }
        let size = terminal::size().unwrap_or((80, 24));
        let mut out = std::io::BufWriter::new(std::io::stdout());
        queue!(out, terminal::BeginSynchronizedUpdate)?;
        if state.size != size || state.lines.is_empty() {
            queue!(out, Clear(ClearType::All))?;
            state.lines.clear();
            state.size = size;
        }
        let (width, height) = (usize::from(size.0), usize::from(size.1));
        let lines = frame::lines(&state.view, &state.doing, width, height, Paint(self.colour));
        for (row, line) in lines.iter().enumerate() {
            if state.lines.get(row) != Some(line) {
                queue!(out, cursor::MoveTo(0, u16::try_from(row).unwrap_or(u16::MAX)), Clear(ClearType::CurrentLine))?;
                write!(out, "{line}")?;
            }
        }
        queue!(out, terminal::EndSynchronizedUpdate)?;
        state.lines = lines;
        out.flush()
    }

    fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.open) {
            let mut out = std::io::stdout();
            // Nothing better can be done for a terminal that does not obey.
            let _ = queue!(out, cursor::Show, terminal::LeaveAlternateScreen);
            let _ = out.flush();
            let _ = terminal::disable_raw_mode();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.inner.close();
    }
}
