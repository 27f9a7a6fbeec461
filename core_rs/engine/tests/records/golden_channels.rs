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

fn kept(details: Option<Details>, channel: &str) -> Reservation {
    let row = Reservation { open: 9, closed_at: 0, ..Reservation::empty(1025, 2, "o", 5) };
    Reservation { details: details.map(Box::new), channel: channel.into(), ..row }
}

#[test]
fn a_row_is_written_in_full() {
    let row = |details, channel| {
        let row = kept(details, channel);
        let bytes = rmp_serde::to_vec(&row).unwrap();
        assert_eq!(rmp_serde::from_slice::<Reservation>(&bytes).unwrap(), row);
        hex(&bytes)
    };
    assert_eq!(row(None, ""), "9dcd040102a16f0900000005050090c0a0");
    assert_eq!(row(Some(details()), ""), "9dcd040102a16f090000000505009092c0a16ea0");
    assert_eq!(row(None, "web"), "9dcd040102a16f0900000005050090c0a3776562");
    assert_eq!(row(Some(details()), "web"), "9dcd040102a16f090000000505009092c0a16ea3776562");
}

/// Details and channels were not written where they, and what follows them, say nothing.
#[test]
fn what_was_not_written_in_full_is_read() {
    let case = |details| Event::Case(cases::held_through(details, ""));
    for (bytes, event) in [
        ("81a8726573657276656495cd040102a16fcd012c05", held(None, "")),
        ("81a8726573657276656496cd040102a16fcd012c0592c0a16e", held(Some(Box::new(details())), "")),
        ("81a46361736581a872657365727665649607cd040102a16fcd012c05", case(None)),
        ("81a46361736581a872657365727665649707cd040102a16fcd012c0592c0a16e", case(Some(details()))),
    ] {
        assert_eq!(rmp_serde::from_slice::<Event<'_>>(&unhex(bytes)).unwrap(), event);
    }
    for (bytes, row) in [
        ("9bcd040102a16f0900000005050090", kept(None, "")),
        ("9ccd040102a16f090000000505009092c0a16e", kept(Some(details()), "")),
    ] {
        assert_eq!(rmp_serde::from_slice::<Reservation>(&unhex(bytes)).unwrap(), row);
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let at = |place| u8::from_str_radix(&digits[place..place + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(at).collect()
}
