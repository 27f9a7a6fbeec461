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
