//! The window: draws as fast as the display asks, lets the user walk round the performer and through time.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Instant;

use vivant::playback::{LoopMode, PlayState, Player};
use vivant::render::{CanvasDescription, Pixels};
use winit::application::ApplicationHandler;
use winit::dpi::LogicalSize;
use winit::event::{ElementState, MouseButton, MouseScrollDelta, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop, OwnedDisplayHandle};
use winit::keyboard::{Key, NamedKey};
use winit::window::{Window, WindowId};

use super::Args;
use super::figures::{Series, Stages};
use super::hud::{Surface, clock, grabs_bar};
use super::orbit::Orbit;
use super::show::Show;
use super::speaker::Speaker;
use crate::camera::Subject;
use crate::exit::{Outcome, Result};
use crate::output;

/// Frames between two refreshes of the figures on screen.
const FIGURES_EVERY: u32 = 15;
const KEYS: &str = "space pause  arrows seek, speed  s stereo  l loop  r front  h help  esc quit";

/// Opens the window and plays until it is closed.
pub(super) fn run(args: &Args, mut player: Player) -> Result {
    let event_loop = EventLoop::new()
        .map_err(|e| anyhow::anyhow!("no window can be opened ({e}); --headless N plays without one"))?;
    let context = softbuffer::Context::new(event_loop.owned_display_handle())
        .map_err(|e| anyhow::anyhow!("no window can be drawn to: {e}"))?;
    let orbit = Orbit::new(Subject::of(player.clip())?, args.distance);
    let show = Show::new(CanvasDescription::new(64, 64, 1), player.clip().info())?;
    let begun = Instant::now();
    // Sounds until the window closes.
    let _speaker = sound(&mut player, begun);
    player.play(i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX));
    let mut app = App {
        context,
        surface: None,
        show,
        player,
        orbit,
        begun,
        stereo: !args.mono,
        help: true,
        loops: !args.once,
        drag: None,
        pointer: (0.0, 0.0),
        wall: Series::default(),
        stages: Stages::default(),
        frames: 0,
        lines: Vec::new(),
        failure: None,
    };
    event_loop.run_app(&mut app).map_err(|e| anyhow::anyhow!("the window failed: {e}"))?;
    match app.failure.take() {
        Some(error) => Err(error),
        None => Ok(Outcome::Done),
    }
}

/// Starts the clip's sound; without, the picture plays all the same.
fn sound(player: &mut Player, begun: Instant) -> Option<Speaker> {
    Speaker::open(player, begun).unwrap_or_else(|error| {
        output::note(&format!("no sound: {error:#}; `vivant audio` writes it to a file"));
        None
    })
}

/// A window and what it shows.
type Screen = (Rc<Window>, softbuffer::Surface<OwnedDisplayHandle, Rc<Window>>);

/// What a pressed button moves.
#[derive(Clone, Copy, PartialEq)]
enum Drag {
    View,
    Time,
}

struct App {
    context: softbuffer::Context<OwnedDisplayHandle>,
    surface: Option<Screen>,
    show: Show,
    player: Player,
    orbit: Orbit,
    begun: Instant,
    stereo: bool,
    help: bool,
    loops: bool,
    drag: Option<Drag>,
    pointer: (f64, f64),
    wall: Series,
    stages: Stages,
    frames: u32,
    lines: Vec<String>,
    failure: Option<anyhow::Error>,
}

impl ApplicationHandler for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if let Err(error) = self.open(event_loop) {
            self.fail(event_loop, error);
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested => event_loop.exit(),
            WindowEvent::RedrawRequested => match self.draw() {
                Ok(()) => {
                    if let Some((window, _)) = &self.surface {
                        window.request_redraw();
                    }
                }
                Err(error) => self.fail(event_loop, error),
            },
            WindowEvent::KeyboardInput { event, .. } if event.state == ElementState::Pressed => {
                self.key(event_loop, &event.logical_key);
            }
            WindowEvent::MouseInput { state, button: MouseButton::Left, .. } => {
                self.drag = match state {
                    ElementState::Released => None,
                    ElementState::Pressed if grabs_bar(self.pointer.1, self.height()) => Some(Drag::Time),
                    ElementState::Pressed => Some(Drag::View),
                };
                self.scrub();
            }
            WindowEvent::CursorMoved { position, .. } => {
                let (dx, dy) = (position.x - self.pointer.0, position.y - self.pointer.1);
                self.pointer = (position.x, position.y);
                if self.drag == Some(Drag::View) {
                    self.orbit.drag(dx, dy);
                }
                self.scrub();
            }
            WindowEvent::MouseWheel { delta, .. } => self.orbit.approach(match delta {
                MouseScrollDelta::LineDelta(_, lines) => f64::from(lines),
                MouseScrollDelta::PixelDelta(px) => px.y / 40.0,
            }),
            _ => {}
        }
    }
}

impl App {
    fn open(&mut self, event_loop: &ActiveEventLoop) -> anyhow::Result<()> {
        if self.surface.is_some() {
            return Ok(());
        }
        let title = format!("{} - Vivant", self.player.clip().name());
        let attributes =
            Window::default_attributes().with_title(title).with_inner_size(LogicalSize::new(1280.0, 720.0));
        let window = Rc::new(event_loop.create_window(attributes)?);
        let surface = softbuffer::Surface::new(&self.context, Rc::clone(&window))
            .map_err(|e| anyhow::anyhow!("the window cannot be drawn to: {e}"))?;
        window.request_redraw();
        self.surface = Some((window, surface));
        Ok(())
    }

