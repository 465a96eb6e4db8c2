//! Answers of servers, good and hostile, as a client of them sees them.

use std::{cell::RefCell, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};

use super::{Address, Endpoint, Limits, MetricsTrouble, Number, Prometheus};

const LIMITS: Limits = Limits { time: Duration::from_millis(1500), bytes: 2_000 };

/// Asks a server that gives one answer to everything, and hands out what it was asked first.
fn with_server<T>(answer: &str, ask: impl AsyncFnOnce(Address) -> T) -> (T, String) {
    let (given, asked) = with_answers(&[answer], ask);
    (given, asked.into_iter().next().unwrap_or_default())
}

/// Asks a server that gives these answers one after the other, the last of them to all that comes after; an empty one is
/// silence. Hands out what it was asked.
fn with_answers<T>(answers: &[&str], ask: impl AsyncFnOnce(Address) -> T) -> (T, Vec<String>) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = Address::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = RefCell::new(Vec::new());
        let server = async {
            for turn in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let question = heard(&mut stream).await;
                asked.borrow_mut().push(question);
                let answer = answers.get(turn).or(answers.last()).copied().unwrap_or_default();
                if answer.is_empty() {
                    return std::future::pending().await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        };
        let given = tokio::select! {
            given = ask(address) => given,
            () = server => unreachable!("a server does not end"),
        };
        (given, asked.into_inner())
    })
}

/// A whole request.
async fn heard(stream: &mut TcpStream) -> String {
    let (mut asked, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).await.unwrap();
        asked.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&asked).into_owned();
        let length = text.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        if read == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
            return text;
        }
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

fn vector(result: &str) -> String {
    http("200 OK", &format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}}}}"#))
}

async fn number(address: Address) -> Result<Number, MetricsTrouble> {
    Prometheus::new(address, LIMITS).unwrap().number("up", Some(10.0)).await.map(|answer| answer.value)
}

#[track_caller]
fn check(answer: &str, expect: Result<Number, &str>) {
    let (given, _) = with_server(answer, number);
    match (given, expect) {
        (Ok(given), Ok(expect)) => assert_eq!(given, expect, "{answer}"),
        (Err(given), Err(words)) => assert!(given.to_string().contains(words), "{given}"),
        (given, expect) => panic!("{given:?} is not {expect:?}"),
    }
}

