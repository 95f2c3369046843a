#!/usr/bin/env node
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [needed = 0, neededMinor = 0] = engines.node.replace('>=', '').split('.').map(Number);

// Before anything is imported that an older Node.js does not have.
if (major < needed || (major === needed && minor < neededMinor)) {
  process.stderr.write(`sandbox: Node.js ${engines.node} is required, not ${process.version}\n`);
  process.exitCode = 2;
} else {
  await import('./start.ts');
}
