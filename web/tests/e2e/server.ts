/** A server of one's own: the real binary on an empty data folder. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const ADMIN = { name: 'admin', password: 'Choose-1-yourself' };

function inherited(): Record<string, string | undefined> {
  const all = Object.entries(process.env);
  return Object.fromEntries(all.filter(([name]) => !name.startsWith('BERTH_')));
}

export class Server {
  private constructor(
    private readonly process: ChildProcess,
    private readonly binary: string,
    private readonly data: string,
    readonly url: string,
  ) {}

  get host(): string {
    return new URL(this.url).host;
  }

  static async start(): Promise<Server> {
    const binary = process.env.BERTH_TEST_BINARY ?? resolve('../target/debug/berth');
    const data = mkdtempSync(join(tmpdir(), 'berth-portal-'));
    const child = spawn(binary, ['--data', data, 'serve', '--listen', '127.0.0.1:0'], {
      // Variables named BERTH_… are configuration, and this server has its own.
      env: {
        ...inherited(),
        BERTH_ADMIN_PASSWORD: ADMIN.password,
        BERTH_EGRESS__ALLOW: '127.0.0.0/8',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (bytes: Buffer) => {
      log = (log + bytes.toString()).slice(-4000);
    });
    const url = await new Promise<string>((found, failed) => {
      let said = '';
      child.stdout.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        const ready = /ready at (http\S+)/.exec(said);
        if (ready?.[1]) found(ready[1]);
      });
      child.on('error', failed);
      child.on('exit', (code) => failed(new Error(`the server ended with ${code}:\n${log}`)));
    });
    return new Server(child, binary, data, url);
  }

  async stop(): Promise<void> {
    const over = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    await over;
    rmSync(this.data, { recursive: true, force: true });
  }

  /** Runs the program beside the server, on the same data. */
  run(...args: string[]): void {
    execFileSync(this.binary, ['--data', this.data, ...args], { env: inherited() });
  }

  /** Calls the API as the administrator; fails unless it works. */
  async api(method: string, path: string, body?: unknown): Promise<unknown> {
    const login = Buffer.from(`${ADMIN.name}:${ADMIN.password}`).toString('base64');
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Basic ${login}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
  }
}