    fn fail(&mut self, event_loop: &ActiveEventLoop, error: anyhow::Error) {
        self.failure = Some(error);
        event_loop.exit();
    }

    fn height(&self) -> f64 {
        self.surface.as_ref().map_or(0.0, |(window, _)| f64::from(window.inner_size().height))
    }

    /// Nanoseconds since the window opened: the host's clock.
    fn now(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(i64::MAX)
    }

    /// Takes the time under the pointer while the bar is held.
    fn scrub(&mut self) {
        let Some((window, _)) = self.surface.as_ref().filter(|_| self.drag == Some(Drag::Time)) else {
            return;
        };
        let share = (self.pointer.0 / f64::from(window.inner_size().width.max(1))).clamp(0.0, 1.0);
        #[expect(clippy::cast_possible_truncation, reason = "a time within the clip")]
        let media = (self.player.clip().duration_nanos() as f64 * share) as i64;
        self.player.seek(self.now(), media);
    }

    fn key(&mut self, event_loop: &ActiveEventLoop, key: &Key) {
        const STEP_NANOS: i64 = 1_000_000_000;
        let now = self.now();
        let media = self.player.media_nanos(now);
        let rate = self.player.clock().rate();
        match key.as_ref() {
            Key::Named(NamedKey::Escape) => event_loop.exit(),
            Key::Named(NamedKey::Space) if self.player.state() == PlayState::Playing => {
                self.player.pause(now)
            }
            Key::Named(NamedKey::Space) => self.player.play(now),
            Key::Named(NamedKey::ArrowLeft) => self.player.seek(now, (media - STEP_NANOS).max(0)),
            Key::Named(NamedKey::ArrowRight) => {
                self.player.seek(now, (media + STEP_NANOS).min(self.player.clip().duration_nanos()));
            }
            Key::Named(NamedKey::ArrowUp) => self.set_rate(now, rate + 0.25),
            Key::Named(NamedKey::ArrowDown) => self.set_rate(now, rate - 0.25),
            Key::Character("s") => self.stereo = !self.stereo,
            Key::Character("h") => self.help = !self.help,
            Key::Character("r") => self.orbit.reset(),
            Key::Character("l") => {
                self.loops = !self.loops;
                self.player.set_loop(if self.loops { LoopMode::Loop } else { LoopMode::Once });
            }
            _ => {}
        }
    }

    fn set_rate(&mut self, now: i64, rate: f64) {
        // Outside −4 to 4 the player refuses, and the speed stays what it was.
        self.player.set_rate(now, rate).ok();
    }

    fn draw(&mut self) -> anyhow::Result<()> {
        let now = self.now();
        let Some((window, surface)) = &mut self.surface else { return Ok(()) };
        let size = window.inner_size();
        let (Some(width), Some(height)) = (NonZeroU32::new(size.width), NonZeroU32::new(size.height)) else {
            return Ok(());
        };
        let begun = Instant::now();
        let eyes = if self.stereo { 2 } else { 1 };
        let (view_width, view_height) = ((width.get() / eyes).max(1), height.get());
        self.show.resize(CanvasDescription::new(view_width, view_height, eyes))?;
        let views = self.orbit.views(f64::from(view_width) / f64::from(view_height), self.stereo);
        let live = self.player.update(now);
        self.show.draw(live, &views)?;
        let pixels = self.show.renderer.read(&mut self.show.canvas)?;
        self.stages.add(self.show.renderer.timings());
        self.wall.add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));

        surface.resize(width, height).map_err(|e| anyhow::anyhow!("the window cannot be drawn to: {e}"))?;
        let mut buffer =
            surface.buffer_mut().map_err(|e| anyhow::anyhow!("the window cannot be drawn to: {e}"))?;
        let mut target =
            Surface { pixels: &mut buffer, width: width.get() as usize, height: height.get() as usize };
        place(&mut target, &pixels);
        let media = self.player.media_nanos(now);
        let duration = self.player.clip().duration_nanos();
        if duration > 0 {
            target.bar(media as f64 / duration as f64);
            let loops = if self.loops { "loop" } else { "once" };
            let rate = self.player.clock().rate();
            target.text(8, 8, &format!("{} / {}  x{rate:.2}  {loops}", clock(media), clock(duration)));
        }
        for (line, text) in self.lines.iter().enumerate() {
            target.text(8, 22 + 10 * line, text);
        }
        if self.help {
            target.text(8, target.height.saturating_sub(22), KEYS);
        }
        buffer.present().map_err(|e| anyhow::anyhow!("the window cannot be drawn to: {e}"))?;

        self.frames += 1;
        if self.frames.is_multiple_of(FIGURES_EVERY) || self.lines.is_empty() {
            self.lines = vec![format!("frame {:.1} ms", self.wall.median_ms())];
            self.lines
                .extend(self.stages.iter().map(|(name, s)| format!("{name:<10}{:>7.2} ms", s.median_ms())));
            (self.wall, self.stages) = Default::default();
        }
        match self.player.error() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

/// Copies the views side by side into the window.
fn place(target: &mut Surface<'_>, pixels: &Pixels) {
    for (index, image) in pixels.images.iter().enumerate() {
        let left = index * image.width as usize;
        let rows = image.pixels.chunks_exact((image.width as usize).max(1));
        for (row, source) in target.pixels.chunks_exact_mut(target.width).zip(rows) {
            for (pixel, [r, g, b, _]) in row.iter_mut().skip(left).zip(source) {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
                let byte = |value: f32| u32::from((value * 255.0 + 0.5) as u8);
                *pixel = byte(*r) << 16 | byte(*g) << 8 | byte(*b);
            }
        }
    }
}
