//! The picture.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

/// The least cost of one design, and its relative derivatives by the logarithms of mass and length.
pub(crate) struct Point {
    pub(crate) length: f64,
    pub(crate) cost: f64,
    pub(crate) by_mass: f64,
    pub(crate) by_length: f64,
}

/// A mass, and the points of its curve.
type Curve = (f64, Vec<Point>);

/// Draws the cost, and its sensitivities, over the length, a curve for each mass.
pub(crate) fn draw(path: &Path, curves: &[Curve]) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(path, (1200, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let areas = root.split_evenly((1, 3));
    panel(&areas[0], "cost of balancing", curves, |point| point.cost)?;
    panel(&areas[1], "per cent of cost for a per cent of mass", curves, |point| point.by_mass)?;
    panel(&areas[2], "per cent of cost for a per cent of length", curves, |point| point.by_length)?;
    root.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    caption: &str,
    curves: &[Curve],
    value: impl Fn(&Point) -> f64,
) -> Result<(), Box<dyn std::error::Error>> {
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| {
            (least.min(x), most.max(x))
        })
    };
    let points = || curves.iter().flat_map(|(_, points)| points);
    let (first, last) = range(&mut points().map(|point| point.length));
    let (least, most) = range(&mut points().map(&value));
    let margin = 0.05 * (most - least);
    let mut chart = ChartBuilder::on(area)
        .caption(caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d((first..last).log_scale(), least - margin..most + margin)?;
    chart
        .configure_mesh()
        .x_desc("length of the rod in m")
        .x_label_formatter(&|length| format!("{length:.1}"))
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .draw()?;
    for ((mass, points), colour) in curves.iter().zip([BLUE, RED, BLACK]) {
        let line = points.iter().map(|point| (point.length, value(point)));
        chart
            .draw_series(LineSeries::new(line, colour.stroke_width(2)))?
            .label(format!("{mass} kg"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.4))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}
