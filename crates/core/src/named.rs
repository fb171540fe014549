//! Closed sets of names: enums whose variants are stored under a fixed text.

/// Declares an enum of unit variants with the text of each, in one place: `ALL`, `NAMES`, `name`, `from_name`, serde and
/// the type of a column follow from it. A text that names no variant is an error that lists those that exist.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        pub enum $Name:ident {
            $( $(#[$variant_meta:meta])* $Variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        pub enum $Name {
            $( $(#[$variant_meta])* $Variant, )+
        }

        impl $Name {
            /// Every variant, in the order of declaration.
            pub const ALL: [Self; Self::NAMES.len()] = [$(Self::$Variant),+];
            /// The stored names, in the order of [`Self::ALL`].
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name under which tables and files hold it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Variant => $text,)+ }
            }

            /// The variant of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|variant| variant.name() == name)
            }
        }

        $crate::named::stored_by_name! { $Name, [$Name::NAMES] }
    };
}

/// Serde, `Display` and the type of a column for an enum with `name` and `from_name`; the names that an error lists.
macro_rules! stored_by_name {
    ($Name:ident, $names:expr) => {
        impl std::fmt::Display for $Name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.name())
            }
        }

        impl serde::Serialize for $Name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $Name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str($crate::named::NameVisitor(&$names, Self::from_name))
            }
        }

        impl $crate::schema::ColumnValue for $Name {
            const TYPE: $crate::schema::ColumnType = $crate::schema::ColumnType::Text;
        }
    };
}

pub(crate) use {named_enum, stored_by_name};

/// Reads one of some groups of names.
#[derive(Debug)]
pub(crate) struct NameVisitor<T>(
    pub(crate) &'static [&'static [&'static str]],
    pub(crate) fn(&str) -> Option<T>,
);

impl<T> serde::de::Visitor<'_> for NameVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "one of `{}`", self.0.concat().join("`, `"))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<T, E> {
        (self.1)(name)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Other(&format!("`{name}`")), &self))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Finish, MissingSignal};

    #[test]
    fn names_are_what_is_stored_and_read_back() {
        for signal in MissingSignal::ALL {
            assert_eq!(MissingSignal::from_name(signal.name()), Some(signal));
            let json = serde_json::to_string(&signal).unwrap();
            assert_eq!(json, format!("{:?}", signal.name()));
            assert_eq!(serde_json::from_str::<MissingSignal>(&json).unwrap(), signal);
            assert_eq!(serde_json::from_value::<MissingSignal>(signal.name().into()).unwrap(), signal);
        }
        assert_eq!(Finish::NAMES, ["stop", "length", "content_filter"]);
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        assert_eq!(MissingSignal::from_name("because"), None);
        let error = serde_json::from_str::<Finish>("\"eos\"").unwrap_err().to_string();
        assert!(error.contains("`eos`") && error.contains("`content_filter`"), "{error}");
        let error = serde_json::from_str::<Finish>("1").unwrap_err().to_string();
        assert!(error.contains("one of `stop`, `length`, `content_filter`"), "{error}");
    }
}