#[test]
fn a_number_nothing_not_a_number_and_an_error_are_four_answers() {
    check(&vector(r#"{"metric":{},"value":[10,"0.5"]}"#), Ok(Number::Is(0.5)));
    check(&vector(r#"{"metric":{},"value":[10,"+Inf"]}"#), Ok(Number::Is(f64::INFINITY)));
    check(&vector(r#"{"metric":{},"value":[10,"NaN"]}"#), Ok(Number::NotANumber));
    check(&vector(""), Ok(Number::Nothing));
    check(
        &vector(r#"{"metric":{"a":"1"},"value":[10,"1"]},{"metric":{"a":"2"},"value":[10,"1"]}"#),
        Ok(Number::Several(2)),
    );
    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[10,"3"]}}"#;
    check(&http("200 OK", scalar), Ok(Number::Is(3.0)));
    let refused = r#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
    check(&http("400 Bad Request", refused), Err("status 400 (bad_data): parse error"));
}

#[test]
fn what_is_no_answer_is_told_apart() {
    check(&vector(r#"{"metric":{},"histogram":[10,{"count":"1"}]}"#), Err("native histogram"));
    check(&vector(r#"{"metric":{},"value":[10,"many"]}"#), Err("`many` is no number"));
    check(&http("200 OK", "<html>sign in</html>"), Err("is it the address of a Prometheus?"));
    check(&http("200 OK", r#"{"status":"success"}"#), Err("without data"));
    check(&http("503 Service Unavailable", "Service Unavailable"), Err("status 503: Service Unavailable"));
    check("HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\n\r\n", Err("login.example"));
    check("no http\r\n\r\n", Err("does not answer"));
    check("", Err("did not answer within"));
    check(&vector(&" ".repeat(3_000)), Err("more than 2000 bytes"));
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"status\"";
    check(cut, Err(""));
}

#[test]
fn who_is_down_for_a_moment_is_asked_again() {
    let (down, up) = (http("503 Service Unavailable", "starting"), vector(r#"{"metric":{},"value":[1,"3"]}"#));
    let (given, asked) = with_answers(&[&down, &up], number);
    assert_eq!((given, asked.len()), (Ok(Number::Is(3.0)), 2));
    let (given, asked) = with_answers(&[&down], number);
    assert_eq!((given.is_err(), asked.len()), (true, 3));
    // What the query is wrong about does not pass.
    let refused = http("400 Bad Request", r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#);
    let (given, asked) = with_answers(&[&refused, &up], number);
    assert_eq!((given.is_err(), asked.len()), (true, 1));
}

#[test]
fn an_endpoint_that_is_down_for_a_moment_is_asked_again_and_one_that_refuses_is_not() {
    let asked = |answers: &[&str]| {
        let (seen, asked) = with_answers(answers, async |address| crate::endpoint::get(address).await);
        (seen.map(|seen| (seen.status, seen.word())), asked.len())
    };
    let (down, up) = (http("503 Service Unavailable", "starting"), http("200 OK", "1.4.2"));
    assert_eq!(asked(&[&down, &up]), (Ok((200, Some("1.4.2".to_owned()))), 2));
    let refused = http("403 Forbidden", "no");
    assert_eq!(asked(&[&refused, &up]), (Ok((403, Some("no".to_owned()))), 1));
}

#[test]
fn warnings_come_with_the_answer() {
    let body = r#"{"status":"success","warnings":["a store is away"],"infos":["i"],"data":{"resultType":"vector","result":[]}}"#;
    let (given, _) = with_server(&http("200 OK", body), async |address| {
        Prometheus::new(address, LIMITS).unwrap().instant("up", None).await.unwrap()
    });
    assert_eq!(given.warnings, ["a store is away", "i"]);
}

#[test]
fn the_header_goes_along_and_is_never_shown() {
    let word = ["Bearer ", "abc", "def"].concat();
    let (shown, asked) = with_server(&vector(""), async |address| {
        let address = address.with_header("authorization", &word).unwrap();
        let prometheus = Prometheus::new(address, LIMITS).unwrap();
        prometheus.number("sum(a)", Some(1.5)).await.unwrap();
        format!("{prometheus:?} {}", prometheus.address())
    });
    assert!(asked.contains(&word) && asked.contains("query=sum%28a%29") && asked.contains("time=1.500"), "{asked}");
    assert!(!shown.contains("abcdef"), "{shown}");
}

#[test]
fn addresses_that_cannot_be_asked() {
    for (url, words) in [
        ("prometheus:9090", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("", "relative URL"),
        ("http://", "host"),
        (&["http://ann:", "pass", "@host"].concat(), "password"),
    ] {
        let trouble = Address::new(url).unwrap_err().to_string();
        assert!(trouble.contains(words) && !trouble.contains("pass@"), "{trouble}");
    }
    assert_eq!(Address::new("http://host/prom/").unwrap().at("api/v1/query").as_str(), "http://host/prom/api/v1/query");
}

#[test]
fn a_scrape_is_read_or_says_why_not() {
    let scrape =
        |answer: &str| with_server(answer, async |address| Endpoint::new(address, LIMITS).unwrap().scrape().await).0;
    assert_eq!(scrape(&http("200 OK", "up 1\n")).unwrap().samples.len(), 1);
    for (answer, words) in [
        (http("200 OK", "<html>"), "line 1"),
        (http("404 Not Found", "up 1\n"), "status 404"),
        (http("200 OK", ""), "no sample"),
    ] {
        let trouble = scrape(&answer).unwrap_err().to_string();
        assert!(trouble.contains(words), "{trouble}");
    }
}
