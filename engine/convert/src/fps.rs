//! Frame rates as exact fractions: `30`, `29.97`, `12.5`, `24000/1001`. Pure.

use std::fmt;
use std::str::FromStr;

use vivant::Error;
use vivant::time::TickRate;

/// Frames a second, as a reduced fraction that [`TickRate::for_fps`] accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fps {
    num: u32,
    den: u32,
    rate: TickRate,
}

/// Highest rate that is taken for meant: beyond it a typing error is likelier than a camera.
const MAX_FPS: u32 = 1000;

impl Fps {
    /// `num / den` frames a second.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] unless the rate is above 0 and at most 1000.
    pub fn new(num: u32, den: u32) -> vivant::Result<Self> {
        let divisor = gcd(num, den).max(1);
        let (num, den) = (num / divisor, den / divisor);
        let sane = den > 0 && num > 0 && u64::from(num) <= u64::from(den) * u64::from(MAX_FPS);
        let rate = if sane { TickRate::for_fps(num, den) } else { None };
        rate.map(|rate| Self { num, den, rate }).ok_or_else(|| {
            Error::invalid(format!(
                "{num}/{den} frames a second: the rate must be above 0 and at most {MAX_FPS}"
            ))
        })
    }

    /// Numerator and denominator.
    #[must_use]
    pub const fn fraction(self) -> (u32, u32) {
        (self.num, self.den)
    }

    /// The tick rate whose frames are whole ticks.
    #[must_use]
    pub const fn tick_rate(self) -> TickRate {
        self.rate
    }
}

impl Default for Fps {
    /// 30 frames a second.
    fn default() -> Self {
        Self { num: 30, den: 1, rate: TickRate { num: 30 * vivant::time::TICKS_PER_FRAME, den: 1 } }
    }
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

impl FromStr for Fps {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::invalid(format!("frame rate '{text}': write it as 30, 29.97 or 30000/1001"));
        if let Some((num, den)) = text.split_once('/') {
            let parse = |part: &str| part.trim().parse::<u32>().ok();
            return Self::new(parse(num).ok_or_else(refuse)?, parse(den).ok_or_else(refuse)?);
        }
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > 6 || !digits(whole) || !digits(fraction) {
            return Err(refuse());
        }
        let places = u32::try_from(fraction.len()).unwrap_or(0);
        let den = 10_u64.pow(places);
        let value: u64 = format!("{whole}{fraction}").parse().ok().ok_or_else(refuse)?;
        // The broadcast rates are always written short: 29.97 means 30000/1001, 23.976 means 24000/1001.
        for nominal in [24_u64, 30, 48, 60, 120] {
            let exact = nominal * 1000 * den;
            if places >= 2 && value * 1001 != exact && (exact + 500).div_euclid(1001) == value {
                return Self::new(u32::try_from(nominal * 1000).unwrap_or(0), 1001);
            }
        }
        let divisor = gcd_wide(value, den).max(1);
        let narrow = |wide: u64| u32::try_from(wide / divisor).ok();
        Self::new(narrow(value).ok_or_else(refuse)?, narrow(den).ok_or_else(refuse)?)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn gcd_wide(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd_wide(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_parse_exactly() {
        for (text, fraction) in [
            ("30", (30, 1)),
            ("29.97", (30_000, 1001)),
            ("23.976", (24_000, 1001)),
            ("59.94", (60_000, 1001)),
            ("12.5", (25, 2)),
            ("60/2", (30, 1)),
            ("24000/1001", (24_000, 1001)),
            ("24.00", (24, 1)),
        ] {
            assert_eq!(text.parse::<Fps>().unwrap().fraction(), fraction, "{text}");
        }
        assert_eq!(Fps::default(), Fps::new(30, 1).unwrap());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in
            ["", "0", "-30", "fast", "1e3", "30/0", "1001", "30fps", ".", "99999999999999999999", "1.2345678"]
        {
            assert!(text.parse::<Fps>().is_err(), "{text}");
        }
    }
}
