use loom_api::Error;
use loom_domain::{
    Refusal,
    connector::{Address, AllowedHosts, Connector, Secrets},
};
use loom_platform::{Platform, Variables};

/// The variables that name the hosts, one each.
const HOSTS: [&str; 4] = [
    "connector_host_1",
    "connector_host_2",
    "connector_host_3",
    "connector_host_4",
];

/// What connectors need of Loom's variables.
pub(crate) struct Settings {
    secrets: Secrets,
    hosts: AllowedHosts,
    pub(crate) loom_url: String,
}

/// Where a connector sends, and with which secret beside its URL.
pub(crate) struct Target {
    pub(crate) address: Address,
    pub(crate) secret: Option<String>,
}

impl Settings {
    pub(crate) async fn load<P: Platform>(platform: &P) -> Result<Self, Error> {
        let variables = platform.variables();
        let text = variables.get_optional("connector_secrets").await?;
        let secrets = Secrets::parse(&text.unwrap_or_default()).map_err(|error| {
            Error::not_configured(format!(
                "The variable connector_secrets cannot be read: {error}. Set SPIN_VARIABLE_CONNECTOR_SECRETS and start \
                 again."
            ))
        })?;
        let mut entries = Vec::new();
        for name in HOSTS {
            entries.extend(variables.get_optional(name).await?);
        }
        let hosts = AllowedHosts::parse(entries.iter().map(String::as_str)).map_err(|problem| {
            Error::not_configured(format!(
                "One of the variables connector_host_1 to connector_host_4 cannot be read: {problem}."
            ))
        })?;
        let loom_url = variables
            .get_optional("loom_url")
            .await?
            .unwrap_or_default();
        Ok(Self {
            secrets,
            hosts,
            loom_url,
        })
    }

    /// Where a connector sends; refused when a secret is missing or its host is not allowed.
    pub(crate) fn target(&self, connector: &Connector) -> Result<Target, Refusal> {
        let address = Address::resolve(&connector.url, &self.secrets)?;
        self.hosts.check(address.origin())?;
        let secret = match &connector.secret {
            None => None,
            Some(name) => Some(self.secrets.get(name).map(str::to_owned).ok_or_else(|| {
                let message = format!(
                    "There is no secret {name}. Add it to the variable connector_secrets \
                     (SPIN_VARIABLE_CONNECTOR_SECRETS) and start Loom again."
                );
                Refusal::invalid("secret_not_found", message)
                    .field("secret", format!("there is no secret {name}"))
            })?),
        };
        Ok(Target { address, secret })
    }
}
