//! A tiny server for tests: real HTTP/2, answers made by a function.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, Request, Response};
use prost::Message;
use tokio::net::TcpListener;

use crate::{channel::PREFIX_LEN, requests, v1};

/// What a call is answered with: a message, or the number of a gRPC status.
pub type Reply = Result<Bytes, u32>;

/// Serve calls on a port of 127.0.0.1 for as long as the test runs; returns HOST:PORT.
pub async fn serve(
    answer: impl Fn(&str, Bytes) -> Reply + Clone + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((request, respond))) = connection.accept().await {
                    let answer = answer.clone();
                    tokio::spawn(async move { exchange(request, respond, answer).await });
                }
            });
        }
    });
    address
}

async fn exchange(
    request: Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    answer: impl Fn(&str, Bytes) -> Reply,
) {
    let path = request.uri().path().to_owned();
    let mut body = request.into_body();
    let mut frame = BytesMut::new();
    while let Some(Ok(chunk)) = body.data().await {
        body.flow_control().release_capacity(chunk.len()).unwrap();
        frame.extend_from_slice(&chunk);
    }
    frame.advance(PREFIX_LEN);
    let head = Response::builder().header("content-type", "application/grpc");
    match answer(&path, frame.freeze()) {
        Err(code) => {
            let head = head.header("grpc-status", code.to_string()).body(()).unwrap();
            respond.send_response(head, true).unwrap();
        }
        Ok(message) => {
            let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
            stream.send_data(requests::with_prefix(&message), false).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            stream.send_trailers(trailers).unwrap();
        }
    }
}

/// Approves every order whose ids are new and declines the others.
#[derive(Clone, Default)]
pub struct Approver {
    seen: Arc<Mutex<HashSet<String>>>,
    pub accounts: Arc<Mutex<HashSet<String>>>,
}

impl Approver {
    pub fn answer(&self, path: &str, request: Bytes) -> Reply {
        match path.rsplit('/').next().unwrap() {
            "CheckAndReserve" => {
                let order = v1::CheckAndReserveRequest::decode(request).unwrap();
                Ok(self.decide(order).encode_to_vec().into())
            }
            "BatchCheckAndReserve" => {
                let batch = v1::BatchCheckAndReserveRequest::decode(request).unwrap();
                let results = batch.items.into_iter().map(|order| v1::BatchItemResult {
                    outcome: Some(v1::batch_item_result::Outcome::Response(self.decide(order))),
                });
                let reply = v1::BatchCheckAndReserveResponse { results: results.collect() };
                Ok(reply.encode_to_vec().into())
            }
            "Release" => {
                let release = v1::ReleaseRequest::decode(request).unwrap();
                let known = self.seen.lock().unwrap().contains(&release.order_id);
                if known { Ok(Bytes::new()) } else { Err(5) }
            }
            _ => Err(12),
        }
    }

    fn decide(&self, order: v1::CheckAndReserveRequest) -> v1::CheckAndReserveResponse {
        self.accounts.lock().unwrap().insert(order.account_id);
        let mut seen = self.seen.lock().unwrap();
        let new = seen.insert(order.request_id) & seen.insert(order.order_id);
        let decision = if new { v1::Decision::Approved } else { v1::Decision::Declined };
        v1::CheckAndReserveResponse {
            result: Some(v1::DecisionResult {
                decision: decision.into(),
                journal_seq: seen.len() as u64 / 2,
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}
