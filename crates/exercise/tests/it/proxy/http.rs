//! Faults of HTTP, seen by a client and by the server behind.

use std::{
    convert::Infallible,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use gonogo_exercise::proxy::{
    Answer, Behind, ConnectionEnd, Fault, Injected, Proxy, Request, RequestEnd, Route, Stub, Took,
};
use http_body_util::{BodyExt as _, Full};
use hyper::{Version, body::Incoming, client::conn::http2, header::HeaderName, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};

use super::{connect, ended, is_quiet, patient, request, rest, start, until};

/// A dependency that answers every request with these bytes, and tells what it was sent.
struct Dependency {
    address: SocketAddr,
    requests: mpsc::Receiver<String>,
}

fn dependency(answer: &str) -> Dependency {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = mpsc::channel();
    let answer = answer.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender, answer) = (patient(stream.unwrap()), sender.clone(), answer.clone());
            thread::spawn(move || {
                while let Some((head, body)) = message(&mut stream) {
                    // The test may be over.
                    let _ = sender.send(head + &String::from_utf8(body).unwrap());
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    Dependency { address, requests }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n0123456789";
/// What comes after the body, as gRPC has it.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: dependency\r\nX-Id: 7\r\n\r\n";

fn bench(answer: &str) -> (Proxy, Dependency) {
    let dependency = dependency(answer);
    (start(Behind::http(dependency.address).unwrap()), dependency)
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    Some(String::from_utf8(head).unwrap())
}

/// Head and body of a request or an answer; none where the stream ends before.
fn message(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let head = head(stream)?;
    let length = value(&head, "content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn value(head: &str, name: &str) -> Option<String> {
    let values = head.lines().filter_map(|line| line.split_once(": "));
    values.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[track_caller]
fn ask(stream: &mut TcpStream) -> (String, Vec<u8>) {
    stream.write_all(GET.as_bytes()).unwrap();
    message(stream).expect("an answer")
}

#[track_caller]
fn inject(proxy: &Proxy, which: &str, answer: &str) -> Injected {
    let fault: Fault =
        serde_json::from_str(&format!(r#"{{"http": {{"which": {which}, "answer": {answer}}}}}"#)).unwrap();
    proxy.handle().inject(fault).unwrap()
}

/// The statuses of so many requests on one connection.
fn statuses(stream: &mut TcpStream, count: usize) -> Vec<u16> {
    (0..count).map(|_| status(&ask(stream).0)).collect()
}

#[test]
fn requests_pass_unchanged_and_are_recorded() {
    let (proxy, dependency) = bench(OK);
    let mut client = connect(&proxy);
    let (answer, body) = ask(&mut client);
    assert_eq!(answer + &String::from_utf8(body).unwrap(), OK);
    assert_eq!(dependency.requests.recv().unwrap(), GET);
    let post = "POST /b HTTP/1.1\r\nHost: dependency\r\nContent-Length: 5\r\n\r\nhello";
    client.write_all(post.as_bytes()).unwrap();
    message(&mut client).unwrap();
    assert_eq!(dependency.requests.recv().unwrap(), post);

    let (first, second) = (request(&proxy, 0), request(&proxy, 1));
    assert_eq!((first.head.method.as_str(), first.head.path.as_str()), ("GET", "/a?b=c"));
    assert_eq!(
        (first.header("x-id"), first.header("host"), first.head.shortened),
        (Some("7"), Some("dependency"), false)
    );
    assert_eq!((second.head.method.as_str(), second.request_bytes, second.answer_bytes), ("POST", 5, 10));
    let (answered, status) = second.answered.unwrap();
    assert_eq!((status, second.fault, second.connection), (200, None, 0));
    let (end, how) = second.ended.unwrap();
    assert_eq!(how, RequestEnd::Answered);
    assert!(first.came < second.came && second.came <= answered && answered <= end);
    drop(client);
    let connection = ended(&proxy, 0);
    let bytes = (GET.len() + post.len(), 2 * OK.len());
    assert_eq!((connection.bytes_from_service, connection.bytes_to_service), (bytes.0 as u64, bytes.1 as u64));
    assert_eq!(connection.ended.unwrap().1, ConnectionEnd::ServiceClosed);
}

#[track_caller]
fn check_which(which: &str, expect: &[u16]) {
    let (proxy, dependency) = bench(OK);
    let mut client = connect(&proxy);
    assert_eq!(statuses(&mut client, 1), [200]);
    let fault = inject(&proxy, which, r#"{"status": {"code": 503}}"#);
    assert_eq!(statuses(&mut client, expect.len()), expect);
    let id = fault.id();
    drop(fault);
    assert_eq!(statuses(&mut client, 2), [200, 200]);
    // The dependency hears of the others only.
    let passed = 3 + expect.iter().filter(|status| **status == 200).count();
    assert_eq!(dependency.requests.try_iter().count(), passed);
    let named = proxy.handle().records().requests.iter().filter(|one| one.fault == Some(id)).count();
    assert_eq!((named + passed, proxy.handle().totals().connections), (3 + expect.len(), 1));
}

#[test]
fn a_status_comes_for_the_chosen_requests_on_a_connection_that_is_open() {
    check_which(r#""all""#, &[503, 503, 503]);
    check_which(r#"{"first": 2}"#, &[503, 503, 200, 200]);
    check_which(r#"{"every": 3}"#, &[200, 200, 503, 200, 200, 503]);
}

#[test]
fn a_share_is_the_same_with_the_same_seed() {
    let (proxy, _dependency) = bench(OK);
    let mut client = connect(&proxy);
    let mut run = |seed| {
        let which = format!(r#"{{"fraction": {{"share": 0.3, "seed": {seed}}}}}"#);
        let _fault = inject(&proxy, &which, r#"{"status": {"code": 500}}"#);
        statuses(&mut client, 100)
    };
    let runs = [run(1), run(1), run(2)];
    assert!(runs[0] == runs[1] && runs[0] != runs[2]);
    let failed = runs[0].iter().filter(|status| **status == 500).count();
    assert!((15..45).contains(&failed), "{failed}");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let (proxy, _dependency) = bench(OK);
    let mut client = connect(&proxy);
    let status = |after| format!(r#"{{"status": {{"code": 429, "retry_after": {after}}}}}"#);
    let seconds = inject(&proxy, r#""all""#, &status(r#"{"seconds": 2}"#));
    assert_eq!(value(&ask(&mut client).0, "retry-after").as_deref(), Some("2"));
    drop(seconds);
    let _date = inject(&proxy, r#""all""#, &status(r#"{"date-in-seconds": 3600}"#));
    let date = value(&ask(&mut client).0, "retry-after").unwrap();
    // The proxy began at 03:04:05 and is a few seconds old at most.
    assert!(date.starts_with("Fri, 02 Jan 2026 04:04:"), "{date}");
}

#[test]
fn a_slow_head_comes_late_or_when_the_fault_ends() {
    let (proxy, dependency) = bench(OK);
    let mut client = connect(&proxy);
    let slow = inject(&proxy, r#""all""#, r#"{"slow-headers": {"delay": 150}}"#);
    let begin = Instant::now();
    assert_eq!(ask(&mut client).1, b"0123456789");
    assert!(begin.elapsed() >= Duration::from_millis(150));
    drop(slow);
    dependency.requests.recv().unwrap();
    let slow = inject(&proxy, r#""all""#, r#"{"slow-headers": {"delay": 3600000}}"#);
    client.write_all(GET.as_bytes()).unwrap();
    dependency.requests.recv().unwrap();
    assert!(is_quiet(&mut client));
    drop(slow);
    assert_eq!(message(&mut client).unwrap().1, b"0123456789");
}

#[test]
fn a_slow_body_comes_in_pieces_or_when_the_fault_ends() {
    let (proxy, _dependency) = bench(OK);
    let mut client = connect(&proxy);
    let slow = inject(&proxy, r#""all""#, r#"{"slow-body": {"piece": 4, "every": 60}}"#);
    let begin = Instant::now();
    client.write_all(GET.as_bytes()).unwrap();
    assert_eq!(status(&head(&mut client).unwrap()), 200);
    let mut body = [0; 10];
    client.read_exact(&mut body).unwrap();
    assert_eq!(&body, b"0123456789");
    // Three pieces, each after its wait.
    assert!(begin.elapsed() >= Duration::from_millis(180), "{:?}", begin.elapsed());
    drop(slow);
    let slow = inject(&proxy, r#""all""#, r#"{"slow-body": {"piece": 4, "every": 3600000}}"#);
    client.write_all(GET.as_bytes()).unwrap();
    // The head does not wait for the body.
    assert_eq!(status(&head(&mut client).unwrap()), 200);
    assert!(is_quiet(&mut client));
    drop(slow);
    client.read_exact(&mut body).unwrap();
    assert_eq!(request(&proxy, 1).ended.unwrap().1, RequestEnd::Answered);
}

#[track_caller]
fn check_truncated(answer: &str, after: u64, expect: &str) {
    let (proxy, _dependency) = bench(answer);
    let fault = inject(&proxy, r#""all""#, &format!(r#"{{"truncated-body": {{"after_bytes": {after}}}}}"#));
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    let head = head(&mut client).unwrap();
    assert!(answer.starts_with(&head), "{head}");
    let (found, error) = rest(&mut client);
    assert_eq!((String::from_utf8_lossy(&found).as_ref(), error), (expect, None));
    let record = request(&proxy, 0);
    assert_eq!((record.ended.unwrap().1, record.fault), (RequestEnd::Fault, Some(fault.id())));
}

#[test]
fn a_truncated_body_ends_before_its_announced_length() {
    check_truncated(OK, 4, "0123");
    check_truncated(OK, 0, "");
    // At least a byte is missing.
    check_truncated(OK, 100, "012345678");
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    check_truncated(chunked, 3, "3\r\nhel\r\n");
    check_truncated(chunked, 100, "5\r\nhello\r\n");
    let long = format!("HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n{}", "x".repeat(400_000));
    check_truncated(&long, 300_000, &"x".repeat(300_000));
}

#[test]
fn a_malformed_body_is_no_text_and_keeps_its_type() {
    let (proxy, _dependency) = bench(OK);
    let mut client = connect(&proxy);
    let fault = inject(&proxy, r#""all""#, r#""malformed-body""#);
    let (head, body) = ask(&mut client);
    assert_eq!((status(&head), value(&head, "content-type").as_deref()), (200, Some("text/plain")));
    assert!(!body.is_empty() && String::from_utf8(body.clone()).is_err());
    assert!(serde_json::from_slice::<serde_json::Value>(&body).is_err());
    drop(fault);
    // On the same connections.
    assert_eq!(ask(&mut client).1, b"0123456789");
    assert_eq!(proxy.handle().totals().connections, 1);
}

#[test]
fn a_wrong_content_type_leaves_the_body() {
    let (proxy, _dependency) = bench(OK);
    let _fault = inject(&proxy, r#""all""#, r#"{"wrong-content-type": {"content_type": "text/html"}}"#);
    let (head, body) = ask(&mut connect(&proxy));
    assert_eq!((value(&head, "content-type").as_deref(), body.as_slice()), (Some("text/html"), &b"0123456789"[..]));
}

#[test]
fn requests_into_a_black_hole_are_recorded_and_not_passed_on() {
    let (proxy, dependency) = bench(OK);
    let mut client = connect(&proxy);
    ask(&mut client);
    dependency.requests.recv().unwrap();
    let hole = proxy.handle().inject(Fault::BlackHole).unwrap();
    client.write_all(GET.as_bytes()).unwrap();
    until(|| (proxy.handle().totals().requests == 2).then_some(()));
    assert!(is_quiet(&mut client));
    assert_eq!(dependency.requests.try_recv(), Err(mpsc::TryRecvError::Empty));
    // One that gives up is told apart.
    let mut other = connect(&proxy);
    other.write_all(GET.as_bytes()).unwrap();
    until(|| (proxy.handle().totals().requests == 3).then_some(()));
    drop(other);
    let record = request(&proxy, 2);
    assert_eq!((record.ended.unwrap().1, record.answered), (RequestEnd::Abandoned, None));
    drop(hole);
    assert_eq!(message(&mut client).unwrap().1, b"0123456789");
    assert_eq!(request(&proxy, 1).ended.unwrap().1, RequestEnd::Answered);
    dependency.requests.recv().unwrap();
    assert_eq!(dependency.requests.try_recv(), Err(mpsc::TryRecvError::Empty));
}

#[test]
fn a_request_that_is_given_up_is_given_up_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = start(Behind::http(listener.local_addr().unwrap()).unwrap());
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    let mut server = patient(listener.accept().unwrap().0);
    message(&mut server).unwrap();
    drop(client);
    assert!(rest(&mut server).0.is_empty());
    assert_eq!(request(&proxy, 0).ended.unwrap().1, RequestEnd::Abandoned);
}

#[test]
fn what_breaks_behind_is_told_apart_from_what_is_not_there() {
    let (proxy, dependency) = bench("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf");
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    head(&mut client).unwrap();
    assert_eq!(dependency.requests.recv().unwrap(), GET);
    // The dependency has said all, and the connection is still open: a reset comes from the proxy.
    let reset = proxy.handle().inject(Fault::Reset { after_bytes: 0 }).unwrap();
    let (found, error) = rest(&mut client);
    assert_eq!((found.as_slice(), error), (&b"half"[..], Some(ErrorKind::ConnectionReset)));
    assert_eq!(request(&proxy, 0).ended.unwrap().1, RequestEnd::Abandoned);
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::Fault(reset.id()));
    drop(reset);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = start(Behind::http(listener.local_addr().unwrap()).unwrap());
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    message(&mut server).unwrap();
    server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
    drop((server, listener));
    assert!(rest(&mut client).0.ends_with(b"\r\n\r\nhalf"));
    assert_eq!(request(&proxy, 0).ended.unwrap().1, RequestEnd::Broken);
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    assert!(rest(&mut client).0.is_empty());
    assert_eq!(request(&proxy, 1).ended.unwrap().1, RequestEnd::Unreachable);
}

#[test]
fn a_dependency_that_closes_an_idle_connection_closes_it_for_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = start(Behind::http(listener.local_addr().unwrap()).unwrap());
    let mut client = connect(&proxy);
    client.write_all(GET.as_bytes()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    message(&mut server).unwrap();
    server.write_all(OK.as_bytes()).unwrap();
    message(&mut client).unwrap();
    drop(server);
    assert_eq!(rest(&mut client), (Vec::new(), None));
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::DependencyClosed);
}

#[test]
fn what_is_no_http_is_answered_and_closed() {
    let (proxy, dependency) = bench(OK);
    let mut client = connect(&proxy);
    client.write_all(b"good morning\r\n\r\n").unwrap();
    // It is still talking when it is answered.
    let _ = client.write_all(&vec![b'x'; 200_000]);
    let (found, _) = rest(&mut client);
    assert!(found.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&found));
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::DependencyClosed);
    assert_eq!(proxy.handle().totals().requests, 0);
    assert_eq!(dependency.requests.try_recv(), Err(mpsc::TryRecvError::Empty));
}

#[test]
fn a_stub_answers_as_written_and_takes_its_time() {
    let answer = |status, body: &str| Answer {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned(),
    };
    let path = "/a".to_owned();
    let route = Route { method: Some("GET".to_owned()), path, answers: vec![answer(202, "{}"), answer(200, "[1]")] };
    let took = Took::between(Duration::from_millis(30), Duration::from_millis(60), 1);
    let proxy = start(Behind::Stub(Stub::new(&[route], took).unwrap()));
    let mut client = connect(&proxy);
    for (expect, text) in [(202, "{}"), (200, "[1]"), (200, "[1]")] {
        let begin = Instant::now();
        let (head, body) = ask(&mut client);
        assert!(begin.elapsed() >= Duration::from_millis(30));
        assert_eq!((status(&head), body.as_slice()), (expect, text.as_bytes()));
        assert_eq!(value(&head, "content-type").as_deref(), Some("application/json"));
    }
    let _fault = inject(&proxy, r#""all""#, r#"{"truncated-body": {"after_bytes": 1}}"#);
    client.write_all(GET.as_bytes()).unwrap();
    head(&mut client).unwrap();
    assert_eq!(rest(&mut client), (b"[".to_vec(), None));
}

/// A dependency that says which version of HTTP each request came with, and the path.
fn of_both_versions() -> (SocketAddr, Arc<Mutex<Vec<Version>>>) {
    let versions: Arc<Mutex<Vec<Version>>> = Arc::default();
    let seen = Arc::clone(&versions);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    seen.lock().unwrap().push(request.version());
                    let body = Bytes::from(request.uri().path().repeat(10));
                    let trailers = async { Some(Ok([(GRPC_STATUS, "0".parse().unwrap())].into_iter().collect())) };
                    async move { Ok::<_, Infallible>(hyper::Response::new(Full::new(body).with_trailers(trailers))) }
                });
                tokio::spawn(async move {
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    (address, versions)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks for these paths at once over one connection of HTTP/2: statuses and bodies; none where an answer broke off.
fn over_http2(proxy: &Proxy, paths: &[&str]) -> Vec<(Option<u16>, Option<Bytes>)> {
    runtime().block_on(async {
        let stream = tokio::net::TcpStream::connect(proxy.address()).await.unwrap();
        let (sender, driver) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(driver);
        let asked: Vec<_> = paths
            .iter()
            .map(|path| {
                let request = hyper::Request::get(format!("http://dependency{path}")).body(Full::<Bytes>::default());
                let answer = sender.clone().send_request(request.unwrap());
                tokio::spawn(async move {
                    let Ok(answer) = answer.await else { return (None, None) };
                    let status = answer.status().as_u16();
                    let Ok(answer) = answer.into_body().collect().await else { return (Some(status), None) };
                    let trailer = answer.trailers().and_then(|trailers| trailers.get(GRPC_STATUS));
                    assert_eq!(trailer.is_some(), status == 200, "{trailer:?}");
                    (Some(status), Some(answer.to_bytes()))
                })
            })
            .collect();
        let mut found = Vec::new();
        for one in asked {
            found.push(one.await.unwrap());
        }
        drop(sender);
        driver.await.unwrap().unwrap();
        found
    })
}

#[test]
fn http2_passes_with_many_requests_on_one_connection() {
    let (address, versions) = of_both_versions();
    let proxy = start(Behind::http(address).unwrap());
    let paths: Vec<String> = (0..50).map(|number| format!("/{number}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for (path, (status, body)) in paths.iter().zip(over_http2(&proxy, &paths)) {
        assert_eq!((status, body), (Some(200), Some(path.repeat(10).into())));
    }
    assert_eq!(*versions.lock().unwrap(), [Version::HTTP_2; 50]);
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::ServiceClosed);
    let records = proxy.handle().records();
    let answered = |one: &Request| one.ended.is_some_and(|(_, how)| how == RequestEnd::Answered);
    assert_eq!((records.connections.len(), records.requests.len()), (1, 50));
    assert!(records.requests.iter().all(|one| answered(one) && one.head.version == Version::HTTP_2));
}

#[test]
fn faults_of_http2_hit_one_request_and_leave_the_connection() {
    let (address, _) = of_both_versions();
    let proxy = start(Behind::http(address).unwrap());
    let status = inject(&proxy, r#"{"every": 2}"#, r#"{"status": {"code": 503}}"#);
    let mut found = over_http2(&proxy, &["/a", "/b", "/c", "/d"]).into_iter().map(|one| one.0).collect::<Vec<_>>();
    found.sort_unstable();
    assert_eq!(found, [Some(200), Some(200), Some(503), Some(503)]);
    drop(status);
    let _truncated = inject(&proxy, r#"{"first": 1}"#, r#"{"truncated-body": {"after_bytes": 5}}"#);
    let found = over_http2(&proxy, &["/a", "/b", "/c"]);
    assert!(found.iter().all(|one| one.0 == Some(200)));
    assert_eq!(found.iter().filter(|one| one.1.is_none()).count(), 1);
    let broken = proxy.handle().records().requests.into_iter().filter(|one| one.answer_bytes == 5).count();
    assert_eq!((broken, proxy.handle().totals().connections), (1, 2));
}

#[test]
fn two_hundred_connections_ask_at_once() {
    let (address, _) = of_both_versions();
    let proxy = start(Behind::http(address).unwrap());
    let mut clients: Vec<_> = (0..200).map(|_| connect(&proxy)).collect();
    for _ in 0..2 {
        for client in &mut clients {
            client.write_all(GET.as_bytes()).unwrap();
        }
        for client in &mut clients {
            assert_eq!(message(client).unwrap().1, "/a".repeat(10).as_bytes());
        }
    }
    until(|| (proxy.handle().totals().requests_ended == 400).then_some(()));
    let records = proxy.handle().records();
    assert_eq!((records.connections.len(), records.requests.len()), (200, 400));
    let per_connection = |id| records.requests.iter().filter(|one| one.connection == id).count();
    assert!((0..200).all(|id| per_connection(id) == 2));
}
