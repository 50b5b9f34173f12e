//! The least that a start can take: raw calls to the engine, until the slowest service answers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkCreateRequest, NetworkingConfig};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NETWORK: &str = "labrunner-bench-floor";

/// One container.
pub struct Wanted {
    name: &'static str,
    image: String,
    command: Option<Vec<String>>,
    environment: Vec<String>,
    binds: Vec<String>,
    port: u16,
    /// It starts when the others answer.
    last: bool,
}

impl Wanted {
    fn new(name: &'static str, image: &str, port: u16) -> Self {
        let image = image.to_owned();
        Self { name, image, command: None, environment: Vec::new(), binds: Vec::new(), port, last: false }
    }

    pub fn redis(image: &str) -> Self {
        Self::new("redis", image, 6379)
    }

    pub fn rabbitmq(image: &str) -> Self {
        Self::new("rabbitmq", image, 5672)
    }

    pub fn postgres(image: &str) -> Self {
        let environment = ["USER", "PASSWORD", "DB"].iter().map(|name| format!("POSTGRES_{name}=shop")).collect();
        Self { environment, ..Self::new("db", image, 5432) }
    }

    pub fn web(image: &str, workspace: &str) -> Self {
        let script = "python manage.py migrate --noinput && exec gunicorn shop.wsgi --bind 0.0.0.0:8000";
        let command = Some(["sh", "-c", script].map(str::to_owned).to_vec());
        Self { command, binds: vec![format!("{workspace}:/app")], last: true, ..Self::new("web", image, 8000) }
    }
}

/// Seconds from nothing to the last answer. Everything is removed again.
pub fn start(wanted: &[Wanted]) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let docker = Docker::connect_with_defaults().unwrap();
        let began = Instant::now();
        let request = NetworkCreateRequest { name: NETWORK.into(), ..Default::default() };
        let network = docker.create_network(request).await.unwrap();
        let ids = futures_util::future::join_all(wanted.iter().map(|one| create(&docker, one))).await;
        let up = |last: bool| {
            let chosen = wanted.iter().zip(&ids).filter(move |(one, _)| one.last == last);
            futures_util::future::join_all(chosen.map(|(one, id)| answered(&docker, one, id)))
        };
        up(false).await;
        up(true).await;
        let took = began.elapsed().as_secs_f64();
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        for id in &ids {
            docker.remove_container(id, Some(options.clone())).await.unwrap();
        }
        docker.remove_network(&network.id).await.unwrap();
        took
    })
}

async fn create(docker: &Docker, wanted: &Wanted) -> String {
    let endpoint = EndpointSettings { aliases: Some(vec![wanted.name.to_owned()]), ..Default::default() };
    let body = ContainerCreateBody {
        image: Some(wanted.image.clone()),
        hostname: Some(wanted.name.to_owned()),
        cmd: wanted.command.clone(),
        env: Some(wanted.environment.clone()),
        host_config: Some(HostConfig {
            binds: Some(wanted.binds.clone()),
            network_mode: Some(NETWORK.into()),
            ..Default::default()
        }),
        networking_config: Some(NetworkingConfig { endpoints_config: Some([(NETWORK.to_owned(), endpoint)].into()) }),
        ..Default::default()
    };
    let name = format!("{NETWORK}-{}", wanted.name);
    let options = CreateContainerOptionsBuilder::new().name(&name).build();
    docker.create_container(Some(options), body).await.unwrap().id
}

/// Starts it and asks it every five milliseconds, in its own protocol.
async fn answered(docker: &Docker, wanted: &Wanted, id: &str) {
    docker.start_container(id, None).await.unwrap();
    let facts = docker.inspect_container(id, None).await.unwrap();
    let networks = facts.network_settings.and_then(|settings| settings.networks).unwrap();
    let address = networks[NETWORK].ip_address.clone().unwrap();
    let address: SocketAddr = format!("{address}:{}", wanted.port).parse().unwrap();
    let began = Instant::now();
    while !answers(wanted.name, address).await {
        assert!(began.elapsed() < Duration::from_secs(60), "{} does not answer", wanted.name);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn answers(name: &str, address: SocketAddr) -> bool {
    let exchange = |question: &'static [u8], answer: &'static [u8]| async move {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(question).await?;
        let mut start = vec![0; answer.len()];
        stream.read_exact(&mut start).await?;
        Ok::<bool, std::io::Error>(start == answer)
    };
    match name {
        "redis" => exchange(b"PING\r\n", b"+PONG").await.unwrap_or(false),
        // AMQP 0-9-1, 4.2.2: a protocol header, answered by a method frame of channel 0.
        "rabbitmq" => exchange(b"AMQP\0\0\x09\x01", b"\x01\0\0").await.unwrap_or(false),
        "web" => exchange(b"GET /health HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200")
            .await
            .unwrap_or(false),
        _ => {
            let mut config = tokio_postgres::Config::new();
            config.host(address.ip().to_string()).port(address.port()).user("shop").password("shop").dbname("shop");
            match config.connect(tokio_postgres::NoTls).await {
                Ok((client, connection)) => {
                    let running = tokio::spawn(connection);
                    let asked = client.simple_query("SELECT 1").await.is_ok();
                    running.abort();
                    asked
                }
                Err(_) => false,
            }
        }
    }
}
