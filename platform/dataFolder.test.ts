import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockDataFolder, readProcessFile, writeProcessFile } from './dataFolder.ts';
import { startTestChild } from './testChild.ts';

const holder = new URL('./dataFolder.child.ts', import.meta.url);
const running = { url: 'http://127.0.0.1:4000', token: 'secret', pid: process.pid };

async function temporaryFolder(): Promise<string> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'folder-'));
  onTestFinished(() => fs.rm(folder, { recursive: true, force: true }));
  return folder;
}

async function lock(folder: string) {
  const held = await lockDataFolder(folder);
  onTestFinished(() => held.release());
  return held;
}

test('lockDataFolder() makes a folder that only its user can read', async () => {
  const folder = path.join(await temporaryFolder(), 'deep', 'data');
  await lock(folder);
  expect((await fs.stat(folder)).mode & 0o777).toBe(0o700);
});

test('lockDataFolder() refuses a second holder in the same process until the first releases', async () => {
  const folder = await temporaryFolder();
  const first = await lock(folder);
  await expect(lockDataFolder(folder)).rejects.toMatchObject({ code: 'DATA_FOLDER_BUSY' });
  await first.release();
  await lock(folder);
});

test('lockDataFolder() refuses a folder that another process holds, names both, and gets it after kill -9', async () => {
  const folder = await temporaryFolder();
  const child = startTestChild(holder, [folder]);
  try {
    expect(await child.nextLine()).toBe('locked');
    const error = await lockDataFolder(folder).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'DATA_FOLDER_BUSY', errorClass: 'final' });
    expect(String(error)).toContain(folder);
    expect(String(error)).toContain('http://127.0.0.1:1');
    expect(String(error)).not.toContain('secret');
  } finally {
    await child.kill();
  }
  await lock(folder);
  expect(await readProcessFile(folder)).toBeUndefined();
});

test('lockDataFolder() says in one sentence that a path cannot be a folder', async () => {
  const file = path.join(await temporaryFolder(), 'file');
  await fs.writeFile(file, '');
  await expect(lockDataFolder(file)).rejects.toMatchObject({
    code: 'DATA_FOLDER_UNUSABLE',
    errorClass: 'final',
  });
});

test('lockDataFolder() says in one sentence that its lock file is something else', async () => {
  const folder = await temporaryFolder();
  await fs.writeFile(path.join(folder, 'lock.sqlite'), 'this is text and no database'.repeat(100));
  await expect(lockDataFolder(folder)).rejects.toMatchObject({ code: 'DATA_FOLDER_UNUSABLE' });
});

test('writeProcessFile() is read back, is private, and goes with a clean shutdown', async () => {
  const folder = await temporaryFolder();
  const held = await lock(folder);
  await writeProcessFile(folder, { ...running, pid: 1 });
  await writeProcessFile(folder, running);
  expect(await readProcessFile(folder)).toEqual(running);
  expect((await fs.stat(path.join(folder, 'process.json'))).mode & 0o777).toBe(0o600);
  await held.release();
  expect(await readProcessFile(folder)).toBeUndefined();
});
