/** A few facts side by side, each below its name. */
import { Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';

export function Facts({ facts }: { facts: [label: string, value: ReactNode][] }) {
  return (
    <Group component="dl" m={0} gap="sm" align="flex-start">
      {facts.map(([label, value]) => (
        <div key={label} style={{ marginInlineEnd: '1rem' }}>
          <Text component="dt" size="xs" c="dimmed">
            {label}
          </Text>
          <Text component="dd" size="sm" m={0} className="break">
            {value}
          </Text>
        </div>
      ))}
    </Group>
  );
}
