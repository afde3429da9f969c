//! Which names are legal.

/// Checks a topic name by Kafka's rules: 1 to 249 of `[a-zA-Z0-9._-]`, and neither `.` nor `..`.
///
/// # Errors
/// A sentence with the name, what is wrong with it, and the mend.
pub fn check_topic_name(name: &str) -> Result<(), String> {
    check_name("topic", name)
}

/// Checks the name of a SmartModule, by the rules of [`check_topic_name`].
///
/// # Errors
/// A sentence with the name, what is wrong with it, and the mend.
pub fn check_module_name(name: &str) -> Result<(), String> {
    check_name("SmartModule's", name)
}

fn check_name(whose: &str, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!(
            "the {whose} name is empty: give it 1 to 249 characters of a-z A-Z 0-9 . _ -"
        ));
    }
    if name == "." || name == ".." {
        return Err(format!("the {whose} name `{name}` is reserved: choose another"));
    }
    if name.len() > 249 {
        return Err(format!(
            "the {whose} name is {} characters long: use at most 249",
            name.len()
        ));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|c| !legal(*c)) {
        None => Ok(()),
        Some(bad) => Err(format!(
            "the {whose} name `{}` holds `{}`: use only a-z A-Z 0-9 . _ -",
            name.escape_debug(),
            bad.escape_debug()
        )),
    }
}

/// Checks a label: a key of 1 to 253 of `[a-zA-Z0-9._/-]`, a value of at most 256 characters without control
/// characters.
///
/// # Errors
/// A sentence with the label, what is wrong with it, and the mend.
pub fn check_label(key: &str, value: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if key.is_empty() || key.len() > 253 || !key.chars().all(legal) {
        let key = key.escape_debug();
        return Err(format!(
            "the label key `{key}` is not legal: use 1 to 253 of a-z A-Z 0-9 . _ - /"
        ));
    }
    if value.len() > 256 || value.chars().any(char::is_control) {
        return Err(format!(
            "the value of label `{key}` is not legal: use at most 256 printable characters"
        ));
    }
    Ok(())
}

/// Bytes of all annotations of an object, keys and values: every change of an object writes them anew.
const ANNOTATION_BYTES: usize = 64 * 1024;

/// Checks that the annotations of one object are small enough to be kept with it: 64 KiB in all.
///
/// # Errors
/// A sentence with their size and the mend.
pub fn check_annotations<'a>(
    annotations: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<(), String> {
    let bytes: usize = annotations
        .into_iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > ANNOTATION_BYTES {
        return Err(format!(
            "the annotations hold {bytes} bytes: use at most {ANNOTATION_BYTES}, and keep the rest elsewhere"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check_annotations, check_label, check_topic_name};

    #[test]
    fn topic_names_follow_kafka() {
        for good in ["a", "A.b_c-9", "...", &"x".repeat(249)] {
            assert_eq!(check_topic_name(good), Ok(()));
        }
        for bad in ["", ".", "..", "a b", "caf\u{e9}", "a/b", "a\n", &"x".repeat(250)] {
            assert!(check_topic_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn labels_are_bounded() {
        assert_eq!(check_label("tidemill.dev/owner", "the data team"), Ok(()));
        assert!(check_label("", "x").is_err());
        assert!(check_label("a b", "x").is_err());
        assert!(check_label("a", &"x".repeat(257)).is_err());
    }
    #[test]
    fn annotations_are_bounded() {
        let of = |bytes: usize| std::collections::BTreeMap::from([("k".to_owned(), "v".repeat(bytes))]);
        assert_eq!(check_annotations(&of(60_000)), Ok(()));
        assert!(check_annotations(&of(70_000)).unwrap_err().contains("at most"));
    }
}
