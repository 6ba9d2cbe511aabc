/**
 * Amounts over time as bars. Those who hear the page hear a list of them; on the screen each says
 * its amount when pointed at, and the highest is written beside the scale.
 */
import { Group, Text, VisuallyHidden } from '@mantine/core';

export interface Bar {
  key: string | number;
  /** When it was. */
  name: string;
  value: number;
  /** The amount in words. */
  text: string;
}

export function Bars({ label, bars }: { label: string; bars: Bar[] }) {
  const most = bars.reduce((found, bar) => (bar.value > found.value ? bar : found), bars[0] as Bar);
  const first = bars.at(0);
  const last = bars.at(-1);
  return (
    <figure className="surface bars">
      <Group justify="space-between" gap="sm" mb="xs" component="figcaption">
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <Text size="sm" c="dimmed" className="tabular" aria-hidden>
          ▲ {most?.text}
        </Text>
      </Group>
      <ol aria-label={label}>
        {bars.map((bar) => (
          <li key={bar.key} title={`${bar.name}: ${bar.text}`}>
            <VisuallyHidden>{`${bar.name}: ${bar.text}`}</VisuallyHidden>
            <span
              aria-hidden
              style={{ height: `${most.value > 0 ? (100 * bar.value) / most.value : 0}%` }}
            />
          </li>
        ))}
      </ol>
      <Group justify="space-between" gap="sm" aria-hidden>
        <Text size="xs" c="dimmed">
          {first?.name}
        </Text>
        {last !== first && (
          <Text size="xs" c="dimmed">
            {last?.name}
          </Text>
        )}
      </Group>
    </figure>
  );
}
