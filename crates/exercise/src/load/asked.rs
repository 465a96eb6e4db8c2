//! A request as its protocol has it.

use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, header};

use super::{
    plain::Message,
    target::{Endpoint, Protocol, Target},
};

/// A request, made for its protocol.
#[derive(Clone)]
pub(super) enum Asked {
    Http1(Message),
    Http2(Box<Request<Full<Bytes>>>),
}

impl Asked {
    /// Fails where its path is none of an address.
    pub(super) fn new(endpoint: &Endpoint, target: &Target) -> io::Result<Self> {
        let wrong = |error: hyper::http::Error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let uri = match target.protocol {
            Protocol::Http1 => endpoint.path.clone(),
            Protocol::Http2 => format!("http://{}{}", target.authority(), endpoint.path),
        };
        let request = Request::builder().method(endpoint.method.clone()).uri(uri);
        let mut request = request.body(Full::new(endpoint.body.clone())).map_err(wrong)?;
        if target.protocol == Protocol::Http1 {
            return Ok(Self::Http1(message(endpoint, &target.authority())));
        }
        *request.headers_mut() = endpoint.headers.clone();
        Ok(Self::Http2(Box::new(request)))
    }
}

/// The request as HTTP/1.1 has it; `authority` is what it is asked of where it does not say so itself.
fn message(endpoint: &Endpoint, authority: &str) -> Message {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", endpoint.method, endpoint.path).into_bytes();
    let mut line = |name: &str, value: &[u8]| {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    };
    if !endpoint.headers.contains_key(header::HOST) {
        line("host", authority.as_bytes());
    }
    for (name, value) in &endpoint.headers {
        line(name.as_str(), value.as_bytes());
    }
    let in_chunks = endpoint.headers.contains_key(header::TRANSFER_ENCODING);
    let needs_none =
        endpoint.body.is_empty() && matches!(endpoint.method, Method::GET | Method::HEAD | Method::CONNECT);
    if !in_chunks && !needs_none && !endpoint.headers.contains_key(header::CONTENT_LENGTH) {
        line("content-length", endpoint.body.len().to_string().as_bytes());
    }
    bytes.extend(b"\r\n");
    match in_chunks {
        true if endpoint.body.is_empty() => bytes.extend(b"0\r\n\r\n"),
        true => {
            bytes.extend(format!("{:x}\r\n", endpoint.body.len()).as_bytes());
            bytes.extend(&endpoint.body);
            bytes.extend(b"\r\n0\r\n\r\n");
        }
        false => bytes.extend(&endpoint.body),
    }
    Message { bytes: bytes.into(), head: endpoint.method == Method::HEAD }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_message(method: &str, headers: &[&str], body: &'static str, expect: &str) {
        let headers: Vec<String> = headers.iter().map(|one| (*one).to_owned()).collect();
        let target = Target::new("http://shop:8080/a?b=c", method, &headers, body.into()).unwrap();
        let message = message(&target.endpoints[0], &target.authority());
        assert_eq!(str::from_utf8(&message.bytes).unwrap(), expect);
        assert_eq!(message.head, method == "HEAD");
    }

    #[test]
    fn a_message_says_how_long_its_body_is() {
        check_message("GET", &[], "", "GET /a?b=c HTTP/1.1\r\nhost: shop:8080\r\n\r\n");
        check_message("HEAD", &["Host: inner"], "", "HEAD /a?b=c HTTP/1.1\r\nhost: inner\r\n\r\n");
        check_message("POST", &[], "", "POST /a?b=c HTTP/1.1\r\nhost: shop:8080\r\ncontent-length: 0\r\n\r\n");
        check_message(
            "PUT",
            &["A: 1", "a: 2"],
            "hello",
            "PUT /a?b=c HTTP/1.1\r\nhost: shop:8080\r\na: 1\r\na: 2\r\ncontent-length: 5\r\n\r\nhello",
        );
        check_message(
            "POST",
            &["Content-Length: 3"],
            "hello",
            "POST /a?b=c HTTP/1.1\r\nhost: shop:8080\r\ncontent-length: 3\r\n\r\nhello",
        );
        check_message(
            "POST",
            &["Transfer-Encoding: chunked"],
            "hello, world",
            "POST /a?b=c HTTP/1.1\r\nhost: shop:8080\r\ntransfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n0\r\n\r\n",
        );
    }
}
