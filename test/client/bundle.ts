import { build } from 'esbuild';

/** The client in one script, as the global `client`, for an engine of `node:vm`. */
export async function bundleClient(contents: string, target: string): Promise<string> {
  const built = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'client',
    platform: 'neutral',
    target,
    conditions: ['@spendcap/source'],
  });
  return built.outputFiles[0]?.text ?? '';
}
