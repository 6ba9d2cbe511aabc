//! Labels: of the whole system, or of one project.
//!
//! Invariant: a name is taken once among the system's labels and once among those of a project. A
//! label never changes whose it is, and takes what bears it along when it is deleted.

use berth_iam::access::{Permission, allows, require, require_system};
use berth_iam::{Caller, Entry, ProjectFacts};
use berth_model::{Action, LabelId, ProjectId, Resource, Timestamp};

use crate::query::{Column, Kind, order_by};
use crate::{Catalog, CatalogError, record_in, store};

/// Longest name, bytes.
const LONGEST_NAME: usize = 128;
const LONGEST_COLOR: usize = 16;
/// Longest description, bytes.
const LONGEST_DESCRIPTION: usize = 1024;

/// What clients may filter and sort labels by.
pub(crate) const COLUMNS: &[Column] = &[
    Column::new("id", "l.id", Kind::Integer),
    Column::new("name", "l.name", Kind::Text),
    Column::new("description", "l.description", Kind::Text),
    Column::new("color", "l.color", Kind::Text),
    Column::new("creation_time", "l.created_at", Kind::Time),
    Column::new("update_time", "l.updated_at", Kind::Time),
];

/// A label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its id.
    pub id: LabelId,
    /// What it says.
    pub text: LabelText,
    /// The project it is of; none: the whole system.
    pub project_id: Option<ProjectId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What a label says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelText {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Letters and digits, perhaps after `#`: mostly a colour of CSS; may be empty.
    pub color: String,
}

impl LabelText {
    fn checked(mut self) -> Result<Self, CatalogError> {
        self.name = self.name.trim().to_owned();
        let invalid = |text: String| Err(CatalogError::Invalid(text));
        if self.name.is_empty()
            || self.name.len() > LONGEST_NAME
            || self.name.chars().any(char::is_control)
        {
            return invalid(format!(
                "the name of a label must have 1 to {LONGEST_NAME} bytes, no control characters"
            ));
        }
        if self.description.len() > LONGEST_DESCRIPTION || self.description.contains('\0') {
            return invalid(format!(
                "the description of a label is limited to {LONGEST_DESCRIPTION} bytes"
            ));
        }
        let word = self.color.strip_prefix('#').unwrap_or(&self.color);
        if self.color.len() > LONGEST_COLOR || !word.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return invalid(format!(
                "the color of a label has at most {LONGEST_COLOR} letters and digits, like #0065AB"
            ));
        }
        Ok(self)
    }
}

const fn may(action: Action) -> Permission {
    Permission::new(Resource::Label, action)
}

fn not_found(id: LabelId) -> CatalogError {
    CatalogError::NotFound(format!("label {id} not found"))
}

fn taken(name: &str) -> CatalogError {
    CatalogError::Conflict(format!("there is a label {name:?} already"))
}

fn entry(
    caller: &Caller,
    operation: &str,
    now: Timestamp,
    name: &str,
    of: Option<&ProjectFacts>,
) -> Entry {
    let entry = Entry::by(caller, operation, "label", now);
    match of {
        Some(facts) => entry
            .on(format!("{}/{name}", facts.name))
            .in_project(facts.id),
        None => entry.on(name),
    }
}

impl Catalog {
    /// A page of the system's labels, or of those of a project that the caller may list, and how
    /// many there are.
    pub async fn list_labels(
        &self,
        caller: &Caller,
        project: Option<ProjectId>,
        (name, q, sort): (&str, &str, &str),
        (limit, offset): (i64, i64),
    ) -> Result<(Vec<Label>, i64), CatalogError> {
        if let Some(id) = project {
            let facts = self.project_facts_by_id(&caller.actor, id).await?;
            let facts = facts.ok_or_else(|| CatalogError::project_not_found(id))?;
            if !Self::shows(caller, &facts) {
                return Err(CatalogError::project_not_found(id));
            }
            require(&caller.actor, &facts, may(Action::List))?;
        }
        let order = order_by(sort, COLUMNS, "l.name ASC", "l.id ASC")?;
        store::label::list(self.db(), project, (name, q), &order, (limit, offset)).await
    }

