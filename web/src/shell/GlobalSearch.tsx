/** Search over projects and repositories from anywhere: `/` opens it, arrows move, Enter goes. */
import { Button, Kbd, Modal, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue, useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconBox, IconBoxMultiple, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useRef, useState } from 'react';
import { api, ok } from '../api/client';
import { useT } from '../i18n';
import { shortName } from '../lib/names';
import classes from './GlobalSearch.module.css';

const SHOWN = 8;

export function GlobalSearch() {
  const t = useT();
  const [opened, { open, close }] = useDisclosure();
  useHotkeys([['/', open]]);
  return (
    <>
      <Button
        variant="default"
        onClick={open}
        leftSection={<IconSearch size={16} aria-hidden />}
        rightSection={<Kbd size="xs">/</Kbd>}
        className={classes.button}
        justify="space-between"
        aria-label={t('search.open')}
        aria-keyshortcuts="/"
      >
        <span className={classes.word}>{t('search.open')}</span>
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={t('search.title')}
        size="lg"
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <Found onGo={close} />
      </Modal>
    </>
  );
}

function Found({ onGo }: { onGo: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const [wanted] = useDebouncedValue(typed.trim(), 200);
  const box = useRef<HTMLDivElement>(null);
  const { data, isFetching } = useQuery({
    queryKey: ['search', wanted],
    enabled: wanted !== '',
    queryFn: () => ok(api.GET('/search', { params: { query: { q: wanted } } })),
  });
  const projects = data?.project.slice(0, SHOWN) ?? [];
  const repositories = data?.repository.slice(0, SHOWN) ?? [];
  const none = wanted !== '' && !isFetching && projects.length + repositories.length === 0;

  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const stops = [...(box.current?.querySelectorAll<HTMLElement>('input, a') ?? [])];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    stops[Math.min(stops.length - 1, Math.max(0, at + step))]?.focus();
  };
  const enter = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key !== 'Enter' || wanted === '') return;
    onGo();
    void navigate({ to: '/search', search: { q: wanted } as never });
  };
  return (
    <Stack gap="sm" ref={box} onKeyDown={move}>
      <TextInput
        data-autofocus
        type="search"
        aria-label={t('search.title')}
        placeholder={t('search.hint')}
        leftSection={<IconSearch size={16} aria-hidden />}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={enter}
      />
      <div role="status" className={classes.status}>
        {none ? t('search.none', { words: wanted }) : ''}
      </div>
      {projects.length > 0 && (
        <section aria-label={t('search.projects')}>
          <Text size="xs" fw={600} c="dimmed" mb={4}>
            {t('search.projects')}
          </Text>
          {projects.map((one) => (
            <UnstyledButton
              key={one.project_id}
              component={Link}
              to="/projects/$project"
              params={{ project: one.name } as never}
              className={classes.hit}
              onClick={onGo}
            >
              <IconBoxMultiple size={16} aria-hidden /> {one.name}
            </UnstyledButton>
          ))}
        </section>
      )}
      {repositories.length > 0 && (
        <section aria-label={t('search.repositories')}>
          <Text size="xs" fw={600} c="dimmed" mb={4}>
            {t('search.repositories')}
          </Text>
          {repositories.map((one) => (
            <UnstyledButton
              key={one.repository_name}
              component={Link}
              to="/projects/$project/repositories/$repository"
              params={
                { project: one.project_name, repository: shortName(one.repository_name) } as never
              }
              className={classes.hit}
              onClick={onGo}
            >
              <IconBox size={16} aria-hidden /> {one.repository_name}
            </UnstyledButton>
          ))}
        </section>
      )}
      <Text size="xs" c="dimmed">
        {t('search.keys')}
      </Text>
    </Stack>
  );
}
