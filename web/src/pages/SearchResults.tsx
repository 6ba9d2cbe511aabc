/** Everything a search found, with more room than the dialog has. */
import { Stack } from '@mantine/core';
import type { Schemas } from '../api/client';
import { useI18n } from '../i18n';
import { useListState } from '../lib/list';
import { projectOf, shortName } from '../lib/names';
import { countOf, useSearch } from '../lib/search';
import { type Column, DataTable } from '../ui/DataTable';
import { Visibility } from '../ui/Figure';
import { ArtifactLink, ProjectLink, RepositoryLink } from '../ui/Links';
import { Empty, Failure, Waiting } from '../ui/Notices';
import { Screen, Section } from '../ui/Screen';
import { SeverityBadge } from '../ui/Severity';
import { Search, shortDigest, When } from '../ui/Small';

export function SearchResults() {
  const { t, word } = useI18n();
  const state = useListState();
  const words = state.filters.q ?? '';
  const found = useSearch(words);
  const projects: Column<Schemas['Project']>[] = [
    {
      id: 'name',
      label: t('projects.name'),
      primary: true,
      cell: (row) => <ProjectLink project={row.name} />,
    },
    {
      id: 'visibility',
      label: t('projects.visibility'),
      cell: (row) => <Visibility open={row.metadata.public === 'true'} />,
    },
    {
      id: 'repositories',
      label: t('projects.repositories'),
      right: true,
      cell: (row) => row.repo_count,
    },
  ];
  const repositories: Column<Schemas['SearchRepository']>[] = [
    {
      id: 'name',
      label: t('common.name'),
      primary: true,
      cell: (row) => (
        <RepositoryLink
          project={projectOf(row.repository_name)}
          repository={shortName(row.repository_name)}
        >
          {row.repository_name}
        </RepositoryLink>
      ),
    },
    {
      id: 'artifacts',
      label: t('repositories.artifacts'),
      right: true,
      cell: (row) => row.artifact_count,
    },
    { id: 'pulls', label: t('repositories.pulls'), right: true, cell: (row) => row.pull_count },
  ];
  const artifacts: Column<Schemas['FoundArtifact']>[] = [
    {
      id: 'name',
      label: t('common.name'),
      primary: true,
      cell: (row) => (
        <ArtifactLink
          project={projectOf(row.repository_name)}
          repository={shortName(row.repository_name)}
          reference={row.tag ?? row.digest}
        >
          {row.repository_name}
          {row.tag ? `:${row.tag}` : `@${shortDigest(row.digest)}`}
        </ArtifactLink>
      ),
    },
    { id: 'type', label: t('common.kind'), cell: (row) => word('kinds', row.type) },
    { id: 'pushed', label: t('artifacts.pushed'), cell: (row) => <When time={row.push_time} /> },
  ];
  const vulnerabilities: Column<Schemas['FoundVulnerability']>[] = [
    {
      id: 'image',
      label: t('security.image'),
      primary: true,
      cell: (row) => (
        <ArtifactLink
          project={projectOf(row.repository_name)}
          repository={shortName(row.repository_name)}
          reference={row.digest}
          part="vulnerabilities"
        >
          {row.repository_name}@{shortDigest(row.digest)}
        </ArtifactLink>
      ),
    },
    {
      id: 'severity',
      label: t('security.severity'),
      cell: (row) => <SeverityBadge severity={row.severity} />,
    },
    {
      id: 'package',
      label: t('vulnerabilities.package'),
      cell: (row) => (
        <span className="break">
          {row.package} <span className="mono">{row.version}</span>
        </span>
      ),
    },
    { id: 'fixed', label: t('vulnerabilities.fixedIn'), cell: (row) => row.fixed_version || '–' },
  ];
  return (
    <Screen title={t('search.results', { words })}>
      <Search
        label={t('search.title')}
        value={words}
        onChange={(value) => state.setFilters({ q: value })}
      />
      <Stack gap="lg">
        {found.error && !found.data && (
          <Failure error={found.error} retry={() => found.refetch()} />
        )}
        {words.trim() !== '' && found.isPending && <Waiting />}
        {found.data && countOf(found.data) === 0 && (
          <Empty title={t('search.none', { words })} next={t('search.noneNext')} />
        )}
        <Hits
          title={t('search.projects')}
          rows={found.data?.projects}
          columns={projects}
          keyOf={(row) => row.project_id}
        />
        <Hits
          title={t('search.repositories')}
          rows={found.data?.repositories}
          columns={repositories}
          keyOf={(row) => row.repository_name}
        />
        <Hits
          title={t('search.artifacts')}
          about={t('search.artifactsAbout')}
          rows={found.data?.artifacts}
          columns={artifacts}
          keyOf={(row) => `${row.repository_name}:${row.tag ?? row.digest}`}
        />
        <Hits
          title={t('search.vulnerabilities')}
          about={t('search.vulnerabilitiesAbout')}
          rows={found.data?.vulnerabilities}
          columns={vulnerabilities}
          keyOf={(row) => `${row.repository_name}@${row.digest}`}
        />
      </Stack>
    </Screen>
  );
}

interface HitsProps<T> {
  title: string;
  about?: string;
  rows: T[] | undefined;
  columns: Column<T>[];
  keyOf: (row: T) => string | number;
}

/** What was found of one kind; nothing where nothing was. */
function Hits<T>({ title, about, rows, columns, keyOf }: HitsProps<T>) {
  if (!rows || rows.length === 0) return null;
  return (
    <Section title={title} about={about}>
      <DataTable
        label={title}
        list={{
          data: { items: rows, total: rows.length },
          error: null,
          isPending: false,
          refetch: () => undefined,
        }}
        columns={columns}
        keyOf={keyOf}
        empty={null}
      />
    </Section>
  );
}
