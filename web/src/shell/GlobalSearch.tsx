/** Search over everything from anywhere: `/` opens it, arrows move, Enter goes. */
import {
  Button,
  Kbd,
  Modal,
  Stack,
  Text,
  TextInput,
  UnstyledButton,
  VisuallyHidden,
} from '@mantine/core';
import { useDebouncedValue, useDisclosure, useHotkeys } from '@mantine/hooks';
import {
  IconBox,
  IconBoxMultiple,
  IconSearch,
  IconShieldExclamation,
  IconTag,
} from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import {
  type Dispatch,
  type KeyboardEvent,
  type ReactNode,
  type SetStateAction,
  useEffect,
  useRef,
  useState,
} from 'react';
import { useT } from '../i18n';
import { projectOf, shortName } from '../lib/names';
import { countOf, useSearch } from '../lib/search';
import { Failure } from '../ui/Notices';
import { SeverityBadge } from '../ui/Severity';
import { shortDigest } from '../ui/Small';
import classes from './GlobalSearch.module.css';

const SHOWN = 8;

export function GlobalSearch() {
  const t = useT();
  const [opened, { open, close }] = useDisclosure();
  const [typed, setTyped] = useState('');
  const openEmpty = () => {
    setTyped('');
    open();
  };
  useHotkeys([['/', openEmpty]]);
  useTypedAhead(opened, setTyped);
  return (
    <>
      <Button
        variant="default"
        onClick={openEmpty}
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
        // At once: who searches with the keyboard does not wait for a picture.
        transitionProps={{ duration: 0 }}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <Found typed={typed} setTyped={setTyped} onGo={close} />
      </Modal>
    </>
  );
}

/** Keeps what is typed between `/` and the moment the dialog's field has the focus. */
function useTypedAhead(opened: boolean, setTyped: Dispatch<SetStateAction<string>>) {
  useEffect(() => {
    if (!opened) return;
    const keep = (event: globalThis.KeyboardEvent) => {
      if (document.activeElement?.matches('[type="search"]')) {
        document.removeEventListener('keydown', keep, true);
        return;
      }
      if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      setTyped((before) => before + event.key);
    };
    document.addEventListener('keydown', keep, true);
    return () => document.removeEventListener('keydown', keep, true);
  }, [opened, setTyped]);
}

interface FoundProps {
  typed: string;
  setTyped: (typed: string) => void;
  onGo: () => void;
}

function Found({ typed, setTyped, onGo }: FoundProps) {
  const t = useT();
  const navigate = useNavigate();
  const [wanted] = useDebouncedValue(typed.trim(), 200);
  const box = useRef<HTMLDivElement>(null);
  const { data, error, isFetching, refetch } = useSearch(wanted);
  const count = countOf(data);
  const told =
    wanted === '' || isFetching || error
      ? ''
      : count === 0
        ? t('search.none', { words: wanted })
        : t('search.count', { count });

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
      <div role="status" className={count > 0 ? undefined : classes.status}>
        {count > 0 ? <VisuallyHidden>{told}</VisuallyHidden> : told}
      </div>
      {error && <Failure error={error} retry={() => refetch()} />}
      <Group label={t('search.projects')}>
        {data?.projects.slice(0, SHOWN).map((one) => (
          <Hit
            key={one.project_id}
            to="/projects/$project"
            params={{ project: one.name }}
            onGo={onGo}
          >
            <IconBoxMultiple size={16} aria-hidden /> {one.name}
          </Hit>
        ))}
      </Group>
      <Group label={t('search.repositories')}>
        {data?.repositories.slice(0, SHOWN).map((one) => (
          <Hit
            key={one.repository_name}
            to="/projects/$project/repositories/$repository"
            params={{ project: one.project_name, repository: shortName(one.repository_name) }}
            onGo={onGo}
          >
            <IconBox size={16} aria-hidden /> {one.repository_name}
          </Hit>
        ))}
      </Group>
      <Group label={t('search.artifacts')}>
        {data?.artifacts.slice(0, SHOWN).map((one) => (
          <Hit
            key={`${one.repository_name}:${one.tag ?? one.digest}`}
            to="/projects/$project/repositories/$repository/artifacts/$reference"
            params={{ ...placeOf(one.repository_name), reference: one.tag ?? one.digest }}
            onGo={onGo}
          >
            <IconTag size={16} aria-hidden /> {one.repository_name}
            {one.tag ? `:${one.tag}` : `@${shortDigest(one.digest)}`}
          </Hit>
        ))}
      </Group>
      <Group label={t('search.vulnerabilities')}>
        {data?.vulnerabilities.slice(0, SHOWN).map((one) => (
          <Hit
            key={`${one.repository_name}@${one.digest}`}
            to="/projects/$project/repositories/$repository/artifacts/$reference"
            params={{ ...placeOf(one.repository_name), reference: one.digest }}
            search={{ part: 'vulnerabilities', find: one.cve_id }}
            onGo={onGo}
          >
            <IconShieldExclamation size={16} aria-hidden /> {one.repository_name}@
            {shortDigest(one.digest)}
            <Text span size="sm" c="dimmed">
              {one.package} {one.version}
            </Text>
            <SeverityBadge severity={one.severity} />
          </Hit>
        ))}
      </Group>
      <Text size="xs" c="dimmed">
        {t('search.keys')}
      </Text>
    </Stack>
  );
}

const placeOf = (repository: string) => ({
  project: projectOf(repository),
  repository: shortName(repository),
});

/** Hits of one kind; nothing where there are none. */
function Group({ label, children }: { label: string; children: ReactNode[] | undefined }) {
  if (!children || children.length === 0) return null;
  return (
    <section aria-label={label}>
      <Text size="xs" fw={600} c="dimmed" mb={4}>
        {label}
      </Text>
      {children}
    </section>
  );
}

interface HitProps {
  to: string;
  params: Record<string, string>;
  search?: Record<string, string>;
  onGo: () => void;
  children: ReactNode;
}

function Hit({ to, params, search, onGo, children }: HitProps) {
  return (
    <UnstyledButton
      component={Link}
      to={to}
      params={params as never}
      search={(search ?? {}) as never}
      className={classes.hit}
      onClick={onGo}
    >
      {children}
    </UnstyledButton>
  );
}
