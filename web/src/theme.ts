/**
 * Berth's face: one accent, and colours whose contrast is at least 4.5:1 on both themes.
 *
 * Mantine's own light variants and dimmed texts are fainter than that; they are set here.
 */
import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
} from '@mantine/core';

const harbour: MantineColorsTuple = [
  '#e6f6fb',
  '#cfe9f2',
  '#9fd3e4',
  '#6bbcd6',
  '#43a9ca',
  '#2a9cc2',
  '#1584a9',
  '#0e6f90',
  '#0f5c7a',
  '#0a4a63',
];

export const theme = createTheme({
  primaryColor: 'harbour',
  primaryShade: { light: 8, dark: 7 },
  colors: { harbour },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono", monospace',
  headings: { fontWeight: '650' },
  components: {
    Anchor: { defaultProps: { inherit: true } },
    // A state that is cut off says nothing.
    Badge: { defaultProps: { miw: 'max-content' } },
    // The head of a dialog is no second head of the page.
    Modal: { defaultProps: { attributes: { header: { role: 'none' } } } },
  },
  variantColorResolver: (input) => {
    const found = defaultVariantColorsResolver(input);
    const color = input.color ?? input.theme.primaryColor;
    const shade = (step: number) => `var(--mantine-color-${color}-${step})`;
    if (!(color in input.theme.colors)) return found;
    if (input.variant === 'light') {
      return {
        ...found,
        background: `light-dark(${shade(0)}, color-mix(in srgb, ${shade(9)} 35%, transparent))`,
        hover: `light-dark(${shade(1)}, color-mix(in srgb, ${shade(9)} 55%, transparent))`,
        color: `light-dark(color-mix(in srgb, ${shade(9)} ${color === 'yellow' ? 60 : 85}%, black), ${shade(2)})`,
      };
    }
    if (input.variant === 'subtle' || input.variant === 'transparent') {
      return { ...found, color: `light-dark(${shade(9)}, ${shade(3)})` };
    }
    if (input.variant === 'filled' && color !== input.theme.primaryColor) {
      return { ...found, background: `color-mix(in srgb, ${shade(9)} 90%, black)`, color: '#fff' };
    }
    return found;
  },
});

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#51595f',
    '--mantine-color-placeholder': '#666e75',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#0b5875',
    '--mantine-color-body': '#ffffff',
    '--berth-canvas': '#f6f8fa',
    '--berth-code': '#e9edf1',
  },
  dark: {
    '--mantine-color-dimmed': '#adb5bd',
    '--mantine-color-placeholder': '#9aa2a9',
    '--mantine-color-error': '#ffa8a2',
    '--mantine-color-anchor': '#7fcbe3',
    '--berth-canvas': '#1b1c1f',
    '--berth-code': '#101113',
  },
});
