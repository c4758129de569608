import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type AuditResult, audit } from '../cli/audit/audit.ts';
import type { Mismatch } from '../cli/audit/mismatch.ts';
import { DEFAULT_CONFIG } from '../cli/contractsConfig.ts';
import { runDemo } from '../cli/demo/demo.ts';
import { createDevClients, mintToPlayers } from '../cli/deployment.ts';
import { type Stack, startStack } from '../cli/stack.ts';
import { systemClock } from '../platform/clock.ts';

const BETS = 60;
const SEED = 'audit-test';
const START_TIMEOUT_MS = 60_000;
const FINAL_TIMEOUT_MS = 60_000;

let folder: string;
let stack: Stack;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'croupier-audit-'));
  stack = await startStack({
    dataFolder: folder,
    port: 0,
    configPath: DEFAULT_CONFIG,
    say: () => {},
  });
  const { id, facts } = stack.deployment();
  await runDemo({
    baseUrl: stack.url,
    credentials: stack.demoCredentials,
    recordPath: join(folder, 'demo.sqlite'),
    seed: SEED,
    playerCount: 20,
    bets: BETS,
    chain: { deployment: id, ...facts },
    chainTimeS: async () => {
      return Number((await createDevClients(stack.chain).publicClient.getBlock()).timestamp);
    },
    faucet: (players, amountUnits) => mintToPlayers(stack.chain, facts.token, players, amountUnits),
    clock: systemClock,
    signal: new AbortController().signal,
  });
  await vi.waitFor(async () => expect(await stack.unfinal()).toBe(0), {
    timeout: FINAL_TIMEOUT_MS,
    interval: 100,
  });
}, START_TIMEOUT_MS + FINAL_TIMEOUT_MS);

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

function auditStack(): Promise<AuditResult> {
  const { id, facts } = stack.deployment();
  return audit({
    deployment: { deployment: id, ...facts },
    rpcUrl: stack.chain.rpcUrl,
    recordPath: join(folder, 'demo.sqlite'),
    ledgerPath: join(folder, 'ledger.sqlite'),
    query: (sql) => stack.warehouse.query(sql),
    bus: stack.bus,
    partitions: facts.partitions,
  });
}

/** Runs a statement on a file of the data folder, behind the back of the process that owns it. */
function tamper(file: string, sql: string, ...values: (string | number)[]): void {
  const database = new DatabaseSync(join(folder, file), { timeout: 5_000 });
  try {
    expect(database.prepare(sql).run(...values).changes).toBe(1);
  } finally {
    database.close();
  }
}

function rowOf(file: string, sql: string): Record<string, unknown> {
  const database = new DatabaseSync(join(folder, file), { readOnly: true });
  try {
    return { ...database.prepare(sql).get() };
  } finally {
    database.close();
  }
}

/** Does a change, expects all that it makes wrong to be named so, and takes it back. */
async function expectNamed(
  change: () => unknown,
  undo: () => unknown,
  named: Partial<Mismatch>[],
): Promise<void> {
  await change();
  try {
    const { mismatches } = await auditStack();
    expect(mismatches).toEqual(named.map((mismatch) => expect.objectContaining(mismatch)));
  } finally {
    await undo();
  }
  expect((await auditStack()).mismatches).toEqual([]);
}

test('an honest run has no mismatch, and every store has every bet', async () => {
  const { counts, mismatches } = await auditStack();
  expect(mismatches).toEqual([]);
  const { refused, ...rest } = counts;
  expect(refused).toBeGreaterThanOrEqual(0);
  expect(rest).toEqual({
    accepted: BETS,
    landed: BETS,
    rejected: 0,
    final: BETS,
    warehouse: BETS,
    bus: BETS,
    mirrored: BETS,
  });
});

test("an account's balance that was changed in the ledger is named", async () => {
  const { player, spendable } = rowOf('ledger.sqlite', 'SELECT * FROM account LIMIT 1');
  const set = (value: string) => {
    tamper(
      'ledger.sqlite',
      'UPDATE account SET spendable = ? WHERE player = ?',
      value,
      `${player}`,
    );
  };
  const got = `${BigInt(`${spendable}`) + 1n}`;
  await expectNamed(
    () => set(got),
    () => set(`${spendable}`),
    [
      {
        store: 'ledger',
        key: `account ${player}`,
        field: 'spendable',
        expected: `${spendable}`,
        got,
      },
    ],
  );
});

test('an entry that was changed in the ledger is named', async () => {
  const { entry, amount, event_id, account } = rowOf(
    'ledger.sqlite',
    `SELECT * FROM entry WHERE event = 'Played' AND account LIKE 'seat:%' LIMIT 1`,
  );
  const set = (value: string) => {
    tamper('ledger.sqlite', 'UPDATE entry SET amount = ? WHERE entry = ?', value, Number(entry));
  };
  const got = `${BigInt(`${amount}`) + 1n}`;
  await expectNamed(
    () => set(got),
    () => set(`${amount}`),
    [
      {
        store: 'ledger',
        key: `entry ${event_id} ${account}`,
        field: 'amount',
        expected: `${amount}`,
        got,
      },
    ],
  );
});

test('an answer that was changed in the ledger is named', async () => {
  const { idempotency_key, answer_body } = rowOf('ledger.sqlite', 'SELECT * FROM request LIMIT 1');
  const key = `${idempotency_key}`;
  const set = (body: string) => {
    const sql = 'UPDATE request SET answer_body = ? WHERE idempotency_key = ?';
    tamper('ledger.sqlite', sql, body, key);
  };
  await expectNamed(
    () => set(`${answer_body} `),
    () => set(`${answer_body}`),
    [{ store: 'ledger', key: `request ${key}`, field: 'answer_body', got: `${answer_body} ` }],
  );
});

test('a warehouse row that was changed is named', async () => {
  const [row] = await stack.warehouse.query<{ block_hash: string; log_index: number }>(
    'SELECT block_hash, log_index FROM bet_book_played LIMIT 1',
  );
  const add = (units: string) => {
    return stack.warehouse.command(
      `ALTER TABLE bet_book_played UPDATE payout = payout ${units}
       WHERE block_hash = '${row?.block_hash}' AND log_index = ${row?.log_index}
       SETTINGS mutations_sync = 1`,
    );
  };
  const key = `bet_book_played ${row?.block_hash}:${row?.log_index}`;
  await expectNamed(
    () => add('+ 1'),
    () => add('- 1'),
    [{ store: 'warehouse', key, field: 'payout' }],
  );
});

test('a bus message that was changed is named', async () => {
  const { partition, offset, value } = rowOf(
    'bus.sqlite',
    `SELECT * FROM message WHERE topic = 'croupier.chain' AND value LIKE '%"bet.played"%' LIMIT 1`,
  );
  const set = (text: string) => {
    const sql = `UPDATE message SET value = ? WHERE topic = 'croupier.chain' AND partition = ? AND offset = ?`;
    tamper('bus.sqlite', sql, text, Number(partition), Number(offset));
  };
  const message = JSON.parse(`${value}`);
  const stake = `${BigInt(message.args.stake) + 1n}`;
  const changed = JSON.stringify({ ...message, args: { ...message.args, stake } });
  await expectNamed(
    () => set(changed),
    () => set(`${value}`),
    [
      {
        store: 'bus',
        key: `croupier.chain/${partition}@${offset}`,
        field: 'args.stake',
        expected: message.args.stake,
        got: stake,
      },
    ],
  );
});
