import { MantineProvider } from '@mantine/core';
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { Bars } from './Bars';

afterEach(cleanup);

describe('bars', () => {
  it('are a list to those who hear them, and in proportion to those who see them', () => {
    const { container } = render(
      <MantineProvider env="test">
        <Bars
          label="Freed"
          bars={[
            { key: 1, name: 'Monday', value: 50, text: '50 B' },
            { key: 2, name: 'Tuesday', value: 200, text: '200 B' },
            { key: 3, name: 'Wednesday', value: 0, text: '0 B' },
          ]}
        />
      </MantineProvider>,
    );
    const items = screen.getByRole('list', { name: 'Freed' }).children;
    expect([...items].map((item) => item.textContent)).toEqual([
      'Monday: 50 B',
      'Tuesday: 200 B',
      'Wednesday: 0 B',
    ]);
    const heights = [...container.querySelectorAll<HTMLElement>('li > span[aria-hidden]')].map(
      (bar) => bar.style.height,
    );
    expect(heights).toEqual(['25%', '100%', '0%']);
  });

  it('stand on the ground where all are nothing', () => {
    const { container } = render(
      <MantineProvider env="test">
        <Bars label="Freed" bars={[{ key: 1, name: 'Monday', value: 0, text: '0 B' }]} />
      </MantineProvider>,
    );
    expect(container.querySelector<HTMLElement>('li > span[aria-hidden]')?.style.height).toBe('0%');
  });
});
