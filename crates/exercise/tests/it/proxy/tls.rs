//! Wrong beginnings of connections with TLS, seen by clients that look closely and by one that does not.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use gonogo_exercise::proxy::{
    Answer, Authority, Behind, Clock, Fault, FaultError, Greeting, Limits, Proxy, Route, Setup, Stub, Took,
};
use jiff::{Timestamp, tz::TimeZone};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    time_provider::TimeProvider,
};

use super::{WALL, connect, is_quiet, rest, until};

type Client = StreamOwned<ClientConnection, TcpStream>;

/// A dependency that answers everything with 200, over TLS, and its authority.
fn bench() -> (Proxy, Arc<ClientConfig>) {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(WALL);
    let today = Timestamp::try_from(wall).unwrap().to_zoned(TimeZone::UTC).date();
    let authority = Authority::new(today).unwrap();
    let answer = Answer { status: 200, headers: Vec::new(), body: "well".to_owned() };
    let route = Route { method: None, path: "/*".to_owned(), answers: vec![answer] };
    let proxy = Proxy::start(Setup {
        behind: Behind::Stub(Stub::new(&[route], Took::default()).unwrap()),
        tls: Some(authority.identity().unwrap()),
        limits: Limits::default(),
        clock: Clock { zero: Instant::now(), wall },
    });
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let careful = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(ThatDay))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (proxy.unwrap(), Arc::new(careful))
}

/// What the clock of the careful client says.
#[derive(Debug)]
struct ThatDay;

impl TimeProvider for ThatDay {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(WALL)))
    }
}

/// Believes everybody.
#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn credulous() -> Arc<ClientConfig> {
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous))
        .with_no_client_auth();
    Arc::new(client)
}

fn open(proxy: &Proxy, client: &Arc<ClientConfig>) -> Client {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::clone(client), name).unwrap(), connect(proxy))
}

fn ask(client: &mut Client) -> io::Result<String> {
    client.write_all(b"GET /a HTTP/1.1\r\nHost: dependency\r\n\r\n")?;
    let mut found = Vec::new();
    while !found.ends_with(b"well") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        found.extend(byte);
    }
    Ok(String::from_utf8(found).unwrap())
}

#[track_caller]
fn check_refused(greeting: Greeting, says: &str) {
    let (proxy, careful) = bench();
    let _fault = proxy.handle().inject(Fault::Tls(greeting)).unwrap();
    let error = ask(&mut open(&proxy, &careful)).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    assert!(proxy.handle().records().requests.is_empty(), "nothing was sent");
    assert!(ask(&mut open(&proxy, &credulous())).is_ok(), "a client that does not look takes it");
    assert_eq!(proxy.handle().records().requests.len(), 1);
}

#[test]
fn each_wrong_certificate_is_wrong_in_one_thing_only() {
    check_refused(Greeting::Expired, "expired");
    check_refused(Greeting::WrongName, "not valid for name");
    check_refused(Greeting::Untrusted, "UnknownIssuer");
}

#[test]
fn a_fault_closes_what_was_greeted_otherwise_and_its_end_does_too() {
    let (proxy, careful) = bench();
    let mut kept = open(&proxy, &careful);
    assert!(ask(&mut kept).unwrap().starts_with("HTTP/1.1 200"));
    let fault = proxy.handle().inject(Fault::Tls(Greeting::WrongName)).unwrap();
    assert!(ask(&mut kept).is_err(), "a connection that is kept would hide the certificate");
    let mut taken = open(&proxy, &credulous());
    assert!(ask(&mut taken).is_ok());
    drop(fault);
    assert!(ask(&mut taken).is_err());
    assert!(ask(&mut open(&proxy, &careful)).is_ok());
}

#[test]
fn a_handshake_hangs_or_is_broken_off() {
    let (proxy, _) = bench();
    let fault = proxy.handle().inject(Fault::Tls(Greeting::Silent)).unwrap();
    let mut stream = connect(&proxy);
    stream.write_all(&[22, 3, 1, 0, 5]).unwrap();
    assert!(is_quiet(&mut stream));
    drop(fault);
    assert_eq!(rest(&mut stream), (Vec::new(), None), "whoever hangs is let go");
    let _fault = proxy.handle().inject(Fault::Tls(Greeting::Closed)).unwrap();
    let mut stream = connect(&proxy);
    assert!(is_quiet(&mut stream), "before its first message it is not closed");
    stream.write_all(&[22, 3, 1, 0, 5]).unwrap();
    assert_eq!(rest(&mut stream), (Vec::new(), None));
    until(|| proxy.handle().records().connections.iter().all(|one| one.ended.is_some()).then_some(()));
}

#[test]
fn a_fault_of_tls_needs_tls() {
    let stub = Stub::new(&[], Took::default()).unwrap();
    let proxy = super::start(Behind::Stub(stub));
    let refused = proxy.handle().inject(Fault::Tls(Greeting::Expired)).err();
    assert_eq!(refused, Some(FaultError::NotTls));
}
