/** Small things that many pages show: times, sizes, digests, states. */
import {
  ActionIcon,
  Badge,
  type BadgeProps,
  Code,
  Group,
  Text,
  TextInput,
  Tooltip,
} from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconCheck, IconCopy, IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useI18n, useT } from '../i18n';
import { copyText } from '../lib/clipboard';
import { happened, useFormat } from '../lib/format';

/** How long ago; the moment itself on hover and for screen readers. */
export function When({ time, never }: { time: string | null | undefined; never?: string }) {
  const t = useT();
  const format = useFormat();
  if (!happened(time))
    return (
      <Text span c="dimmed" size="sm">
        {never ?? t('common.never')}
      </Text>
    );
  return (
    <time dateTime={time ?? ''} title={format.moment(time ?? '')} className="nowrap">
      {format.ago(time ?? '')}
    </time>
  );
}

export function Moment({ time }: { time: string | null | undefined }) {
  const t = useT();
  const format = useFormat();
  if (!happened(time))
    return (
      <Text span c="dimmed" size="sm">
        {t('common.never')}
      </Text>
    );
  return (
    <time dateTime={time ?? ''} className="nowrap">
      {format.moment(time ?? '')}
    </time>
  );
}

export function Bytes({ size }: { size: number }) {
  return <span className="nowrap tabular">{useFormat().bytes(size)}</span>;
}

export function Copy({ value, label }: { value: string; label: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const forget = useDebouncedCallback(() => setCopied(false), 2_000);
  const copy = async () => {
    setCopied(await copyText(value));
    forget();
  };
  return (
    <Tooltip label={copied ? t('common.copied') : label} withArrow>
      <ActionIcon
        variant="subtle"
        size="sm"
        onClick={copy}
        aria-label={copied ? t('common.copied') : label}
      >
        {copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

export function shortDigest(digest: string): string {
  const [algorithm, hex] = digest.split(':');
  return hex ? `${algorithm}:${hex.slice(0, 12)}` : digest;
}

export function Digest({ digest }: { digest: string }) {
  const t = useT();
  return (
    <Group gap={4} wrap="nowrap" component="span" display="inline-flex">
      <span className="mono nowrap" title={digest}>
        {shortDigest(digest)}
      </span>
      <Copy value={digest} label={t('common.copyDigest')} />
    </Group>
  );
}

/** A line to copy, such as a command. */
export function Line({ text, label }: { text: string; label: string }) {
  return (
    <Group gap="xs" wrap="nowrap" align="center">
      <Code block flex={1} className="break" fz="xs" style={{ whiteSpace: 'pre-wrap' }}>
        {text}
      </Code>
      <Copy value={text} label={label} />
    </Group>
  );
}

const COLORS: Record<string, string> = {
  success: 'green',
  healthy: 'green',
  current: 'green',
  running: 'blue',
  pending: 'gray',
  scheduled: 'gray',
  held: 'gray',
  deleted: 'yellow',
  stopped: 'yellow',
  error: 'red',
  unhealthy: 'red',
};

export function Status({ status, ...rest }: { status: string } & BadgeProps) {
  const { word } = useI18n();
  const key = status.toLowerCase();
  return (
    <Badge variant="light" color={COLORS[key] ?? 'gray'} tt="none" {...rest}>
      {word('status', key)}
    </Badge>
  );
}

/** A search field that answers once typing rests. */
export function Search(props: { value: string; onChange: (value: string) => void; label: string }) {
  const [typed, setTyped] = useState(props.value);
  const told = useRef(props.value);
  const tell = useDebouncedCallback((value: string) => {
    told.current = value;
    props.onChange(value);
  }, 300);
  // A link or the way back changed it, not the one who types.
  useEffect(() => {
    if (props.value === told.current) return;
    told.current = props.value;
    setTyped(props.value);
  }, [props.value]);
  return (
    <TextInput
      type="search"
      size="sm"
      w={{ base: '100%', xs: 260 }}
      leftSection={<IconSearch size={16} aria-hidden />}
      aria-label={props.label}
      placeholder={props.label}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
    />
  );
}

export function YesNo({ value }: { value: boolean }) {
  const t = useT();
  return <span>{value ? t('common.yes') : t('common.no')}</span>;
}
