//! More clients than a process can have open: those who come with work are served.

use std::time::{Duration, Instant};

use berth_e2e::{Image, Options, Server};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const REPOSITORY: &str = "library/crowd";

/// What work may take beside a crowd, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lets this process open as many files as it may; gives how many that is.
fn open_files() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .unwrap();
    maximum.unwrap_or(u64::MAX)
}

/// A client that has had an answer and stays.
async fn idle(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.host()).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    stream
}

async fn works(server: &Server, tag: &str) {
    let work = async {
        let (api, admin) = (server.api(), server.admin());
        let image = Image::random(2, 100_000);
        api.push(&admin, REPOSITORY, tag, &image).await;
        let pulled = api.get_manifest(&admin, REPOSITORY, tag).await.expect(200);
        assert_eq!(pulled.body, image.manifest);
    };
    let began = Instant::now();
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| panic!("{tag} was not served in {:?}", began.elapsed()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_clients_are_no_burden() {
    let allowed = open_files();
    // The server keeps a quarter of its files for its own work.
    let crowd = 10_000.min(allowed.saturating_sub(500) / 4 * 3);
    if crowd < 10_000 {
        println!("only {crowd} clients: the system allows {allowed} open files");
    }
    let server = Server::start(Options::default());
    let mut clients = Vec::new();
    for _ in 0..crowd {
        clients.push(idle(&server).await);
    }
    for tag in ["a", "b", "c"] {
        works(&server, tag).await;
    }
    drop(clients);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_open_files_left_recovers() {
    let server = Server::start(Options::default().open_files(96));
    works(&server, "before").await;
    let mut crowd = Vec::new();
    // More than it may open: the kernel takes the rest, which are not answered.
    for _ in 0..400 {
        crowd.push(TcpStream::connect(server.host()).await.unwrap());
    }
    drop(crowd);
    works(&server, "after").await;
    server.stop();
}
