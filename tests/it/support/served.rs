//! The local Mackerel run as its users run it: `serve` as a process of its own, on a free port.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::support::program::Program;

/// A `serve` process and where it listens.
pub struct Served {
    /// The process.
    pub child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Served {
    /// Starts it on a free port, with these arguments besides.
    pub async fn start(arguments: &str) -> Self {
        Self::at("127.0.0.1:0", arguments).await
    }

    /// Starts it at this address.
    pub async fn at(address: &str, arguments: &str) -> Self {
        let line = format!("serve --listen {address} {arguments}");
        let mut child = Program::new(&line).start();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(address) = line.split("MACKEREL_APIBASE=http://").nth(1) {
                let address = address.split(' ').next().unwrap().parse().unwrap();
                return Self { child, address };
            }
        }
        panic!("it ended: {:?}", child.wait_with_output().await);
    }

    /// Asks, with the default key, for what must be there.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = request(self.address, "GET", path, "").await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Posts, with the default key, what must be accepted.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let body = body.to_string();
        let (status, body) = request(self.address, "POST", path, &body).await.unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// The head of a request with the default key, after which the connection is closed.
pub fn head(method: &str, path: &str, length: usize) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Api-Key: local\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// One request on a connection of its own. An error where no whole answer came.
pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let text = head(method, path, body.len()) + body;
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse().ok())
        .unwrap_or_default();
    if body.len() < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Ok((status, body.to_owned()))
}
