//! `Retry-After` (RFC 9110 §10.2.3), in both of its forms.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// How long the answer with these headers asks to wait; nothing where it does not, or not readably.
///
/// A date is measured from the answer's own `Date` where it has one: the clocks of two machines never agree, and the one
/// that wrote both dates agrees with itself. Otherwise from `now`.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are still a wish to wait.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    let sent = headers.get(header::DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    Some(then.duration_since(sent.unwrap_or(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// 1994-11-06 08:49:30, seven seconds before the date of the RFC's example.
    const NOW: Duration = Duration::from_secs(784_111_770);

    fn check(value: &str, date: Option<&'static str>, expected: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        if let Some(date) = date {
            headers.insert(header::DATE, HeaderValue::from_static(date));
        }
        assert_eq!(retry_after(&headers, UNIX_EPOCH + NOW), expected.map(Duration::from_secs), "{value}");
    }

    #[test]
    fn both_forms_are_read() {
        check("0", None, Some(0));
        check("120", None, Some(120));
        check(" 5 ", None, Some(5));
        check("Sun, 06 Nov 1994 08:49:37 GMT", None, Some(7));
        check("Sunday, 06-Nov-94 08:49:37 GMT", None, Some(7));
        check("Sun Nov  6 08:49:37 1994", None, Some(7));
        check("Sun, 06 Nov 1994 08:00:00 GMT", None, Some(0));
        check("99999999999999999999999", None, Some(u64::MAX));
    }

    #[test]
    fn the_senders_clock_decides_where_it_is_known() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some("Sun, 06 Nov 1994 08:49:07 GMT"), Some(30));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some("yesterday"), Some(7));
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for value in ["", "-1", "+1", "1.5", "soon", "1 2"] {
            check(value, None, None);
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.insert(header::RETRY_AFTER, value);
                let _ = retry_after(&headers, UNIX_EPOCH + NOW);
            }
        }
    }
}
