//! Which rows a list shows: what it hides by itself, and Harbor's `q` on top.
//!
//! Invariant: every filter made here begins with the repository, the project or the viewer it is
//! for, and what a client wrote is bound, never spliced in.

use berth_catalog::query::{Column, Filter, Kind};
use berth_catalog::{CatalogError, Viewer};
use berth_db::{Engine, like};
use berth_model::{ManifestId, ProjectId, RepositoryId};
use percent_encoding::percent_decode_str;

/// What clients may filter and sort artifacts by.
pub(crate) const ARTIFACT: &[Column] = &[
    Column::new("id", "m.id", Kind::Integer),
    Column::new("digest", "m.digest", Kind::Text),
    Column::new("type", "m.kind", Kind::Text),
    Column::new("artifact_type", "m.artifact_type", Kind::Text),
    Column::new(
        "media_type",
        "COALESCE(m.config_media_type, m.media_type)",
        Kind::Text,
    ),
    Column::new("manifest_media_type", "m.media_type", Kind::Text),
    Column::new("size", "m.total_size", Kind::Integer),
    Column::new("push_time", "m.pushed_at", Kind::Time),
    // Never pulled is before all time, on both engines alike.
    Column::new("pull_time", "COALESCE(m.pulled_at, 0)", Kind::Time),
    Column::new("repository_id", "m.repository_id", Kind::Integer),
    Column::new("repository_name", "r.name", Kind::Text),
];

/// What clients may filter and sort repositories by.
pub(crate) const REPOSITORY: &[Column] = &[
    Column::new("id", "r.id", Kind::Integer),
    Column::new("repository_id", "r.id", Kind::Integer),
    Column::new("project_id", "r.project_id", Kind::Integer),
    Column::new("name", "r.name", Kind::Text),
    Column::new("description", "r.description", Kind::Text),
    Column::new("pull_count", "r.pull_count", Kind::Integer),
    Column::new("creation_time", "r.created_at", Kind::Time),
    Column::new("update_time", "r.updated_at", Kind::Time),
];

/// What clients may filter and sort tags by.
pub(crate) const TAG: &[Column] = &[
    Column::new("id", "t.id", Kind::Integer),
    Column::new("name", "t.name", Kind::Text),
    Column::new("push_time", "t.pushed_at", Kind::Time),
    Column::new("pull_time", "COALESCE(t.pulled_at, 0)", Kind::Time),
];

/// What clients may filter and sort accessories by.
pub(crate) const ACCESSORY: &[Column] = &[
    Column::new("id", "m.id", Kind::Integer),
    Column::new("artifact_id", "m.id", Kind::Integer),
    Column::new("type", "m.accessory_type", Kind::Text),
    Column::new("digest", "m.digest", Kind::Text),
    Column::new("size", "m.total_size", Kind::Integer),
    Column::new("creation_time", "m.pushed_at", Kind::Time),
];

/// What a list of artifacts is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    Repository(RepositoryId),
    /// All of a project, or of each of its repositories the newest only.
    Project {
        id: ProjectId,
        latest: bool,
    },
}

/// That the manifest is no accessory of another one that is there.
///
/// An accessory whose subject is gone is listed like any other artifact: else nobody could find
/// and delete it.
pub(crate) fn is_base(engine: Engine, m: &str) -> String {
    // Tags are collated by bytes and digests are not: said, so that the index on digests is used.
    let collation = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " COLLATE \"default\"",
    };
    // Each is a NOT EXISTS of its own, which PostgreSQL makes a join of; a disjunction it would
    // answer by reading whole tables.
    format!(
        "NOT EXISTS (SELECT 1 FROM manifest s WHERE s.repository_id = {m}.repository_id \
           AND s.digest = {m}.subject_digest) \
         AND NOT EXISTS (SELECT 1 FROM tag t JOIN manifest s \
             ON s.repository_id = t.repository_id \
             AND s.digest = ('sha256:' || SUBSTR(t.name, 8, 64)){collation} \
           WHERE {m}.accessory_type IS NOT NULL AND {m}.subject_digest IS NULL \
             AND t.manifest_id = {m}.id AND t.repository_id = {m}.repository_id \
             AND t.name LIKE 'sha256-%')"
    )
}

/// That no index names the manifest, or that it is tagged on its own.
pub(crate) fn is_top(m: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM manifest k JOIN manifest_reference c \
             ON c.repository_id = k.repository_id AND c.child_digest = k.digest \
             AND c.kind = 'manifest' \
           LEFT JOIN tag t ON t.manifest_id = k.id \
           WHERE k.id = {m}.id AND k.repository_id = {m}.repository_id AND t.id IS NULL)"
    )
}

