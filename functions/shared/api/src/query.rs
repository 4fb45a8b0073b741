use std::fmt::Display;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::{Error, percent};

/// The query's parameters as a `T`.
///
/// Values that don't fit are refused with 422 `invalid_fields`, each parameter may be given once, and a list is one
/// value with commas. Give `T` `#[serde(deny_unknown_fields)]`: unknown parameters are refused. For a list that is
/// read in pages use [`Paged`](crate::Paged).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        read(&pairs(parts.uri.query())?).map(Query)
    }
}

/// The decoded parameters, in order.
pub(crate) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in query
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty())
    {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (Some(name), Some(value)) = (percent::decode(name, true), percent::decode(value, true))
        else {
            let message = "The query holds a percent-encoding that is broken or not UTF-8.";
            return Err(Error::unreadable("invalid_query", message));
        };
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(Error::invalid_fields().field(name, "is given twice"));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Reads parameters as a `T`.
pub(crate) fn read<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Error> {
    T::deserialize(Pairs { pairs, value: None }).map_err(|problem: Problem| {
        Error::invalid_fields().field(
            problem.field.unwrap_or_else(|| "$".to_owned()),
            problem.text,
        )
    })
}

#[derive(Debug)]
struct Problem {
    field: Option<String>,
    text: String,
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<M: Display>(message: M) -> Self {
        Self {
            field: None,
            text: message.to_string(),
        }
    }

    fn missing_field(name: &'static str) -> Self {
        Self {
            field: Some(name.to_owned()),
            text: "is missing".to_owned(),
        }
    }
}

impl Problem {
    fn of(mut self, name: &str) -> Self {
        self.field.get_or_insert_with(|| name.to_owned());
        self
    }
}

struct Pairs<'a> {
    pairs: &'a [(String, String)],
    value: Option<&'a (String, String)>,
}

impl<'de> Deserializer<'de> for Pairs<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_map(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.pairs.first() {
            None => visitor.visit_unit(),
            Some((name, _)) => Err(de::Error::custom("unknown parameter; there are none"))
                .map_err(|p: Problem| p.of(name)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Problem> {
        let Some((pair, rest)) = self.pairs.split_first() else {
            return Ok(None);
        };
        self.pairs = rest;
        self.value = Some(pair);
        let name: StrDeserializer<'_, Problem> = pair.0.as_str().into_deserializer();
        seed.deserialize(name)
            .map(Some)
            .map_err(|problem| problem.of(&pair.0))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let Some((name, value)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its name"));
        };
        seed.deserialize(Text(value))
            .map_err(|problem| problem.of(name))
    }
}

/// One value: text that becomes what is asked for.
struct Text<'a>(&'a str);

impl<'de> IntoDeserializer<'de, Problem> for Text<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $what:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(de::Error::custom(concat!("must be ", $what))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_str(self.0)
    }

    parsed! {
        deserialize_bool visit_bool "true or false"
        deserialize_i8 visit_i64 "a whole number"
        deserialize_i16 visit_i64 "a whole number"
        deserialize_i32 visit_i64 "a whole number"
        deserialize_i64 visit_i64 "a whole number"
        deserialize_u8 visit_u64 "a whole number, not negative"
        deserialize_u16 visit_u64 "a whole number, not negative"
        deserialize_u32 visit_u64 "a whole number, not negative"
        deserialize_u64 visit_u64 "a whole number, not negative"
        deserialize_f32 visit_f64 "a number"
        deserialize_f64 visit_f64 "a number"
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let text: StrDeserializer<'_, Problem> = self.0.into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let items = self.0.split(',').filter(|item| !item.is_empty()).map(Text);
        visitor.visit_seq(de::value::SeqDeserializer::new(items))
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        project: String,
        #[serde(default)]
        status: Vec<Status>,
        depth: Option<u8>,
        #[serde(default)]
        ready: bool,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Status {
        Open,
        InProgress,
    }

    fn filter(query: &str) -> Result<Filter, serde_json::Value> {
        pairs(Some(query))
            .and_then(|pairs| read(&pairs))
            .map_err(|error| serde_json::from_slice(&error.to_json("r")).unwrap())
    }

    #[test]
    fn what_fits() {
        let expected = Filter {
            project: "a b&c".to_owned(),
            status: vec![Status::Open, Status::InProgress],
            depth: Some(3),
            ready: true,
        };
        assert_eq!(
            filter("project=a+b%26c&status=open,in_progress&depth=3&ready=true"),
            Ok(expected)
        );
        assert_eq!(filter("project=&status=").unwrap().status, []);
    }

    #[test]
    fn what_does_not_is_named() {
        for (query, field, problem) in [
            ("", "project", "is missing"),
            (
                "project=a&depth=x",
                "depth",
                "must be a whole number, not negative",
            ),
            (
                "project=a&depth=256",
                "depth",
                "invalid value: integer `256`, expected u8",
            ),
            ("project=a&ready=yes", "ready", "must be true or false"),
            (
                "project=a&status=shut",
                "status",
                "unknown variant `shut`, expected `open` or `in_progress`",
            ),
            ("project=a&project=b", "project", "is given twice"),
            (
                "project=a&x=1",
                "x",
                "unknown field `x`, expected one of `project`, `status`, `depth`, `ready`",
            ),
        ] {
            let error = filter(query).unwrap_err();
            assert_eq!(error["code"], "invalid_fields", "{query}");
            assert_eq!(error["fields"][field], problem, "{query}: {error}");
        }
        assert_eq!(filter("project=%ff").unwrap_err()["code"], "invalid_query");
    }
}
