//! `refrain demo`: the whole gateway on loopback, real TLS on both sides, three filters, and a corpus played through it.

mod corpus;
mod table;
pub(crate) mod world;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use refrain_filter::Direction;
use refrain_proto::stanza::Stanza;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::app::App;
use crate::observe::audit::{Audit, Record, Ruling};
use corpus::{CHAIN, CORPUS, Entry, Expect};
use table::{Row, Summary};
use world::{Arrival, Error, Server};

/// Far more than a stanza needs on loopback; a demo that hangs says so.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the demo. Exit codes: 0 every stanza ended as expected, 1 it did not.
pub fn run(json: bool) -> ExitCode {
    match play(json) {
        Ok(summary) if summary.as_expected() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("refrain demo: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn play(json: bool) -> Result<Summary, Error> {
    let folder = tempfile::Builder::new().prefix("refrain-demo-").tempdir()?;
    if !json {
        println!(
            "Making two throwaway authorities, an inside server (home.example) and an outside server (away.example),"
        );
        println!("with the gateway between them: TLS on both sides, three filters in WebAssembly.\n");
    }
    let mut stage = Stage::build(folder.path()).await?;
    let mut summary = Summary::default();
    if !json {
        table::print_header();
    }
    for (number, entry) in CORPUS.iter().enumerate() {
        let row = stage.play(number + 1, entry).await?;
        if json {
            row.print_json()
        } else {
            row.print()
        }
        summary.add(&row);
    }
    summary.lost += stage.app.drain().await.in_flight();
    if json {
        summary.print_json()
    } else {
        summary.print()
    }
    Ok(summary)
}

/// The gateway between its two servers.
struct Stage {
    app: App,
    records: UnboundedReceiver<Record>,
    inside: Party,
    outside: Party,
}

/// A server, what reaches it, and where it finds the gateway.
struct Party {
    server: Server,
    arrivals: UnboundedReceiver<Arrival>,
    gateway: SocketAddr,
}

impl Stage {
    async fn build(folder: &std::path::Path) -> Result<Self, Error> {
        world::make_certificates(folder)?;
        let mut inside = Server::inside(folder).await?;
        let mut outside = Server::outside(folder).await?;
        let snapshot = world::gateway(folder, inside.address()?, &(world::peers(outside.address()?) + CHAIN))?;
        let (listener, records) = tokio::sync::mpsc::unbounded_channel();
        let app = App::start(snapshot, Audit::with_listener(listener)).await?;
        let (to_outside, to_inside) = app.listeners();
        let (to_outside, to_inside) = (to_outside[0], to_inside[0]);
        let inside_arrivals = inside.serve()?;
        let outside_arrivals = outside.serve()?;
        Ok(Stage {
            app,
            records,
            inside: Party { server: inside, arrivals: inside_arrivals, gateway: to_inside },
            outside: Party { server: outside, arrivals: outside_arrivals, gateway: to_outside },
        })
    }

    /// Sends one stanza and watches how it ends.
    async fn play(&mut self, number: usize, entry: &Entry) -> Result<Row, Error> {
        let id = format!("demo-{number}");
        let stanza = Stanza::parse(&entry.stanza.replacen(' ', &format!(" id='{id}' "), 1))?;
        let (sender, receiver) = match entry.direction {
            Direction::Inbound => (&mut self.outside, &mut self.inside),
            Direction::Outbound => (&mut self.inside, &mut self.outside),
        };
        sender.server.send(sender.gateway, &stanza).await?;
        let record = timeout(PATIENCE, self.records.recv())
            .await
            .map_err(|_| format!("{id} ({}) was not judged within {} s", entry.what, PATIENCE.as_secs()))?
            .ok_or("the gateway stopped")?;
        let arrival = match record.ruling {
            Ruling::Forward | Ruling::ForwardEdited | Ruling::ForwardDelayed => receiver.arrival(&id).await,
            Ruling::Bounce => sender.arrival(&id).await,
            // A message of the gateway's own has no id.
            Ruling::Reply => sender.arrival("").await,
            Ruling::Drop | Ruling::CloseStream => None,
        };
        let ended_as_expected = matches(entry.expect, record.ruling, arrival.as_ref());
        let lost = arrival.is_none() && !matches!(record.ruling, Ruling::Drop | Ruling::CloseStream);
        Ok(Row {
            number,
            what: entry.what,
            record,
            condition: arrival.and_then(|a| a.condition),
            ended_as_expected,
            lost,
        })
    }
}

impl Party {
    /// The next arrival with this id; others (presence answers, say) do not exist in the demo.
    async fn arrival(&mut self, id: &str) -> Option<Arrival> {
        let arrived = timeout(PATIENCE, self.arrivals.recv()).await.ok()??;
        (arrived.id == id).then_some(arrived)
    }
}

fn matches(expect: Expect, ruling: Ruling, arrival: Option<&Arrival>) -> bool {
    match (expect, ruling, arrival) {
        (Expect::Forwarded, Ruling::Forward, Some(arrival)) => arrival.condition.is_none(),
        (Expect::Stripped(text), Ruling::ForwardEdited, Some(arrival)) => !arrival.xml.contains(text),
        (Expect::Bounced(condition), Ruling::Bounce, Some(arrival)) => arrival.condition.as_deref() == Some(condition),
        (Expect::Dropped, Ruling::Drop, None) => true,
        (Expect::Forwarded | Expect::Stripped(_) | Expect::Bounced(_) | Expect::Dropped, _, _) => false,
    }
}
