use super::*;

const DAY: u32 = 24 * 60 * 60;
const LIMITS: PairsLimits = PairsLimits { ttl_s: 10 * DAY, pairs_max: 1_600 };

/// Spread as real keys are.
fn key(n: u64) -> PairKey {
    PairKey([n, n.wrapping_mul(0x9e37_79b9_7f4a_7c15)])
}

fn fill(pairs: &Pairs, numbers: std::ops::Range<u64>, now_s: u32) -> usize {
    numbers.map(|n| pairs.meet(key(n), LIMITS, now_s)).sum()
}

#[test]
fn a_pair_is_remembered_for_its_time_and_renewed_once_a_day() {
    let pairs = Pairs::default();
    let met = |now| pairs.get(key(1), LIMITS, now).map(|met| (met.at_s, met.is_old_news));
    assert_eq!(met(DAY), None);
    pairs.meet(key(1), LIMITS, DAY);
    assert_eq!([met(DAY), met(2 * DAY)], [Some((DAY, false)), Some((DAY, true))]);
    assert_eq!([met(11 * DAY), met(11 * DAY + 1)], [Some((DAY, true)), None]);
    pairs.meet(key(1), LIMITS, 3 * DAY);
    assert_eq!(met(13 * DAY), Some((3 * DAY, true)));
}

#[test]
fn a_clock_that_was_set_back_makes_it_old_news() {
    let pairs = Pairs::default();
    pairs.meet(key(1), LIMITS, 100 * DAY);
    assert_eq!(pairs.get(key(1), LIMITS, DAY), Some(Met { at_s: 100 * DAY, is_old_news: true }));
}

#[test]
fn a_flood_of_pairs_is_bounded_and_the_oldest_go() {
    let pairs = Pairs::default();
    fill(&pairs, 0..1_000, 1);
    let evicted = fill(&pairs, 1_000..50_000, 2);
    assert_eq!((pairs.len(), evicted), (1_600, 50_000 - 1_600));
    assert!((0..1_000).all(|n| pairs.get(key(n), LIMITS, 2).is_none()));
}

#[test]
fn a_sweep_forgets_what_is_over_and_what_is_too_much() {
    let pairs = Pairs::default();
    fill(&pairs, 0..800, DAY);
    fill(&pairs, 800..1_600, 5 * DAY);
    let sweep = |limits| -> usize { (0..Pairs::SWEEP_TURNS).map(|turn| pairs.sweep(turn, limits, 12 * DAY)).sum() };
    assert_eq!((sweep(LIMITS), pairs.len()), (800, 800));
    assert_eq!((sweep(PairsLimits { pairs_max: 160, ..LIMITS }), pairs.len()), (640, 160));
}

#[test]
fn only_what_changed_is_written() {
    let pairs = Pairs::default();
    pairs.meet(key(1), LIMITS, 1);
    assert_eq!(pairs.take_changes(), Changes::default(), "nobody keeps them");
    pairs.note_changes();
    assert_eq!(pairs.take_changes().rows, [(key(1).into(), Some(1))]);
    assert_eq!(pairs.take_changes().rows, []);
    pairs.part(key(1), LIMITS);
    let changes = pairs.take_changes();
    assert_eq!(changes.rows, [(key(1).into(), None)]);
    pairs.put_back(&changes, LIMITS);
    assert_eq!(pairs.take_changes(), changes);
}

#[test]
fn a_disk_that_lost_what_it_knew_gets_all_of_it() {
    let pairs = Pairs::default();
    pairs.note_changes();
    fill(&pairs, 0..100, 1);
    pairs.take_changes();
    pairs.rewrite();
    let changes = pairs.take_changes();
    assert_eq!((changes.is_all, changes.rows.len()), (true, 100));
    assert_eq!(pairs.take_changes(), Changes::default());
}

#[test]
fn what_waits_for_a_full_disk_is_bounded() {
    let pairs = Pairs::default();
    pairs.note_changes();
    fill(&pairs, 0..100_000, 1);
    let changes = pairs.take_changes();
    assert_eq!((changes.is_all, changes.rows.len()), (true, 1_600));
}

#[test]
fn what_was_kept_is_taken_up_unless_something_newer_is_known() {
    let pairs = Pairs::default();
    pairs.note_changes();
    pairs.meet(key(1), LIMITS, 5 * DAY);
    pairs.meet(key(2), LIMITS, 5 * DAY);
    pairs.part(key(2), LIMITS);
    (1..5).for_each(|n| assert_eq!(pairs.take_up(key(n).into(), 2 * DAY, LIMITS, 6 * DAY), 0));
    pairs.take_up(key(5).into(), DAY, LIMITS, 20 * DAY);
    let met = |n| pairs.get(key(n), LIMITS, 6 * DAY).map(|met| met.at_s / DAY);
    assert_eq!([met(1), met(2), met(3), met(4), met(5)], [Some(5), None, Some(2), Some(2), None]);
    let mut rows = pairs.take_changes().rows;
    rows.sort_unstable();
    assert_eq!(rows, [(key(1).into(), Some(5 * DAY)), (key(2).into(), None), (key(5).into(), None)]);
}

#[test]
fn of_what_was_kept_the_oldest_go_where_it_is_too_much() {
    const LESS: PairsLimits = PairsLimits { pairs_max: 160, ..LIMITS };
    let pairs = Pairs::default();
    pairs.note_changes();
    let evicted: usize = (0..1_600).map(|n| pairs.take_up(key(n).into(), n as u32, LESS, 1_600)).sum();
    assert_eq!((evicted, pairs.len()), (1_440, 160));
    assert!((0..1_200).all(|n| pairs.get(key(n), LESS, 1_600).is_none()), "the newest stay");
    let changes = pairs.take_changes();
    assert_eq!((changes.is_all, changes.rows.len()), (false, 1_440), "and the disk forgets the others");
}

#[test]
fn each_probe_is_answered_once() {
    let pairs = Pairs::default();
    pairs.meet(key(1), LIMITS, 1);
    [2, 3].iter().for_each(|now| pairs.note_probe(key(1), *now));
    assert_eq!([(); 3].map(|()| pairs.take_probe(key(1))), [Some(3), Some(3), None]);
    pairs.note_probe(key(1), 4);
    pairs.forget_probes(key(1));
    assert_eq!(pairs.take_probe(key(1)), None);
}
