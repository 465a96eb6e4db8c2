//! Starts the programs, talks to them, and stops them for certain. Nothing here sleeps and hopes.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

pub fn token() -> String {
    ["intake", "for", "tests"].join("-")
}

pub fn secret() -> String {
    ["signing", "for", "tests"].join("-")
}

pub fn key() -> String {
    ["clay", "for", "tests"].join("-")
}

/// A process whose lines are kept. Dropping it kills it.
pub struct Program {
    pub child: Child,
    pub port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Program {
    fn start(binary: &str, environment: &[(String, String)]) -> Self {
        let mut command = Command::new(binary);
        command.env_clear().envs(environment.iter().cloned()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (ready, started) = mpsc::channel();
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                if line["message"] == "ready" {
                    let _ = ready.send(line["port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap());
                }
                kept.lock().unwrap().push(line);
            }
        });
        let port = started.recv_timeout(PATIENCE).unwrap_or_default();
        Self { child, port, lines }
    }

    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not end");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The service, its stand-in for Clay, and the folder that both live in.
pub struct Bench {
    pub clay: Program,
    pub service: Program,
    pub folder: TempDir,
    pub http: Client,
    environment: Vec<(String, String)>,
}

pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Bench {
    pub async fn start(behaviour: Value, settings: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let mut kind = json!({"key": key()});
        kind.as_object_mut().unwrap().extend(behaviour.as_object().unwrap().clone());
        let stand_in = [("STAND_IN_WEBHOOK_SECRET", secret()), ("STAND_IN_BEHAVIOUR", kind.to_string())];
        let clay =
            Program::start(env!("CARGO_BIN_EXE_clay-stand-in"), &stand_in.map(|(name, value)| (name.into(), value)));
        let mut environment: Vec<(String, String)> = [
            ("HOST", "127.0.0.1".to_owned()),
            ("PORT", "0".to_owned()),
            ("INTAKE_TOKEN", token()),
            ("DATABASE_URL", format!("sqlite:{}", folder.path().join("leads.db").display())),
            ("CLAY_API_URL", format!("http://127.0.0.1:{}/public/v0", clay.port)),
            ("CLAY_API_KEY", key()),
            ("CLAY_WEBHOOK_SECRET", secret()),
            ("CLAY_ROUTINE", "routine-1".to_owned()),
            ("CLAY_WORKSPACE", "workspace".to_owned()),
            ("CLAY_TIMEOUT_MS", "500".to_owned()),
            ("CLAY_REQUESTS_PER_SECOND", "200".to_owned()),
            ("CLAY_BREAKER_SECONDS", "1".to_owned()),
            ("CLAY_HEALTH_SECONDS", "1".to_owned()),
            ("ANNOUNCE_SECONDS", "0".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let service = Program::start(env!("CARGO_BIN_EXE_clay-integration"), &environment);
        let bench = Self { clay, service, folder, http: Client::new(), environment };
        bench.connect().await;
        bench
    }

    /// Tells the stand-in where the service listens.
    async fn connect(&self) {
        let url = format!("http://127.0.0.1:{}/clay/callback", self.service.port);
        self.admin(Method::PUT, "callback-url").body(url).send().await.unwrap();
    }

    pub async fn restart(&mut self) {
        self.service = Program::start(env!("CARGO_BIN_EXE_clay-integration"), &self.environment);
        self.connect().await;
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// A command of the program, run to its end.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clay-integration"));
        command.env_clear().envs(self.environment.iter().cloned()).args(arguments).output().unwrap()
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("leads.db")
    }

    fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://127.0.0.1:{}/admin/{path}", self.clay.port))
    }

    pub async fn behave(&self, behaviour: Value) {
        let mut kind = json!({"key": key()});
        kind.as_object_mut().unwrap().extend(behaviour.as_object().unwrap().clone());
        let answer = self.admin(Method::PUT, "behaviour").json(&kind).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub async fn test_delivery(&self) -> String {
        self.admin(Method::POST, "test-delivery").send().await.unwrap().text().await.unwrap()
    }

    /// What Clay was asked for so far.
    pub async fn seen(&self) -> Vec<Value> {
        self.admin(Method::GET, "seen").send().await.unwrap().json().await.unwrap()
    }

    pub async fn runs(&self) -> Vec<Value> {
        self.seen().await.into_iter().filter(|one| one["method"] == "POST").collect()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://127.0.0.1:{}{path}", self.service.port))
    }

    pub async fn call(&self, request: RequestBuilder) -> Answer {
        answer(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(self.request(Method::GET, path).bearer_auth(token())).await
    }

    pub async fn post(&self, body: &Value) -> Answer {
        self.call(self.request(Method::POST, "/leads").bearer_auth(token()).json(body)).await
    }

    /// A lead that is accepted; its id.
    pub async fn lead(&self, email: &str) -> String {
        let answer = self.post(&json!({"email": email})).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn state(&self, id: &str) -> Value {
        self.get(&format!("/leads/{id}")).await.json()["state"].clone()
    }

    pub async fn reaches(&self, id: &str, state: &str) {
        eventually(&format!("{id} is {state}"), async || self.state(id).await == state).await;
    }

    pub async fn deliver(&self, body: &str, signature: Option<&str>) -> u16 {
        let mut request = self.request(Method::POST, "/clay/callback").body(body.to_owned());
        if let Some(signature) = signature {
            request = request.header("x-clay-signature", signature);
        }
        self.call(request).await.status
    }
}

async fn answer(response: Response) -> Answer {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

pub fn sign(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// Asks until it is so; says what was not.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn read(path: PathBuf) -> String {
    std::io::read_to_string(File::open(path).unwrap()).unwrap()
}
