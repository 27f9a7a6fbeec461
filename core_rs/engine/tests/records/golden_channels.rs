//! The sales channel of an order, in the journal and in the tables.

use creditgate_engine::model::Reservation;

use super::*;

pub fn held(details: Option<Box<Details>>, channel: &'static str) -> Event<'static> {
    let (reservation, slot, order_id, amount, expires_at) = (1025, 2, "o", 300, 5);
    Event::Reserved { reservation, slot, order_id, amount, expires_at, details, channel }
}

fn details() -> Details {
    Details { terms_id: Some("n".into()), ..Details::default() }
}

pub fn row() -> Row {
    let reserve = Reserve { request: REQUEST, order: order(), allow_partial: false };
    let case = |details| Event::Case(cases::held_through(details, "web"));
    super::row(
        "reserve, and through which channel",
        Command::Reserve(reserve),
        Outcome::Reserved(reserved(Decision::Approved, &[])),
        vec![
            held(None, "web"),
            held(Some(Box::new(details())), "web"),
            case(None),
            case(Some(details())),
        ],
        "\
         949481a7726573657276659393a172010795a161a16fcd012ca3555344923c5ac2a36f6d73a37765 \
         62c00081a872657365727665649494a8617070726f7665649000c0cd0401cd012c059481a8726573 \
         657276656497cd040102a16fcd012c05c0a377656281a8726573657276656497cd040102a16fcd01 \
         2c0592c0a16ea377656281a46361736581a872657365727665649807cd040102a16fcd012c05c0a3 \
         77656281a46361736581a872657365727665649807cd040102a16fcd012c0592c0a16ea3776562",
    )
}

#[test]
fn a_row_is_written_as_it_always_was() {
    let row = |details: Option<Details>, channel: &str| {
        let row = Reservation { open: 9, closed_at: 0, ..Reservation::empty(1025, 2, "o", 5) };
        let row = Reservation { details: details.map(Box::new), channel: channel.into(), ..row };
        let bytes = rmp_serde::to_vec(&row).unwrap();
        assert_eq!(rmp_serde::from_slice::<Reservation>(&bytes).unwrap(), row);
        hex(&bytes)
    };
    assert_eq!(row(None, ""), "9bcd040102a16f0900000005050090");
    assert_eq!(row(Some(details()), ""), "9ccd040102a16f090000000505009092c0a16e");
    assert_eq!(row(None, "web"), "9dcd040102a16f0900000005050090c0a3776562");
    assert_eq!(row(Some(details()), "web"), "9dcd040102a16f090000000505009092c0a16ea3776562");
}
