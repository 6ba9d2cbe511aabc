/** Making or changing a webhook. */
import { Checkbox, Group, NativeSelect, PasswordInput, Switch, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { api, ok } from '../../api/client';
import { useI18n } from '../../i18n';
import { useDone } from '../../lib/act';
import { usePlace } from '../../lib/place';
import { FormDialog } from '../../ui/Dialogs';
import type { Webhook } from './Webhooks';

export function WebhookForm({
  webhook,
  onClose,
}: {
  webhook: Webhook | null;
  onClose: () => void;
}) {
  const { t, word } = useI18n();
  const done = useDone();
  const { project } = usePlace();
  const path = { project_name_or_id: project };
  const { data } = useQuery({
    queryKey: ['webhookEvents', project],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () =>
      ok(api.GET('/projects/{project_name_or_id}/webhook/events', { params: { path } })),
  });
  const target = webhook?.targets[0];
  const form = useForm({
    initialValues: {
      name: webhook?.name ?? '',
      description: webhook?.description ?? '',
      type: target?.type ?? 'http',
      address: target?.address ?? '',
      format: target?.payload_format || 'Default',
      header: '',
      secret: '',
      verify: !(target?.skip_cert_verify ?? false),
      events: webhook?.event_types ?? ['PUSH_ARTIFACT', 'DELETE_ARTIFACT'],
    },
    validate: {
      name: (value) => (value.trim() === '' ? t('rules.required') : null),
      address: (value) => (/^https?:\/\/./.test(value) ? null : t('webhooks.addressRule')),
      events: (value) => (value.length > 0 ? null : t('webhooks.eventsRule')),
    },
  });
  const { values } = form;
  const save = async () => {
    const body = {
      name: values.name.trim(),
      description: values.description,
      enabled: webhook?.enabled ?? true,
      event_types: values.events,
      targets: [
        {
          type: values.type,
          address: values.address.trim(),
          skip_cert_verify: !values.verify,
          ...(values.type === 'http' ? { payload_format: values.format } : {}),
          // Left out, what is kept stays: the server never tells it.
          ...(values.header ? { auth_header: values.header } : {}),
          ...(values.secret ? { signing_secret: values.secret } : {}),
        },
      ],
    };
    if (webhook) {
      await ok(
        api.PUT('/projects/{project_name_or_id}/webhook/policies/{webhook_policy_id}', {
          params: { path: { ...path, webhook_policy_id: webhook.id } },
          body,
        }),
      );
    } else {
      await ok(
        api.POST('/projects/{project_name_or_id}/webhook/policies', { params: { path }, body }),
      );
    }
    await done({ done: t('common.saved'), stale: [['webhooks', project]] });
  };
  const formats = data?.payload_formats.find((one) => one.notify_type === values.type)?.formats;
  const keeps = (kept: boolean | undefined) => (kept ? t('webhooks.kept') : undefined);
  return (
    <FormDialog
      title={webhook ? webhook.name : t('webhooks.create')}
      action={t('common.save')}
      size="lg"
      onClose={onClose}
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
      <NativeSelect
        label={t('webhooks.type')}
        data={(data?.notify_type ?? ['http']).map((value) => ({
          value,
          label: word('targets', value),
        }))}
        {...form.getInputProps('type')}
      />
      <TextInput
        label={t('webhooks.address')}
        withAsterisk
        placeholder="https://"
        {...form.getInputProps('address')}
      />
      {formats && (
        <NativeSelect
          label={t('webhooks.format')}
          data={formats}
          {...form.getInputProps('format')}
        />
      )}
      {values.type === 'http' && (
        <>
          <PasswordInput
            label={t('webhooks.header')}
            description={keeps(target?.has_auth_header) ?? t('webhooks.headerAbout')}
            autoComplete="off"
            visibilityToggleButtonProps={{ 'aria-label': t('login.show') }}
            {...form.getInputProps('header')}
          />
          <PasswordInput
            label={t('webhooks.secret')}
            description={keeps(target?.signed) ?? t('webhooks.secretAbout')}
            autoComplete="off"
            visibilityToggleButtonProps={{ 'aria-label': t('login.show') }}
            {...form.getInputProps('secret')}
          />
        </>
      )}
      <Checkbox.Group label={t('webhooks.events')} withAsterisk {...form.getInputProps('events')}>
        <Group mt="xs" gap="sm">
          {(data?.event_type ?? []).map((event) => (
            <Checkbox key={event} value={event} label={word('events', event)} />
          ))}
        </Group>
      </Checkbox.Group>
      <Switch
        label={t('webhooks.verify')}
        description={t('webhooks.verifyAbout')}
        {...form.getInputProps('verify', { type: 'checkbox' })}
      />
    </FormDialog>
  );
}
