use super::*;

fn param(kind: ParamKind) -> Param {
    Param { name: "p".to_owned(), at: Place::default(), kind, default: None, pattern: None, help: String::new() }
}

#[test]
fn days_are_bound_within_their_range_and_errors_name_it() {
    let days = param(ParamKind::Days(30, 3650));
    assert_eq!(days.bind("90").unwrap(), Bound::int(90));
    assert_eq!(days.bind("90d").unwrap().text, "90");
    for bad in ["29", "3651", "", "90.5", "9e1", " 90", "99999999999999999999", "٩٠"] {
        let text = days.bind(bad).unwrap_err();
        assert!(text.starts_with("`p` must be 30 to 3650 days, not"), "{text}");
    }
}

#[test]
fn paths_are_absolute_and_stay_where_they_point() {
    let path = param(ParamKind::Path);
    assert_eq!(path.bind("/srv//cell0/").unwrap().text, "/srv/cell0");
    assert_eq!(path.bind("/").unwrap().text, "/");
    for bad in ["", "srv", "/srv/../etc", "/srv/./x", "/a\nb", "/{{run.dir}}"] {
        assert!(path.bind(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_typed_value_cannot_bring_a_reference_of_its_own() {
    assert!(param(ParamKind::Text).bind("a {{run.dir}}").is_err());
    assert!(param(ParamKind::Text).bind("").is_err());
}

#[test]
fn a_map_has_a_value_for_each_of_its_names_and_each_matches() {
    let names = vec!["api".to_owned(), "worker".to_owned()];
    let mut image = param(ParamKind::Map(names));
    image.pattern = Some(Pattern::parse("@sha256:[0-9a-f]{4}$").unwrap());
    let bound = image.bind(" worker=r/w@sha256:00ff , api=r/a@sha256:abcd").unwrap();
    assert_eq!(bound.text, "api=r/a@sha256:abcd,worker=r/w@sha256:00ff");
    assert_eq!((bound.entry("worker"), bound.entry("none")), (Some("r/w@sha256:00ff"), None));
    assert_eq!(image.bind(&bound.text).unwrap(), bound, "what is shown can be typed again");
    let good = "api=r/a@sha256:abcd";
    for (bad, why) in [
        (good.to_owned(), "needs a value for `worker`"),
        (format!("{good},worker=latest"), "does not match"),
        (format!("{good},worker="), "must be"),
        (format!("{good},{good}"), "must be"),
        (format!("{good},other=r@sha256:0000"), "must be"),
        (String::new(), "must be"),
        ("api".to_owned(), "must be"),
    ] {
        let text = image.bind(&bad).unwrap_err();
        assert!(text.contains(why), "{bad}: {text}");
    }
}

#[test]
fn a_list_has_words_each_once() {
    let any = param(ParamKind::List(Vec::new()));
    let bound = any.bind("a, b.example").unwrap();
    assert_eq!((bound.text.as_str(), bound.entry("b.example")), ("a,b.example", Some("b.example")));
    let some = param(ParamKind::List(vec!["api".to_owned(), "web".to_owned()]));
    assert_eq!(some.bind("web").unwrap().text, "web");
    for (list, bad) in [(&any, ""), (&any, "a,,b"), (&any, "a,a"), (&any, "a[b]"), (&any, "a=b"), (&some, "api,db")] {
        assert!(list.bind(bad).is_err(), "{bad:?}");
    }
}
