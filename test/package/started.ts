import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What `npx @spendcap/sandbox` prints until the shop is open, and the files of its page. */
export async function startSandbox(folder: string) {
  // A variable of the workspace would make it run on the sources.
  const { NODE_OPTIONS: _, ...env } = process.env;
  const program = join(folder, 'node_modules', '.bin', 'sandbox');
  const child = spawn(program, ['--port', '0'], { cwd: folder, env });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      printed += text;
    });
  }
  const exited = once(child, 'exit');
  try {
    while (!printed.includes('Ctrl-C')) {
      if (child.exitCode !== null) throw new Error(printed);
      await Promise.race([once(child.stdout, 'data'), exited]);
    }
    const [, url = ''] = /The shop is open: +(\S+)/.exec(printed) ?? [];
    return { printed, files: await filesOf(url) };
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

/** The status of a page and of every file that it or its modules load, by path. */
async function filesOf(url: string): Promise<ReadonlyMap<string, number>> {
  const statuses = new Map<string, number>();
  const open = [url];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (statuses.has(file)) continue;
    const response = await fetch(file);
    statuses.set(file, response.status);
    const isCode = /html|javascript/.test(response.headers.get('content-type') ?? '');
    const text = isCode ? await response.text() : '';
    const imports = text.matchAll(/(?: from |import |import\(|src=|href=)["']([^"'#]+)["']/g);
    // A bare name would fail in a browser as it does here: as a path that is not there.
    for (const [, name = ''] of imports) open.push(new URL(name, file).href);
  }
  return statuses;
}
