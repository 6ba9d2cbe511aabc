//! What is measured, and beside what.

mod large;
mod management;
mod memory;
mod push;
mod rates;
mod scale;
mod scanning;

use std::pin::Pin;

use anyhow::bail;

use crate::report::Report;
use crate::workspace::Workspace;

type Run = for<'a> fn(
    &'a Workspace,
    &'a mut Report,
) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// A group of measures that share their servers.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: Run,
}

impl Case {
    pub(crate) const ALL: [Self; 7] = [
        Self {
            name: "rates",
            about: "small answers a second beside nginx and docker-registry",
            run: |workspace, report| Box::pin(rates::run(workspace, report)),
        },
        Self {
            name: "large",
            about: "100 MiB blobs beside nginx",
            run: |workspace, report| Box::pin(large::run(workspace, report)),
        },
        Self {
            name: "push",
            about: "durable pushes beside docker-registry",
            run: |workspace, report| Box::pin(push::run(workspace, report)),
        },
        Self {
            name: "memory",
            about: "peak memory under 64 transfers of 100 MiB",
            run: |workspace, report| Box::pin(memory::run(workspace, report)),
        },
        Self {
            name: "scale",
            about: "100 000 repositories, 100 000 tags",
            run: |workspace, report| Box::pin(scale::run(workspace, report)),
        },
        Self {
            name: "management",
            about: "long lists, many pushers, events, garbage, on both databases",
            run: |workspace, report| Box::pin(management::run(workspace, report)),
        },
        Self {
            name: "scanning",
            about: "feeds that change over 100 000 images, pushes that are scanned",
            run: |workspace, report| Box::pin(scanning::run(workspace, report)),
        },
    ];

    /// The cases of these names, in the order of the table; all of them if there are none.
    pub(crate) fn choose(names: &[String]) -> anyhow::Result<Vec<Self>> {
        for name in names {
            if !Self::ALL.iter().any(|case| case.name == name) {
                let known = Self::ALL.map(|case| case.name).join(", ");
                bail!("there is no case {name:?}: choose from {known}");
            }
        }
        let wanted = |case: &Self| names.is_empty() || names.iter().any(|name| name == case.name);
        Ok(Self::ALL.into_iter().filter(wanted).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Case;

    #[test]
    fn cases_are_chosen_by_name() {
        assert_eq!(Case::choose(&[]).unwrap().len(), Case::ALL.len());
        let chosen = Case::choose(&["push".to_owned()]).unwrap();
        assert_eq!(chosen.len(), 1);
        assert!(Case::choose(&["pull".to_owned()]).is_err());
    }
}
