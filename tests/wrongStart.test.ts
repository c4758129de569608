import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { runCroupier, startCroupier, temporaryFolder } from './croupierProcess.ts';

test('a busy port gets one clear sentence', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const ended = await runCroupier(['--port', String(port), '--data', folder.path]);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toMatch(new RegExp(`^croupier: PORT_BUSY: .*${port}`, 'm'));
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
});

test('an endpoint that does not answer gets one clear sentence', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const ended = await runCroupier([
    '--rpc',
    'http://127.0.0.1:9',
    '--port',
    '0',
    '--data',
    folder.path,
  ]);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('CHAIN_UNREACHABLE');
});

test('a second process on the same data folder is refused', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const first = startCroupier(['--no-demo', '--data', folder.path, '--port', '0']);
  onTestFinished(() => void first.child.kill('SIGKILL'));
  await first.prints('gateway');
  const second = await runCroupier(['--no-demo', '--data', folder.path, '--port', '0']);
  expect(second.stderr).toContain('DATA_FOLDER_BUSY');
  expect(second.code).toBe(1);
  first.child.kill('SIGTERM');
  expect(await first.ended).toMatchObject({ code: 0 });
});
