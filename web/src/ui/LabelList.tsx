/** Labels, of one project or of the system. */
import { ActionIcon, Button, ColorInput, Group, TextInput, Tooltip } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconEdit, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ok, page, type Schemas } from '../api/client';
import { kept } from '../api/queries';
import { useT } from '../i18n';
import { useAct, useDone } from '../lib/act';
import { useListState } from '../lib/list';
import { LabelBadge } from './ArtifactParts';
import { type Column, DataTable } from './DataTable';
import { ask, FormDialog } from './Dialogs';
import { Empty } from './Notices';
import { Section } from './Screen';
import { Search, When } from './Small';

type Label = Schemas['Label'];

interface Props {
  /** Labels of the system have no project. */
  projectId?: number;
  mayChange: boolean;
}

export function LabelList({ projectId, mayChange }: Props) {
  const t = useT();
  const act = useAct();
  const state = useListState();
  const [editing, setEditing] = useState<Label | 'new' | null>(null);
  const { name } = state.filters;
  const list = useQuery({
    queryKey: ['labels', projectId ?? 'system', state.page, state.size, state.sort, name],
    ...kept,
    queryFn: () =>
      page(
        api.GET('/labels', {
          params: {
            query: {
              scope: projectId === undefined ? 'g' : 'p',
              project_id: projectId,
              page: state.page,
              page_size: state.size,
              name: name || undefined,
            },
          },
        }),
      ),
  });
  const remove = async (label: Label) => {
    const sure = await ask({
      title: t('labels.delete'),
      body: t('labels.deleteAbout', { name: label.name }),
      action: t('common.delete'),
      danger: true,
    });
    if (!sure) return;
    await act(
      () => ok(api.DELETE('/labels/{label_id}', { params: { path: { label_id: label.id } } })),
      { done: t('common.deleted', { name: label.name }), stale: [['labels'], ['artifacts']] },
    );
  };
  const columns: Column<Label>[] = [
    {
      id: 'name',
      label: t('labels.label'),
      primary: true,
      cell: (row) => <LabelBadge name={row.name} color={row.color} />,
    },
    {
      id: 'description',
      label: t('common.description'),
      cell: (row) => <span className="break">{row.description}</span>,
    },
    { id: 'created', label: t('common.created'), cell: (row) => <When time={row.creation_time} /> },
  ];
  if (mayChange) {
    columns.push({
      id: 'actions',
      label: '',
      right: true,
      cell: (row) => (
        <Group gap={4} wrap="nowrap" justify="flex-end">
          <Tooltip label={t('common.edit')}>
            <ActionIcon
              variant="subtle"
              aria-label={`${t('common.edit')} ${row.name}`}
              onClick={() => setEditing(row)}
            >
              <IconEdit size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('common.delete')}>
            <ActionIcon
              variant="subtle"
              color="red"
              aria-label={`${t('common.delete')} ${row.name}`}
              onClick={() => remove(row)}
            >
              <IconTrash size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </Group>
      ),
    });
  }
  const create = mayChange && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('labels.create')}
    </Button>
  );
  return (
    <Section
      title={t('labels.title')}
      about={projectId === undefined ? t('labels.aboutSystem') : t('labels.about')}
      actions={create}
    >
      <DataTable
        label={t('labels.title')}
        list={list}
        state={state}
        columns={columns}
        keyOf={(row) => row.id}
        toolbar={
          <Search
            label={t('labels.search')}
            value={name ?? ''}
            onChange={(value) => state.setFilters({ name: value })}
          />
        }
        empty={<Empty title={t('labels.none')} next={t('labels.noneNext')} />}
      />
      {editing && (
        <LabelForm
          label={editing === 'new' ? null : editing}
          projectId={projectId}
          onClose={() => setEditing(null)}
        />
      )}
    </Section>
  );
}

const COLORS = ['#0f5c7a', '#2f7d32', '#8a5a00', '#b3261e', '#6a4fb0', '#00695c', '#455a64'];

function LabelForm(props: { label: Label | null; projectId?: number; onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const { label, projectId } = props;
  const form = useForm({
    initialValues: {
      name: label?.name ?? '',
      description: label?.description ?? '',
      color: label?.color || '#0f5c7a',
    },
    validate: { name: (value) => (value.trim() === '' ? t('rules.required') : null) },
  });
  const save = async () => {
    const scope = projectId === undefined ? { scope: 'g' } : { scope: 'p', project_id: projectId };
    const body = { ...form.values, ...scope };
    if (label) {
      const params = { path: { label_id: label.id } };
      await ok(api.PUT('/labels/{label_id}', { params, body }));
    } else {
      await ok(api.POST('/labels', { body }));
    }
    await done({ done: t('common.saved'), stale: [['labels'], ['artifacts']] });
  };
  return (
    <FormDialog
      title={label ? t('labels.edit') : t('labels.create')}
      action={t('common.save')}
      onClose={props.onClose}
      check={() => !form.validate().hasErrors}
      onSubmit={save}
    >
      <TextInput
        label={t('common.name')}
        withAsterisk
        data-autofocus
        {...form.getInputProps('name')}
      />
      <TextInput label={t('common.description')} {...form.getInputProps('description')} />
      <ColorInput
        label={t('labels.color')}
        swatches={COLORS}
        eyeDropperButtonProps={{ 'aria-label': t('labels.pick') }}
        {...form.getInputProps('color')}
      />
    </FormDialog>
  );
}
