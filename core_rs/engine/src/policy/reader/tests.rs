use super::*;

fn mistakes(text: &str, read: impl FnOnce(&mut Section<'_, '_>)) -> Vec<String> {
    let reader = Reader::new(text);
    let mut root = reader.root();
    read(&mut root);
    drop(root);
    reader.finish().iter().map(Problem::to_string).collect()
}

#[test]
fn every_mistake_is_listed_with_its_line() {
    let text = "\
percent = 250
flag = 1

[below]
word = \"b\"
amounts = [\"1.001 USD\", \"1 EUR\", \"2 EUR\"]
other = 3
";
    let found = mistakes(text, |root| {
        assert_eq!(root.integer("percent", 1..=200), None);
        assert_eq!(root.flag("flag"), None);
        root.require("name");
        let mut below = root.section("below").expect("a table");
        assert_eq!(below.one_of("word", &[("a", 1), ("c", 2)]), None);
        below.amounts("amounts");
    });
    assert_eq!(
        found,
        [
            "line 1: percent 250 is not a whole number from 1 to 200",
            "line 1: name is missing",
            "line 2: flag is integer: must be true or false",
            "line 5: [below] word \"b\" is not one of \"a\", \"c\"",
            "line 6: [below] amounts \"1.001 USD\": USD has at most 2 decimals",
            "line 6: [below] amounts has two amounts in EUR",
            "line 7: [below] other is not a key that is known here",
        ]
    );
}

#[test]
fn what_is_no_toml_is_listed_with_its_line() {
    let found = mistakes("a = 1\nb = = 2\n[c\nd = 1\n", |root| {
        root.integer("a", 0..=9);
    });
    assert!(found.iter().any(|one| one.starts_with("line 2: ")), "{found:?}");
    assert!(found.iter().any(|one| one.starts_with("line 3: ")), "{found:?}");
    assert!(!found.iter().any(|one| one.starts_with("line 1: ")), "{found:?}");
}

#[test]
fn the_same_key_twice_is_a_mistake() {
    let found = mistakes("a = 1\na = 2\n", |root| {
        root.integer("a", 0..=9);
    });
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("line 2: "), "{found:?}");
}

#[test]
fn lists_of_tables_are_named_each_by_its_own_line() {
    let found = mistakes("[[band]]\npercent = 5\n[[band]]\nx = 1\n", |root| {
        for mut band in root.sections("band") {
            band.require("percent");
            band.integer("percent", 1..=9);
        }
    });
    assert_eq!(
        found,
        ["line 3: [band] percent is missing", "line 4: [band] x is not a key that is known here"]
    );
}

#[test]
fn items_of_a_list_are_named_by_their_own_line_and_empty_ones_are_mistakes() {
    let found = mistakes("a = [\n'1 EUR',\n'x',\n]\nb = []\nc = []\n", |root| {
        root.amounts("a");
        assert_eq!(root.amounts("b"), None);
        assert_eq!(root.sections("c").len(), 0);
    });
    let amount = "must be an amount and a currency, like \"2500.00 USD\"";
    let empty = "is empty: it must say something";
    let expected = [
        format!("line 3: a \"x\": {amount}"),
        format!("line 5: b {empty}"),
        format!("line 6: c {empty}"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_key_may_be_written_with_hyphens_but_not_in_both_ways() {
    let found = mistakes("a-b = 1\n[t]\na-b = 1\na_b = 2\n", |root| {
        root.require("a_b");
        assert_eq!(root.integer("a_b", 0..=9), Some(1));
        let mut table = root.section("t").unwrap();
        assert_eq!(table.integer("a_b", 0..=9), Some(2));
    });
    assert_eq!(found, ["line 3: [t] a-b is not a key that is known here"]);
}

#[test]
fn many_and_long_mistakes_stay_short() {
    let long = "k".repeat(10_000);
    let text = format!("{long} = 1\n[section.{long}]\nword = '{long}'\n");
    let found = mistakes(&text, |root| {
        let mut section = root.section("section").unwrap();
        section.section(&long).unwrap().one_of("word", &[("a", 1)]);
    });
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.len() < 300), "{found:?}");
    let many = "k=1\n".repeat(16_000);
    assert_eq!(mistakes(&many, |_| ()).len(), PROBLEMS_MAX);
}

/// On a stack as small as a worker's.
#[test]
fn no_depth_of_tables_overflows_the_stack() {
    let deep = [
        format!("a{} = 1", ".a".repeat(32_000)),
        format!("[a{}]", ".a".repeat(32_000)),
        format!("a = {}", "{a.a.a.a.a=".repeat(5_000)),
        format!("a = {}1{}", "{a.a.a.a.a=".repeat(5_000), "}".repeat(5_000)),
        format!("a = {}1{}", format!("{{a{}=", ".a".repeat(400)).repeat(75), "}".repeat(75)),
        format!("a = {}", "[".repeat(65_000)),
        (0..120).map(|depth| format!("[a{}]\n", ".a".repeat(depth * 4))).collect(),
    ];
    for text in deep {
        let read = move || mistakes(&text, |_| ()).is_empty();
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(read).unwrap();
        assert!(!thread.join().unwrap());
    }
}
