import { afterEach, describe, expect, it } from 'vitest';
import { initialScene, NO_FILTERS, type Route } from '../url/route';
import { canSave, deleteView, readViews, renameView, saveView } from './saved';

const failed: Route = {
  page: 'scene',
  ...initialScene('s/1'),
  filters: { ...NO_FILTERS, status: 'failed', meta: ['a=b'] },
};
const home: Route = { page: 'home', id: 'x?y&z', filters: { ...NO_FILTERS, from: '1h' } };
const stored = () => readViews(localStorage.getItem('linkloom.views'));

afterEach(() => {
  for (const { name } of stored()) deleteView(name);
});

describe('saved views', () => {
  it('come back from the browser as they were, newest first', () => {
    saveView(' late ', failed);
    saveView('mine', home);
    expect(stored()).toEqual([
      { name: 'mine', route: home },
      { name: 'late', route: failed },
    ]);
  });

  it('under a name that is taken replace what had it', () => {
    saveView('one', failed);
    saveView('two', home);
    saveView('one', home);
    expect(stored().map((view) => [view.name, view.route.page])).toEqual([
      ['two', 'home'],
      ['one', 'home'],
    ]);
    renameView('two', 'one');
    expect(stored().map((view) => view.name)).toEqual(['one']);
    renameView('one', '  ');
    deleteView('none');
    expect(stored().map((view) => view.name)).toEqual(['one']);
    deleteView('one');
    expect(stored()).toEqual([]);
  });

  it('are lists only', () => {
    expect(canSave({ page: 'home', id: '', filters: NO_FILTERS })).toBe(false);
    expect(canSave({ page: 'scene', ...initialScene('s'), tab: 'graph' })).toBe(false);
    saveView('x', { page: 'scenes' });
    saveView('', failed);
    expect(stored()).toEqual([]);
  });

  it('that somebody else wrote into the browser are left out when they are none', () => {
    const odd = [
      null,
      7,
      {},
      { name: 'script', url: 'javascript:alert(1)' },
      { name: 'elsewhere', url: 'https://example.org/?id=1' },
      { name: '', url: './?id=1' },
      { name: 'good', url: './?id=1' },
    ];
    expect(readViews(JSON.stringify(odd)).map((view) => view.name)).toEqual(['good']);
    expect([readViews('{'), readViews('{}'), readViews(null)]).toEqual([[], [], []]);
  });
});
