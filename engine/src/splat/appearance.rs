//! How a clip asks to be drawn: four choices that trainers make differently, each one byte of the file and one word of
//! the command line. Pure; `render` and `reference` say what each does to a pixel.

/// Declares a choice: an enum whose variants have a byte (their place) and a word.
macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub enum $name {
            $($(#[$what])* $variant),+
        }

        impl $name {
            /// Every variant, by its byte.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The byte for it.
            #[must_use]
            pub const fn byte(self) -> u8 {
                self as u8
            }

            /// What a byte stands for, if anything.
            #[must_use]
            pub fn from_byte(byte: u8) -> Option<Self> {
                Self::ALL.get(usize::from(byte)).copied()
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|choice| choice.word() == word).copied();
                found.ok_or_else(|| format!("one of {}", [$($word),+].join(", ")))
            }
        }
    };
}

choice! {
    /// How a splat is kept from vanishing or flickering when it is smaller than a pixel.
    Antialias {
        /// 0.3 px² are added to the ellipse, and the opacity stays: Kerbl et al. 2023.
        #[default]
        Dilate = "dilate",
        /// 0.1 px² are added and the opacity falls by as much as the ellipse grew: Mip-Splatting, Yu et al. 2024.
        Mip = "mip",
        /// Nothing is added: what splaTV shows.
        None = "none",
        /// The Gaussian is integrated over the pixel: Analytic-Splatting, Liang et al. 2024.
        PixelIntegral = "pixel",
    }
}

choice! {
    /// Where the direction ends along which harmonics are looked up.
    ShOrigin {
        /// Where the splat is now.
        #[default]
        Moving = "moving",
        /// Where it is at `t0`: what the CUDA code of Yang et al. does. What follows a spline has no such place: then
        /// where it is now.
        Rest = "rest",
    }
}

choice! {
    /// What a splat looks like on the screen.
    Kernel {
        /// The projection of a Gaussian, linearised at its centre: EWA.
        #[default]
        Gaussian = "gaussian",
        /// A flat disc that rays are intersected with: 2D Gaussian Splatting, Huang et al. 2024. The third scale is not
        /// used, and what is smaller than a pixel is held up by a round filter of its own: [`Antialias`] has no part.
        Surfel = "surfel",
    }
}

choice! {
    /// What colours are, base and harmonics together, and so what they are blended as: what the trainer compared with its
    /// photographs.
    ColourDomain {
        /// sRGB-encoded, as nearly every trainer does.
        #[default]
        Encoded = "encoded",
        /// Linear light.
        Linear = "linear",
    }
}

/// How a clip asks to be drawn, so that it looks as its trainer's own renderer shows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appearance {
    /// What happens below a pixel.
    pub antialias: Antialias,
    /// Where harmonics are seen from.
    pub sh_origin: ShOrigin,
    /// The shape on the screen.
    pub kernel: Kernel,
    /// What blending works on.
    pub colour_domain: ColourDomain,
}

impl Appearance {
    /// The fields' names, in the order of [`Self::bytes`].
    pub const FIELDS: [&'static str; 4] = ["antialias", "sh_origin", "kernel", "colour_domain"];

    /// A byte a field.
    #[must_use]
    pub const fn bytes(self) -> [u8; 4] {
        [self.antialias.byte(), self.sh_origin.byte(), self.kernel.byte(), self.colour_domain.byte()]
    }

    /// A word a field.
    #[must_use]
    pub const fn words(self) -> [&'static str; 4] {
        [self.antialias.word(), self.sh_origin.word(), self.kernel.word(), self.colour_domain.word()]
    }

    /// From bytes.
    ///
    /// # Errors
    /// The number of the first field whose byte stands for nothing this version knows.
    pub fn from_bytes([antialias, sh_origin, kernel, colour_domain]: [u8; 4]) -> Result<Self, usize> {
        Ok(Self {
            antialias: Antialias::from_byte(antialias).ok_or(0_usize)?,
            sh_origin: ShOrigin::from_byte(sh_origin).ok_or(1_usize)?,
            kernel: Kernel::from_byte(kernel).ok_or(2_usize)?,
            colour_domain: ColourDomain::from_byte(colour_domain).ok_or(3_usize)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_words_go_both_ways() {
        let mut seen = Vec::new();
        for (a, s, k, c) in (0..64_u8).map(|n| (n % 4, n / 4 % 2, n / 8 % 2, n / 16 % 2)).collect::<Vec<_>>()
        {
            let appearance = Appearance::from_bytes([a, s, k, c]).unwrap();
            assert_eq!(appearance.bytes(), [a, s, k, c]);
            let [antialias, sh_origin, kernel, colour_domain] = appearance.words();
            let read = Appearance {
                antialias: antialias.parse().unwrap(),
                sh_origin: sh_origin.parse().unwrap(),
                kernel: kernel.parse().unwrap(),
                colour_domain: colour_domain.parse().unwrap(),
            };
            assert_eq!(read, appearance);
            seen.push(appearance.words());
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 32, "two appearances have the same words");
        assert_eq!(Appearance::default().bytes(), [0; 4], "what old files hold there");
    }

    #[test]
    fn what_stands_for_nothing_is_named() {
        for (bytes, field) in [([4, 0, 0, 0], 0), ([0, 2, 0, 0], 1), ([3, 1, 255, 0], 2), ([0, 0, 0, 2], 3)] {
            assert_eq!(Appearance::from_bytes(bytes), Err(field));
        }
        assert_eq!("blur".parse::<Antialias>(), Err("one of dilate, mip, none, pixel".to_owned()));
    }
}
