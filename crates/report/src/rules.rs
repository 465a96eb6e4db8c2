//! Rules of Prometheus and their tests as YAML, the way `promtool` reads them.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use gonogo_domain::rules::{Alert, ExpectedAlert, Group, Labels, Record, Rule, Trial, Trials};

/// Writes a file of rules.
pub fn write(head: &[&str], groups: &[Group], out: &mut dyn Write) -> io::Result<()> {
    comment(head, out)?;
    if groups.is_empty() {
        return writeln!(out, "groups: []");
    }
    writeln!(out, "groups:")?;
    for group in groups {
        writeln!(out, "- name: {}", scalar(&group.name))?;
        if let Some(interval) = group.interval {
            writeln!(out, "  interval: {interval}")?;
        }
        if group.rules.is_empty() {
            writeln!(out, "  rules: []")?;
            continue;
        }
        writeln!(out, "  rules:")?;
        for rule in &group.rules {
            match rule {
                Rule::Record(rule) => record(rule, out)?,
                Rule::Alert(rule) => alert(rule, out)?,
            }
        }
    }
    Ok(())
}

/// Writes a file of tests for `promtool test rules`.
pub fn write_trials(head: &[&str], trials: &Trials, out: &mut dyn Write) -> io::Result<()> {
    comment(head, out)?;
    writeln!(out, "rule_files:")?;
    for file in &trials.rule_files {
        writeln!(out, "- {}", scalar(file))?;
    }
    writeln!(out, "evaluation_interval: {}", trials.evaluation_interval)?;
    if trials.trials.is_empty() {
        return writeln!(out, "tests: []");
    }
    writeln!(out, "tests:")?;
    trials.trials.iter().try_for_each(|trial| write_trial(trial, out))
}

fn comment(head: &[&str], out: &mut dyn Write) -> io::Result<()> {
    for line in head.iter().flat_map(|text| text.lines()) {
        writeln!(out, "{}", format!("# {}", crate::clean::clean(line)).trim_end())?;
    }
    Ok(())
}

fn record(record: &Record, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  - record: {}", scalar(&record.name))?;
    text("    ", "expr", &record.expr, out)?;
    labels("    ", "labels", &record.labels, out)
}

fn alert(alert: &Alert, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  - alert: {}", scalar(&alert.name))?;
    text("    ", "expr", &alert.expr, out)?;
    if let Some(hold) = alert.hold {
        writeln!(out, "    for: {hold}")?;
    }
    labels("    ", "labels", &alert.labels, out)?;
    labels("    ", "annotations", &alert.annotations, out)
}

fn write_trial(trial: &Trial, out: &mut dyn Write) -> io::Result<()> {
    // The name is a comment: promtool began to know the key `name` only late.
    writeln!(out, "# {}", crate::clean::clean(&trial.name))?;
    writeln!(out, "- interval: {}", trial.interval)?;
    if trial.series.is_empty() {
        writeln!(out, "  input_series: []")?;
    } else {
        writeln!(out, "  input_series:")?;
    }
    for series in &trial.series {
        writeln!(out, "  - series: {}", scalar(&series.series))?;
        writeln!(out, "    values: {}", scalar(&series.values))?;
    }
    if !trial.alerts.is_empty() {
        writeln!(out, "  alert_rule_test:")?;
    }
    for alert in &trial.alerts {
        writeln!(out, "  - eval_time: {}", alert.at)?;
        writeln!(out, "    alertname: {}", scalar(&alert.name))?;
        if alert.firing.is_empty() {
            writeln!(out, "    exp_alerts: []")?;
            continue;
        }
        writeln!(out, "    exp_alerts:")?;
        alert.firing.iter().try_for_each(|firing| expected_alert(firing, out))?;
    }
    if !trial.values.is_empty() {
        writeln!(out, "  promql_expr_test:")?;
    }
    for value in &trial.values {
        writeln!(out, "  - eval_time: {}", value.at)?;
        text("    ", "expr", &value.expr, out)?;
        if value.samples.is_empty() {
            writeln!(out, "    exp_samples: []")?;
            continue;
        }
        writeln!(out, "    exp_samples:")?;
        for sample in &value.samples {
            writeln!(out, "    - labels: {}", scalar(&sample.labels))?;
            writeln!(out, "      value: {}", sample.value)?;
        }
    }
    Ok(())
}

fn expected_alert(alert: &ExpectedAlert, out: &mut dyn Write) -> io::Result<()> {
    if alert.labels.is_empty() && alert.annotations.is_empty() {
        return writeln!(out, "    - exp_labels: {{}}");
    }
    let mut block = Vec::new();
    labels("      ", "exp_labels", &alert.labels, &mut block)?;
    labels("      ", "exp_annotations", &alert.annotations, &mut block)?;
    // The first of the two keys begins the item.
    if let Some(mark) = block.get_mut(4) {
        *mark = b'-';
    }
    out.write_all(&block)
}

fn labels(indent: &str, key: &str, labels: &Labels, out: &mut dyn Write) -> io::Result<()> {
    if labels.is_empty() {
        return Ok(());
    }
    writeln!(out, "{indent}{key}:")?;
    for (name, value) in labels {
        writeln!(out, "{indent}  {}: {}", scalar(name), scalar(value))?;
    }
    Ok(())
}

/// A text under a key: in a block where it has lines, which is how people write expressions.
fn text(indent: &str, key: &str, value: &str, out: &mut dyn Write) -> io::Result<()> {
    let value = value.trim_end();
    if !value.contains('\n') || !in_block(value) {
        return writeln!(out, "{indent}{key}: {}", scalar(value));
    }
    writeln!(out, "{indent}{key}: |")?;
    for line in value.lines() {
        match line.trim_end() {
            "" => writeln!(out)?,
            line => writeln!(out, "{indent}  {line}")?,
        }
    }
    Ok(())
}

/// A block gives its lines back as they are, unless the first one is indented or a letter is no text.
fn in_block(value: &str) -> bool {
    !value.starts_with([' ', '\n', '\t'])
        && value.chars().all(|letter| letter == '\n' || letter == '\t' || is_printable(letter))
}

fn is_printable(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A scalar that every reader of YAML takes for a string: bare where no reader could take it for anything else.
fn scalar(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if is_printable(letter) => quoted.push(letter),
            // Writing to a String cannot fail.
            letter => drop(write!(quoted, "\\U{:08x}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

fn is_bare(text: &str) -> bool {
    // Words that some reader of YAML 1.1 takes for a boolean, null or a number.
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"];
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "_./-:".contains(letter);
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(inside)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(scalar(text), expect);
    }

    #[test]
    fn a_scalar_is_quoted_unless_it_can_only_be_a_string() {
        check("slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate5m");
        check("yes", "\"yes\"");
        check("30d", "\"30d\"");
        check("99.9", "\"99.9\"");
        check("", "\"\"");
        check("a: b", "\"a: b\"");
        check("a:", "\"a:\"");
        check("{{ $labels.a }} \"b\" \\ #c\n", r#""{{ $labels.a }} \"b\" \\ #c\n""#);
        check("\u{1b}[2J\u{2028}", "\"\\U0000001b[2J\\U00002028\"");
        check("延迟", "\"延迟\"");
    }
}
