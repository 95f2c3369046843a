import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../scripts/packages.ts';

/** What the Dockerfile's last stage says, with its line breaks joined. */
function instructions(): ReadonlyMap<string, string> {
  const text = readFileSync(join(ROOT, 'docker', 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');
  const lines = text.slice(text.lastIndexOf('FROM')).split('\n');
  return new Map(lines.map((line) => [line.split(' ')[0] ?? '', line.replace(/^\w+ /, '')]));
}

export interface ContainerRun {
  readonly user: string | undefined;
  /** Status of the path that the health check requests. */
  readonly health: number;
  readonly exitCode: number | null;
  readonly output: string;
}

/**
 * Starts the entry point with the default command as the container would, with the packages that
 * are installed in a folder in place of `/app`, on any free port.
 */
export async function runAsContainer(installed: string, data: string): Promise<ContainerRun> {
  const file = instructions();
  const list = (name: string): string[] => JSON.parse(file.get(name) ?? '[]');
  const [program = '', ...args] = [...list('ENTRYPOINT'), ...list('CMD')].map((word) =>
    word.replace(/^\/app\//, `${installed}/`).replace(/^8787$/, '0'),
  );
  mkdirSync(data);
  writeFileSync(join(data, 'spendcap.json'), readFileSync(join(ROOT, 'docker/spendcap.json')));
  const child = spawn(program, args, {
    cwd: data,
    env: {
      PATH: `${join(ROOT, 'node_modules', '.bin')}:${process.env.PATH}`,
      SPENDCAP_API_KEYS: 'an-example-key-of-a-test',
      SPENDCAP_STORE: 'sqlite:ledger.db',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const exited = once(child, 'exit');
  while (!output.includes('listening')) {
    if (child.exitCode !== null) throw new Error(output);
    await Promise.race([once(child.stdout, 'data'), exited]);
  }
  const [, port] = /listening on http:\S+:(\d+)/.exec(output) ?? [];
  const [, path] = /http:\/\/127\.0\.0\.1:8787(\S+)/.exec(file.get('HEALTHCHECK') ?? '') ?? [];
  const { status } = await fetch(`http://127.0.0.1:${port}${path}`);
  child.kill('SIGTERM');
  const [exitCode] = await exited;
  return { user: file.get('USER'), health: status, exitCode, output };
}
