/** What a job says, while it says it. */
import { Button, Group, Modal, Switch } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useT } from '../i18n';
import { saveText } from '../lib/save';
import { Failure, Waiting } from './Notices';

interface Props {
  title: string;
  /** Names the log among all queries. */
  id: string;
  read: () => Promise<string>;
  /** Whether more may come. */
  running: boolean;
  onClose: () => void;
}

export function LogView({ title, id, read, running, onClose }: Props) {
  const t = useT();
  const [follow, setFollow] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  const { data, error, refetch } = useQuery({
    queryKey: ['log', id],
    queryFn: read,
    refetchInterval: running ? 1_500 : false,
  });
  // What a job says last is written when it has ended already.
  useEffect(() => {
    if (!running) void refetch();
  }, [running, refetch]);
  useEffect(() => {
    if (follow && data !== undefined) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [data, follow]);
  const save = () => saveText(data ?? '', `${id.replaceAll(/[^\w-]+/g, '-')}.log`, 'text/plain');
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size="xl"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <Group justify="space-between" mb="sm">
        <Switch
          label={t('jobs.follow')}
          checked={follow}
          onChange={(event) => setFollow(event.currentTarget.checked)}
        />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={save}
          disabled={!data}
        >
          {t('jobs.download')}
        </Button>
      </Group>
      {error && data === undefined ? (
        <Failure error={error} retry={() => refetch()} />
      ) : data === undefined ? (
        <Waiting />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reached by keys
        <pre className="log" ref={box} tabIndex={0} role="log" aria-label={title}>
          {data || t('jobs.noLog')}
        </pre>
      )}
    </Modal>
  );
}
