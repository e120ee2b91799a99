//! Environment variables, and the cloud they describe.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;

use super::credentials::Fields;

/// The environment of the process, or of a test.
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    pub(crate) home: Option<PathBuf>,
}

impl Environment {
    /// That of this process. Variables that are not Unicode count as not set.
    pub(crate) fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            variables,
            home: std::env::home_dir().filter(|home| home.is_absolute()),
        }
    }

    #[cfg(test)]
    pub(super) fn new<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        home: Option<&str>,
    ) -> Self {
        let variables = variables.into_iter();
        Self {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            home: home.map(PathBuf::from),
        }
    }

    /// A variable. An empty one counts as not set.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The cloud that `ST_*`, or else `OS_*`, describe.
    pub(super) fn fields(&self) -> anyhow::Result<EnvironmentFields<'_>> {
        if self.text("ST_AUTH").is_some() {
            for name in ["ST_USER", "ST_KEY"] {
                if self.text(name).is_none() {
                    bail!("{name} is not set");
                }
            }
            return Ok(EnvironmentFields {
                environment: self,
                st: true,
            });
        }
        let ready = ["OS_AUTH_TOKEN", "OS_STORAGE_URL"]
            .iter()
            .all(|name| self.text(name).is_some());
        if !ready && self.text("OS_AUTH_URL").is_none() {
            bail!("neither ST_AUTH nor OS_AUTH_URL is set");
        }
        Ok(EnvironmentFields {
            environment: self,
            st: false,
        })
    }
}

/// The same settings as in `clouds.yaml`, under their names in the environment.
pub(super) struct EnvironmentFields<'a> {
    environment: &'a Environment,
    st: bool,
}

impl Fields for EnvironmentFields<'_> {
    fn text(&self, name: &str) -> anyhow::Result<Option<String>> {
        let first = |names: &[&str]| {
            let mut values = names.iter().filter_map(|name| self.environment.text(name));
            values.next().map(str::to_owned)
        };
        if self.st {
            return Ok(match name {
                "auth_type" => Some("v1password".to_owned()),
                "auth_url" => first(&["ST_AUTH"]),
                "username" => first(&["ST_USER"]),
                "password" => first(&["ST_KEY"]),
                _ => None,
            });
        }
        let upper = format!("OS_{}", name.to_ascii_uppercase());
        Ok(match name {
            "project_name" => first(&["OS_PROJECT_NAME", "OS_TENANT_NAME"]),
            "project_id" => first(&["OS_PROJECT_ID", "OS_TENANT_ID"]),
            "token" => first(&["OS_TOKEN", "OS_AUTH_TOKEN"]),
            "interface" => first(&["OS_INTERFACE", "OS_ENDPOINT_TYPE"]),
            "object_store_endpoint_override" => {
                first(&["OS_OBJECT_STORE_ENDPOINT_OVERRIDE", "OS_STORAGE_URL"])
            }
            // `OS_VERIFY` does not exist; this is its opposite.
            "verify" => first(&["OS_INSECURE"])
                .filter(|insecure| !super::is_false(insecure))
                .map(|_| "false".to_owned()),
            _ => first(&[&upper]),
        })
    }

    fn name_of(&self, name: &str) -> String {
        format!("OS_{}", name.to_ascii_uppercase())
    }
}
