//! The picture.

use std::path::Path;

use plotters::prelude::*;

use crate::data::Observations;

/// What the process predicts at one time.
pub(crate) struct Prediction {
    pub(crate) time: f64,
    pub(crate) mean: f64,
    /// The standard deviation of an observation.
    pub(crate) deviation: f64,
}

/// How many standard deviations hold 95 % of a normal distribution.
const NINETY_FIVE: f64 = 1.959963984540054;

/// Draws the observations, the predicted mean and its 95 % band.
pub(crate) fn draw(
    path: &Path,
    observations: &Observations,
    predictions: &[Prediction],
) -> Result<(), Box<dyn std::error::Error>> {
    let band = |sign: f64| {
        predictions.iter().map(move |p| (p.time, p.mean + sign * NINETY_FIVE * p.deviation))
    };
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| {
            (least.min(x), most.max(x))
        })
    };
    let (first, last) = range(&mut predictions.iter().map(|p| p.time));
    let (least, most) = range(&mut band(-1.0).chain(band(1.0)).map(|(_, value)| value));

    let root = SVGBackend::new(path, (1000, 600)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Atmospheric CO2 at Mauna Loa", ("sans-serif", 24))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(first..last, least - 2.0..most + 2.0)?;
    chart
        .configure_mesh()
        .x_desc("year")
        .y_desc("ppm by volume")
        .x_label_formatter(&|year| format!("{year:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .draw()?;
    let outline: Vec<_> =
        band(1.0).chain(band(-1.0).collect::<Vec<_>>().into_iter().rev()).collect();
    chart
        .draw_series(std::iter::once(Polygon::new(outline, BLUE.mix(0.25))))?
        .label("95 % band")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 20, y + 5)], BLUE.mix(0.25).filled()));
    chart
        .draw_series(LineSeries::new(
            predictions.iter().map(|p| (p.time, p.mean)),
            BLUE.stroke_width(1),
        ))?
        .label("posterior mean")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], BLUE));
    let points = observations.times.iter().zip(&observations.values);
    chart
        .draw_series(points.map(|(&x, &y)| Circle::new((x, y), 2, BLACK.mix(0.7).filled())))?
        .label("monthly means")
        .legend(|(x, y)| Circle::new((x + 10, y), 2, BLACK.mix(0.7).filled()));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.4))
        .label_font(("sans-serif", 15))
        .draw()?;
    root.present()?;
    Ok(())
}
