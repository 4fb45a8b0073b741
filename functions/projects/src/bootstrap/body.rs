//! The body of a bootstrap: JSON, or a form with the document as a file.

use std::fmt;

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use loom_api::{Error, Json};
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

use super::{form, prd::File};
use crate::body::Registration;

/// What is asked for: a [`Registration`], and beside it the document.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    pub(super) registration: Registration,
    /// The document itself.
    pub(super) prd_text: Option<String>,
    /// The document as a file.
    pub(super) prd_file: Option<File>,
}

impl<S: Sync> FromRequest<S> for Bootstrap {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let given = request.headers().get(CONTENT_TYPE);
        let given = given.and_then(|value| value.to_str().ok());
        match given.and_then(|value| multer::parse_boundary(value).ok()) {
            Some(boundary) => form::read(request, boundary).await,
            None => Ok(Json::from_request(request, state).await?.0),
        }
    }
}

/// Serde cannot both flatten and refuse unknown fields, so those of the document are taken out on the way to the others.
impl<'de> Deserialize<'de> for Bootstrap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Bootstrap;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with the fields of a project and its requirements")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Bootstrap, A::Error> {
        let (mut prd_text, mut prd_file) = (None, None);
        let others = WithoutDocument {
            fields,
            text: &mut prd_text,
            file: &mut prd_file,
        };
        let registration = Registration::deserialize(MapAccessDeserializer::new(others))?;
        Ok(Bootstrap {
            registration,
            prd_text,
            prd_file: prd_file.map(File::Base64),
        })
    }
}

struct WithoutDocument<'a, A> {
    fields: A,
    text: &'a mut Option<String>,
    file: &'a mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutDocument<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.fields.next_key::<String>()? {
            let name = match name.as_str() {
                "prd_text" => {
                    *self.text = self.fields.next_value()?;
                    continue;
                }
                "prd_file" => {
                    *self.file = self.fields.next_value()?;
                    continue;
                }
                // What the project's repository was called when it could only be one on GitHub.
                "github_url" => "git_repo".to_owned(),
                _ => name,
            };
            let name: StringDeserializer<A::Error> = name.into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}
