//! Angles that are products with pi in them, of numbers of any size: whole turns are taken away from all the digits of the
//! product, as M. Payne and R. Hanek do for the sine (Radian reduction for trigonometric functions, SIGNUM Newsletter 18,
//! 1983).

/// ln(2) / (2 pi), by 64 bits each, the first ones first.
const LN_2_IN_TURNS: [u64; 19] = [
    0x1c3d_c98f_7e96_9bbb,
    0x2d82_160b_957f_bcf7,
    0x6384_efb3_4752_570d,
    0x875c_804e_baa7_e3f2,
    0x9dba_19bf_26d2_2f92,
    0x057d_72db_f62f_b884,
    0x40e5_36cc_0835_bad4,
    0x8c3f_ea6b_a432_f1cd,
    0x544d_633b_59f0_36cf,
    0x1243_456f_7646_8a7d,
    0x5a09_00ab_d7a3_e708,
    0xeffc_572f_1c7c_17fb,
    0x7f82_ec18_8aa3_23d9,
    0xdcc2_7116_9d40_8a0a,
    0xbab4_3090_d715_49ee,
    0xdd67_cd17_8b41_8a3a,
    0x2c69_58e8_94f9_8a46,
    0x3a97_ff6a_fab0_351e,
    0x73fb_6c6d_bf1e_2d0e,
];

/// ln(10) / (2 pi).
const LN_10_IN_TURNS: [u64; 19] = [
    0x5dd0_d56d_a172_d0cb,
    0x97c4_ebf2_4f23_630a,
    0xec8b_bf88_66f0_ab47,
    0x0af3_f338_fed9_0c94,
    0x60dc_d27c_cb50_a935,
    0x9c3b_3c69_fe7f_cd91,
    0x8785_58ed_8a5d_7fe1,
    0xcd5b_084b_94f4_d87f,
    0xa201_d5c0_a412_0abc,
    0x4f3a_4498_8f54_c135,
    0xe17a_2eb3_9a8c_bb45,
    0xff95_cd07_a9e1_9866,
    0x69e7_9371_6e66_6112,
    0xbc42_cfbe_7b61_cfce,
    0x5545_730f_3175_7a69,
    0x1493_4a4f_efd5_afaa,
    0x3adf_5934_b2d4_e21b,
    0x09f5_41d8_6434_ec71,
    0xdc16_0325_8ff7_6067,
];

/// 1 / (3 pi).
const THIRD_OVER_PI: [u64; 27] = [
    0x1b29_95e7_b7b6_0386,
    0xff5b_e3f8_5388_cfa0,
    0x2490_6e44_34b5_ed60,
    0x550d_909c_a51f_4b90,
    0x4930_bd09_b5b7_a325,
    0x5661_87d1_ac4d_985a,
    0x2a5a_51da_1d86_f135,
    0x26c0_5e53_87c9_e0c0,
    0xd19a_12b1_1e0f_ea60,
    0x3442_f909_95e3_3453,
    0x6f6b_6541_f4fe_dc09,
    0xdaa9_6eaa_a500_eead,
    0x5287_d841_e457_122f,
    0xe789_1522_86a1_d6f3,
    0xe28b_b53b_c50f_fc5c,
    0xe8db_f476_a750_fd94,
    0x8a2b_defe_970d_c327,
    0x11ff_3a9d_8542_3a2c,
    0x0e55_dd61_2a14_91f1,
    0xfd77_f4b0_19d3_5e5a,
    0x46fb_42e5_8fd1_0481,
    0x6644_40e5_2e1a_bc0a,
    0xc255_4ec0_0ce8_8688,
    0x2bab_ae39_21bd_f176,
    0xe57b_14a0_1767_36a0,
    0xaef5_e6a2_4f7c_0187,
    0x15e4_4b69_1743_af71,
];

/// x ln(2) without whole turns.
pub(super) fn times_ln_2(x: f64) -> f64 {
    product(x, &LN_2_IN_TURNS)
}

/// x ln(10) without whole turns.
pub(super) fn times_ln_10(x: f64) -> f64 {
    product(x, &LN_10_IN_TURNS)
}

