/** The form for a new project. */
import { NumberInput, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useNavigate } from '@tanstack/react-router';
import { api, ok } from '../api/client';
import { useT } from '../i18n';
import { useIsAdmin } from '../lib/access';
import { useDone } from '../lib/act';
import { isProjectName } from '../lib/rules';
import { FormDialog } from '../ui/Dialogs';

const GIB = 1024 ** 3;

export function NewProject({ onClose }: { onClose: () => void }) {
  const t = useT();
  const done = useDone();
  const navigate = useNavigate();
  const admin = useIsAdmin();
  const form = useForm({
    initialValues: { name: '', open: false, limit: '' as number | '' },
    validate: { name: (value) => (isProjectName(value) ? null : t('rules.projectName')) },
  });
  const create = async () => {
    const { name, open, limit } = form.values;
    const body = {
      project_name: name,
      metadata: { public: String(open) },
      // Only administrators may set it; others get what the configuration says.
      ...(admin && limit !== '' ? { storage_limit: Math.round(limit * GIB) } : {}),
    };
    await ok(api.POST('/projects', { body }));
    await done({
      done: t('projects.created', { name }),
      stale: [['projects'], ['statistics'], ['quotas']],
    });
    await navigate({ to: '/projects/$project', params: { project: name } });
  };
  return (
    <FormDialog
      title={t('projects.create')}
      action={t('projects.create')}
      onClose={onClose}
      check={() => !form.validate().hasErrors}
      onSubmit={create}
    >
      <TextInput
        label={t('projects.name')}
        description={t('rules.projectName')}
        withAsterisk
        autoComplete="off"
        data-autofocus
        {...form.getInputProps('name')}
      />
      <Switch
        label={t('projects.open')}
        description={t('projects.openAbout')}
        {...form.getInputProps('open', { type: 'checkbox' })}
      />
      {admin && (
        <NumberInput
          label={t('projects.limit')}
          description={t('projects.limitAbout')}
          min={0.001}
          decimalScale={3}
          {...form.getInputProps('limit')}
        />
      )}
    </FormDialog>
  );
}
