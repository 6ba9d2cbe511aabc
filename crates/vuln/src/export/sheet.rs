//! CSV as RFC 4180 has it, for people who open it with a spreadsheet.
//!
//! Invariant: no cell is taken for a formula, whatever an image calls its packages: one that
//! begins like a formula gets an apostrophe before it.

/// What the first row says: Harbor's columns.
pub(crate) const COLUMNS: [&str; 10] = [
    "Repository",
    "Artifact Digest",
    "CVE",
    "Package",
    "Current Version",
    "Fixed in version",
    "Severity",
    "CWE Ids",
    "Additional Data",
    "Scanner",
];

/// What spreadsheets take for the beginning of a formula, also in its wide forms.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Adds a row.
pub(crate) fn row(text: &mut String, cells: &[&str]) {
    for (nr, one) in cells.iter().enumerate() {
        if nr > 0 {
            text.push(',');
        }
        cell(text, one);
    }
    text.push_str("\r\n");
}

fn cell(text: &mut String, value: &str) {
    let control = value.starts_with(['\t', '\r', '\n']);
    let formula = control || value.trim_start().starts_with(FORMULA);
    let spaced = value.starts_with(' ') || value.ends_with(' ');
    let quoted = formula || spaced || value.contains(['"', ',', '\r', '\n', ';', '\t', '\'']);
    if !quoted {
        text.push_str(value);
        return;
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    for c in value.chars() {
        match c {
            '"' => text.push_str("\"\""),
            '\0' => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (value, written) in [
            ("", ""),
            ("1:2.3-4", "1:2.3-4"),
            ("a,b", "\"a,b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@sum", "\"'@sum\""),
            ("\t=1", "\"'\t=1\""),
            ("\rx", "\"'\rx\""),
            ("  =1", "\"'  =1\""),
            ("＝1", "\"'＝1\""),
            ("=\",x", "\"'=\"\",x\""),
        ] {
            let mut text = String::new();
            cell(&mut text, value);
            assert_eq!(text, written, "{value:?}");
        }
        let mut text = String::new();
        row(&mut text, &["a", "", "=b"]);
        assert_eq!(text, "a,,\"'=b\"\r\n");
    }
}
