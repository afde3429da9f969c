//! `name=value`.

use std::str::FromStr;

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("write it as name=value".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Setting;

    #[test]
    fn the_first_equals_sign_divides() {
        let setting: Setting = "a=b=c".parse().unwrap();
        assert_eq!((setting.name.as_str(), setting.value.as_str()), ("a", "b=c"));
        assert!("a".parse::<Setting>().is_err() && "=a".parse::<Setting>().is_err());
    }
}
