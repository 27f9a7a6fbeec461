//! gRPC's unary calls over HTTP/2, bytes in and bytes out.
//!
//! h2 alone rather than a gRPC library: nothing is parsed, and what the generator takes of the
//! machine's cores is what the server does not get.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use h2::{Reason, client::SendRequest};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use tokio::net::TcpStream;

use crate::Error;

/// Length of what gRPC puts before each message: a flag and four bytes of length.
pub const PREFIX_LEN: usize = 5;

const WINDOW_BYTES: u32 = 1 << 24;
const FRAME_BYTES_MAX: u32 = 1 << 20;

/// What came back of one call.
pub struct Answer {
    pub status: Status,
    /// The message, without gRPC's prefix; empty unless the status is OK.
    pub reply: Bytes,
    /// Whether the connection can carry no further call.
    pub is_disconnected: bool,
    /// The server's words about a status that is not OK, as they came.
    pub message: Option<HeaderValue>,
}

impl Answer {
    pub fn ok(reply: Bytes) -> Answer {
        Answer { status: Status::OK, reply, is_disconnected: false, message: None }
    }

    pub fn refused(status: Status) -> Answer {
        Answer { status, reply: Bytes::new(), is_disconnected: false, message: None }
    }

    /// What a gRPC client makes of an error of HTTP/2.
    fn failed(error: &h2::Error) -> Answer {
        let status = match error.reason() {
            Some(Reason::CANCEL) => Status::CANCELLED,
            Some(Reason::ENHANCE_YOUR_CALM) => Status::RESOURCE_EXHAUSTED,
            Some(Reason::REFUSED_STREAM) | None => Status::UNAVAILABLE,
            Some(_) => Status::INTERNAL,
        };
        let is_disconnected = error.is_io() || error.is_go_away();
        Answer { is_disconnected, ..Answer::refused(status) }
    }
}

/// gRPC's status codes, as numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub u32);

impl Status {
    pub const OK: Status = Status(0);
    pub const CANCELLED: Status = Status(1);
    pub const DEADLINE_EXCEEDED: Status = Status(4);
    pub const RESOURCE_EXHAUSTED: Status = Status(8);
    pub const INTERNAL: Status = Status(13);
    pub const UNAVAILABLE: Status = Status(14);

    pub fn name(self) -> &'static str {
        const NAMES: [&str; 17] = [
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        ];
        NAMES.get(self.0 as usize).copied().unwrap_or("UNKNOWN")
    }
}

/// One method of a server, with what every call of it sends first.
#[derive(Clone)]
pub struct Route {
    uri: Uri,
    headers: HeaderMap,
    deadline: Option<Duration>,
}

impl Route {
    /// `path` as in `/creditgate.v1.CreditDecisionService/CheckAndReserve`.
    pub fn new(target: &str, path: &str, deadline: Option<Duration>) -> Result<Route, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("creditgate-load"));
        if let Some(deadline) = deadline {
            let timeout = format!("{}m", deadline.as_millis());
            headers.insert("grpc-timeout", HeaderValue::from_str(&timeout)?);
        }
        Ok(Route { uri: format!("http://{target}{path}").parse()?, headers, deadline })
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// One connection.
#[derive(Clone)]
pub struct Channel {
    sender: SendRequest<Bytes>,
}

