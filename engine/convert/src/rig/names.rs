//! What a joint is, by its name and place: one list of parts that every naming habit is brought to. Pure.
//!
//! Names are cut into words at case changes, digits and punctuation; what stands before a colon and the habits'
//! prefixes (`mixamorig:`, `CC_Base_`, `Bip01`, `DEF-`) are dropped; `left`, `l`, `right`, `r` say the side. What is
//! left names a limb. The joints between hips and head are told by their place, not by their many names: those up to
//! the joint that carries the collars are the spine, those above it the neck.

use std::collections::BTreeMap;

use super::skeleton::Skeleton;

/// Which side of the body, as the body sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Both.
pub(crate) const SIDES: [Side; 2] = [Side::Left, Side::Right];

/// Which finger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Finger {
    Thumb,
    Index,
    Middle,
    Ring,
    Pinky,
}

/// A part of a body that two skeletons may have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Hips,
    /// Numbered from the hips up.
    Spine(usize),
    /// Numbered from the collars up.
    Neck(usize),
    Head,
    Eye(Side),
    Collar(Side),
    UpperArm(Side),
    LowerArm(Side),
    Hand(Side),
    /// Numbered from the palm out.
    Finger(Side, Finger, u32),
    UpperLeg(Side),
    LowerLeg(Side),
    Foot(Side),
    Toe(Side),
}

/// The joints of a skeleton by part.
pub(crate) type Parts = BTreeMap<Part, usize>;

/// Words that say whose skeleton it is, not which joint.
const NOISE: &[&str] =
    &["mixamorig", "cc", "base", "bip", "bip01", "def", "org", "mch", "bone", "joint", "jnt", "character"];

/// A name brought to one form.
struct Words {
    side: Option<Side>,
    /// The words that are neither side nor noise, joined.
    limb: String,
    /// The number at the end.
    number: Option<u32>,
}

/// Cuts a name into words.
fn words(name: &str) -> Words {
    let name = name.rsplit(':').next().unwrap_or_default();
    let chars: Vec<char> = name.chars().collect();
    let mut parts: Vec<String> = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied().unwrap_or('_');
        let after = chars.get(at + 1).copied().unwrap_or('_');
        // `leftArm`, `LThumb`, `Spine1` are each two words.
        let new = (c.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && after.is_lowercase())))
            || (c.is_ascii_digit() != before.is_ascii_digit());
        if new || !c.is_alphanumeric() {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut()
            && c.is_alphanumeric()
        {
            last.extend(c.to_lowercase());
        }
    }
    let mut found = Words { side: None, limb: String::new(), number: None };
    for part in parts.iter().filter(|part| !part.is_empty()) {
        match part.as_str() {
            "left" | "l" if found.side.is_none() => found.side = Some(Side::Left),
            "right" | "r" if found.side.is_none() => found.side = Some(Side::Right),
            noise if NOISE.contains(&noise) => {}
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                // The number in `Bip01 Pelvis` is the skeleton's, not the joint's.
                found.number = digits.parse().ok().filter(|_| !found.limb.is_empty());
            }
            word => found.limb += word,
        }
    }
    found
}

/// The joints of a skeleton that could be told.
pub(crate) fn parts(skeleton: &Skeleton) -> Parts {
    let named: Vec<Words> = skeleton.joints.iter().map(|joint| words(&joint.name)).collect();
    // `LeftShoulder` is the collar where there is a `LeftArm`, and the upper arm where there is none; the like of legs.
    let has = |limbs: &[&str]| named.iter().any(|w| w.side.is_some() && limbs.contains(&w.limb.as_str()));
    let arm_named = has(&["arm", "upperarm", "uparm"]);
    let thigh_named = has(&["upleg", "upperleg", "thigh"]);
    let mut parts = Parts::new();
    for (index, words) in named.iter().enumerate() {
        if let Some(part) = limb(words, arm_named, thigh_named) {
            // The first of a name is nearest to the root; what repeats it is a helper.
            parts.entry(part).or_insert(index);
        }
    }
    number_trunk(skeleton, &mut parts);
    parts
}

