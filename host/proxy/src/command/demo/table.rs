//! How the demo shows what happened: a table for people, one JSON object per stanza for programs.

use serde_json::json;

use crate::observe::audit::{Record, Ruling, direction_name};

/// One stanza of the corpus and its end.
pub struct Row {
    /// Its place in the corpus, from 1.
    pub number: usize,
    /// What it is.
    pub what: &'static str,
    /// What the gateway decided.
    pub record: Record,
    /// The condition of the error that came back.
    pub condition: Option<String>,
    /// Whether it ended as it must.
    pub ended_as_expected: bool,
    /// Whether it ought to have arrived somewhere and did not.
    pub lost: bool,
}

impl Row {
    /// Prints the row of the table.
    pub fn print(&self) {
        let route = format!("{} → {}", self.record.from, self.record.to);
        let verdict = match &self.condition {
            Some(condition) => format!("{}: {condition}", self.record.ruling),
            None => self.record.ruling.to_string(),
        };
        println!(
            "{:>2} {:<8} {:<54} {:<31} {:<27} {:<47} {:>6}{}",
            self.number,
            direction_name(self.record.direction),
            route,
            self.what,
            verdict,
            self.decided_by(),
            self.record.took.as_micros(),
            if self.ended_as_expected { "" } else { "  UNEXPECTED" }
        );
    }

    /// Prints one JSON object on a line.
    pub fn print_json(&self) {
        let Record { direction, from, to, id, ruling, filter, reason, took, .. } = &self.record;
        println!(
            "{}",
            json!({
                "number": self.number,
                "id": id,
                "direction": direction_name(*direction),
                "from": from,
                "to": to,
                "what": self.what,
                "verdict": ruling.to_string(),
                "condition": self.condition,
                "filter": filter,
                "reason": reason,
                "microseconds": took.as_secs_f64() * 1e6,
                "as_expected": self.ended_as_expected,
            })
        );
    }

    fn decided_by(&self) -> String {
        match (&self.record.filter, &self.record.reason) {
            (Some(filter), Some(reason)) => format!("{filter}: {reason}"),
            (Some(filter), None) => filter.clone(),
            (None, _) => "-".to_owned(),
        }
    }
}

/// Prints the head of the table.
pub fn print_header() {
    println!(
        "{:>2} {:<8} {:<54} {:<31} {:<27} {:<47} {:>6}",
        "#", "way", "from → to", "what it was", "verdict", "filter: reason", "µs"
    );
}

/// The sums of a run.
#[derive(Debug, Default)]
pub struct Summary {
    sent: u64,
    forwarded: u64,
    bounced: u64,
    dropped: u64,
    unexpected: u64,
    /// Stanzas that were accepted and ended nowhere.
    pub lost: u64,
}

impl Summary {
    /// Counts a row.
    pub fn add(&mut self, row: &Row) {
        self.sent += 1;
        match row.record.ruling {
            Ruling::Forward | Ruling::ForwardEdited | Ruling::ForwardDelayed => self.forwarded += 1,
            Ruling::Bounce | Ruling::Reply => self.bounced += 1,
            Ruling::Drop | Ruling::CloseStream => self.dropped += 1,
        }
        self.unexpected += u64::from(!row.ended_as_expected);
        self.lost += u64::from(row.lost);
    }

    /// Whether every stanza ended as it must and none is lost.
    pub fn as_expected(&self) -> bool {
        self.unexpected == 0 && self.lost == 0
    }

    /// Prints the last line.
    pub fn print(&self) {
        let Summary { sent, forwarded, bounced, dropped, unexpected, lost } = self;
        if *unexpected > 0 {
            println!("\n{unexpected} of {sent} stanzas did not end as expected");
        }
        println!("\ndemo: sent={sent} forwarded={forwarded} bounced={bounced} dropped={dropped} lost={lost}");
    }

    /// Prints the summary as a JSON object on a line.
    pub fn print_json(&self) {
        let Summary { sent, forwarded, bounced, dropped, unexpected, lost } = self;
        println!(
            "{}",
            json!({ "summary": { "sent": sent, "forwarded": forwarded, "bounced": bounced, "dropped": dropped,
                "unexpected": unexpected, "lost": lost } })
        );
    }
}
