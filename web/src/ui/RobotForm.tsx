/** Making or changing a robot: how long it lives, where it may work, and what it may do there. */
import { NumberInput, Radio, Stack, Switch, TagsInput, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { all, api, ok, type Schemas } from '../api/client';
import { useT } from '../i18n';
import { useDone } from '../lib/act';
import { chosenOf, keyOf, type Pair, pairOf, preset } from '../lib/permissions';
import { FormDialog } from './Dialogs';
import { Waiting } from './Notices';
import { PermissionMatrix } from './PermissionMatrix';
import type { Robot, Secret } from './RobotList';

interface Props {
  robot: Robot | null;
  project?: { id: number; name: string };
  onClose: () => void;
  onSecret: (secret: Secret) => void;
}

export function RobotForm(props: Props) {
  const { data } = useQuery({
    queryKey: ['permissions', 'offered'],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: () => ok(api.GET('/permissions')),
  });
  if (!data) return <Waiting />;
  return (
    <Fields
      {...props}
      forProject={data.project.map(pairOf)}
      forSystem={data.system?.map(pairOf) ?? []}
    />
  );
}

type Permission = Schemas['RobotPermission'];

function keys(permission: Permission | undefined): Set<string> {
  return new Set((permission?.access ?? []).map((one) => keyOf(pairOf(one))));
}

function Fields(props: Props & { forProject: Pair[]; forSystem: Pair[] }) {
  const t = useT();
  const done = useDone();
  const { robot, project, forProject, forSystem } = props;
  const before = robot?.permissions ?? [];
  const ofProjects = before.filter((one) => one.kind === 'project');
  const form = useForm({
    initialValues: {
      name: '',
      description: robot?.description ?? '',
      life: !robot || robot.duration > 0 ? 'days' : 'ever',
      days: robot && robot.duration > 0 ? robot.duration : 30,
    },
    validate: {
      name: (value) => (robot || value.trim() !== '' ? null : t('rules.required')),
    },
  });
  const [inSystem, setInSystem] = useState(keys(before.find((one) => one.kind === 'system')));
  const [inProject, setInProject] = useState(
    robot ? keys(ofProjects[0]) : preset('pull', forProject),
  );
  const [everywhere, setEverywhere] = useState(
    ofProjects.length === 0 || ofProjects.some((one) => one.namespace === '*'),
  );
  const [places, setPlaces] = useState(
    ofProjects.map((one) => one.namespace).filter((one) => one !== '*'),
  );
  const [nothing, setNothing] = useState(false);

  const permissions = () => {
    const access = chosenOf(forProject, inProject);
    const namespaces = project ? [project.name] : everywhere ? ['*'] : places;
    const chosen =
      access.length > 0
        ? namespaces.map((namespace) => ({ kind: 'project', namespace, access }))
        : [];
    const system = project ? [] : chosenOf(forSystem, inSystem);
    if (system.length > 0) chosen.push({ kind: 'system', namespace: '/', access: system });
    return chosen;
  };
  const save = async () => {
    const body = {
      description: form.values.description,
      level: project ? 'project' : 'system',
      duration: form.values.life === 'ever' ? -1 : form.values.days,
      permissions: permissions(),
    };
    if (robot) {
      await ok(
        api.PUT('/robots/{robot_id}', {
          params: { path: { robot_id: robot.id } },
          body: { ...body, name: robot.name, disable: robot.disable },
        }),
      );
      await done({ done: t('common.saved'), stale: [['robots']] });
      return;
    }
    const name = form.values.name.trim();
    const made = await ok(api.POST('/robots', { body: { ...body, name } }));
    await done({ stale: [['robots']] });
    props.onSecret({ name: made.name, secret: made.secret });
  };
  return (
    <FormDialog
      title={robot ? robot.name : t('robots.create')}
      action={robot ? t('common.save') : t('robots.create')}
      size="lg"
      onClose={props.onClose}
      check={() => {
        const empty = permissions().length === 0;
        setNothing(empty);
        return !form.validate().hasErrors && !empty;
      }}
      onSubmit={save}
    >
      {!robot && (
        <TextInput
          label={t('common.name')}
          description={t('robots.nameAbout')}
          withAsterisk
          autoComplete="off"
          data-autofocus
          {...form.getInputProps('name')}
        />
      )}
      <TextInput label={t('common.description')} {...form.getInputProps('description')} />
      <Radio.Group label={t('robots.life')} {...form.getInputProps('life')}>
        <Stack gap="xs" mt="xs">
          <Radio value="days" label={t('robots.lifeDays')} />
          <Radio value="ever" label={t('robots.neverExpires')} />
        </Stack>
      </Radio.Group>
      {form.values.life === 'days' && (
        <NumberInput label={t('robots.days')} min={1} {...form.getInputProps('days')} />
      )}
      {!project && (
        <>
          <Switch
            label={t('robots.everywhere')}
            description={t('robots.everywhereAbout')}
            checked={everywhere}
            onChange={(event) => setEverywhere(event.currentTarget.checked)}
          />
          {!everywhere && <ProjectNames value={places} onChange={setPlaces} />}
        </>
      )}
      <div>
        <Text size="sm" fw={500} mb={4}>
          {t('robots.inProjects')}
        </Text>
        <PermissionMatrix
          label={t('robots.inProjects')}
          offered={forProject}
          chosen={inProject}
          onChange={setInProject}
          presets
        />
      </div>
      {!project && forSystem.length > 0 && (
        <div>
          <Text size="sm" fw={500} mb={4}>
            {t('robots.inSystem')}
          </Text>
          <PermissionMatrix
            label={t('robots.inSystem')}
            offered={forSystem}
            chosen={inSystem}
            onChange={setInSystem}
          />
        </div>
      )}
      {nothing && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {t('robots.nothing')}
        </Text>
      )}
    </FormDialog>
  );
}

function ProjectNames(props: { value: string[]; onChange: (value: string[]) => void }) {
  const t = useT();
  const { data } = useQuery({
    queryKey: ['projects', 'names'],
    queryFn: () =>
      all((page) => api.GET('/projects', { params: { query: { page, page_size: 100 } } })),
  });
  return (
    <TagsInput
      label={t('robots.places')}
      data={(data ?? []).map((one) => one.name)}
      value={props.value}
      onChange={props.onChange}
    />
  );
}
