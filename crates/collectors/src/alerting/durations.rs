//! Durations as Prometheus writes them.

/// Seconds of `5m`, `1h30m`, `90s`, `28d`; none for anything else. Milliseconds are rounded down.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut milliseconds: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let length = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match rest.get(..length)? {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 3600 * 1000,
            "d" => 24 * 3600 * 1000,
            "w" => 7 * 24 * 3600 * 1000,
            "y" => 365 * 24 * 3600 * 1000,
            _ => return None,
        };
        milliseconds = milliseconds.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(length..)?;
    }
    (!text.is_empty()).then_some(milliseconds / 1000)
}
