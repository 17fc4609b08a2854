//! What a clip's appearance means to the kernels: the numbers and bits of its segments, and the domain of the frame.
//!
//! Each segment is drawn as its own clip asks; only colours of all performers are blended into one sum, so they have to
//! agree on a domain. That is the first performer's; the others' are converted, splat by splat.

use vivant_shaders::generated::{LOOK_INTEGRAL, LOOK_LINEAR, LOOK_MIP, LOOK_REST, LOOK_SURFEL};

use super::Performer;
use crate::splat::{Antialias, Appearance, ColourDomain, Kernel, ShOrigin};

/// Of 3D Gaussian splatting, px².
const DILATION: f32 = 0.3;
/// Of Mip-Splatting's 2D filter, px²: a box of one pixel is about a Gaussian of this.
const MIP: f32 = 0.1;

/// An appearance as the kernels take it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    pub(super) low_pass: f32,
    pub(super) bits: u32,
}

impl Look {
    pub(super) const fn of(appearance: Appearance) -> Self {
        let (low_pass, shape) = match (appearance.kernel, appearance.antialias) {
            (Kernel::Surfel, _) => (0.0, LOOK_SURFEL),
            (Kernel::Gaussian, Antialias::Dilate) => (DILATION, 0),
            (Kernel::Gaussian, Antialias::Mip) => (MIP, LOOK_MIP),
            (Kernel::Gaussian, Antialias::None) => (0.0, 0),
            (Kernel::Gaussian, Antialias::PixelIntegral) => (0.0, LOOK_INTEGRAL),
        };
        let origin = match appearance.sh_origin {
            ShOrigin::Moving => 0,
            ShOrigin::Rest => LOOK_REST,
        };
        let domain = match appearance.colour_domain {
            ColourDomain::Encoded => 0,
            ColourDomain::Linear => LOOK_LINEAR,
        };
        Self { low_pass, bits: shape | origin | domain }
    }
}

/// Whether splats of an appearance need the kernels that can do more than the ordinary, their colours apart.
pub(super) const fn is_special(appearance: Appearance) -> bool {
    Look::of(appearance).bits & !LOOK_LINEAR != 0
}

/// Whether the frame is blended as linear light, and whether any performer asks for the other.
pub(super) fn domain(performers: &[Performer<'_>]) -> (bool, bool) {
    let linear = |p: &Performer<'_>| p.appearance.colour_domain == ColourDomain::Linear;
    let first = performers.first().is_some_and(linear);
    (first, performers.iter().any(|p| linear(p) != first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_needs_the_ordinary_kernels_only() {
        let usual = Appearance::default();
        assert_eq!(Look::of(usual), Look { low_pass: 0.3, bits: 0 });
        for antialias in [Antialias::Dilate, Antialias::None] {
            assert!(!is_special(Appearance { antialias, ..usual }));
        }
        assert!(!is_special(Appearance { colour_domain: ColourDomain::Linear, ..usual }));
        for special in [
            Appearance { antialias: Antialias::Mip, ..usual },
            Appearance { antialias: Antialias::PixelIntegral, ..usual },
            Appearance { sh_origin: ShOrigin::Rest, ..usual },
            Appearance { kernel: Kernel::Surfel, ..usual },
        ] {
            assert!(is_special(special), "{special:?}");
        }
    }

    #[test]
    fn a_surfel_has_its_own_filter() {
        let surfel = Appearance { kernel: Kernel::Surfel, ..Appearance::default() };
        for &antialias in Antialias::ALL {
            assert_eq!(
                Look::of(Appearance { antialias, ..surfel }),
                Look { low_pass: 0.0, bits: LOOK_SURFEL }
            );
        }
    }
}
