//! A small HTTP/1.1 client that costs little: it shares the processors with what it measures.
//!
//! Invariant: an answer is read to its last byte before the next request, and one that is not
//! understood is an error, never a count.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest head of an answer.
const HEAD: usize = 16 * 1024;
/// Longest body that is kept.
const KEPT: usize = 8 * 1024 * 1024;
/// Longest time one exchange may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// What an answer's head says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    /// Bytes of the head itself.
    size: usize,
    length: u64,
}

/// An answer with its body.
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Fails unless the status is `wanted`.
    pub(crate) fn expect(self, wanted: u16) -> anyhow::Result<Self> {
        if self.head.status == wanted {
            return Ok(self);
        }
        let said = String::from_utf8_lossy(&self.body);
        bail!("status {} instead of {wanted}: {said}", self.head.status)
    }

    /// Path and query of `Location`; some servers give a whole URL.
    pub(crate) fn location(&self) -> anyhow::Result<String> {
        let location = self.head.location.as_deref().context("no Location")?;
        Ok(match location.split_once("://") {
            Some((_, rest)) => rest[rest.find('/').context("no path in Location")?..].to_owned(),
            None => location.to_owned(),
        })
    }
}

/// The head of a request.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    use std::fmt::Write;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// One connection, kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    pub(crate) async fn open(port: u16, buffer: usize) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; buffer.max(HEAD)],
            filled: 0,
        })
    }

    /// Sends a request and keeps the answer.
    pub(crate) async fn call(
        &mut self,
        head: &[u8],
        body: &[&[u8]],
        bodiless: bool,
    ) -> anyhow::Result<Answer> {
        tokio::time::timeout(PATIENCE, self.exchange(head, body, bodiless))
            .await
            .context("no answer in time")?
    }

    async fn exchange(
        &mut self,
        head: &[u8],
        body: &[&[u8]],
        bodiless: bool,
    ) -> anyhow::Result<Answer> {
        self.stream.write_all(head).await?;
        for piece in body {
            self.stream.write_all(piece).await?;
        }
        let head = self.read_head().await?;
        let length = if bodiless { 0 } else { head.length as usize };
        anyhow::ensure!(length <= KEPT, "the body is too long to keep");
        let mut kept = Vec::with_capacity(length);
        let here = (self.filled - head.size).min(length);
        kept.extend_from_slice(&self.buffer[head.size..head.size + here]);
        self.consume(head.size + here);
        if kept.len() < length {
            let from = kept.len();
            kept.resize(length, 0);
            self.stream.read_exact(&mut kept[from..]).await?;
        }
        Ok(Answer { head, body: kept })
    }

    /// Sends a GET and throws the answer's body away. Gives its length; any status but 200 is an
    /// error.
    pub(crate) async fn fetch(&mut self, head: &[u8]) -> anyhow::Result<u64> {
        self.stream.write_all(head).await?;
        let head = self.read_head().await?;
        anyhow::ensure!(head.status == 200, "status {} of a GET", head.status);
        let here = ((self.filled - head.size) as u64).min(head.length);
        self.consume(head.size + here as usize);
        let mut left = head.length - here;
        while left > 0 {
            let most = self.buffer.len().min(usize::try_from(left)?);
            let read = self.stream.read(&mut self.buffer[..most]).await?;
            anyhow::ensure!(read > 0, "the answer ended {left} bytes early");
            left -= read as u64;
        }
        Ok(head.length)
    }

    async fn read_head(&mut self) -> anyhow::Result<Head> {
        loop {
            if let Some(head) = parse(&self.buffer[..self.filled])? {
                return Ok(head);
            }
            anyhow::ensure!(self.filled < self.buffer.len(), "the head is too long");
            let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
            anyhow::ensure!(read > 0, "the connection was closed");
            self.filled += read;
        }
    }

    fn consume(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
    }
}

/// The head at the beginning of `bytes`, once it is whole.
fn parse(bytes: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let mut lines = bytes[..end].split(|&byte| byte == b'\n');
    let status = lines
        .next()
        .and_then(|line| std::str::from_utf8(line.get(9..12)?).ok()?.parse().ok())
        .context("no status")?;
    let mut head = Head {
        status,
        location: None,
        size: end + 4,
        length: 0,
    };
    for line in lines {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(colon);
        let value = || std::str::from_utf8(&value[1..]).map(str::trim);
        if name.eq_ignore_ascii_case(b"content-length") {
            head.length = value()?.parse()?;
        } else if name.eq_ignore_ascii_case(b"location") {
            head.location = Some(value()?.to_owned());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            bail!("an answer of unknown length");
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let text =
            b"HTTP/1.1 202 Accepted\r\ncontent-LENGTH: 12\r\nLocation: http://h:1/a?b\r\n\r\nxx";
        assert_eq!(parse(&text[..40]).unwrap(), None);
        let head = parse(text).unwrap().unwrap();
        assert_eq!((head.status, head.length), (202, 12));
        assert_eq!(head.size, text.len() - 2);
        let answer = Answer {
            head,
            body: Vec::new(),
        };
        assert_eq!(answer.location().unwrap(), "/a?b");
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"nonsense\r\n\r\n").is_err());
    }
}
