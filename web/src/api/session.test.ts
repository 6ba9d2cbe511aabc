import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { begin, logIn, PROOF, send, session } from './session';

const USER = { user_id: 2, username: 'jane' };

/** A server of one session. */
function server() {
  const state = { alive: true, proof: 'one', seen: [] as Request[] };
  const answer = (body: unknown, status: number, proved: boolean) =>
    new Response(JSON.stringify(body), {
      status,
      headers: proved ? { [PROOF]: state.proof } : {},
    });
  vi.stubGlobal('fetch', async (request: Request) => {
    state.seen.push(request);
    if (request.url.endsWith('/c/login')) {
      state.alive = true;
      state.proof = 'two';
      return answer({}, 200, true);
    }
    const { alive } = state;
    if (alive && request.method !== 'GET' && request.headers.get(PROOF) !== state.proof) {
      return answer({ errors: [{ code: 'FORBIDDEN', message: PROOF }] }, 403, true);
    }
    if (request.url.endsWith('/users/current')) {
      return alive ? answer(USER, 200, true) : answer({}, 401, false);
    }
    return alive ? answer({ ok: true }, 200, true) : answer({}, 200, false);
  });
  return state;
}

const change = () =>
  new Request('http://localhost/api/v2.0/labels', { method: 'POST', body: '{}' });

describe('a session', () => {
  let state: ReturnType<typeof server>;
  beforeEach(async () => {
    vi.stubGlobal('location', { href: 'http://localhost/' });
    state = server();
    await begin();
  });
  afterEach(() => vi.unstubAllGlobals());

  it('knows who is logged in and proves its changes', async () => {
    expect(session.get().user?.username).toBe('jane');
    expect((await send(change())).status).toBe(200);
    expect(state.seen.at(-1)?.headers.get(PROOF)).toBe('one');
  });

  it('that is over waits for a login and sends again what was asked', async () => {
    state.alive = false;
    const waiting = send(change());
    await vi.waitFor(() => expect(session.get().expired).toBe(true));
    await logIn('jane', 'Choose-1-yourself');
    expect((await waiting).status).toBe(200);
    expect(session.get().expired).toBe(false);
    expect(state.seen.at(-1)?.headers.get(PROOF)).toBe('two');
  });

  it('that another tab renewed goes on with the new proof', async () => {
    state.proof = 'of another tab';
    expect((await send(change())).status).toBe(200);
  });
});
