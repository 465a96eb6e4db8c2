//! Faults of TCP, seen from both ends.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    num::NonZeroU64,
    thread,
    time::{Duration, Instant},
};

use gonogo_exercise::proxy::{Behind, ConnectionEnd, Delay, Fault, FaultError, Proxy};

use super::{connect, ended, is_quiet, patient, rest, start, take, until};

/// A proxy and the dependency behind it.
fn bench() -> (Proxy, TcpListener) {
    let dependency = TcpListener::bind("127.0.0.1:0").unwrap();
    (start(Behind::tcp(dependency.local_addr().unwrap()).unwrap()), dependency)
}

fn accept(dependency: &TcpListener) -> TcpStream {
    patient(dependency.accept().unwrap().0)
}

/// A connection through the proxy, over which a byte went already: its two ends.
fn open(proxy: &Proxy, dependency: &TcpListener) -> (TcpStream, TcpStream) {
    let mut client = connect(proxy);
    client.write_all(b"!").unwrap();
    let mut server = accept(dependency);
    assert_eq!(take(&mut server, 1), b"!");
    (client, server)
}

/// What a closed side sees: the end, or an error where it had more to say.
#[track_caller]
fn check_reset(stream: &mut TcpStream, before: &[u8]) {
    assert_eq!(rest(stream), (before.to_vec(), Some(ErrorKind::ConnectionReset)));
}

#[test]
fn bytes_pass_both_ways_and_are_counted() {
    let (proxy, dependency) = bench();
    let before = proxy.handle().records();
    assert!(before.connections.is_empty());
    let mut client = connect(&proxy);
    let mut server = accept(&dependency);
    client.write_all(b"question").unwrap();
    assert_eq!(take(&mut server, 8), b"question");
    server.write_all(b"answer").unwrap();
    assert_eq!(take(&mut client, 6), b"answer");
    // One way may close while the other goes on.
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut server), (Vec::new(), None));
    server.write_all(b"!").unwrap();
    drop(server);
    assert_eq!(rest(&mut client), (b"!".to_vec(), None));

    let record = ended(&proxy, 0);
    assert_eq!((record.bytes_from_service, record.bytes_to_service), (8, 7));
    assert_eq!(record.from, client.local_addr().unwrap());
    let (end, how) = record.ended.unwrap();
    assert_eq!(how, ConnectionEnd::ServiceClosed);
    let times = [Some(record.opened), record.first_byte, record.first_answer, Some(end)];
    assert!(times.is_sorted() && times.iter().all(Option::is_some), "{times:?}");
}

#[test]
fn a_megabyte_and_more_passes_unchanged_under_every_delay() {
    let (proxy, dependency) = bench();
    let delay = Delay { base: Duration::from_millis(5), jitter: Duration::from_millis(5) };
    let _late = proxy.handle().inject(Fault::Latency { to_dependency: delay, to_service: delay }).unwrap();
    let (client, mut server) = open(&proxy, &dependency);
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&client).write_all(&bytes).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
        });
        let (found, error) = rest(&mut server);
        assert!(error.is_none() && found == bytes, "{} bytes, {error:?}", found.len());
    });
}

#[test]
fn a_dependency_that_refuses_is_gone_and_comes_back_at_the_same_address() {
    let (proxy, dependency) = bench();
    let (mut client, mut server) = open(&proxy, &dependency);
    let refuse = proxy.handle().inject(Fault::Refuse).unwrap();
    let error = TcpStream::connect(proxy.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    check_reset(&mut client, b"");
    check_reset(&mut server, b"");
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::Fault(refuse.id()));
    for _ in 0..20 {
        assert!(TcpStream::connect(proxy.address()).is_err());
    }
    drop(refuse);
    open(&proxy, &dependency);
    // Who was refused never had a connection.
    assert_eq!(proxy.handle().totals().connections, 2);
}

