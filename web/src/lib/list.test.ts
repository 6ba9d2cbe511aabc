import { describe, expect, it } from 'vitest';
import { containing, plain, readSearch, tidySearch } from './list';

describe('readSearch', () => {
  it('falls back on what makes no sense', () => {
    expect(readSearch({ page: -3, size: 'x', sort: 7 })).toEqual({
      page: 1,
      size: 15,
      sort: undefined,
      filters: {},
    });
  });

  it('takes a filter of digits for a text', () => {
    expect(readSearch({ name: 123 }).filters).toEqual({ name: '123' });
  });

  it('never asks for more than the server gives', () => {
    expect(readSearch({ size: 5000 }).size).toBe(100);
  });
});

describe('tidySearch', () => {
  it('drops what is empty and what is so anyway', () => {
    expect(tidySearch({ page: 1, size: 15, name: '', sort: '-name', x: undefined })).toEqual({
      sort: '-name',
    });
  });
});

describe('containing', () => {
  it('joins conditions and leaves out empty ones', () => {
    expect(containing({ name: 'app', tag: '' })).toBe('name=~app');
    expect(containing({ a: '1', b: '2' })).toBe('a=~1,b=~2');
    expect(containing({ name: ' ' })).toBeUndefined();
  });

  it('lets nobody write conditions into a value', () => {
    expect(plain('a,b=~c')).toBe('a b  c');
  });
});
