//! What window and headless playing share: a player's picture of the moment, drawn.

use vivant::frame::LiveSet;
use vivant::render::{Canvas, CanvasDescription, Performer, Renderer, Settings};
use vivant::splat::ClipInfo;
use vivant::view::View;

use crate::device;

/// A renderer with a canvas of the present size.
pub(crate) struct Show {
    pub(crate) renderer: Renderer,
    pub(crate) canvas: Canvas,
    description: CanvasDescription,
    info: ClipInfo,
    settings: Settings,
}

impl Show {
    /// A show of a clip on the best GPU.
    pub(crate) fn new(description: CanvasDescription, info: ClipInfo) -> vivant::Result<Self> {
        let renderer = Renderer::new(&device::open()?)?;
        let canvas = renderer.canvas(&description)?;
        let settings = Settings { background: [0.16, 0.17, 0.2, 1.0], ..Settings::default() };
        Ok(Self { renderer, canvas, description, info, settings })
    }

    /// Takes another size or number of views.
    pub(crate) fn resize(&mut self, description: CanvasDescription) -> vivant::Result<()> {
        if description != self.description {
            self.renderer.wait()?;
            self.canvas = self.renderer.canvas(&description)?;
            self.description = description;
        }
        Ok(())
    }

    /// Draws `live`, or nothing where it is `None`, from `views`.
    pub(crate) fn draw(&mut self, live: Option<&LiveSet>, views: &[View]) -> vivant::Result<()> {
        let performer = live.map(|live| Performer::new(live, &self.info));
        self.renderer.draw(performer.as_slice(), views, &self.settings, &self.canvas)
    }
}
