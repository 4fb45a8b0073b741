use loom_api::Error;
use loom_domain::{
    github::{PUBLIC_API, web_host},
    project::Project,
};
use loom_platform::{Platform, Variables};

/// Refuses a repository on another GitHub than the one that Loom is connected with (`github_url`): its agents could
/// never reach it.
pub(crate) async fn check<P: Platform>(platform: &P, project: &Project) -> Result<(), Error> {
    let Some(repository) = project.repository() else {
        return Ok(());
    };
    let api = platform.variables().get_optional("github_url").await;
    let api = api.ok().flatten().unwrap_or_else(|| PUBLIC_API.to_owned());
    let host = web_host(&api);
    if repository.host == host {
        return Ok(());
    }
    let problem = format!(
        "is on {}, but this Loom is connected with {host}: give a repository there, a path or file:/// URL on the \
         workspace service's machine, or set the variable github_url",
        repository.host
    );
    Err(Error::invalid_fields().field("git_repo", problem))
}