    /// One label, which every user may read if it is the system's.
    pub async fn get_label(&self, caller: &Caller, id: LabelId) -> Result<Label, CatalogError> {
        let label = self.label(id).await?;
        if let Some(facts) = self.facts_of(caller, &label).await? {
            require(&caller.actor, &facts, may(Action::Read))?;
        }
        Ok(label)
    }

    /// Makes a label.
    pub async fn create_label(
        &self,
        caller: &Caller,
        project: Option<ProjectId>,
        text: LabelText,
    ) -> Result<LabelId, CatalogError> {
        let facts = match project {
            None => {
                require_system(&caller.actor, may(Action::Create))?;
                None
            }
            Some(id) => {
                let facts = self.project_facts_by_id(&caller.actor, id).await?;
                let facts = facts.filter(|facts| Self::shows(caller, facts));
                let facts = facts.ok_or_else(|| CatalogError::project_not_found(id))?;
                require(&caller.actor, &facts, may(Action::Create))?;
                Some(facts)
            }
        };
        let text = text.checked()?;
        let now = self.clock().now();
        let entry = entry(caller, "create", now, &text.name, facts.as_ref());
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    let id = store::label::insert(tx, project, &text, now).await?;
                    let id = id.ok_or_else(|| taken(&text.name))?;
                    record_in(tx, entry).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// Changes what a label says.
    pub async fn update_label(
        &self,
        caller: &Caller,
        id: LabelId,
        text: LabelText,
    ) -> Result<(), CatalogError> {
        let label = self.label(id).await?;
        let facts = self.changeable(caller, &label, Action::Update).await?;
        let text = text.checked()?;
        let now = self.clock().now();
        let entry = entry(caller, "update", now, &text.name, facts.as_ref());
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if store::label::other(tx, &label, &text.name).await? {
                        return Err(taken(&text.name));
                    }
                    if !store::label::update(tx, id, &text, now).await? {
                        return Err(not_found(id));
                    }
                    record_in(tx, entry).await
                })
            })
            .await
    }

    /// Deletes a label, and takes it off everything that bears it.
    pub async fn delete_label(&self, caller: &Caller, id: LabelId) -> Result<(), CatalogError> {
        let label = self.label(id).await?;
        let facts = self.changeable(caller, &label, Action::Delete).await?;
        let now = self.clock().now();
        let entry = entry(caller, "delete", now, &label.text.name, facts.as_ref());
        self.db()
            .write(move |tx| {
                Box::pin(async move {
                    if !store::label::delete(tx, id).await? {
                        return Err(not_found(id));
                    }
                    record_in(tx, entry).await
                })
            })
            .await
    }

    async fn label(&self, id: LabelId) -> Result<Label, CatalogError> {
        store::label::get(self.db(), id)
            .await?
            .ok_or_else(|| not_found(id))
    }

    /// The project of a label; a label of a project that the caller may not see is not there.
    async fn facts_of(
        &self,
        caller: &Caller,
        label: &Label,
    ) -> Result<Option<ProjectFacts>, CatalogError> {
        let Some(project) = label.project_id else {
            return Ok(None);
        };
        let facts = self.project_facts_by_id(&caller.actor, project).await?;
        let facts = facts.filter(|facts| Self::shows(caller, facts));
        facts.map(Some).ok_or_else(|| not_found(label.id))
    }

    async fn changeable(
        &self,
        caller: &Caller,
        label: &Label,
        action: Action,
    ) -> Result<Option<ProjectFacts>, CatalogError> {
        let facts = self.facts_of(caller, label).await?;
        match &facts {
            Some(facts) => require(&caller.actor, facts, may(action))?,
            None => require_system(&caller.actor, may(action))?,
        }
        Ok(facts)
    }

    /// Whether the caller may know of a project.
    fn shows(caller: &Caller, facts: &ProjectFacts) -> bool {
        let read = Permission::new(Resource::Project, Action::Read);
        allows(&caller.actor, facts, read) || allows(&caller.actor, facts, may(Action::List))
    }
}
