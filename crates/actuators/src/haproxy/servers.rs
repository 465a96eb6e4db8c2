//! What the runtime socket says of the servers of a backend.

use std::collections::BTreeMap;

/// What an operator set a server to. Ordered by how much traffic it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Admin {
    Ready,
    /// Finishes what it has.
    Drain,
    /// Takes nothing and is not checked.
    Maint,
}

impl Admin {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Maint => "maint",
        }
    }

    /// The bits of `srv_admin_state`: maintenance is forced, inherited, or for want of an address; a drain is forced or
    /// inherited. That it began so by configuration (0x04) stays for ever and says nothing of now.
    fn of_bits(bits: u32) -> Self {
        const MAINT: u32 = 0x01 | 0x02 | 0x20 | 0x40;
        const DRAIN: u32 = 0x08 | 0x10;
        match bits {
            _ if bits & MAINT != 0 => Self::Maint,
            _ if bits & DRAIN != 0 => Self::Drain,
            _ => Self::Ready,
        }
    }
}

/// Since HAProxy started, or since its counters were cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Answers, and requests that no answer came to.
    pub all: u64,
    pub server_errors: u64,
    pub client_errors: u64,
}

impl Counters {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            all: self.all.saturating_add(other.all),
            server_errors: self.server_errors.saturating_add(other.server_errors),
            client_errors: self.client_errors.saturating_add(other.client_errors),
        }
    }
}

/// One server as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    pub name: String,
    pub admin: Admin,
    /// It runs and its checks pass, where it has any.
    pub up: bool,
    pub weight: u16,
    /// `HOST:PORT`; none while it has none.
    pub address: Option<String>,
    pub counters: Counters,
    /// How the backend balances, where the socket may say it.
    pub algorithm: Option<String>,
    /// Users are kept at it by a cookie.
    pub cookie: bool,
}

/// Reads `show servers state` and `show stat`, by the names of their columns: new ones come with every version.
pub(super) fn parse(state: &str, stat: &str) -> Result<BTreeMap<String, Server>, String> {
    let mut servers = BTreeMap::new();
    let mut columns: Vec<&str> = Vec::new();
    for line in state.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(head) = line.strip_prefix('#') {
            columns = head.split_whitespace().collect();
            continue;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The first line is the version of the format.
        if columns.is_empty() || fields.len() < 4 {
            continue;
        }
        let field = |name: &str| {
            let place = columns.iter().position(|column| *column == name)?;
            fields.get(place).copied()
        };
        let number = |name: &str| {
            field(name)
                .and_then(|field| field.parse::<u32>().ok())
                .ok_or_else(|| format!("`show servers state` has no {name}"))
        };
        let name = field("srv_name").ok_or("`show servers state` has no names")?.to_owned();
        let port = number("srv_port").unwrap_or(0);
        let host = field("srv_addr").filter(|host| *host != "-" && port != 0);
        let address =
            host.map(|host| if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") });
        let server = Server {
            admin: Admin::of_bits(number("srv_admin_state")?),
            // 2: running. 1 is starting (slow start), and takes traffic already.
            up: matches!(number("srv_op_state")?, 1 | 2),
            weight: u16::try_from(number("srv_uweight")?).map_err(|_| "a weight is none".to_owned())?,
            address,
            counters: Counters::default(),
            algorithm: None,
            cookie: false,
            name: name.clone(),
        };
        servers.insert(name, server);
    }
    if columns.is_empty() {
        return Err("`show servers state` gives no table".to_owned());
    }
    count(stat, &mut servers)?;
    Ok(servers)
}

fn count(stat: &str, servers: &mut BTreeMap<String, Server>) -> Result<(), String> {
    let mut lines = stat.lines().map(str::trim).filter(|line| !line.is_empty());
    let head = lines.next().and_then(|line| line.strip_prefix('#')).ok_or("`show stat` gives no table")?;
    let columns: Vec<&str> = head.trim().split(',').collect();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let field = |name: &str| {
            let place = columns.iter().position(|column| *column == name)?;
            fields.get(place).copied().filter(|field| !field.is_empty())
        };
        let number = |name: &str| field(name).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        let Some(server) = field("svname").and_then(|name| servers.get_mut(name)) else { continue };
        // Without an answer: no connection, or it broke before there was one.
        let broken = number("econ").saturating_add(number("eresp"));
        let answers: u64 = ["hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"]
            .iter()
            .map(|name| number(name))
            .fold(0, u64::saturating_add);
        server.counters = Counters {
            all: answers.saturating_add(broken),
            server_errors: number("hrsp_5xx").saturating_add(broken),
            client_errors: number("hrsp_4xx"),
        };
        server.algorithm = field("algo").map(str::to_owned);
        server.cookie = field("cookie").is_some();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_port\n\
        3 app 1 blue1 127.0.0.1 2 0 100 100 18091\n3 app 2 green1 ::1 0 5 0 100 18092\n3 app 3 green2 - 0 12 7 100 0\n";
    const STAT: &str = "# pxname,svname,econ,eresp,hrsp_2xx,hrsp_4xx,hrsp_5xx,cookie,algo,\n\
        app,blue1,1,2,90,5,4,,roundrobin,\napp,green1,,,,,,b,,\napp,BACKEND,9,9,9,9,9,,,\n";

    #[test]
    fn tables_are_read_by_the_names_of_their_columns() {
        let servers = parse(STATE, STAT).unwrap();
        let blue = &servers["blue1"];
        assert_eq!((blue.admin, blue.up, blue.weight), (Admin::Ready, true, 100));
        assert_eq!(blue.counters, Counters { all: 102, server_errors: 7, client_errors: 5 });
        assert_eq!((blue.address.as_deref(), blue.algorithm.as_deref()), (Some("127.0.0.1:18091"), Some("roundrobin")));
        let green = &servers["green1"];
        assert_eq!((green.admin, green.address.as_deref(), green.cookie), (Admin::Maint, Some("[::1]:18092"), true));
        assert_eq!((servers["green2"].admin, &servers["green2"].address), (Admin::Drain, &None));
    }

    #[test]
    fn what_is_no_table_is_an_error_and_never_an_empty_one() {
        for (state, stat) in [
            ("", STAT),
            ("Unknown command", STAT),
            (STATE, ""),
            (STATE, "Permission denied"),
            ("# srv_name\na b c d e", STAT),
        ] {
            assert!(parse(state, stat).is_err(), "{state} {stat}");
        }
    }
}
