use std::fmt;

use loom_domain::project::ProjectInput;
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};

/// The body of a registration: a [`ProjectInput`], and beside it who is on the team.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) project: ProjectInput,
    pub(crate) team: TeamInput,
}

/// Who is on the team, as it was given.
#[derive(Debug, Default)]
pub(crate) struct TeamInput {
    /// The roles, one agent each.
    pub(crate) team: Option<Vec<String>>,
    /// The size of the company.
    pub(crate) profile: Option<String>,
}

/// Serde cannot both flatten and refuse unknown fields, so those of the team are taken out on the way to the others.
impl<'de> Deserialize<'de> for Registration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Registration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object with the fields of a project")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Registration, A::Error> {
        let mut team = TeamInput::default();
        let others = WithoutTeam {
            fields,
            team: &mut team,
        };
        let project = ProjectInput::deserialize(MapAccessDeserializer::new(others))?;
        Ok(Registration { project, team })
    }
}

struct WithoutTeam<'a, A> {
    fields: A,
    team: &'a mut TeamInput,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutTeam<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.fields.next_key::<String>()? {
            match name.as_str() {
                "team" => self.team.team = Some(self.fields.next_value()?),
                "profile" => self.team.profile = Some(self.fields.next_value()?),
                _ => {
                    let name: StringDeserializer<A::Error> = name.into_deserializer();
                    return seed.deserialize(name).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}
