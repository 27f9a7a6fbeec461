use std::sync::Mutex;

use clap::Parser;

use super::*;
use crate::{
    options::{Command, Options},
    testing::serve,
};

fn bulk(line: &str) -> Bulk {
    match Options::parse_from(line.split_whitespace()).command {
        Some(Command::Upsert(bulk) | Command::Post(bulk)) => bulk,
        None => panic!("{line}: is no bulk load"),
    }
}

#[tokio::test]
async fn every_account_is_upserted_once_also_where_a_call_was_refused_first() {
    let accounts = Arc::new(Mutex::new(Vec::new()));
    let seen = accounts.clone();
    let target = serve(move |_, request| {
        let request = v1::UpsertAccountsRequest::decode(request).unwrap();
        let mut seen = seen.lock().unwrap();
        if seen.is_empty() {
            seen.push("refused".into());
            return Err(8);
        }
        let results = vec![v1::UpsertResult::default(); request.accounts.len()];
        seen.extend(request.accounts.into_iter().map(|row| row.account_id));
        Ok(v1::UpsertAccountsResponse { results }.encode_to_vec().into())
    })
    .await;
    let line = format!("creditgate-load upsert --target {target} --accounts 2500");
    let report = upsert(&bulk(&line)).await.unwrap();
    assert_eq!((report.rows, report.retries), (2_500, 1));
    let mut accounts = accounts.lock().unwrap().split_off(1);
    accounts.sort();
    let expected: Vec<String> = (0..2_500).map(names::account_text).collect();
    assert_eq!(*accounts, expected);
}

#[tokio::test]
async fn a_refused_row_ends_the_load_with_the_servers_words() {
    let target = serve(|_, request| {
        let request = v1::PostEntriesRequest::decode(request).unwrap();
        let error = v1::ItemError { message: "account_id: unknown".into(), ..Default::default() };
        let result = v1::EntryResult { error: Some(error), ..Default::default() };
        let results = vec![result; request.entries.len()];
        Ok(v1::PostEntriesResponse { results }.encode_to_vec().into())
    })
    .await;
    let line = format!("creditgate-load post --target {target} --accounts 10 --entries 20");
    let error = post(&bulk(&line)).await.err().unwrap();
    assert!(error.to_string().contains("account_id: unknown"), "{error}");
}
