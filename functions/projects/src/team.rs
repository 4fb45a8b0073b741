use loom_api::Error;
use loom_domain::{
    org_chart::{MOST_AGENTS, Profile, team},
    role::Role,
};

use crate::body::TeamInput;

/// The roles of a new project's team, checked: those that are given one by one, else those of the profile.
pub(crate) fn roles(input: &TeamInput) -> Result<Vec<Role>, Error> {
    let profile = input.profile.as_deref().map(Profile::parse).transpose();
    let profile = profile.map_err(|refusal| {
        let mut error = Error::invalid_fields();
        for (field, problem) in refusal.fields {
            error = error.field(&field, problem);
        }
        error
    })?;
    let Some(given) = &input.team else {
        return Ok(profile.unwrap_or_default().roles());
    };
    if profile.is_some() {
        let problem = "must be absent when team says who works on the project";
        return Err(Error::invalid_fields().field("profile", problem));
    }
    if i64::try_from(given.len()).is_ok_and(|roles| roles > MOST_AGENTS) {
        let problem = format!("must have at most {MOST_AGENTS} roles");
        return Err(Error::invalid_fields().field("team", problem));
    }
    Ok(team(given)?)
}