/// Every manifest that lists hide in the repositories that `repositories` says (`= $1`), as
/// `repository_id` and `id`: those that are not [`is_base`] and, but for `children`, those that
/// are not [`is_top`].
///
/// Found from what hides them: it costs what there is to hide and not what there is to show.
pub(crate) fn hidden(engine: Engine, repositories: &str, children: bool) -> String {
    let collation = match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " COLLATE \"default\"",
    };
    let entries = format!(
        "UNION SELECT k.repository_id, k.id FROM manifest_reference c \
         JOIN manifest k ON k.repository_id = c.repository_id AND k.digest = c.child_digest \
         WHERE c.repository_id {repositories} AND c.kind = 'manifest' \
           AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = k.id)"
    );
    format!(
        "SELECT a.repository_id, a.id FROM manifest a JOIN manifest s \
           ON s.repository_id = a.repository_id AND s.digest = a.subject_digest \
         WHERE a.repository_id {repositories} AND a.subject_digest > '' \
         UNION SELECT a.repository_id, a.id FROM tag t JOIN manifest a ON a.id = t.manifest_id \
           AND a.accessory_type IS NOT NULL AND a.subject_digest IS NULL \
         JOIN manifest s ON s.repository_id = t.repository_id \
           AND s.digest = ('sha256:' || SUBSTR(t.name, 8, 64)){collation} \
         WHERE t.repository_id {repositories} AND t.name >= 'sha256-' AND t.name < 'sha256.' {}",
        if children { "" } else { &entries },
    )
}

/// The artifacts that a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What it says; without what lists hide, if `of` is a repository.
    pub(crate) filter: Filter,
    /// The repository, with its placeholder in the filter.
    pub(crate) of: Option<(RepositoryId, String)>,
    /// Whether entries of indexes are shown too.
    pub(crate) children: bool,
    /// Whether it asks for everything there is.
    pub(crate) all: bool,
}

/// Artifacts in `scope` that a `q` asks for.
pub(crate) fn artifacts(engine: Engine, scope: Scope, q: &str) -> Result<Asked, CatalogError> {
    let mut filter = Filter::new();
    let words = Words::read(q)?;
    let mut of = None;
    let tags_of_scope = match scope {
        Scope::Repository(repository) => {
            let id = filter.bind(repository);
            filter.and(format!("m.repository_id = {id}"));
            of = Some((repository, id.clone()));
            format!("t.repository_id = {id}")
        }
        Scope::Project { id, .. } => {
            let id = filter.bind(id);
            filter.and(format!("r.project_id = {id}"));
            filter.and(is_base(engine, "m"));
            if !words.children {
                filter.and(is_top("m"));
            }
            format!("t.repository_id IN (SELECT id FROM repository WHERE project_id = {id})")
        }
    };
    if let Scope::Project { id, latest: true } = scope {
        let id = filter.bind(id);
        // From the repositories down: one look into each, not one for each artifact.
        filter.and(format!(
            "m.id IN (SELECT (SELECT n.id FROM manifest n WHERE n.repository_id = o.id \
               AND {} AND {} ORDER BY n.pushed_at DESC, n.id DESC LIMIT 1) \
             FROM repository o WHERE o.project_id = {id})",
            is_base(engine, "n"),
            is_top("n"),
        ));
    }
    let all = words.tags.is_empty() && words.labels.is_empty() && words.rest.trim().is_empty();
    for tags in words.tags {
        tags.narrow(&mut filter, &tags_of_scope);
    }
    for label in words.labels {
        let label = filter.bind(label);
        filter.and(format!(
            "m.id IN (SELECT b.manifest_id FROM artifact_label b WHERE b.label_id = {label})"
        ));
    }
    filter.and_query(&words.rest, ARTIFACT)?;
    Ok(Asked {
        filter,
        of,
        children: words.children,
        all,
    })
}

/// The conditions of a `q` that only artifacts know, and all others.
#[derive(Debug, Default)]
struct Words {
    tags: Vec<TagWord>,
    /// `base=*`: children of indexes too.
    children: bool,
    /// Ids, all of which an artifact must bear.
    labels: Vec<i64>,
    /// To be read by the common grammar.
    rest: String,
}

#[derive(Debug)]
enum TagWord {
    Any,
    None,
    Like(String),
    Exactly(String),
}

impl Words {
    fn read(q: &str) -> Result<Self, CatalogError> {
        // The common grammar unescapes once more (Harbor's rule); so must whoever reads it before.
        let spaced = q.replace('+', " ");
        let plain = percent_decode_str(&spaced)
            .decode_utf8()
            .map_err(|_| CatalogError::Invalid(format!("q {q:?} is not readable")))?;
        let mut words = Self::default();
        let mut rest: Vec<&str> = Vec::new();
        for condition in plain.split(',') {
            match condition
                .split_once('=')
                .map(|(key, value)| (key.trim(), value))
            {
                Some(("tags", value)) if words.tags.len() < 8 => {
                    words.tags.push(TagWord::read(value)?);
                }
                Some(("tags", _)) => {
                    return Err(CatalogError::Invalid("q names tags too often".to_owned()));
                }
                Some(("labels", value)) => words.labels = label_ids(value)?,
                Some(("base", "*")) => words.children = true,
                Some(("base", other)) => {
                    return Err(CatalogError::Invalid(format!(
                        "base in q can only be *, not {other:?}"
                    )));
                }
                _ => rest.push(condition),
            }
        }
        words.rest = rest.join(",").replace('%', "%25").replace('+', "%2B");
        Ok(words)
    }
}

