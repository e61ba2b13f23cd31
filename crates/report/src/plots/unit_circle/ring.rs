//! Texts in a ring around a circle, without overlaps.

use std::f64::consts::TAU;

/// Height of a text and the gap to the next, px.
const HEIGHT: f64 = 15.0;
/// Gap between texts side by side, px.
const GAP: f64 = 8.0;
/// Number of rounds in which neighbours are pushed apart.
const ROUNDS: usize = 500;

/// Angles of texts of these widths (px) on a ring of this radius (px), in the order of the wanted angles and near them. If
/// there is not enough room, texts overlap evenly.
pub(super) fn spread(wanted: &[f64], widths: &[f64], radius: f64) -> Vec<f64> {
    let mut angles: Vec<f64> = wanted.iter().map(|angle| angle.rem_euclid(TAU)).collect();
    let mut order: Vec<usize> = (0..angles.len()).collect();
    order.sort_by(|one, other| angles[*one].total_cmp(&angles[*other]));
    if order.len() < 2 {
        return angles;
    }
    for _ in 0..ROUNDS {
        for (place, &one) in order.iter().enumerate() {
            let next = (place + 1) % order.len();
            let other = order[next];
            let round = if next == 0 { TAU } else { 0.0 };
            let gap = angles[other] + round - angles[one];
            let width = (widths[one] + widths[other]) / 2.0;
            let lacking = needed(angles[one] + gap / 2.0, width) / radius - gap;
            if lacking > 0.0 {
                angles[one] -= lacking / 2.0;
                angles[other] += lacking / 2.0;
            }
        }
    }
    angles
}

/// Arc length between neighbouring texts at this angle that are `width` px wide on average. They are side by side at the top
/// and the bottom, above each other at the sides.
fn needed(angle: f64, width: f64) -> f64 {
    let beside = (width + GAP) / angle.sin().abs();
    let above = HEIGHT / angle.cos().abs();
    beside.min(above)
}

/// Middle of a text of `width` px outside of a ring at this angle, px from the middle of the ring.
pub(super) fn middle(angle: f64, width: f64, radius: f64) -> (f64, f64) {
    let (sine, cosine) = angle.sin_cos();
    let (x, y) = (radius + width / 2.0, radius + HEIGHT / 2.0);
    (x * cosine, y * sine)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns true if texts at these angles overlap.
    fn overlap(angles: &[f64], widths: &[f64], radius: f64) -> bool {
        let middles: Vec<_> = (0..angles.len())
            .map(|index| middle(angles[index], widths[index], radius))
            .collect();
        (0..angles.len()).any(|one| {
            (0..one).any(|other| {
                let ((x, y), (right, up)) = (middles[one], middles[other]);
                let width = (widths[one] + widths[other]) / 2.0;
                (x - right).abs() < width && (y - up).abs() < 12.0
            })
        })
    }

    #[test]
    fn crowded_texts_move_apart_and_others_stay() {
        for centre in [0.0, 0.7, 1.6, 3.1, 4.8] {
            let wanted = [centre, centre + 0.01, centre + 0.02, centre + 3.0];
            let widths = [10.0, 60.0, 30.0, 20.0];
            assert!(overlap(&wanted, &widths, 240.0), "{centre}");
            let angles = spread(&wanted, &widths, 240.0);
            assert!(!overlap(&angles, &widths, 240.0), "{centre}: {angles:?}");
            let moved = (angles[3] - wanted[3].rem_euclid(TAU)).abs();
            assert!(moved < 1e-12, "{moved}");
        }
    }

    #[test]
    fn twenty_texts_at_one_place_find_room() {
        let wanted: Vec<f64> = (0..20)
            .map(|index| 1.5 + 0.001 * f64::from(index))
            .collect();
        let widths = vec![40.0; 20];
        let angles = spread(&wanted, &widths, 240.0);
        assert!(!overlap(&angles, &widths, 240.0), "{angles:?}");
    }

    #[test]
    fn none_and_one_are_left_alone() {
        assert!(spread(&[], &[], 240.0).is_empty());
        assert_eq!(spread(&[2.0], &[10.0], 240.0), [2.0]);
    }
}
