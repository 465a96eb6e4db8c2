//! etcd, the API server and the controller manager, started on free ports and stopped by their process ids.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use kube::Client;
use tempfile::TempDir;

use super::{
    binaries::{Binaries, Missing},
    custom,
};
use crate::children::{Children, Start};

/// How long the API server may take until it is ready, also on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(90);

/// Why there is no control plane.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error(transparent)]
    Missing(#[from] Missing),
    #[error("cannot {attempted}")]
    Io { attempted: &'static str, source: io::Error },
    #[error("{program} was not ready after {} s; it said last:\n{said}", PATIENCE.as_secs())]
    Late { program: &'static str, said: String },
    #[error("cannot read the kubeconfig that was written")]
    Kubeconfig(#[source] kube::config::KubeconfigError),
    #[error("cannot make a client")]
    Client(#[source] kube::Error),
    #[error("the API server did not do what it was asked")]
    Api(#[source] kube::Error),
}

pub(crate) fn trouble(attempted: &'static str) -> impl Fn(io::Error) -> Trouble {
    move |source| Trouble::Io { attempted, source }
}

/// A control plane that runs as long as this lives.
#[derive(Debug)]
pub struct ControlPlane {
    folder: TempDir,
    children: Children,
    api_server: Start,
    /// In the order in which they were started. Killed, and waited for, in the other.
    running: Vec<(Program, Child)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Etcd,
    ApiServer,
    ControllerManager,
}

impl ControlPlane {
    /// Starts all three and waits until the API server says that it is ready: some ten seconds on a quiet machine.
    pub async fn start() -> Result<Self, Trouble> {
        let binaries = Binaries::find()?;
        let folder = TempDir::with_prefix("gonogo-kube-").map_err(trouble("make a folder for the control plane"))?;
        let [etcd, peer, api, manager] = ports().map_err(trouble("find free ports"))?;
        let root = folder.path();
        let token = token().map_err(trouble("make a token"))?;
        write_keys(root).map_err(trouble("make the key of service accounts with openssl"))?;
        fs::write(root.join("tokens.csv"), format!("{token},admin,1,\"system:masters\"\n"))
            .map_err(trouble("write the tokens"))?;
        fs::write(root.join("kubeconfig"), kubeconfig(api, &token)).map_err(trouble("write the kubeconfig"))?;

        let children = Children::new();
        let start = |program: &Path, name: &str, arguments: Vec<String>| Start {
            program: program.to_owned(),
            arguments,
            log: root.join(format!("{name}.log")),
            folder: root.to_owned(),
        };
        let api_server = start(&binaries.api_server, "api-server", api_server_arguments(api, etcd));
        let mut plane = Self { children, api_server, running: Vec::new(), folder };
        let root = plane.folder.path();
        let etcd = start_etcd(&binaries, root, etcd, peer);
        let manager = start_manager(&binaries, root, manager);
        plane.run(Program::Etcd, etcd)?;
        plane.start_api_server().await?;
        plane.run(Program::ControllerManager, manager)?;
        Ok(plane)
    }

    fn run(&mut self, program: Program, start: Start) -> Result<(), Trouble> {
        let child = self.children.start(start).map_err(trouble("start a program of the control plane"))?;
        self.running.push((program, child));
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file that a client of this control plane reads.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A client that may do everything.
    pub async fn client(&self) -> Result<Client, Trouble> {
        custom::client(&self.kubeconfig()).await
    }

    /// Kills the API server as `kill -9` does. What it had stored stays in etcd.
    pub fn kill_api_server(&mut self) {
        for (program, child) in &mut self.running {
            if *program == Program::ApiServer {
                end(child);
            }
        }
        self.running.retain(|(program, _)| *program != Program::ApiServer);
    }

    /// Starts the API server, again at the same port after it was killed, and waits until it is ready.
    pub async fn start_api_server(&mut self) -> Result<(), Trouble> {
        self.run(Program::ApiServer, self.api_server.clone())?;
        let client = self.client().await?;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if is_ready(&client).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = fs::read_to_string(&self.api_server.log).unwrap_or_default();
        let said: Vec<_> = log.lines().rev().take(12).collect();
        Err(Trouble::Late { program: "kube-apiserver", said: said.into_iter().rev().collect::<Vec<_>>().join("\n") })
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        for (_, child) in self.running.iter_mut().rev() {
            end(child);
        }
        // The logs are all that is left to find out why a test failed.
        self.folder.disable_cleanup(std::thread::panicking());
    }
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

async fn is_ready(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else { return false };
    client.request_text(request).await.is_ok_and(|answer| answer == "ok")
}

/// Four ports that were free just now; all are held until the last is found, so that they differ.
fn ports() -> io::Result<[u16; 4]> {
    let held = [(); 4].map(|()| TcpListener::bind(("127.0.0.1", 0)));
    let mut ports = [0; 4];
    for (port, listener) in ports.iter_mut().zip(held) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}

fn token() -> io::Result<String> {
    use std::{fmt::Write as _, io::Read as _};
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    }))
}

fn write_keys(root: &Path) -> io::Result<()> {
    for arguments in [&["genrsa", "-out", "sa.key", "2048"][..], &["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"]]
    {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(root).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status()?;
        if !status.success() {
            return Err(io::Error::other(status.to_string()));
        }
    }
    Ok(())
}

fn kubeconfig(port: u16, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\n\
         clusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{port}', insecure-skip-tls-verify: true}}}}]\n\
         users: [{{name: admin, user: {{token: '{token}'}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: admin}}}}]\n\
         current-context: test\n"
    )
}

fn start_etcd(binaries: &Binaries, root: &Path, client: u16, peer: u16) -> Start {
    let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
    let arguments = [
        "--data-dir=etcd".to_owned(),
        // What a test stores need not survive the machine.
        "--unsafe-no-fsync=true".to_owned(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
    ];
    Start {
        program: binaries.etcd.clone(),
        arguments: arguments.into(),
        log: root.join("etcd.log"),
        folder: root.to_owned(),
    }
}

fn api_server_arguments(port: u16, etcd: u16) -> Vec<String> {
    let mut arguments = vec![format!("--etcd-servers=http://127.0.0.1:{etcd}"), format!("--secure-port={port}")];
    let fixed = [
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--cert-dir=certificates",
        "--token-auth-file=tokens.csv",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=sa.pub",
        "--service-account-signing-key-file=sa.key",
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ];
    arguments.extend(fixed.map(str::to_owned));
    arguments
}

fn start_manager(binaries: &Binaries, root: &Path, port: u16) -> Start {
    let mut arguments = vec![format!("--secure-port={port}")];
    let fixed = [
        "--kubeconfig=kubeconfig",
        "--bind-address=127.0.0.1",
        "--port=0",
        "--cert-dir=manager-certificates",
        "--leader-elect=false",
        "--service-account-private-key-file=sa.key",
        "--use-service-account-credentials=false",
        // What a rollout needs, so that a small machine has less to do.
        "--controllers=deployment,replicaset,endpoint,endpointslice,disruption,garbagecollector,namespace,horizontalpodautoscaling",
        // The defaults are for clusters with many clients; a test asks for much in a short time.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ];
    arguments.extend(fixed.map(str::to_owned));
    Start {
        program: binaries.controller_manager.clone(),
        arguments,
        log: root.join("controller-manager.log"),
        folder: root.to_owned(),
    }
}