impl Channel {
    pub async fn connect(target: &str) -> Result<Channel, Error> {
        let stream = TcpStream::connect(target)
            .await
            .map_err(|error| format!("target = {target}: cannot connect: {error}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(4 * WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .enable_push(false)
            .handshake(stream)
            .await?;
        // Its error reaches every call that is in flight, so nothing is lost here.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Channel { sender })
    }

    /// Send `frame` (prefix and message) and wait for the end of the call.
    pub async fn call(&self, route: &Route, frame: Bytes) -> Answer {
        let exchange = self.exchange(route, frame);
        let answer = match route.deadline {
            None => exchange.await,
            // Dropping the exchange resets its stream, as a gRPC client does.
            Some(deadline) => match tokio::time::timeout(deadline, exchange).await {
                Ok(answer) => answer,
                Err(_) => return Answer::refused(Status::DEADLINE_EXCEEDED),
            },
        };
        answer.unwrap_or_else(|error| Answer::failed(&error))
    }

    async fn exchange(&self, route: &Route, frame: Bytes) -> Result<Answer, h2::Error> {
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut body) = sender.send_request(route.request(), false)?;
        body.send_data(frame, true)?;
        let (head, mut stream) = response.await?.into_parts();
        if let Some(status) = status_in(&head.headers) {
            return Ok(Answer { message: message_in(&head.headers), ..Answer::refused(status) });
        }
        let mut message = Message::default();
        while let Some(chunk) = stream.data().await {
            let chunk = chunk?;
            stream.flow_control().release_capacity(chunk.len())?;
            message.push(chunk);
        }
        let trailers = stream.trailers().await?;
        let status = trailers.as_ref().and_then(status_in).unwrap_or(Status::INTERNAL);
        Ok(match message.into_reply() {
            Some(reply) if status == Status::OK => Answer::ok(reply),
            None if status == Status::OK => Answer::refused(Status::INTERNAL),
            _ => Answer {
                message: trailers.as_ref().and_then(message_in),
                ..Answer::refused(status)
            },
        })
    }
}

fn message_in(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get("grpc-message").cloned()
}

fn status_in(headers: &HeaderMap) -> Option<Status> {
    let value = headers.get("grpc-status")?;
    Some(value.to_str().ok().and_then(|text| text.parse().ok()).map_or(Status(2), Status))
}

/// A message as it arrives: most come in one piece, which is then not copied.
#[derive(Default)]
enum Message {
    #[default]
    Nothing,
    Whole(Bytes),
    Pieces(BytesMut),
}

impl Message {
    fn push(&mut self, chunk: Bytes) {
        *self = match std::mem::take(self) {
            Message::Nothing => Message::Whole(chunk),
            Message::Whole(first) => {
                let announced = first.get(1..PREFIX_LEN).map_or(0, |mut length| length.get_u32());
                let mut pieces = BytesMut::with_capacity(PREFIX_LEN + announced as usize);
                pieces.extend_from_slice(&first);
                pieces.extend_from_slice(&chunk);
                Message::Pieces(pieces)
            }
            Message::Pieces(mut pieces) => {
                pieces.extend_from_slice(&chunk);
                Message::Pieces(pieces)
            }
        };
    }

    /// The message without its prefix; None unless there is exactly one, not compressed.
    fn into_reply(self) -> Option<Bytes> {
        let mut frame = match self {
            Message::Nothing => return None,
            Message::Whole(bytes) => bytes,
            Message::Pieces(pieces) => pieces.freeze(),
        };
        if frame.len() < PREFIX_LEN || frame.get_u8() != 0 {
            return None;
        }
        (frame.get_u32() as usize == frame.len()).then_some(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(chunks: &[&'static [u8]]) -> Option<Bytes> {
        let mut message = Message::default();
        chunks.iter().for_each(|chunk| message.push(Bytes::from_static(chunk)));
        message.into_reply()
    }

    #[test]
    fn a_message_is_read_from_any_number_of_pieces() {
        let reply = Some(Bytes::from_static(b"abc"));
        assert_eq!(joined(&[b"\0\0\0\0\x03abc"]), reply);
        assert_eq!(joined(&[b"\0", b"\0\0\0\x03a", b"b", b"c"]), reply);
        assert_eq!(joined(&[b"\0\0\0\0\0"]), Some(Bytes::new()));
    }

    #[test]
    fn what_is_not_one_plain_message_is_none() {
        let wrong: [&[&'static [u8]]; 4] =
            [&[], &[b"\0\0"], &[b"\0\0\0\0\x03ab"], &[b"\x01\0\0\0\x03abc"]];
        for chunks in wrong {
            assert_eq!(joined(chunks), None, "{chunks:?}");
        }
    }
}
