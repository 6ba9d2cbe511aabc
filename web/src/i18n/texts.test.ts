/** Every text is there in every language, asks for the same values, and none stands in the code. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { en } from './en';
import { type Area, fill, placeholders } from './translate';
import { zh } from './zh';

const AREAS = Object.keys(en) as Area[];

describe('texts', () => {
  it.each(AREAS)('of %s ask for the same values in every language', (area) => {
    const english = en[area] as Record<string, string>;
    const chinese = zh[area] as Record<string, string>;
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
    for (const [key, text] of Object.entries(english)) {
      const other = chinese[key] ?? '';
      expect(other.trim(), `${area}.${key} is empty`).not.toBe('');
      expect(placeholders(other), `${area}.${key}`).toEqual(placeholders(text));
    }
  });

  it('have a form for one and a form for more', () => {
    expect(fill('{count} tag|{count} tags', { count: 1 }, 'en-GB')).toBe('1 tag');
    expect(fill('{count} tag|{count} tags', { count: 1200 }, 'en-GB')).toBe('1,200 tags');
    expect(fill('{count} 个标签', { count: 3 }, 'zh-CN')).toBe('3 个标签');
  });
});

/** Attributes that people read. */
const READ = new Set([
  'label',
  'title',
  'placeholder',
  'description',
  'aria-label',
  'alt',
  'error',
]);
/** Words that are the same in every language. */
const NAMES = new Set(['Berth', 'https://', '+', '—', '·', '…', ':', ',']);

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith('.tsx') && !path.endsWith('.test.tsx') ? [path] : [];
  });
}

/** Texts for people that stand in a file instead of in the catalog. */
function hardCoded(path: string, code: string): string[] {
  const file = ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const judge = (text: string) => {
    const trimmed = text.trim();
    if (/\p{L}/u.test(trimmed) && !NAMES.has(trimmed)) found.push(`${path}: ${trimmed}`);
  };
  const visit = (node: ts.Node) => {
    if (ts.isJsxText(node)) judge(node.text);
    if (ts.isJsxAttribute(node) && READ.has(node.name.getText(file))) {
      if (node.initializer && ts.isStringLiteral(node.initializer)) judge(node.initializer.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

describe('code', () => {
  it('has no text of its own', () => {
    const found = sources('src').flatMap((path) => hardCoded(path, readFileSync(path, 'utf8')));
    expect(found).toEqual([]);
  });

  it('would be caught', () => {
    expect(hardCoded('a.tsx', '<p title="Delete it">Hello</p>')).toHaveLength(2);
    expect(hardCoded('a.tsx', '<p>{t("common.save")}</p>')).toEqual([]);
  });
});
