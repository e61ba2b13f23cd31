//! Drawing of colour bars.

use super::{ink, pixels};
use crate::axis::Axis;
use crate::bitmap::Bitmap;
use crate::error::Result;
use crate::layout::{BarLayout, colour_bar_label_distance};
use crate::matrix::Matrix;
use crate::scale::AxisScale;
use crate::svg::{Anchor, SvgWriter};
use crate::text::Font;
use crate::theme;

/// Steps of the ramp; odd, such that one has the colour of the centre.
const STEPS: usize = 257;

/// Draws a colour bar with its labels to the right.
pub(super) fn draw(writer: &mut SvgWriter, font: &Font<'_>, place: &BarLayout) -> Result<()> {
    let BarLayout { bar, ramp, .. } = place;
    let area = *ramp;
    writer.group("colour-bar");
    let (low, high) = bar.colours.range;
    let ramp = (0..STEPS)
        .map(|step| high + (low - high) * step as f64 / (STEPS - 1) as f64)
        .map(|value| value.clamp(low, high))
        .collect();
    let ramp = Matrix::new(STEPS, 1, ramp)?;
    let ramp = Bitmap::coloured(&ramp, &bar.colours);
    pixels::draw(writer, &ramp, pixels::Order::default(), area)?;
    writer
        .tag("rect")
        .rect(area)
        .colour("stroke", theme::AXIS_LINE)
        .number("stroke-width", 0.6)
        .close();
    let axis = Axis::linear("", bar.colours.range);
    let scale = AxisScale::new(&axis, area.bottom(), area.y);
    let tick_end = area.right() + theme::TICK_LENGTH;
    for tick in &place.ticks {
        let y = scale.px(tick.at);
        writer.line((area.right(), y), (tick_end, y), theme::AXIS_LINE, 1.0);
        let label = ink(theme::TICK_LABEL, Anchor::Start);
        let baseline = y + theme::TICK_LABEL.middle_drop();
        writer.label(tick_end + theme::TICK_GAP, baseline, &tick.text, label)?;
    }
    let x =
        area.x + colour_bar_label_distance(font, bar)? + theme::LABEL_GAP + theme::AXIS_LABEL.size;
    let label = ink(theme::AXIS_LABEL, Anchor::Middle).turned();
    writer.label(x, area.y + area.height / 2.0, &place.label, label)?;
    writer.end();
    Ok(())
}
