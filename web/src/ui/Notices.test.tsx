/** What went wrong is said in the language of the page. */
import { MantineProvider } from '@mantine/core';
import { cleanup, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf } from '../api/errors';
import { I18nProvider } from '../i18n';
import { en } from '../i18n/en';
import { zh } from '../i18n/zh';
import { Failure } from './Notices';

function show(language: 'en' | 'zh', status: number, error: object) {
  render(
    <I18nProvider language={language} texts={language === 'zh' ? zh : en}>
      <MantineProvider env="test">
        <Failure error={failureOf(status, { errors: [error] }, null)} />
      </MantineProvider>
    </I18nProvider>,
  );
  return screen.getByRole('alert').textContent;
}

afterEach(cleanup);

describe('a failure', () => {
  const rule = {
    code: 'BAD_REQUEST',
    message: 'line 1, column 12: a value is missing before the end',
    detail: { reason: 'rule_value_missing', found: '', line: '1', column: '12' },
  };

  it('is said by its reason in every language', () => {
    expect(show('zh', 400, rule)).toContain('第 1 行第 12 列：末尾 之前缺少一个值');
    cleanup();
    expect(show('en', 400, rule)).toContain(rule.message);
  });

  it('has a title in the language of the page, and the words of the server below', () => {
    const taken = { code: 'CONFLICT', message: 'project a exists already' };
    const alert = show('zh', 409, taken);
    expect(alert).toContain('已存在或正在使用');
    expect(screen.getByText(taken.message).getAttribute('lang')).toBe('en');
  });

  it('of which nothing is known has the words of the server', () => {
    const strange = { code: 'NEW', message: 'something new', detail: { reason: 'brand_new' } };
    expect(show('en', 418, strange)).toContain('something new');
  });
});
