/** What a project holds, who is in it, and how to push into it. */
import { Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, ok, page } from '../../api/client';
import { LIVE, useProject } from '../../api/queries';
import { useI18n } from '../../i18n';
import { useCan } from '../../lib/access';
import { useFormat } from '../../lib/format';
import { shortName } from '../../lib/names';
import { usePlace } from '../../lib/place';
import { Figure } from '../../ui/Figure';
import { ArtifactLink } from '../../ui/Links';
import { Failure, Waiting } from '../../ui/Notices';
import { Section } from '../../ui/Screen';
import { Line, Moment, shortDigest, When } from '../../ui/Small';

export function Summary() {
  const { t, word } = useI18n();
  const format = useFormat();
  const { project } = usePlace();
  const { data: facts } = useProject(project);
  const can = useCan(facts?.project_id);
  const { data, error } = useQuery({
    queryKey: ['summary', project],
    refetchInterval: LIVE * 2,
    queryFn: () =>
      ok(
        api.GET('/projects/{project_name_or_id}/summary', {
          params: { path: { project_name_or_id: project } },
        }),
      ),
  });
  if (error && !data) return <Failure error={error} />;
  if (!data || !facts) return <Waiting />;
  const counts: [string, number | undefined][] = [
    ['projectAdmin', data.project_admin_count],
    ['maintainer', data.maintainer_count],
    ['developer', data.developer_count],
    ['guest', data.guest_count],
    ['limitedGuest', data.limited_guest_count],
  ];
  const members = counts.filter(([, count]) => (count ?? 0) > 0);
  return (
    <Stack gap="xl">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
        <Figure label={t('project.repositories')} value={format.number(data.repo_count)} />
        {data.quota && <Storage used={data.quota.used.storage} hard={data.quota.hard.storage} />}
        <Figure label={t('project.owner')} value={facts.owner_name} />
        <div className="surface" style={{ padding: 'var(--mantine-spacing-sm)' }}>
          <Text size="xs" c="dimmed">
            {t('common.created')}
          </Text>
          <Moment time={facts.creation_time} />
        </div>
      </SimpleGrid>
      {members.length > 0 && (
        <Section title={t('project.membersCount')}>
          <SimpleGrid cols={{ base: 2, sm: 5 }} spacing="sm">
            {members.map(([role, count]) => (
              <Figure key={role} label={word('roles', role)} value={format.number(count ?? 0)} />
            ))}
          </SimpleGrid>
        </Section>
      )}
      <Latest />
      {can('repository', 'push') && (
        <Section title={t('project.push')} about={t('project.pushAbout')}>
          <PushLines project={project} />
        </Section>
      )}
    </Stack>
  );
}

export function PushLines({ project }: { project: string }) {
  const { t } = useI18n();
  const target = `${location.host}/${project}/app:1.0`;
  return (
    <Stack gap="xs" ta="left">
      <Line text={`docker login ${location.host}`} label={t('common.copyCommand')} />
      <Line text={`docker tag app:1.0 ${target}`} label={t('common.copyCommand')} />
      <Line text={`docker push ${target}`} label={t('common.copyCommand')} />
    </Stack>
  );
}

function Storage({ used, hard }: { used: number; hard: number }) {
  const { t } = useI18n();
  const format = useFormat();
  const limited = hard > 0;
  const share = limited ? used / hard : 0;
  const label = t('project.storage');
  return (
    <div className="surface" style={{ padding: 'var(--mantine-spacing-sm)' }}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={650} className="tabular">
        {limited
          ? t('project.storageOf', { used: format.bytes(used), limit: format.bytes(hard) })
          : t('project.storageFree', { used: format.bytes(used) })}
      </Text>
      {limited && (
        <Progress
          mt={6}
          value={Math.min(100, share * 100)}
          color={share > 0.9 ? 'red' : share > 0.75 ? 'yellow' : undefined}
          aria-label={label}
        />
      )}
    </div>
  );
}

/** What was pushed last, so that a push can be seen to arrive. */
function Latest() {
  const { t } = useI18n();
  const { project } = usePlace();
  const { data } = useQuery({
    queryKey: ['latest', project],
    refetchInterval: LIVE,
    queryFn: () =>
      page(
        api.GET('/projects/{project_name_or_id}/artifacts', {
          params: {
            path: { project_name_or_id: project },
            query: { page_size: 5, sort: '-push_time', with_tag: true },
          },
        }),
      ),
  });
  if (!data) return null;
  return (
    <Section title={t('project.latest')}>
      {data.items.length === 0 && <Text c="dimmed">{t('project.latestNone')}</Text>}
      <Stack gap={6} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
        {data.items.map((one) => {
          const repository = shortName(one.repository_name);
          const name = one.tags?.[0]?.name ?? shortDigest(one.digest);
          return (
            <li key={one.id}>
              <ArtifactLink project={project} repository={repository} reference={one.digest}>
                {repository}:{name}
              </ArtifactLink>{' '}
              <Text span size="sm" c="dimmed">
                <When time={one.push_time} />
              </Text>
            </li>
          );
        })}
      </Stack>
    </Section>
  );
}
