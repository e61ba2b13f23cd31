//! The conversation: requests in, answers out, several under way at once.

use std::io;
use std::sync::Arc;

use eigenscope_remote_protocol::{
    Action, Answer, Fault, Open, OpenVersion, Outcome, PROTOCOL_VERSION, Request,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines, Stdin};
use tokio::sync::{Semaphore, mpsc};

use crate::failure::Failure;
use crate::open::{Remote, open};

/// Answers requests until standard input closes.
///
/// # Errors
/// Standard input or output cannot be used.
pub(crate) async fn serve() -> io::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let Some(first) = lines.next_line().await? else {
        return Ok(());
    };
    let mut out = tokio::io::stdout();
    let opened = read_open(&first).and_then(|request| Ok((open(&request)?, request.parallel)));
    let (remote, parallel) = match opened {
        Ok(opened) => opened,
        Err(failure) => return write(&mut out, 0, failure.into()).await,
    };
    write(&mut out, 0, Outcome::Opened).await?;
    // Whoever asks for more at once than can be under way waits here.
    let (sender, mut answers) = mpsc::channel::<(u64, Outcome)>(parallel.max(1));
    let writer = tokio::spawn(async move {
        while let Some((id, outcome)) = answers.recv().await {
            write(&mut out, id, outcome).await?;
        }
        Ok::<(), io::Error>(())
    });
    let read = read_requests(&mut lines, remote, parallel, &sender).await;
    drop(sender);
    // What is under way has no one left to hear of it.
    writer.abort();
    read
}

async fn read_requests(
    lines: &mut Lines<BufReader<Stdin>>,
    remote: Remote,
    parallel: usize,
    sender: &mpsc::Sender<(u64, Outcome)>,
) -> io::Result<()> {
    let (remote, places) = (Arc::new(remote), Arc::new(Semaphore::new(parallel.max(1))));
    while let Some(line) = lines.next_line().await? {
        let Request { id, action } = serde_json::from_str(&line)?;
        let (remote, places, sender) = (Arc::clone(&remote), Arc::clone(&places), sender.clone());
        tokio::spawn(async move {
            let _place = places.acquire().await;
            let outcome = perform(&remote, &action).await;
            // Nobody listens once the conversation has ended.
            let _ = sender.send((id, outcome)).await;
        });
    }
    Ok(())
}

async fn perform(remote: &Remote, action: &Action) -> Outcome {
    let done = match action {
        Action::Fetch {
            object,
            to,
            at_most,
        } => remote.fetch(object, to, *at_most).await,
        Action::Store {
            object,
            from,
            bytes,
            blake3,
            replace,
        } => remote.store(object, from, *bytes, blake3, *replace).await,
        Action::Look { object } => remote.look(object).await,
        Action::List { folder, at_most } => remote.list(folder, *at_most).await,
    };
    done.unwrap_or_else(Outcome::from)
}

fn read_open(line: &str) -> Result<Open, Failure> {
    let refused = |reason: String| Failure::new(Fault::Version, reason);
    // Other versions have other fields.
    let not_understood =
        |error: serde_json::Error| refused(format!("the first line is not understood: {error}"));
    let OpenVersion { version } = serde_json::from_str(line).map_err(not_understood)?;
    if version != PROTOCOL_VERSION {
        return Err(refused(format!(
            "this program speaks version {PROTOCOL_VERSION}, eigenscope version {version}: build both again"
        )));
    }
    serde_json::from_str(line).map_err(not_understood)
}

async fn write(out: &mut tokio::io::Stdout, id: u64, outcome: Outcome) -> io::Result<()> {
    let mut line = serde_json::to_vec(&Answer { id, outcome })?;
    line.push(b'\n');
    out.write_all(&line).await?;
    out.flush().await
}
