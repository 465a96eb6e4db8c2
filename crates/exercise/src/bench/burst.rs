//! As many requests of one client as it gets through, each remembered.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use super::ask::{Ask, Exchange, ask_from};
use crate::load::{Connection, Ended, KEPT, Protocol};

/// Requests of a client under way at the same time.
const AT_ONCE: usize = 8;

/// After so many refusals it is known that there are some.
const ENOUGH: usize = 10;

/// A client with an address of its own on the loopback, named by another one as a balancer would name it.
#[derive(Clone, Debug)]
pub struct Client {
    address: IpAddr,
    named: String,
    /// The header that names it otherwise.
    header: Option<(String, String)>,
}

impl Client {
    /// The client of this number, from 1 on, with the header that names it.
    pub fn new(number: u8, header: Option<(String, String)>) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::new(127, 0, 2, number.max(1))),
            named: format!("198.51.100.{number}"),
            header,
        }
    }

    /// The same client under another value of the header that names it.
    #[must_use]
    pub fn called(&self, header: &str, value: &str) -> Self {
        Self { header: Some((header.to_owned(), value.to_owned())), ..self.clone() }
    }

    /// A request as it comes from this client through a balancer. `forged` is what the client wrote into
    /// `X-Forwarded-For` itself; a balancer adds the real address behind it.
    pub fn sends(&self, request: Ask, forged: Option<&str>) -> Ask {
        let mut request = request;
        let replaced = |name: &str| {
            name.eq_ignore_ascii_case("x-forwarded-for")
                || self.header.as_ref().is_some_and(|(header, _)| name.eq_ignore_ascii_case(header))
        };
        request.headers.retain(|(name, _)| !replaced(name));
        let chain = forged.map_or_else(|| self.named.clone(), |forged| format!("{forged}, {}", self.named));
        request.headers.push(("x-forwarded-for".to_owned(), chain));
        request.headers.extend(self.header.clone());
        request
    }

    /// Asks once.
    ///
    /// # Errors
    /// Where the request is none.
    pub fn ask(&self, to: SocketAddr, request: &Ask, timeout: Duration) -> io::Result<Exchange> {
        ask_from(Some(self.address).filter(|_| to.is_ipv4()), to, request, timeout)
    }
}

/// Sends requests until some were refused (429), so many were sent, or the time is over. In the order in which they ended.
///
/// # Errors
/// Where no runtime can be started.
pub fn burst(
    client: &Client,
    to: SocketAddr,
    count: u64,
    longest: Duration,
    make: Rc<dyn Fn() -> Ask>,
) -> io::Result<Vec<Exchange>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let all = Rc::new(Burst {
        from: Some(client.address).filter(|_| to.is_ipv4()),
        to,
        left: Cell::new(count),
        refused: Cell::new(0),
        until: Instant::now() + longest,
        make,
        done: RefCell::default(),
    });
    LocalSet::new().block_on(&runtime, async {
        let users: Vec<_> = (0..AT_ONCE).map(|_| tokio::task::spawn_local(Rc::clone(&all).user())).collect();
        for user in users {
            let _ = user.await;
        }
    });
    Ok(all.done.take())
}

struct Burst {
    from: Option<IpAddr>,
    to: SocketAddr,
    left: Cell<u64>,
    refused: Cell<usize>,
    until: Instant,
    make: Rc<dyn Fn() -> Ask>,
    done: RefCell<Vec<Exchange>>,
}

impl Burst {
    async fn user(self: Rc<Self>) {
        let mut connection: Option<Connection> = None;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if self.left.get() == 0 || self.refused.get() >= ENOUGH || left.is_zero() {
                return;
            }
            self.left.set(self.left.get() - 1);
            let request = (self.make)();
            let sent = Instant::now();
            let result = tokio::time::timeout(left, self.exchange(&mut connection, &request)).await;
            // What the end of the time cut off says nothing.
            let Ok(result) = result else { return };
            let ended = Instant::now();
            let exchange = match result {
                Ok(answer) => Exchange { sent, ended, how: answer.ended(), reply: answer.reply },
                Err(how) => Exchange { sent, ended, how, reply: None },
            };
            if exchange.status() == Some(429) {
                self.refused.set(self.refused.get() + 1);
            }
            self.done.borrow_mut().push(exchange);
        }
    }

    async fn exchange(&self, connection: &mut Option<Connection>, request: &Ask) -> Result<crate::load::Answer, Ended> {
        let request = request.request(self.to).map_err(|_| Ended::Malformed)?;
        let mut open = match connection.take().filter(Connection::is_open) {
            Some(open) => open,
            None => Connection::open(&[self.to], Protocol::Http1, self.from).await?,
        };
        let answer = open.send(request, Some(KEPT)).await?;
        *connection = Some(open);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balancer_adds_the_address_behind_what_the_client_wrote() {
        let client = Client::new(7, Some(("x-api-key".to_owned(), "a".to_owned())));
        let request = Ask::get("/").with("X-Forwarded-For", "10.0.0.1").with("X-Api-Key", "old");
        let headers = |request: &Ask| -> Vec<String> {
            request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
        };
        let plain = client.sends(request.clone(), None);
        assert_eq!(headers(&plain), ["x-forwarded-for: 198.51.100.7", "x-api-key: a"]);
        let forged = client.called("x-api-key", "b").sends(request, Some("192.0.2.1"));
        assert_eq!(headers(&forged), ["x-forwarded-for: 192.0.2.1, 198.51.100.7", "x-api-key: b"]);
    }
}