/// The angle of x times a number of turns, in [-pi, pi].
fn product(x: f64, turns: &[u64]) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    let (mantissa, exponent) = parts(x.abs());
    let angle = angle_of(&[mantissa], exponent, turns);
    if x < 0.0 { -angle } else { angle }
}

/// 2/3 x^(3/2) without whole turns, for a finite x above 1.
pub(super) fn two_thirds_of_power(x: f64) -> f64 {
    /// So many bits of the power are behind its point.
    const BEHIND: i32 = 80;
    let (mantissa, exponent) = parts(x);
    // The cube of the mantissa; the number under the root is that times 2^shift.
    let square = u128::from(mantissa) * u128::from(mantissa);
    let low = u128::from(square as u64) * u128::from(mantissa);
    let high = (square >> 64) * u128::from(mantissa) + (low >> 64);
    let cube = [low as u64, high as u64, (high >> 64) as u64];
    let shift = 3 * exponent + 2 * BEHIND;
    let bit = |place: i32| bits_at(&cube, place - shift) & 1;
    // The root, two bits of the number under it at a time.
    let pairs = (192 + shift) / 2 + 1;
    let mut root = vec![0; pairs as usize / 64 + 2];
    let mut rest = root.clone();
    for pair in (0..pairs).rev() {
        shift_left(&mut rest, 2, bit(2 * pair + 1) << 1 | bit(2 * pair));
        shift_left(&mut root, 2, 1);
        let fits = rest.iter().rev().ge(root.iter().rev());
        if fits {
            subtract(&mut rest, &root);
        }
        // Of 4 root + 1 back to 2 root, and the new bit.
        shift_right(&mut root);
        root[0] = root[0] & !1 | u64::from(fits);
    }
    angle_of(&root, -BEHIND, &THIRD_OVER_PI)
}

/// A positive number as a whole one times a power of two.
fn parts(x: f64) -> (u64, i32) {
    let (exponent, fraction) = ((x.to_bits() >> 52) as i32, x.to_bits() & ((1 << 52) - 1));
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

/// The angle of number 2^shift times so many turns, less whole ones: of the product the bits behind the point.
fn angle_of(number: &[u64], shift: i32, turns: &[u64]) -> f64 {
    let mut product = vec![0; number.len() + turns.len()];
    for (i, &digit) in number.iter().enumerate() {
        let mut carry = 0;
        for (j, &other) in turns.iter().rev().enumerate() {
            let sum = u128::from(digit) * u128::from(other) + u128::from(product[i + j]) + carry;
            product[i + j] = sum as u64;
            carry = sum >> 64;
        }
        product[i + turns.len()] = carry as u64;
    }
    let point = 64 * turns.len() as i32 - shift;
    let behind = u128::from(bits_at(&product, point - 64)) << 64
        | u128::from(bits_at(&product, point - 128));
    // More than a half turn is a turn less the rest.
    behind as i128 as f64 / 2.0_f64.powi(128) * std::f64::consts::TAU
}

/// 64 bits of a whole number from this place on.
fn bits_at(number: &[u64], place: i32) -> u64 {
    let digit = |i: i32| usize::try_from(i).ok().and_then(|i| number.get(i)).copied().unwrap_or(0);
    let (i, rest) = (place.div_euclid(64), place.rem_euclid(64));
    if rest == 0 { digit(i) } else { digit(i) >> rest | digit(i + 1) << (64 - rest) }
}

/// Shifts by some bits, and puts others in their place.
fn shift_left(number: &mut [u64], bits: u32, mut last: u64) {
    for digit in number {
        let next = *digit >> (64 - bits);
        *digit = *digit << bits | last;
        last = next;
    }
}

fn shift_right(number: &mut [u64]) {
    let mut first = 0;
    for digit in number.iter_mut().rev() {
        (*digit, first) = (*digit >> 1 | first << 63, *digit & 1);
    }
}

/// Takes a number away that is not larger.
fn subtract(number: &mut [u64], other: &[u64]) {
    let mut borrow = false;
    for (digit, &other) in number.iter_mut().zip(other) {
        let (less, first) = digit.overflowing_sub(other);
        let (less, second) = less.overflowing_sub(u64::from(borrow));
        (*digit, borrow) = (less, first || second);
    }
}
