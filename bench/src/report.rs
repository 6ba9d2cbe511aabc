//! The table.

use std::fmt::Write;

/// What a measure has to reach.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// A ratio this near to 1.
    Within(f64),
    /// For comparison only.
    None,
}

impl Target {
    fn met(self, value: f64) -> Option<bool> {
        match self {
            Self::AtLeast(least) => Some(value >= least),
            Self::AtMost(most) => Some(value <= most),
            Self::Within(share) => Some((value - 1.0).abs() <= share),
            Self::None => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMost(most) => format!("≤ {most}"),
            Self::Within(share) => format!("1 ± {share}"),
            Self::None => String::new(),
        }
    }
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) measure: String,
    pub(crate) berth: String,
    pub(crate) peer: String,
    /// The figure the target is about: a ratio, or Berth's own figure.
    pub(crate) value: f64,
    pub(crate) target: Target,
}

/// All lines so far.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("  {}", line(&row));
        self.rows.push(row);
    }

    /// The whole report as Markdown.
    pub(crate) fn render(&self, machine: &str, before: f64, after: f64) -> String {
        let mut text = String::from(HEAD);
        let _ = writeln!(
            text,
            "Machine: {machine}. Load average before the run {before:.1}, after it {after:.1}.\n"
        );
        text.push_str("| measure | Berth | beside | figure | target | met |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for row in &self.rows {
            text.push_str(&line(row));
            text.push('\n');
        }
        text
    }
}

const HEAD: &str = "# Results

Written by `make bench`. Servers run on one machine, with the load generator, in turn (A B A B …);
a figure is the median of the rounds, a ratio the median of the rounds' ratios. Access logs are off
in all servers. nginx serves the same bytes as files; docker-registry stores on the same disk,
without authentication, while Berth checks a bearer token with every request.

";

fn line(row: &Row) -> String {
    let met = match row.target.met(row.value) {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    format!(
        "| {} | {} | {} | {:.2} | {} | {met} |",
        row.measure,
        row.berth,
        row.peer,
        row.value,
        row.target.text()
    )
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn targets_include_their_edges() {
        assert_eq!(Target::AtLeast(0.7).met(0.7), Some(true));
        assert_eq!(Target::AtLeast(0.7).met(0.69), Some(false));
        assert_eq!(Target::AtMost(80.0).met(80.5), Some(false));
        assert_eq!(Target::Within(0.2).met(0.85), Some(true));
        assert_eq!(Target::Within(0.2).met(1.25), Some(false));
        assert_eq!(Target::None.met(1.0), None);
    }
}
