import type { Mutation } from './mutation.ts';
import type { Red } from './red.ts';

/** What became of a mutation: the test that went red, or why none could. */
export interface Outcome {
  readonly mutation: Mutation;
  readonly red?: Red | undefined;
  /** It does not apply, or does not compile. */
  readonly fault?: string | undefined;
}

/** The result of a complete run, the same for the same contracts, mutations and tests. */
export function resultOf(outcomes: readonly Outcome[]): string {
  const found = outcomes.filter(({ red }) => red).length;
  const faults = outcomes.filter(({ fault }) => fault).length;
  const survivors = outcomes.length - found - faults;
  const byCampaign = outcomes.filter(({ red }) => red?.file.includes('/campaign/')).length;
  const files = [...new Set(outcomes.map(({ mutation }) => mutation.file))];
  const tags = [...new Set(outcomes.flatMap(({ mutation }) => mutation.breaks))].sort(inOrder);
  const countOf = (tag: string) =>
    outcomes.filter(({ mutation }) => (mutation.breaks as readonly string[]).includes(tag)).length;
  return `# Mutations of the contracts

Written by \`npm run test:mutations\`; do not edit. Each row is a deliberate bug: one place of one contract is written differently, and the tests run until one is red.

**${outcomes.length} mutations: ${found} found, ${survivors} not found${faults > 0 ? `, ${faults} that do not apply or do not compile` : ''}.** ${byCampaign} of them by the Solidity campaign, which here is short and starts from one seed; the others by the TypeScript tests. The test in the table is the first that went red: the one that is expected to (it runs first), or else the first of the others. Tests that go red from any change of the bytecode (gas snapshot, code size, comparison of bytecodes) do not take part. Before a test judges a mutation it is green without one. What an earlier run found is taken over as long as neither that test nor the mutated one of Treasury, BetBook and its desk has changed.

How it is compiled: what a batch runs, with the settings of the deployed contracts; Treasury and desk without the optimizer, which changes their gas only.

A rule is R1 to R10 and an invariant I1 to I18 of the contracts' design; "role" says whose right it is that others get, or lose. How many mutations break each:

${tags.map((tag) => `${tag} (${countOf(tag)})`).join(', ')}

${files.map((file) => tableOf(file, outcomes)).join('\n')}`;
}

function tableOf(file: string, outcomes: readonly Outcome[]): string {
  const rows = outcomes
    .filter(({ mutation }) => mutation.file === file)
    .map(({ mutation, red, fault }) => {
      const verdict = red
        ? `\`${red.file.replace('contracts/test/', '')}\`: ${red.test}`
        : `**${fault ?? 'NOT FOUND'}**`;
      return `| ${mutation.name} | ${mutation.breaks.join(', ')} | ${escaped(verdict)} |\n`;
    });
  return `## ${file}\n\n| the bug | breaks | red |\n|---|---|---|\n${rows.join('')}`;
}

/** Without the seed of a test with random input: it differs from run to run. */
const escaped = (text: string): string =>
  text
    .replaceAll('|', '\\|')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ \(seed \d+\)/g, '');

/** R2 before R10, invariants after rules, words last. */
function inOrder(one: string, other: string): number {
  const rank = (tag: string) => (/^R\d/.test(tag) ? 0 : /^I\d/.test(tag) ? 1 : 2);
  return rank(one) - rank(other) || one.localeCompare(other, 'en', { numeric: true });
}