/// The part that a name says, if it says one.
fn limb(words: &Words, arm_named: bool, thigh_named: bool) -> Option<Part> {
    let Some(side) = words.side else {
        return match words.limb.as_str() {
            "hips" | "hip" | "pelvis" if words.number.is_none() => Some(Part::Hips),
            "head" if words.number.is_none() => Some(Part::Head),
            _ => None,
        };
    };
    let number = words.number.unwrap_or(0);
    if let Some(finger) = finger(&words.limb) {
        return (1..=4).contains(&number).then_some(Part::Finger(side, finger, number));
    }
    if number > 1 {
        return None;
    }
    Some(match words.limb.as_str() {
        "shoulder" | "shldr" if !arm_named => Part::UpperArm(side),
        "shoulder" | "collar" | "clavicle" => Part::Collar(side),
        "arm" | "upperarm" | "uparm" => Part::UpperArm(side),
        "forearm" | "lowerarm" | "lowarm" | "elbow" => Part::LowerArm(side),
        "hand" | "wrist" => Part::Hand(side),
        "hip" if !thigh_named => Part::UpperLeg(side),
        "upleg" | "upperleg" | "thigh" => Part::UpperLeg(side),
        "leg" | "lowerleg" | "lowleg" | "calf" | "shin" | "knee" => Part::LowerLeg(side),
        "eye" => Part::Eye(side),
        "foot" | "ankle" => Part::Foot(side),
        "toe" | "toes" | "toebase" | "ball" => Part::Toe(side),
        _ => return None,
    })
}

fn finger(limb: &str) -> Option<Finger> {
    let limb = limb.strip_prefix("hand").unwrap_or(limb);
    let limb = limb.strip_prefix('f').filter(|rest| finger_name(rest).is_some()).unwrap_or(limb);
    finger_name(limb)
}

fn finger_name(limb: &str) -> Option<Finger> {
    Some(match limb {
        "thumb" => Finger::Thumb,
        "index" => Finger::Index,
        "middle" | "mid" => Finger::Middle,
        "ring" => Finger::Ring,
        "pinky" | "little" => Finger::Pinky,
        _ => return None,
    })
}

/// Numbers the joints between hips and head: a spine up to the one that carries the collars or arms, then a neck.
fn number_trunk(skeleton: &Skeleton, parts: &mut Parts) {
    let (Some(&hips), Some(&head)) = (parts.get(&Part::Hips), parts.get(&Part::Head)) else { return };
    let mut trunk: Vec<usize> = skeleton.upwards(head).skip(1).take_while(|&joint| joint != hips).collect();
    trunk.reverse();
    if !skeleton.is_above(hips, head) {
        return;
    }
    let arms = SIDES.iter().filter_map(|&side| {
        parts.get(&Part::Collar(side)).or_else(|| parts.get(&Part::UpperArm(side))).copied()
    });
    let arms: Vec<usize> = arms.collect();
    let carries = |joint: usize| arms.iter().any(|&arm| skeleton.is_above(joint, arm));
    let spine = trunk.iter().rposition(|&joint| carries(joint)).map_or(0, |last| last + 1);
    for (number, &joint) in trunk[..spine].iter().enumerate() {
        parts.insert(Part::Spine(number), joint);
    }
    for (number, &joint) in trunk[spine..].iter().enumerate() {
        parts.insert(Part::Neck(number), joint);
    }
}

