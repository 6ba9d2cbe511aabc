/** Everything a search found, with more room than the dialog has. */
import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ok, type Schemas } from '../api/client';
import { useT } from '../i18n';
import { useListState } from '../lib/list';
import { projectOf, shortName } from '../lib/names';
import { type Column, DataTable } from '../ui/DataTable';
import { Visibility } from '../ui/Figure';
import { ProjectLink, RepositoryLink } from '../ui/Links';
import { Empty } from '../ui/Notices';
import { Screen, Section } from '../ui/Screen';
import { Search } from '../ui/Small';

export function SearchResults() {
  const t = useT();
  const state = useListState();
  const words = state.filters.q ?? '';
  const found = useQuery({
    queryKey: ['search', words],
    queryFn: () => ok(api.GET('/search', { params: { query: { q: words } } })),
  });
  const empty = <Empty title={t('search.none', { words })} next={t('table.nothingNext')} />;
  const part = <T,>(items: T[] | undefined) => ({
    ...found,
    data: items && { items, total: items.length },
  });
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
  return (
    <Screen title={t('search.results', { words })}>
      <Search
        label={t('search.title')}
        value={words}
        onChange={(value) => state.setFilters({ q: value })}
      />
      <Stack gap="lg">
        <Section title={t('search.projects')}>
          <DataTable
            label={t('search.projects')}
            list={part(found.data?.project)}
            columns={projects}
            keyOf={(row) => row.project_id}
            empty={empty}
          />
        </Section>
        <Section title={t('search.repositories')}>
          <DataTable
            label={t('search.repositories')}
            list={part(found.data?.repository)}
            columns={repositories}
            keyOf={(row) => row.repository_name}
            empty={empty}
          />
        </Section>
      </Stack>
    </Screen>
  );
}
