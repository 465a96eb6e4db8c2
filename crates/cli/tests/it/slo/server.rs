//! What Prometheus is to know in these tests: a past that is made up, or a service that serves its metrics.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use gonogo_components::prometheus::Prometheus;

/// Counts `r_total` of status 200 and 500 up to now: so many minutes with so many good and bad events each.
pub(crate) fn past(stretches: &[(u32, u32, u32)]) -> Prometheus {
    let now = u64::try_from(now().as_second()).expect("it is after 1970");
    let minutes: u32 = stretches.iter().map(|stretch| stretch.0).sum();
    let mut text = "# TYPE r counter\n".to_owned();
    for code in ["200", "500"] {
        let (mut at, mut level) = (now - 60 * u64::from(minutes), 0);
        let counted = stretches.iter().flat_map(|(length, good, bad)| (0..*length).map(move |_| (*good, *bad)));
        for (good, bad) in std::iter::once((0, 0)).chain(counted) {
            level += if code == "200" { good } else { bad };
            writeln!(text, "r_total{{code=\"{code}\"}} {level} {at}").expect("a text takes what is written");
            at += 60;
        }
    }
    text.push_str("# EOF\n");
    Prometheus::with_past(&text).expect("Prometheus starts")
}

/// Scrapes this address three times a second.
pub(crate) fn scraping(address: &str) -> Prometheus {
    let configuration = format!(
        "global: {{scrape_interval: 300ms, scrape_timeout: 300ms}}\n\
         scrape_configs: [{{job_name: played, honor_labels: true, static_configs: [{{targets: ['{address}']}}]}}]\n"
    );
    let prometheus = Prometheus::start(&configuration).expect("Prometheus starts");
    // It looks for what it is to scrape some seconds after it is ready.
    prometheus.until("up", |answer| answer.contains(",\"1\"]")).expect("it is scraped");
    prometheus
}

#[expect(clippy::disallowed_methods, reason = "Prometheus counts from now, and a gate knows today")]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// A service that counts ten more requests at each scrape, one of them failed. Gives its address.
pub(crate) fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || {
        for (scrape, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { break };
            let mut asked = [0; 2048];
            let _ = stream.read(&mut asked);
            let body = format!(
                "# TYPE r_total counter\nr_total{{code=\"200\"}} {}\nr_total{{code=\"500\"}} {scrape}\n",
                9 * scrape
            );
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    format!("http://{address}/metrics")
}