#[test]
fn a_black_hole_accepts_and_holds_what_comes_until_it_ends() {
    let (proxy, dependency) = bench();
    let (mut open_client, mut open_server) = open(&proxy, &dependency);
    let hole = proxy.handle().inject(Fault::BlackHole).unwrap();
    let mut client = connect(&proxy);
    client.write_all(b"hello").unwrap();
    open_client.write_all(b"again").unwrap();
    open_server.write_all(b"late").unwrap();
    assert!(is_quiet(&mut client) && is_quiet(&mut open_client) && is_quiet(&mut open_server));
    dependency.set_nonblocking(true).unwrap();
    assert_eq!(dependency.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    dependency.set_nonblocking(false).unwrap();
    // A service that gives up is let go.
    drop(connect(&proxy));
    assert_eq!(ended(&proxy, 2).ended.unwrap().1, ConnectionEnd::ServiceClosed);
    drop(hole);
    assert_eq!(take(&mut accept(&dependency), 5), b"hello");
    assert_eq!(take(&mut open_server, 5), b"again");
    assert_eq!(take(&mut open_client, 4), b"late");
}

#[test]
fn a_reset_comes_in_the_middle_of_an_answer() {
    let (proxy, dependency) = bench();
    let (mut early, mut early_server) = open(&proxy, &dependency);
    early_server.write_all(b"before").unwrap();
    assert_eq!(take(&mut early, 6), b"before");
    let reset = proxy.handle().inject(Fault::Reset { after_bytes: 4 }).unwrap();
    // What was given before the fault began does not count.
    early_server.write_all(b"1234567").unwrap();
    check_reset(&mut early, b"1234");
    check_reset(&mut early_server, b"");
    let (mut late, mut late_server) = open(&proxy, &dependency);
    late_server.write_all(b"123").unwrap();
    assert_eq!(take(&mut late, 3), b"123");
    late_server.write_all(b"4567").unwrap();
    check_reset(&mut late, b"4");
    let record = ended(&proxy, 1);
    assert_eq!((record.bytes_to_service, record.ended.unwrap().1), (4, ConnectionEnd::Fault(reset.id())));
    drop(reset);

    let _at_once = proxy.handle().inject(Fault::Reset { after_bytes: 0 }).unwrap();
    check_reset(&mut connect(&proxy), b"");
}

#[test]
fn a_cut_closes_after_so_many_bytes() {
    let (proxy, dependency) = bench();
    let (mut open_client, _server) = open(&proxy, &dependency);
    let cut = proxy.handle().inject(Fault::Cut { after_bytes: 4 }).unwrap();
    let (mut client, mut server) = open(&proxy, &dependency);
    server.write_all(b"1234567").unwrap();
    assert_eq!(rest(&mut client), (b"1234".to_vec(), None));
    assert_eq!(rest(&mut server), (Vec::new(), None));
    drop(cut);
    let at_once = proxy.handle().inject(Fault::Cut { after_bytes: 0 }).unwrap();
    assert_eq!(rest(&mut open_client), (Vec::new(), None));
    assert_eq!(rest(&mut connect(&proxy)), (Vec::new(), None));
    assert_eq!(ended(&proxy, 2).ended.unwrap().1, ConnectionEnd::Fault(at_once.id()));
}

#[track_caller]
fn check_latency(fault: Fault, there: Duration, back: Duration) {
    let (proxy, dependency) = bench();
    let (mut client, mut server) = open(&proxy, &dependency);
    let _late = proxy.handle().inject(fault).unwrap();
    for _ in 0..5 {
        let begin = Instant::now();
        client.write_all(b"?").unwrap();
        take(&mut server, 1);
        let middle = Instant::now();
        server.write_all(b"!").unwrap();
        take(&mut client, 1);
        assert!(middle - begin >= there && middle.elapsed() >= back);
    }
}

#[test]
fn latency_is_added_to_each_way_apart() {
    let delay = |base, jitter| Delay { base: Duration::from_millis(base), jitter: Duration::from_millis(jitter) };
    let none = Delay::default();
    let time = Duration::from_millis;
    check_latency(Fault::Latency { to_dependency: delay(60, 0), to_service: none }, time(60), time(0));
    check_latency(Fault::Latency { to_dependency: none, to_service: delay(60, 0) }, time(0), time(60));
    check_latency(Fault::Latency { to_dependency: delay(60, 20), to_service: delay(30, 10) }, time(40), time(20));
}

#[test]
fn latency_makes_bytes_late_and_not_few() {
    let (proxy, dependency) = bench();
    let (mut client, mut server) = open(&proxy, &dependency);
    let base = Duration::from_millis(500);
    let delay = Delay { base, jitter: Duration::ZERO };
    let fault = Fault::Latency { to_dependency: delay, to_service: Delay::default() };
    let late = proxy.handle().inject(fault.clone()).unwrap();
    let begin = Instant::now();
    for number in 0..100 {
        client.write_all(&[number]).unwrap();
        until(|| (proxy.handle().records().connections[0].bytes_from_service == u64::from(number) + 2).then_some(()));
    }
    take(&mut server, 100);
    // One after the other they would take 50 seconds.
    assert!((base..base * 20).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    drop(late);
    // What is held is no later than the faults that are in force.
    let long = Delay { base: Duration::from_hours(1), jitter: Duration::ZERO };
    let late = proxy.handle().inject(Fault::Latency { to_dependency: long, to_service: long }).unwrap();
    client.write_all(b"held").unwrap();
    assert!(is_quiet(&mut server));
    drop(late);
    assert_eq!(take(&mut server, 4), b"held");
}

#[test]
fn bandwidth_is_bounded_each_way_apart() {
    let (proxy, dependency) = bench();
    let (mut client, mut server) = open(&proxy, &dependency);
    let fault = Fault::Bandwidth { to_dependency: None, to_service: NonZeroU64::new(100_000) };
    let slow = proxy.handle().inject(fault).unwrap();
    let begin = Instant::now();
    server.write_all(&vec![7; 50_000]).unwrap();
    take(&mut client, 50_000);
    // The last piece is not waited for: a fiftieth of a second.
    assert!(begin.elapsed() >= Duration::from_millis(480), "{:?}", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    drop(slow);
    let slower = Fault::Bandwidth { to_dependency: NonZeroU64::new(1), to_service: None };
    let slower = proxy.handle().inject(slower).unwrap();
    client.write_all(&[7; 10_000]).unwrap();
    assert_eq!(take(&mut server, 1), [7]);
    drop(slower);
    take(&mut server, 9_999);
}

#[test]
fn a_close_is_told_late() {
    let (proxy, dependency) = bench();
    let delay = Duration::from_millis(200);
    let _late = proxy.handle().inject(Fault::SlowClose { delay }).unwrap();
    let (mut client, mut server) = open(&proxy, &dependency);
    let begin = Instant::now();
    server.write_all(b"bye").unwrap();
    server.shutdown(Shutdown::Write).unwrap();
    assert_eq!(take(&mut client, 3), b"bye");
    assert_eq!(rest(&mut client), (Vec::new(), None));
    assert!(begin.elapsed() >= delay);
    let begin = Instant::now();
    drop(client);
    assert_eq!(rest(&mut server), (Vec::new(), None));
    assert!(begin.elapsed() >= delay);
}

#[test]
fn a_side_that_breaks_the_connection_breaks_it_for_the_other() {
    let (proxy, dependency) = bench();
    let (client, mut server) = open(&proxy, &dependency);
    // A socket that is closed with unread bytes is reset.
    server.write_all(b"unread").unwrap();
    until(|| client.peek(&mut [0; 6]).ok().filter(|bytes| *bytes == 6));
    drop(client);
    check_reset(&mut server, b"");
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::ServiceReset);
    let (mut client, server) = open(&proxy, &dependency);
    client.write_all(b"unread").unwrap();
    until(|| server.peek(&mut [0; 6]).ok().filter(|bytes| *bytes == 6));
    drop(server);
    check_reset(&mut client, b"");
    assert_eq!(ended(&proxy, 1).ended.unwrap().1, ConnectionEnd::DependencyReset);
}

#[test]
fn nobody_behind_is_a_broken_connection_and_written_down() {
    let (proxy, dependency) = bench();
    drop(dependency);
    check_reset(&mut connect(&proxy), b"");
    assert_eq!(ended(&proxy, 0).ended.unwrap().1, ConnectionEnd::Unreachable);
}

#[test]
fn the_newest_fault_of_a_kind_counts_and_others_come_back() {
    let (proxy, dependency) = bench();
    let (mut client, mut server) = open(&proxy, &dependency);
    let delay = |base| Fault::Latency {
        to_dependency: Delay { base: Duration::from_millis(base), jitter: Duration::ZERO },
        to_service: Delay::default(),
    };
    let _old = proxy.handle().inject(delay(100)).unwrap();
    let new = proxy.handle().inject(delay(3_600_000)).unwrap();
    client.write_all(b"?").unwrap();
    assert!(is_quiet(&mut server));
    drop(new);
    let begin = Instant::now();
    client.write_all(b"?").unwrap();
    take(&mut server, 2);
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[test]
fn faults_of_http_need_a_dependency_that_speaks_it() {
    let (proxy, _dependency) = bench();
    let fault = serde_json::from_str(r#"{"http": {"answer": "malformed-body"}}"#).unwrap();
    assert_eq!(proxy.handle().inject(fault).err(), Some(FaultError::NotHttp));
}

#[test]
fn the_end_of_the_proxy_ends_everything() {
    let (proxy, dependency) = bench();
    let (mut client, mut server) = open(&proxy, &dependency);
    let (address, handle) = (proxy.address(), proxy.handle().clone());
    let fault = handle.inject(Fault::BlackHole).unwrap();
    drop(proxy);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    for stream in [&mut client, &mut server] {
        let ended = stream.read(&mut [0; 1]);
        assert!(
            ended.as_ref().is_ok_and(|bytes| *bytes == 0)
                || ended.is_err_and(|error| { error.kind() == ErrorKind::ConnectionReset })
        );
    }
    drop(fault);
    assert_eq!(handle.inject(Fault::Refuse).err(), Some(FaultError::Ended));
    let records = handle.records();
    assert_eq!(records.connections[0].ended.unwrap().1, ConnectionEnd::ProxyEnded);
    assert_eq!(records.totals.connections_ended, 1);
    // The port is free again.
    TcpListener::bind(address).unwrap();
}

#[test]
fn two_hundred_connections_at_once_are_each_their_own() {
    let (proxy, dependency) = bench();
    let echo = thread::spawn(move || {
        let echoes: Vec<_> = (0..200)
            .map(|_| {
                let mut server = accept(&dependency);
                thread::spawn(move || {
                    let said = take(&mut server, 1000);
                    server.write_all(&said).unwrap();
                })
            })
            .collect();
        for one in echoes {
            one.join().unwrap();
        }
    });
    // All are open before the first one asks.
    let mut clients: Vec<_> = (0..200).map(|_| connect(&proxy)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&[u8::try_from(number).unwrap(); 1000]).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(rest(client), (vec![u8::try_from(number).unwrap(); 1000], None));
    }
    drop(clients);
    echo.join().unwrap();
    until(|| (proxy.handle().totals().connections_ended == 200).then_some(()));
    let records = proxy.handle().records();
    assert_eq!(records.connections.len(), 200);
    assert!(records.connections.iter().all(|one| (one.bytes_from_service, one.bytes_to_service) == (1000, 1000)));
}
