import { expect, onTestFinished, test, vi } from 'vitest';
import {
  expectWhole,
  runCroupier,
  sqlRows,
  startCroupier,
  summaryOf,
  temporaryFolder,
} from './croupierProcess.ts';

test('--bets N plays N bets, all final in every store, and ends with a summary', async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const ended = await runCroupier([
    '--bets',
    '300',
    '--json',
    '--data',
    folder.path,
    '--port',
    '0',
  ]);
  expectWhole(ended, 300);
  expect(summaryOf(ended).refused).toBeGreaterThan(0);
});

test('commands reach the running process and, when it has ended, the folder', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const dev = startCroupier(['--data', folder.path, '--port', '0']);
  onTestFinished(() => void dev.child.kill('SIGKILL'));
  await dev.prints('final');
  const played = async () =>
    (
      await sqlRows(folder.path, 'SELECT ref_bet AS ref, player FROM final_bet_book_played LIMIT 1')
    )[0];
  const { ref, player } = (await vi.waitUntil(played, { timeout: 60_000, interval: 500 })) as {
    ref: string;
    player: string;
  };

  const running = await runCroupier(['trace', ref, '--json', '--data', folder.path]);
  const trace = JSON.parse(running.stdout);
  expect(trace.bet.player).toBe(player);
  expect(trace.actions.map(({ action }: { action: string }) => action)).toEqual(['bet', 'win']);
  for (const action of trace.actions) {
    expect(action).toMatchObject({
      final: true,
      request: { status: 200 },
      item: { state: 'final' },
    });
    expect(action.transaction.block).toBeGreaterThan(0);
    expect(action.events[0]).toMatchObject({ event: 'Played', sign: 1 });
    expect(action.entries.length).toBeGreaterThan(0);
  }

  const session = await runCroupier([
    'session',
    'open',
    '--player',
    player,
    '--json',
    '--data',
    folder.path,
  ]);
  expect(JSON.parse(session.stdout)).toMatchObject({ player });

  dev.child.kill('SIGINT');
  expect(await dev.ended).toMatchObject({ code: 0 });

  const offline = await runCroupier(['trace', ref, '--data', folder.path]);
  expect(offline.stdout).toContain('finality     final');
  expect(offline.code).toBe(0);
  const unknown = await runCroupier(['trace', 'no-such-bet', '--data', folder.path]);
  expect(unknown.stderr).toContain('TRACE_UNKNOWN_ID');
  expect(unknown.code).toBe(1);
});

test('every command has --help, and wrong options get one clear sentence', async () => {
  for (const command of [[], ['dev'], ['trace'], ['session'], ['session', 'open'], ['sql']]) {
    const ended = await runCroupier([...command, '--help']);
    expect(ended.stdout).toContain('Usage: croupier');
    expect(ended.code).toBe(0);
  }
  const wrong = await runCroupier(['--bets', 'many']);
  expect(wrong.stderr).toContain('Got many, expected a whole number');
  expect(wrong.code).not.toBe(0);
});
