import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Hex } from 'viem';
import { CroupierError } from '../../platform/errors.ts';
import { compilerSettings } from '../compiler.ts';
import { type Mutation, mutate } from './mutation.ts';
import { filesOf, type Part, ROOTS, readSources, type Sources } from './parts.ts';

/** How many mutations are compiled at once, while another is tested. */
export const COMPILERS = 2;
/** In place of the desk while the book is compiled. */
const DESK_STUB = `pragma solidity 0.8.37;
import {ITreasury} from "./ITreasury.sol";
contract Desk { constructor(ITreasury, uint32) {} }`;
/** As it is deployed: its bounds of gas are tested too. */
const WHOLE = compilerSettings;
/** Compiles in a tenth of the time, for what no gas is measured of. */
const QUICK = { ...compilerSettings, viaIR: false, optimizer: { enabled: false } };

/** A contract's code as the compiler writes it before it assembles it. */
interface Assembly {
  readonly '.code': unknown;
  readonly '.data'?: Readonly<Record<string, Assembly | string>>;
  readonly sourceList?: unknown;
}

interface Output {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly evm: {
              readonly bytecode: { readonly object: string };
              readonly legacyAssembly?: Assembly;
            };
          }
        >
      >
    >
  >;
}

/** Creation code. */
export interface Bytecodes {
  readonly treasury: Hex;
  readonly betBook: Hex;
}

export interface Builder {
  /** The contracts as they are. */
  readonly whole: Bytecodes;
  /**
   * The contracts with one bug in them. Only what the bug's file is part of is compiled anew.
   * @throws CroupierError `MUTATION_DOES_NOT_APPLY`, `MUTATION_DOES_NOT_COMPILE` (final)
   */
  build(mutation: Mutation): Promise<Bytecodes>;
  close(): Promise<unknown>;
}

/**
 * Compiles the contracts of the repository in parts, so that a mutation of one costs no more than
 * that part: a desk is put into an already compiled book, and the other way round.
 * @param signal Ends what is being compiled.
 */
export async function createBuilder(signal: AbortSignal): Promise<Builder> {
  const workers = Array.from(
    { length: COMPILERS },
    () => new Worker(new URL('./solc.worker.ts', import.meta.url)),
  );
  const close = () => Promise.all(workers.map((worker) => worker.terminate()));
  signal.addEventListener('abort', close);
  // Each worker's last answer: the next question waits for it.
  const answers: Promise<unknown>[] = workers.map(() => Promise.resolve());
  let turn = 0;
  const sources = await readSources();

  const compile = async (input: object): Promise<Output> => {
    const index = turn++ % COMPILERS;
    const ask = async () => {
      workers[index]?.postMessage(JSON.stringify(input));
      const [output] = await once(workers[index] as Worker, 'message', { signal });
      return JSON.parse(output as string) as Output;
    };
    const answer = (answers[index] ?? Promise.resolve()).then(ask);
    answers[index] = answer.catch(() => undefined);
    return answer;
  };
  const assemble = async (root: Part, changed: Sources): Promise<Assembly> => {
    const stubbed = root === 'book' ? { ...changed, 'Desk.sol': DESK_STUB } : changed;
    const output = await compile({
      language: 'Solidity',
      sources: Object.fromEntries(
        Object.entries(stubbed).map(([path, content]) => [path, { content }]),
      ),
      settings: {
        ...(root === 'book' ? WHOLE : QUICK),
        outputSelection: { [ROOTS[root]]: { '*': ['evm.legacyAssembly'] } },
      },
    });
    const [contract] = Object.values(output.contracts?.[ROOTS[root]] ?? {});
    return contract?.evm.legacyAssembly ?? failed(output);
  };
  const bytecodeOf = async (assembly: Assembly): Promise<Hex> => {
    const output = await compile({
      language: 'EVMAssembly',
      sources: { contract: { assemblyJson: assembly } },
      settings: {
        experimental: true,
        evmVersion: compilerSettings.evmVersion,
        outputSelection: { '*': { '': ['evm.bytecode.object'], '*': ['evm.bytecode.object'] } },
      },
    });
    const [unit] = Object.values(output.contracts ?? {});
    const [contract] = Object.values(unit ?? {});
    return `0x${contract?.evm.bytecode.object ?? failed(output)}`;
  };

  const [book, treasury, desk] = await Promise.all([
    assemble('book', sources),
    assemble('treasury', sources),
    assemble('desk', sources),
  ]);
  const whole = {
    treasury: await bytecodeOf(treasury),
    betBook: await bytecodeOf(withDesk(book, desk)),
  };
  return {
    whole,
    build: async (mutation) => {
      const changed = {
        ...sources,
        [mutation.file]: mutate(sources[mutation.file] ?? '', mutation),
      };
      const touched = (root: Part) => filesOf(root, sources).has(mutation.file);
      const assembleIf = async (root: Part, otherwise: Assembly) =>
        touched(root) ? assemble(root, changed) : otherwise;
      const isBookTouched = touched('book') || touched('desk');
      return {
        treasury: touched('treasury')
          ? await bytecodeOf(await assemble('treasury', changed))
          : whole.treasury,
        betBook: isBookTouched
          ? await bytecodeOf(
              withDesk(await assembleIf('book', book), await assembleIf('desk', desk)),
            )
          : whole.betBook,
      };
    },
    close,
  };
}

/** The book's code, with this desk's in place of the stub's: the one part that is created in turn. */
function withDesk(book: Assembly, desk: Assembly): Assembly {
  const parts = book['.data'] ?? {};
  const created = Object.entries(parts).filter(
    ([, part]) => typeof part === 'object' && part['.data'] !== undefined,
  );
  const [key] = created[0] ?? [];
  if (created.length !== 1 || key === undefined) {
    throw new CroupierError({
      code: 'BOOK_CREATES_NO_DESK',
      errorClass: 'final',
      message: `got ${created.length} contracts that BetBook creates, expected one`,
    });
  }
  const { sourceList: _, ...code } = desk;
  return { ...book, '.data': { ...parts, [key]: code } };
}

function failed(output: Output): never {
  const errors = (output.errors ?? []).filter(({ severity }) => severity === 'error');
  throw new CroupierError({
    code: 'MUTATION_DOES_NOT_COMPILE',
    errorClass: 'final',
    message: errors.map(({ formattedMessage }) => formattedMessage).join('\n'),
  });
}
