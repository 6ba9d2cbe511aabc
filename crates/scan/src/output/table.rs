//! The report for people.

use std::io::{self, Write};

use berth_inspect::findings::Finding;

use crate::Report;

/// Widest column but the last.
const WIDEST: usize = 40;

pub(super) fn write(report: &Report, to: &mut dyn Write) -> io::Result<()> {
    let distro = report.distro.as_ref().map_or("no distribution", |distro| {
        if distro.pretty_name.is_empty() {
            &distro.id
        } else {
            &distro.pretty_name
        }
    });
    writeln!(
        to,
        "{} ({}), {} packages",
        clean(&report.name),
        clean(distro),
        report.packages.len()
    )?;
    for feed in &report.feeds {
        let name = clean(&feed.name);
        match feed.advisories {
            // It says more of what others say.
            0 => writeln!(to, "held against {name}")?,
            count => writeln!(to, "held against {name}: {count} advisories")?,
        }
    }
    let counts: Vec<String> = report
        .counts()
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", severity.as_str().to_lowercase()))
        .collect();
    writeln!(to)?;
    if counts.is_empty() {
        writeln!(to, "No known vulnerabilities.")?;
    } else {
        writeln!(
            to,
            "Vulnerabilities: {} ({})",
            report.vulnerabilities.len(),
            counts.join(", ")
        )?;
        writeln!(to)?;
        vulnerabilities(report, to)?;
    }
    let findings: Vec<(String, &Finding)> = report
        .findings
        .iter()
        .map(|it| {
            let place = match it.finding.line {
                Some(line) => format!("{}:{line}", it.finding.path),
                None => it.finding.path.clone(),
            };
            let removed = if it.removed_later {
                " (deleted by a later layer)"
            } else {
                ""
            };
            (
                format!("{place}, layer {}{removed}", it.layer + 1),
                &it.finding,
            )
        })
        .chain(report.practice.iter().map(|it| ("image".to_owned(), it)))
        .collect();
    if !findings.is_empty() {
        writeln!(to, "\nFindings: {}\n", findings.len())?;
        let rows = findings.iter().map(|(place, finding)| {
            let severity = format!("{:?}", finding.severity).to_uppercase();
            [
                severity,
                finding.rule.clone(),
                finding.title.clone(),
                place.clone(),
            ]
        });
        columns(["SEVERITY", "RULE", "WHAT", "WHERE"], rows, to)?;
    }
    notes(report, to)
}

fn vulnerabilities(report: &Report, to: &mut dyn Write) -> io::Result<()> {
    let rows = report.vulnerabilities.iter().map(|it| {
        let fixed = it
            .fixed_version
            .clone()
            .unwrap_or_else(|| it.status.replace('_', " "));
        let mut title = it.title.clone();
        if let Some(since) = &it.exploited_since {
            title = format!("[exploited since {since}] {title}");
        }
        [
            it.severity.as_str().to_uppercase(),
            it.id.clone(),
            it.package.clone(),
            it.version.clone(),
            fixed,
            title,
        ]
    });
    let heads = [
        "SEVERITY",
        "VULNERABILITY",
        "PACKAGE",
        "VERSION",
        "FIXED IN",
        "TITLE",
    ];
    columns(heads, rows, to)
}

fn notes(report: &Report, to: &mut dyn Write) -> io::Result<()> {
    let not_covered: Vec<String> = report
        .not_covered
        .iter()
        .map(|(ecosystem, count)| format!("{} ({count} packages)", clean(ecosystem)))
        .collect();
    if !report.ignored.is_empty() {
        writeln!(to, "\nNot counted, by VEX or a list of exceptions:")?;
        for it in &report.ignored {
            let (id, package) = (&it.vulnerability.id, &it.vulnerability.package);
            let line = format!("  {id} of {package}: {}", it.reason);
            writeln!(to, "{}", clean(&line))?;
        }
    }
    if !not_covered.is_empty() {
        writeln!(
            to,
            "\nNot looked up, because no feed speaks of it: {}",
            not_covered.join(", ")
        )?;
    }
    for left in &report.incomplete {
        let place = if left.path.is_empty() {
            "a layer"
        } else {
            &left.path
        };
        writeln!(to, "\nNot read: {}: {}", clean(place), clean(&left.detail))?;
    }
    for warning in &report.warnings {
        writeln!(to, "\nWarning: {}", clean(warning))?;
    }
    Ok(())
}

/// Without what would move a terminal's cursor or forge a line.
fn clean(text: &str) -> String {
    let moves = |char: char| {
        let turns = matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        char.is_control() || turns
    };
    text.chars()
        .map(|char| if moves(char) { ' ' } else { char })
        .collect()
}

fn columns<const N: usize>(
    heads: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
    to: &mut dyn Write,
) -> io::Result<()> {
    let rows: Vec<[String; N]> = std::iter::once(heads.map(str::to_owned))
        .chain(rows.map(|row| row.map(|cell| clean(&cell))))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count()).min(WIDEST);
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (nr, (cell, width)) in row.iter().zip(widths).enumerate() {
            if nr > 0 {
                line.push_str("  ");
            }
            line.push_str(cell);
            if nr + 1 < N {
                let short = width.saturating_sub(cell.chars().count());
                line.extend(std::iter::repeat_n(' ', short));
            }
        }
        writeln!(to, "{}", line.trim_end())?;
    }
    Ok(())
}
