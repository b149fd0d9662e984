//! Closed sets of names that a specification fixes: one table each, for both ways.

/// Declares an enum whose cases have a name on the wire: `as_str`, `Display`, `FromStr` and `ALL` come from one table.
macro_rules! wire_names {
    ($(#[$doc:meta])* $visibility:vis enum $type:ident { $($(#[$case_doc:meta])* $case:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $type { $($(#[$case_doc])* $case,)+ }

        impl $type {
            /// Every case, in the order of its specification.
            pub const ALL: &'static [Self] = &[$(Self::$case,)+];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$case => $name,)+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                match name { $($name => Ok(Self::$case),)+ _ => Err($crate::error::UnknownName) }
            }
        }
    };
}

pub(crate) use wire_names;
