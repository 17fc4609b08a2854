//! The 4D algebra of the importers against golden numbers and against the formulas of the papers.

use vivant_convert::gaussian4::{
    Slice, principal_axes, rotation_of_hierarchy, rotation_of_rotor, rotation_of_yang,
};
use vivant_tests::random::Random;

use crate::formula::{self, M4};

const SCALES: [f64; 4] = [0.1, 0.05, 0.02, 0.3];

fn far(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn far4(a: &M4, b: &M4) -> f64 {
    far(a.as_flattened(), b.as_flattened())
}

fn quaternion(random: &mut Random) -> [f64; 4] {
    [0; 4].map(|_| f64::from(random.normal()))
}

#[test]
fn the_golden_rotor() {
    let (first, second) = ([0.9, 0.1, -0.2, 0.3], [0.25, -0.15, 0.05, 0.4]);
    let r = rotation_of_rotor(first, second);
    assert!(far(&r[0], &[0.6525, 0.415, -0.205, 0.64]) < 1e-12);
    assert!(far(&r[3], &[-0.74, 0.09, 0.02, 0.7025]) < 1e-12);
    let slice = Slice::new(&r, SCALES, 0.0);
    assert!((slice.variance - 0.049_911_972_5).abs() < 1e-9);
    let v = [0.715_804_910_334_89, -0.157_989_698_764_159_22, 0.412_261_306_643_411_1];
    assert!(far(&slice.velocity, &v) < 1e-9);
    let mean: Vec<f64> = slice.velocity.iter().zip([1.0, 2.0, 3.0]).map(|(v, m)| m + v * 0.1).collect();
    assert!(far(&mean, &[1.071_580_491_033_489, 1.984_201_030_123_584_2, 3.041_226_130_664_341]) < 1e-9);
    let marginal = (-0.5 * 0.01 / slice.variance).exp();
    assert!((marginal - 0.904_677_850_003_615_8).abs() < 1e-9);
    let cov = [
        0.015_995_204_754_311_46,
        -0.001_415_561_154_673_674_1,
        0.007_040_505_916_143_795,
        0.001_534_360_611_193_568_9,
        -0.001_918_212_766_212_118_4,
        0.005_260_366_851_992_526,
    ];
    assert!(far(&slice.covariance(), &cov) < 1e-9);
    assert!((formula::factor(first, second).1 - 1.024_502_928_253_501_9).abs() < 1e-9);
    // Made a rotation, it is another Gaussian.
    let (first, second) = formula::normalised(first, second);
    let slice = Slice::new(&rotation_of_rotor(first, second), SCALES, 0.0);
    assert!(far(&slice.covariance(), &cov) > 1e-4);
    assert!(far(&slice.velocity, &v) < 1e-9);
}

#[test]
fn the_golden_pair() {
    let r = rotation_of_yang([0.9, 0.1, -0.2, 0.3], [0.8, -0.3, 0.4, 0.2]);
    let wanted = [
        [
            0.946_862_091_946_772_3,
            -0.117_027_899_004_657_27,
            -0.287_250_297_556_885_9,
            0.085_111_199_276_114_32,
        ],
        [0.287_250_297_556_885_9, 0.648_972_894_480_372_1, 0.553_222_795_294_743_4, -0.436_194_896_290_086_1],
        [
            0.138_305_698_823_685_85,
            -0.340_444_797_104_457_4,
            0.755_361_893_575_514_9,
            0.542_583_895_385_229_1,
        ],
        [
            -0.042_555_599_638_057_134,
            0.670_250_694_299_400_5,
            -0.202_139_098_280_771_67,
            0.712_806_293_937_457_8,
        ],
    ];
    assert!(far4(&r, &wanted) < 1e-9);
    let slice = Slice::new(&r, SCALES, 0.0);
    assert!((slice.variance - 0.046_885_897_000_565_92).abs() < 1e-9);
    assert!(
        far(&slice.velocity, &[0.104_173_964_221_922_24, -0.577_200_389_438_990_1, 0.727_676_361_038_816_4])
            < 1e-9
    );
    assert!(((-0.5 * 0.01 / slice.variance).exp() - 0.898_847_514_494_501_8).abs() < 1e-9);
    let cov = [
        0.009_175_858_763_341_335,
        0.001_944_386_558_612_78,
        0.001_924_391_657_611_803_2,
        0.003_503_883_921_452_540_3,
        -0.001_595_637_321_024_273_6,
        0.002_378_338_813_981_348_3,
    ];
    assert!(far(&slice.covariance(), &cov) < 1e-9);
}

#[test]
fn the_conventions_are_one_algebra() {
    let mut random = Random::new(4);
    for _ in 0..500 {
        let (l, r) = (quaternion(&mut random), quaternion(&mut random));
        // Rotors: the table, the pair of quaternions, and what normalising does.
        assert!(far4(&rotation_of_rotor(l, r), &formula::rotor(l, r)) < 1e-12);
        let (epsilon, k) = formula::factor(l, r);
        let (first, second) = formula::normalised(l, r);
        if epsilon.abs() > 1e-3 && k > 0.1 {
            let scaled = rotation_of_rotor(first, second).map(|row| row.map(|x| x * k));
            assert!(far4(&rotation_of_rotor(l, r), &scaled) < 1e-9);
            let (raw, unit) = (
                Slice::new(&rotation_of_rotor(l, r), SCALES, 0.0),
                Slice::new(&rotation_of_rotor(first, second), SCALES.map(|s| s * k), 0.0),
            );
            assert!(far(&raw.velocity, &unit.velocity) < 1e-8);
            assert!(far(&raw.covariance(), &unit.covariance()) < 1e-9);
        }
        let [a, bxy, bxz, byz] = l;
        let [bxw, byw, bzw, p] = r;
        let left = [a - p, -(bxy + bzw), -(bxz - byw), -(byz + bxw)];
        let right = [a + p, -(bxy - bzw), -(bxz + byw), byz - bxw];
        assert!(far4(&rotation_of_rotor(l, r), &formula::hierarchy(left, right)) < 1e-12);
        let lengths: f64 =
            [left, right].map(|q| q.iter().map(|x| x * x).sum::<f64>().sqrt()).iter().product();
        assert!((lengths - k).abs() < 1e-9);
        // Yang's matrices, and the same as a hierarchy's.
        let yang = rotation_of_yang(l, r);
        assert!(far4(&yang, &formula::yang(l, r)) < 1e-12);
        let ([a, b, c, d], [p, q, r0, s]) = (l, r);
        assert!(far4(&yang, &rotation_of_hierarchy([a, -b, c, -d], [p, -q, r0, s])) < 1e-12);
        assert!(far4(&yang, &rotation_of_hierarchy([a, b, c, d], [p, q, r0, s])) > 1e-3);
        // His CUDA code makes the transpose and uses it the other way round: the same Σ.
        let transposed = formula::transposed(&yang);
        let cuda = formula::product(
            &formula::transposed(&transposed),
            &std::array::from_fn(|i| std::array::from_fn(|j| SCALES[i] * SCALES[i] * transposed[i][j])),
        );
        assert!(far4(&cuda, &formula::sigma(&yang, SCALES)) < 1e-12);
    }
}

#[test]
fn slices_are_the_conditional_gaussians() {
    let mut random = Random::new(5);
    for round in 0..500 {
        let (l, r) = (quaternion(&mut random), quaternion(&mut random));
        let rotation = rotation_of_hierarchy(l, r);
        let scale = if round % 2 == 0 { SCALES } else { [0.003, 0.003, 0.0005, 10.0] };
        let slice = Slice::new(&rotation, scale, 0.0);
        let (variance, velocity, covariance) = formula::slice(&formula::sigma(&rotation, scale));
        assert!((slice.variance / variance - 1.0).abs() < 1e-12);
        assert!(far(&slice.velocity, &velocity) < 1e-12 * (1.0 + far(&velocity, &[0.0; 3])));
        // What cancels loses as many digits as the squares of the scales are apart; the factor loses half as many.
        let lost = 1e-15 * scale[3] * scale[3];
        assert!(far(&slice.covariance(), &covariance) < 1e-15 + 20.0 * lost);
        // The determinant of Σ is that of both parts: the product of the scales, exactly.
        let (axes, quaternion) = principal_axes(&slice.factor);
        let product = axes.iter().product::<f64>() * slice.variance.sqrt();
        let wanted: f64 = scale.iter().product();
        assert!((product / wanted - 1.0).abs() < 1e-7, "{product} {wanted}");
        assert!((quaternion.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
        let again = formula::covariance(quaternion, axes);
        assert!(far(&again, &slice.covariance()) < 1e-12 * (axes.iter().map(|s| s * s).sum::<f64>() + 1e-3));
        assert!(axes.iter().all(|&axis| axis > 0.0));
    }
}

#[test]
fn what_is_upright_in_time_stands_still() {
    let rotation = rotation_of_hierarchy([0.3, 0.4, -0.5, 0.2], [0.3, -0.4, 0.5, -0.2]);
    // A rotation of space alone, whichever axis it keeps, has no velocity along the others.
    let spatial = rotation.iter().any(|row| row.iter().any(|x| (x.abs() - 1.0).abs() < 1e-12));
    assert!(spatial, "{rotation:?}");
    let turn = [[0.36, 0.48, -0.8, 0.0], [-0.8, 0.6, 0.0, 0.0], [0.48, 0.64, 0.6, 0.0], [0.0, 0.0, 0.0, 1.0]];
    let slice = Slice::new(&turn, SCALES, 0.0);
    assert!(far(&slice.velocity, &[0.0; 3]) < 1e-15);
    let (mut axes, _) = principal_axes(&slice.factor);
    axes.sort_unstable_by(f64::total_cmp);
    assert!(far(&axes, &[0.02, 0.05, 0.1]) < 1e-12);
    // What has no length of life has no velocity, and is no NaN.
    let flat = Slice::new(&turn, [0.1, 0.1, 0.1, 0.0], 1e-12);
    assert!(far(&flat.velocity, &[0.0; 3]) < 1e-15 && flat.variance > 0.0);
}
