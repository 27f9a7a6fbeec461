//! What orders that do not count as they are, or not yet, are held to beside their own limit.

use super::*;

#[test]
fn a_policy_bounds_the_share_of_an_order_that_does_not_count() {
    let mut book = book();
    book.set_policy("[exposure]\ntax_counts = false\nexcluded_percent_max = 25");
    for (tax, counts) in [(9_999, 7_500), (2_500, 7_500), (2_499, 7_501)] {
        let found = book.reserved(shipping("o", 10_000, Shipping { tax, ..Shipping::default() }));
        assert_eq!(found.counted(), counts, "{tax}");
        book.run(release("o")).unwrap();
    }
}
