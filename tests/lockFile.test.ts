import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8'),
);

test('the lock file names no download host', () => {
  const resolved = Object.values(lock.packages).flatMap((entry) => entry.resolved ?? []);
  expect(resolved).toEqual([]);
});

// A registry that does not carry the binaries of other platforms lets `npm install` drop them from the
// lock file in silence, and `npm ci` then refuses it.
test('the lock file has the binaries of every platform', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) =>
        !(
          `${path}/node_modules/${name}` in lock.packages || `node_modules/${name}` in lock.packages
        ),
    ),
  );
  expect(missing).toEqual([]);
});
