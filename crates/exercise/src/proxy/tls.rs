//! The certificates of a run, right and wrong, and the beginning of a connection with TLS.

use std::{io, net::Ipv4Addr, sync::Arc};

use jiff::civil::Date;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
    string::Ia5String,
};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
        server::NoServerSessionStorage,
    },
    server::TlsStream,
};

use super::fault::Greeting;

/// A name that the service did not ask for.
const OTHER_NAME: &str = "another-name.invalid";

/// How long before and after today a good certificate is valid.
const VALID_DAYS: i32 = 30;

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("a certificate cannot be presented: {0}")]
    Configuration(#[from] tokio_rustls::rustls::Error),
    #[error("the calendar ends too soon")]
    Calendar,
}

/// Issues the certificates of one run. It is trusted by nobody but the service that is told so.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    today: Date,
}

impl Authority {
    pub fn new(today: Date) -> Result<Self, TlsError> {
        let (issuer, pem) = authority("gonogo exercise")?;
        Ok(Self { issuer, pem, today })
    }

    /// What the service must trust.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What a proxy on the loopback presents.
    pub fn identity(&self) -> Result<Identity, TlsError> {
        let days = |days: i32| self.today.checked_add(jiff::Span::new().days(days)).map_err(|_| TlsError::Calendar);
        let (from, until) = (days(-VALID_DAYS)?, days(VALID_DAYS)?);
        let long_ago = (jiff::civil::date(2015, 1, 1), jiff::civil::date(2015, 4, 1));
        let own = || -> Result<Vec<SanType>, TlsError> {
            Ok(vec![
                SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
                SanType::DnsName(Ia5String::try_from("localhost")?),
            ])
        };
        let other = vec![SanType::DnsName(Ia5String::try_from(OTHER_NAME)?)];
        let (stranger, _) = authority("an issuer whom nobody knows")?;
        Ok(Identity {
            right: issued(&self.issuer, own()?, (from, until))?,
            expired: issued(&self.issuer, own()?, long_ago)?,
            wrong_name: issued(&self.issuer, other, (from, until))?,
            untrusted: issued(&stranger, own()?, (from, until))?,
        })
    }
}

/// What a proxy may present.
pub struct Identity {
    right: TlsAcceptor,
    expired: TlsAcceptor,
    wrong_name: TlsAcceptor,
    untrusted: TlsAcceptor,
}

impl Identity {
    /// Begins a connection, as well as the fault lets it.
    pub(super) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        greeting: Option<Greeting>,
    ) -> io::Result<TlsStream<S>> {
        let acceptor = match greeting {
            None => &self.right,
            Some(Greeting::Expired) => &self.expired,
            Some(Greeting::WrongName) => &self.wrong_name,
            Some(Greeting::Untrusted) => &self.untrusted,
            Some(Greeting::Closed) => {
                let _ = stream.read(&mut [0; 4096]).await?;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(Greeting::Silent) => {
                // It is read, so that whoever closes is let go.
                while stream.read(&mut [0; 4096]).await? > 0 {}
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        acceptor.accept(stream).await
    }
}

fn authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String), TlsError> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    // From before the one that has expired, so that nothing but that one is wrong.
    parameters.not_before = date_time_ymd(2010, 1, 1);
    parameters.not_after = date_time_ymd(2049, 1, 1);
    let pem = parameters.self_signed(&key)?.pem();
    Ok((Issuer::new(parameters, key), pem))
}

fn issued(
    issuer: &Issuer<'_, KeyPair>,
    names: Vec<SanType>,
    (from, until): (Date, Date),
) -> Result<TlsAcceptor, TlsError> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    // Who is called like the issuer is taken for an issuer of itself.
    parameters.distinguished_name.push(DnType::CommonName, "a dependency");
    parameters.subject_alt_names = names;
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let day = |date: Date| {
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    (parameters.not_before, parameters.not_after) = (day(from), day(until));
    let certificate: CertificateDer<'static> = parameters.signed_by(&key, issuer)?.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    // What stands behind may speak HTTP/1.1 only; a client that speaks nothing but HTTP/2 gets that.
    configuration.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    // A session that is taken up again is one whose certificate nobody looks at.
    configuration.session_storage = Arc::new(NoServerSessionStorage {});
    configuration.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(configuration)))
}
