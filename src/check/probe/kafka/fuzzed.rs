//! Answers of a broker that may be anything, read as a step reads them. Built for the fuzz targets alone.

use super::describe;
use super::messages::{self, Partition, Topic};
use super::records;
use super::wire::Connection;

/// Reads what a broker answers to one request, which the first byte chooses.
pub fn answer(input: &[u8]) {
    let Some((which, body)) = input.split_first() else { return };
    if *which == 0 {
        let _ = records::decode(body.to_vec(), 0);
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    if let Ok(runtime) = runtime {
        runtime.block_on(ask(*which, body));
    }
}

/// A frame: length, the request that it answers, its content.
fn frame(out: &mut Vec<u8>, correlation: i32, body: &[u8]) {
    let length = i32::try_from(body.len() + 4).unwrap_or(i32::MAX);
    out.extend(length.to_be_bytes());
    out.extend(correlation.to_be_bytes());
    out.extend(body);
}

async fn ask(which: u8, body: &[u8]) {
    let mut answers = Vec::new();
    // Every request is known in every version, so that each is made.
    let mut versions = vec![0, 0];
    versions.extend(100_i32.to_be_bytes());
    for key in 0..100_i16 {
        [key, 0, 20].into_iter().for_each(|number| versions.extend(number.to_be_bytes()));
    }
    frame(&mut answers, 1, &versions);
    // The second of two requests that belong together gets the same.
    frame(&mut answers, 2, body);
    frame(&mut answers, 3, body);
    let stream = tokio::io::join(std::io::Cursor::new(answers), tokio::io::sink());
    let Ok(mut broker) = Connection::over(Box::new(stream)).await else { return };
    let partition = Partition { index: 0, leader: 0, replicas: vec![0], in_sync: vec![0] };
    let topic = Topic { error: 0, name: "orders".into(), internal: false, partitions: vec![partition] };
    match which % 8 {
        0 => drop(messages::metadata(&mut broker, None).await),
        1 => drop(messages::offsets(&mut broker, "orders", &[0], messages::END).await),
        2 => drop(messages::coordinator(&mut broker, "billing").await),
        3 => drop(describe(&mut broker, "billing").await),
        4 => drop(messages::committed(&mut broker, "billing", &[topic]).await),
        5 => {
            if let Ok((_, batches)) = messages::fetch(&mut broker, "orders", 0, 0).await {
                drop(records::decode(batches, 0).map(|list| list.iter().map(|one| super::document(0, one)).count()));
            }
        }
        6 => drop(messages::produce(&mut broker, "orders", 0, b"").await),
        _ => drop(messages::configs(&mut broker, "orders").await),
    }
}
