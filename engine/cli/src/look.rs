//! The arguments that say how a clip is drawn, whatever it or its importer says.

use vivant::splat::{Antialias, Appearance, ColourDomain, Kernel, ShOrigin};

/// How to draw it; what is not given is as the clip or its importer says.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Appearance")]
pub(crate) struct LookArgs {
    /// What keeps splats under a pixel: dilate (3D Gaussian splatting), mip, none or pixel (analytic)
    #[arg(long, value_name = "HOW")]
    antialias: Option<Antialias>,
    /// Whether harmonics look at where a splat is (moving) or at where it is at the middle of its life (rest)
    #[arg(long, value_name = "WHERE")]
    sh_origin: Option<ShOrigin>,
    /// The shape of a splat: gaussian or surfel (2D Gaussian splatting)
    #[arg(long, value_name = "SHAPE")]
    kernel: Option<Kernel>,
    /// What colours are blended as: encoded (sRGB) or linear
    #[arg(long, value_name = "DOMAIN")]
    colour_domain: Option<ColourDomain>,
}

impl LookArgs {
    /// `said` with what is given here in its place.
    pub(crate) fn over(&self, said: Appearance) -> Appearance {
        Appearance {
            antialias: self.antialias.unwrap_or(said.antialias),
            sh_origin: self.sh_origin.unwrap_or(said.sh_origin),
            kernel: self.kernel.unwrap_or(said.kernel),
            colour_domain: self.colour_domain.unwrap_or(said.colour_domain),
        }
    }
}
