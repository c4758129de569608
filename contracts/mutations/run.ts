// `npm run test:mutations`: puts one bug after the other into the contracts and expects red.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CroupierError } from '../../platform/errors.ts';
import { compileContracts } from '../compile.ts';
import { type Builder, type Bytecodes, COMPILERS, createBuilder } from './build.ts';
import { MUTATIONS } from './list/all.ts';
import { KILLERS, type Killer, type Mutation } from './mutation.ts';
import { readProgress } from './progress.ts';
import { buildCampaign, fileOf, isCampaign, type Red, runTest } from './red.ts';
import { type Outcome, resultOf } from './result.ts';
import { createWorkspace, ROOT, type Workspace } from './workspace.ts';

const RESULT = join(import.meta.dirname, 'RESULT.md');
const HELP = `npm run test:mutations [-- --only PART]

Puts one bug after the other into a copy of the contracts and runs the tests until one is red. Exits
with 1 when a bug is not found, or cannot be put in. A complete run writes contracts/mutations/RESULT.md.
What an earlier run found is taken over, as long as neither the mutated contract nor the test changed.

  --only PART   only mutations whose name or file has PART in it, all of them anew; writes no result
  --help        this text
`;

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, help: { type: 'boolean' } },
});
if (options.help) {
  process.stdout.write(HELP);
} else {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    process.exitCode = (await runMutations(options.only, stop.signal)) ? 0 : 1;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    process.stderr.write('stopped\n');
    process.exitCode = 130;
  }
}

/** Whether all were found. */
async function runMutations(only: string | undefined, signal: AbortSignal): Promise<boolean> {
  const selected = MUTATIONS.filter(
    ({ name, file }) => only === undefined || name.includes(only) || file.includes(only),
  );
  if (selected.length === 0) {
    process.stderr.write(`got --only ${only}, expected a part of a mutation's name or file\n`);
    return false;
  }
  await compileContracts({ tests: true });
  const progress = await readProgress();
  const workspace = await createWorkspace();
  let builder: Builder | undefined;
  try {
    builder = await createBuilder(signal);
    const judge = createJudge(workspace, builder, signal);
    const before = new Map<Mutation, Red>();
    for (const mutation of only === undefined ? selected : []) {
      const red = await progress.foundBefore(mutation);
      if (red) before.set(mutation, red);
    }
    // The campaign last: it is compiled for minutes before its first verdict.
    const open = selected
      .filter((mutation) => !before.has(mutation))
      .sort((one, other) => Number(isCampaign(one.kills)) - Number(isCampaign(other.kills)));
    const outcomes: Outcome[] = [...before].map(([mutation, red]) => ({ mutation, red }));
    if (before.size > 0) process.stdout.write(`${before.size} were found by an earlier run\n`);
    // The next ones are compiled while this one is tested.
    const built: Promise<Built>[] = [];
    for (const [index, mutation] of open.entries()) {
      const startMs = performance.now();
      for (const next of open.slice(built.length, index + 1 + COMPILERS)) {
        built.push(buildOf(builder, next));
      }
      const present = await (built[index] as Promise<Built>);
      const outcome = { mutation, ...(await judge(mutation, present)) };
      outcomes.push(outcome);
      if (outcome.red) await progress.remember(mutation, outcome.red);
      report(outcome, `${index + 1}/${open.length}`, performance.now() - startMs);
    }
    outcomes.sort(
      (one, other) => selected.indexOf(one.mutation) - selected.indexOf(other.mutation),
    );
    const failures = outcomes.filter(({ red }) => !red);
    process.stdout.write(
      `mutations: ${outcomes.length - failures.length} found, ${failures.length} not\n`,
    );
    if (only === undefined) await writeFile(RESULT, resultOf(outcomes));
    return failures.length === 0;
  } finally {
    await builder?.close();
    await workspace.remove();
  }
}

type Built = { readonly bytecodes: Bytecodes } | { readonly fault: string };

/** Never rejects: it is awaited later. A build that was stopped is a fault that nobody reads. */
async function buildOf(builder: Builder, mutation: Mutation): Promise<Built> {
  try {
    return { bytecodes: await builder.build(mutation) };
  } catch (error) {
    return {
      fault: error instanceof CroupierError ? `${error.code}: ${error.message}` : String(error),
    };
  }
}

function createJudge(workspace: Workspace, builder: Builder, signal: AbortSignal) {
  const green = new Set<Killer>();
  let builtArtifacts = false;
  const run = async (killer: Killer, bytecodes: Bytecodes): Promise<Red | undefined> => {
    if (isCampaign(killer)) await workspace.writeArtifacts(bytecodes);
    else await workspace.write(bytecodes);
    return runTest(workspace.folder, killer, signal);
  };
  /** A test that is red without a bug would find every one. */
  const expectGreen = async (killer: Killer): Promise<void> => {
    if (green.has(killer)) return;
    if (isCampaign(killer) && !builtArtifacts) {
      process.stdout.write('compiles the campaign …\n');
      await buildCampaign(ROOT, signal);
      await workspace.copyArtifacts();
      builtArtifacts = true;
    }
    const red = await run(killer, builder.whole);
    if (red) throw new Error(`got ${fileOf(killer)} red without a mutation: ${red.test}`);
    green.add(killer);
  };
  return async ({ kills }: Mutation, built: Built): Promise<Pick<Outcome, 'red' | 'fault'>> => {
    signal.throwIfAborted();
    if ('fault' in built) return { fault: built.fault };
    for (const killer of [kills, ...KILLERS.filter((other) => other !== kills)]) {
      await expectGreen(killer);
      const red = await run(killer, built.bytecodes);
      if (red) return { red };
    }
    return {};
  };
}

function report({ mutation, red, fault }: Outcome, position: string, durationMs: number): void {
  const verdict = red ? `${red.file}: ${red.test}` : (fault ?? 'NOT FOUND');
  const seconds = (durationMs / 1_000).toFixed(1);
  process.stdout.write(
    `${position} ${seconds} s  ${mutation.file}: ${mutation.name}\n    ${verdict}\n`,
  );
}
