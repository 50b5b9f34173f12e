//! Writes `docs/performance.md` and its curves.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use plotters::prelude::*;

use super::growth::Curve;
use super::measure::{HEAD, Row};

/// What was measured.
pub struct Results {
    pub rows: Vec<Row>,
    /// (command, MiB)
    pub memory: Vec<(String, f64)>,
    /// Seconds from saving a file to its verdict.
    pub watch: Vec<f64>,
    pub curves: Vec<Curve>,
    /// (program, version)
    pub versions: Vec<(&'static str, String)>,
    pub pairs: usize,
}

/// Most resident memory of a command that starts or judges, in MiB.
const MEMORY: f64 = 30.0;

/// Writes the page and its pictures below `docs`.
pub fn write(docs: &Path, results: &Results) -> Result<(), Box<dyn Error>> {
    let mut page = String::from("# How fast\n\n");
    writeln!(
        page,
        "Written by `cargo bench --bench peers`, which does all work in turn with its peers on one machine. Each line has \
         the medians, the median of the pairs' ratios and its 95 % interval (bootstrap). Nothing in the tests depends on it.\n"
    )?;
    writeln!(page, "{}\n", machine(&results.versions))?;
    writeln!(page, "{} pairs a row.\n\n{HEAD}", results.pairs)?;
    results.rows.iter().try_for_each(|row| writeln!(page, "{}", row.line()))?;
    writeln!(page, "\n## Memory\n\n| command | resident, at most | goal | reached |\n| --- | --- | --- | --- |")?;
    for (command, mib) in &results.memory {
        let reached = if *mib <= MEMORY { "yes" } else { "**no**" };
        writeln!(page, "| `labrunner {command}` | {mib:.1} MiB | ≤ {MEMORY:.0} MiB | {reached} |")?;
    }
    let worst = results.watch.iter().copied().fold(0.0, f64::max) * 1000.0;
    let middle = super::measure::median(&results.watch) * 1000.0;
    writeln!(page, "\nFrom saving a file to its verdict in `watch`: {middle:.0} ms, at most {worst:.0} ms.")?;
    writeln!(
        page,
        "\n## As the work grows\n\nThe bend is the cost of one more in the last piece of a curve over that in all before it: \
         about 1 is linear, less is better.\n"
    )?;
    std::fs::create_dir_all(docs.join("performance"))?;
    for curve in &results.curves {
        draw(&docs.join("performance").join(format!("{}.svg", curve.name)), curve)?;
        let points: Vec<String> = curve.points.iter().map(|(x, y)| format!("{x:.0}: {:.3} s", y)).collect();
        writeln!(
            page,
            "### {}\n\n![{}](performance/{}.svg)\n\n{} ({}); bend {:.2}\n",
            curve.title,
            curve.title,
            curve.name,
            points.join(", "),
            curve.across,
            curve.bend()
        )?;
    }
    std::fs::write(docs.join("performance.md"), page.trim_end().to_owned() + "\n")?;
    Ok(())
}

fn machine(versions: &[(&str, String)]) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cpu = field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "an unknown processor".into());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = field(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let date = Command::new("date").args(["-u", "+%F %R UTC"]).output();
    let date = date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "Measured on {date}: {cpu}, {cores} cores, {} GiB, Linux {}; {}.",
        memory.unwrap_or(0) >> 20,
        read("/proc/sys/kernel/osrelease").trim(),
        versions.join(", ")
    )
}

fn draw(file: &Path, curve: &Curve) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(file, (640, 320)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = |pick: fn(&(f64, f64)) -> f64| curve.points.iter().map(pick).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..most(|point| point.0) * 1.05, 0.0..most(|point| point.1) * 1.1)?;
    chart.configure_mesh().x_desc(curve.across).y_desc(curve.up).light_line_style(WHITE).draw()?;
    chart.draw_series(LineSeries::new(curve.points.iter().copied(), BLUE.stroke_width(2)))?;
    chart.draw_series(curve.points.iter().map(|point| Circle::new(*point, 4, BLUE.filled())))?;
    area.present()?;
    Ok(())
}