/// Pairs the joints of two skeletons: `(part, from, to)`, the latter in the order of the second skeleton. Spines and
/// necks of different lengths are paired by height.
pub(crate) fn pairs(from: &Parts, to: &Parts) -> Vec<(Part, usize, usize)> {
    let count = |parts: &Parts, is: fn(&Part) -> bool| parts.keys().filter(|part| is(part)).count();
    let spine: fn(&Part) -> bool = |part| matches!(part, Part::Spine(_));
    let neck: fn(&Part) -> bool = |part| matches!(part, Part::Neck(_));
    let spines = (count(from, spine), count(to, spine));
    let necks = (count(from, neck), count(to, neck));
    // The last of one is the last of the other: it carries the arms, or the head.
    let matched =
        |number: usize, (from, to): (usize, usize)| ((number + 1) * from).div_ceil(to.max(1)).max(1) - 1;
    let mut pairs: Vec<(Part, usize, usize)> = to
        .iter()
        .filter_map(|(&part, &joint)| {
            let wanted = match part {
                Part::Spine(number) => Part::Spine(matched(number, spines)),
                Part::Neck(number) => Part::Neck(matched(number, necks)),
                other => other,
            };
            from.get(&wanted).map(|&source| (part, source, joint))
        })
        .collect();
    pairs.sort_by_key(|&(_, _, joint)| joint);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::skeleton::{Joint, Local};

    #[test]
    fn habits_of_naming_agree() {
        let part = |name: &str| limb(&words(name), true, true);
        for name in
            ["LeftUpLeg", "mixamorig:LeftUpLeg", "CC_Base_L_Thigh", "thigh.L", "Bip01 L Thigh", "DEF-thigh.L"]
        {
            assert_eq!(part(name), Some(Part::UpperLeg(Side::Left)), "{name}");
        }
        for name in ["RightForeArm", "CC_Base_R_Forearm", "lowerarm_r", "rForeArm"] {
            assert_eq!(part(name), Some(Part::LowerArm(Side::Right)), "{name}");
        }
        for name in ["LeftHandMiddle2", "CC_Base_L_Mid2", "f_middle.02.L", "LMiddle2"] {
            assert_eq!(part(name), Some(Part::Finger(Side::Left, Finger::Middle, 2)), "{name}");
        }
        assert_eq!(limb(&words("LeftShoulder"), false, true), Some(Part::UpperArm(Side::Left)));
        assert_eq!(part("LeftShoulder"), Some(Part::Collar(Side::Left)));
        assert_eq!(limb(&words("LeftHip"), false, false), Some(Part::UpperLeg(Side::Left)));
        assert_eq!(part("Hips"), Some(Part::Hips));
        for name in ["CC_Base_L_ForearmTwist01", "CC_Base_L_ToeBaseShareBone", "HeadEnd", "Relic", ""] {
            assert_eq!(part(name), None, "{name}");
        }
    }

    fn skeleton(joints: &[(&str, Option<usize>)]) -> Skeleton {
        let joint = |&(name, parent): &(&str, Option<usize>)| Joint {
            name: name.to_owned(),
            parent,
            rest: Local::IDENTITY,
        };
        Skeleton { joints: joints.iter().map(joint).collect() }
    }

    #[test]
    fn a_trunk_is_numbered_by_place_and_paired_by_height() {
        let long = skeleton(&[
            ("Hip", None),
            ("Waist", Some(0)),
            ("Spine01", Some(1)),
            ("Spine02", Some(2)),
            ("L_Clavicle", Some(3)),
            ("L_Upperarm", Some(4)),
            ("NeckTwist01", Some(3)),
            ("NeckTwist02", Some(6)),
            ("Head", Some(7)),
        ]);
        let short = skeleton(&[
            ("Hips", None),
            ("Chest", Some(0)),
            ("Neck", Some(1)),
            ("Head", Some(2)),
            ("LeftCollar", Some(1)),
            ("LeftShoulder", Some(4)),
        ]);
        let (long, short) = (parts(&long), parts(&short));
        assert_eq!(long.get(&Part::Spine(2)), Some(&3));
        assert_eq!(long.get(&Part::Neck(1)), Some(&7));
        let pairs: Vec<(usize, usize)> =
            pairs(&long, &short).iter().map(|&(_, from, to)| (from, to)).collect();
        assert_eq!(pairs, [(0, 0), (3, 1), (7, 2), (8, 3), (4, 4), (5, 5)]);
    }
}
