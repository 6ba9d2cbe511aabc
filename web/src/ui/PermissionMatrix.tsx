/** Permissions to choose, a row for each resource. */
import { Button, Checkbox, Group, ScrollArea, Table } from '@mantine/core';
import { useI18n } from '../i18n';
import { keyOf, type Pair, preset, rowsOf } from '../lib/permissions';

interface Props {
  label: string;
  offered: Pair[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: Set<string>) => void;
  presets?: boolean;
}

export function PermissionMatrix({ label, offered, chosen, onChange, presets }: Props) {
  const { t, word } = useI18n();
  const toggle = (key: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(key);
    else next.delete(key);
    onChange(next);
  };
  return (
    <div>
      <Group gap="xs" mb="xs">
        {presets && (
          <>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => onChange(preset('pull', offered))}
            >
              {t('robots.presetPull')}
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => onChange(preset('push', offered))}
            >
              {t('robots.presetPush')}
            </Button>
          </>
        )}
        <Button
          size="compact-xs"
          variant="default"
          onClick={() => onChange(new Set(offered.map(keyOf)))}
        >
          {t('robots.presetAll')}
        </Button>
        <Button size="compact-xs" variant="default" onClick={() => onChange(new Set())}>
          {t('robots.presetNone')}
        </Button>
      </Group>
      <ScrollArea.Autosize
        mah={320}
        type="auto"
        className="surface"
        tabIndex={0}
        role="region"
        aria-label={label}
      >
        <Table aria-label={label} verticalSpacing={4} fz="sm">
          <Table.Tbody>
            {rowsOf(offered).map(({ resource, actions }) => (
              <Table.Tr key={resource}>
                <Table.Th scope="row" fw={500}>
                  {word('resources', resource)}
                </Table.Th>
                <Table.Td>
                  <Group gap="sm">
                    {actions.map((action) => {
                      const key = keyOf({ resource, action });
                      return (
                        <Checkbox
                          key={key}
                          size="xs"
                          label={word('actions', action)}
                          aria-label={`${word('resources', resource)}: ${word('actions', action)}`}
                          checked={chosen.has(key)}
                          onChange={(event) => toggle(key, event.currentTarget.checked)}
                        />
                      );
                    })}
                  </Group>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
    </div>
  );
}
