//! Lines onto the wire.
//!
//! Invariant: [`Wire::send`] answers `Ok` only for a connection that was open before and a moment
//! after; what a log server answers is read away and means nothing.

use std::io;
use std::time::Duration;

use berth_remote::{Egress, EgressError, LogStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::destination::{Destination, Transport};

/// Time a batch has.
const TIME: Duration = Duration::from_secs(10);
/// How long the other side has to hang up.
const MOMENT: Duration = Duration::from_millis(100);
/// Largest datagram, bytes; longer lines are cut, as RFC 5426 allows.
const DATAGRAM: usize = 8 * 1024;

/// An open way to a log server.
pub(super) enum Wire {
    Datagrams(UdpSocket),
    Stream(Box<dyn LogStream>),
}

impl Wire {
    pub(super) async fn open(egress: &Egress, to: &Destination) -> Result<Self, EgressError> {
        Ok(match to.transport {
            Transport::Udp => Self::Datagrams(egress.datagrams(&to.host, to.port).await?),
            transport => {
                let tls = transport == Transport::Tls;
                Self::Stream(egress.connect_log(&to.host, to.port, tls).await?)
            }
        })
    }

    pub(super) async fn send(&mut self, lines: &[String]) -> Result<(), EgressError> {
        let failed = |error: io::Error| EgressError::Connection(error.to_string());
        match self {
            Self::Datagrams(socket) => {
                for line in lines {
                    let whole = line.as_bytes();
                    let datagram = &whole[..line.floor_char_boundary(DATAGRAM)];
                    socket.send(datagram).await.map_err(failed)?;
                }
                Ok(())
            }
            Self::Stream(stream) => {
                let mut framed = Vec::new();
                for line in lines {
                    framed.extend_from_slice(format!("{} ", line.len()).as_bytes());
                    framed.extend_from_slice(line.as_bytes());
                }
                still_open(stream, Duration::ZERO).await.map_err(failed)?;
                let written = tokio::time::timeout(TIME, async {
                    stream.write_all(&framed).await?;
                    stream.flush().await
                });
                written
                    .await
                    .map_err(|_| EgressError::TimedOut(TIME))?
                    .map_err(failed)?;
                still_open(stream, MOMENT).await.map_err(failed)
            }
        }
    }
}

/// Fails if the other side has hung up, or does within `time`.
async fn still_open(stream: &mut Box<dyn LogStream>, time: Duration) -> io::Result<()> {
    let mut answer = [0; 512];
    let hung_up = async {
        loop {
            if stream.read(&mut answer).await? == 0 {
                return Err(io::Error::other("the log server closed the connection"));
            }
        }
    };
    // No answer in time is what is hoped for.
    tokio::time::timeout(time, hung_up).await.unwrap_or(Ok(()))
}