/// `(1 2)`, or one id alone.
fn label_ids(value: &str) -> Result<Vec<i64>, CatalogError> {
    const MOST: usize = 32;
    let list = value.strip_prefix('(').and_then(|v| v.strip_suffix(')'));
    let ids: Option<Vec<i64>> = list
        .unwrap_or(value)
        .split_whitespace()
        .map(|id| id.parse().ok())
        .collect();
    ids.filter(|ids| (1..=MOST).contains(&ids.len()))
        .ok_or_else(|| {
            CatalogError::Invalid(format!(
                "labels in q must be the ids of up to {MOST} labels, as in labels=(1 2)"
            ))
        })
}

impl TagWord {
    fn read(value: &str) -> Result<Self, CatalogError> {
        match value {
            "*" => Ok(Self::Any),
            "nil" => Ok(Self::None),
            _ if value.starts_with(['[', '{', '(']) => Err(CatalogError::Invalid(
                "tags in q can be *, nil, a tag, or ~ and a part of one".to_owned(),
            )),
            _ => Ok(value.strip_prefix('~').map_or_else(
                || Self::Exactly(value.to_owned()),
                |part| Self::Like(part.to_owned()),
            )),
        }
    }

    fn narrow(self, filter: &mut Filter, of_scope: &str) {
        const TAGGED: &str = "EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)";
        let named = |condition: &str| {
            format!("m.id IN (SELECT t.manifest_id FROM tag t WHERE {of_scope} AND {condition})")
        };
        match self {
            Self::Any => filter.and(TAGGED),
            Self::None => filter.and(format!("NOT {TAGGED}")),
            Self::Like(part) => {
                let part = filter.bind(like(&part));
                filter.and(named(&format!(
                    "LOWER(t.name) LIKE LOWER({part}) ESCAPE '\\'"
                )));
            }
            Self::Exactly(tag) => {
                let tag = filter.bind(tag);
                filter.and(named(&format!("t.name = {tag}")));
            }
        }
    }
}

/// Repositories of a project that a `q` asks for.
pub(crate) fn repositories_of(project: ProjectId, q: &str) -> Result<Filter, CatalogError> {
    let mut filter = Filter::new();
    let project = filter.bind(project);
    filter.and(format!("r.project_id = {project}"));
    filter.and_query(q, REPOSITORY)?;
    Ok(filter)
}

/// Repositories that a viewer may see and a `q` asks for.
pub(crate) fn repositories_seen(viewer: Viewer, q: &str) -> Result<Filter, CatalogError> {
    let mut filter = Filter::new();
    viewer.narrow(&mut filter);
    filter.and_query(q, REPOSITORY)?;
    Ok(filter)
}

/// Tags of a manifest that a `q` asks for.
pub(crate) fn tags_of(manifest: ManifestId, q: &str) -> Result<Filter, CatalogError> {
    let mut filter = Filter::new();
    let manifest = filter.bind(manifest);
    filter.and(format!("t.manifest_id = {manifest}"));
    filter.and_query(q, TAG)?;
    Ok(filter)
}

/// The accessories of one manifest that a request asks for.
#[derive(Clone, Debug)]
pub(crate) struct AskedOfOne {
    pub(crate) filter: Filter,
    /// The placeholder of the manifest in the filter.
    pub(crate) subject: String,
    /// The placeholder of its repository.
    pub(crate) repository: String,
}

/// Accessories of a manifest of a repository that a `q` asks for.
pub(crate) fn accessories_of(
    (repository, manifest): (RepositoryId, ManifestId),
    q: &str,
) -> Result<AskedOfOne, CatalogError> {
    let mut filter = Filter::new();
    let (subject, repository) = (filter.bind(manifest), filter.bind(repository));
    filter.and_query(q, ACCESSORY)?;
    Ok(AskedOfOne {
        filter,
        subject,
        repository,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_artifacts_are_taken_out_of_a_q() {
        let words = Words::read("tags=~v1,type=IMAGE,base=*,digest=a%252Bb").unwrap();
        assert!(words.children && words.labels.is_empty());
        assert_eq!(Words::read("labels=(3 4)").unwrap().labels, [3, 4]);
        assert!(matches!(&words.tags[..], [TagWord::Like(part)] if part == "v1"));
        assert_eq!(words.rest, "type=IMAGE,digest=a%252Bb");
        assert!(matches!(
            &Words::read("tags%3Dnil").unwrap().tags[..],
            [TagWord::None]
        ));
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused() {
        for q in [
            "base=x",
            "tags={a b}",
            "tags=(a)",
            "labels=(a)",
            "labels=()",
            "labels={1 2}",
            "colour=red",
            "push_time=soon",
            "x",
        ] {
            let scope = Scope::Repository(RepositoryId(1));
            assert!(artifacts(Engine::Sqlite, scope, q).is_err(), "{q}");
        }
    }
}
