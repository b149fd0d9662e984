//! Properties: whatever the input, the parsers agree.

mod generate;

use generate::{damaged, stream};
use proptest::prelude::*;
use refrain_agreement::verdict;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t60_what_we_accept_and_what_we_write_is_read_alike_by_all(stream in stream()) {
        let text = String::from_utf8_lossy(&stream);
        prop_assert_eq!(verdict::on_stream(&stream), Ok(()), "{}", text);
    }

    #[test]
    fn t60_damage_does_not_make_parsers_differ(stream in damaged(stream())) {
        let text = String::from_utf8_lossy(&stream);
        prop_assert_eq!(verdict::on_stream(&stream), Ok(()), "{}", text);
    }
}
