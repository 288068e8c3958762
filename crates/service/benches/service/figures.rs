//! What was measured, and whether it is within its bar.

use std::time::Duration;

/// The bars, and whether all were kept.
pub(crate) struct Bars {
    lines: Vec<String>,
    pub(crate) kept: bool,
}

impl Default for Bars {
    fn default() -> Bars {
        Bars { lines: Vec::new(), kept: true }
    }
}

impl Bars {
    pub(crate) fn at_most(&mut self, what: &str, ratio: f64, most: f64) {
        self.bar(what, ratio, &format!("at most {most}"), ratio <= most);
    }

    pub(crate) fn at_least(&mut self, what: &str, ratio: f64, least: f64) {
        self.bar(what, ratio, &format!("at least {least}"), ratio >= least);
    }

    fn bar(&mut self, what: &str, ratio: f64, bar: &str, kept: bool) {
        let mark = if kept { "" } else { " **not kept**" };
        self.kept &= kept;
        self.lines.push(format!("| {what} | {ratio:.2} | {bar}{mark} |"));
    }

    pub(crate) fn print(&self) {
        println!("## Ratios of the server\n\n| what | ratio | bar |\n|---|--:|---|");
        for line in &self.lines {
            println!("{line}");
        }
    }
}

/// The middle one.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn microseconds(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e6).collect()
}
