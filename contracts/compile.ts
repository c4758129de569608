import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CroupierError } from '../platform/errors.ts';
import { COMPILER_VERSION, compilerSettings } from './compiler.ts';

const SOURCES = dirname(fileURLToPath(import.meta.url));
const GENERATED = join(SOURCES, 'generated');
const HASH_FILE = join(GENERATED, '.hash');
/** Raised when the generated files change their form. */
const FORM = 1;

const require = createRequire(import.meta.url);

interface CompilerOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly abi: unknown;
            readonly evm: { readonly bytecode: { readonly object: string } };
          }
        >
      >
    >
  >;
}

/**
 * Compiles every contract of this folder into `generated/`, one TypeScript file for each that can be
 * deployed: `betBook.ts` exports `betBookAbi` and `betBookBytecode`. Does nothing when neither sources
 * nor settings changed since.
 * @throws CroupierError `CONTRACTS_DO_NOT_COMPILE` (final) with the compiler's sentences
 */
export async function compileContracts(
  args: { force?: boolean } = {},
): Promise<'compiled' | 'cached'> {
  const sources = await readSources();
  const hash = hashOf(sources);
  if (!args.force && (await readHash()) === hash) return 'cached';

  const output = runCompiler(sources);
  const failures = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (failures.length > 0) {
    throw new CroupierError({
      code: 'CONTRACTS_DO_NOT_COMPILE',
      errorClass: 'final',
      message: failures.map((failure) => failure.formattedMessage).join('\n'),
    });
  }
  await mkdir(GENERATED, { recursive: true });
  for (const source of Object.keys(sources)) {
    for (const [name, contract] of Object.entries(output.contracts?.[source] ?? {})) {
      const bytecode = contract.evm.bytecode.object;
      if (bytecode === '' || (contract.abi as unknown[]).length === 0) continue;
      const camel = `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
      await writeWhole(
        join(GENERATED, `${camel}.ts`),
        `export const ${camel}Abi = ${JSON.stringify(contract.abi, null, 1)} as const;\n\n` +
          `export const ${camel}Bytecode =\n  '0x${bytecode}' as const;\n`,
      );
    }
  }
  await writeWhole(HASH_FILE, hash);
  return 'compiled';
}

async function readSources(): Promise<Record<string, string>> {
  const names = (await readdir(SOURCES, { recursive: true }))
    .filter((name) => name.endsWith('.sol'))
    .sort();
  const contents = await Promise.all(names.map((name) => readFile(join(SOURCES, name), 'utf8')));
  return Object.fromEntries(
    names.map((name, index) => [name.replaceAll('\\', '/'), contents[index] ?? '']),
  );
}

function hashOf(sources: Record<string, string>): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([FORM, COMPILER_VERSION, compilerSettings, sources]));
  hash.update(require('@openzeppelin/contracts/package.json').version);
  return hash.digest('hex');
}

async function readHash(): Promise<string | undefined> {
  return readFile(HASH_FILE, 'utf8').catch(() => undefined);
}

/** Renamed into place, so that a reader never sees half a file. */
async function writeWhole(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

function runCompiler(sources: Record<string, string>): CompilerOutput {
  // The compiler is 10 MB of JavaScript: only loaded when there is something to compile.
  const solc: {
    version(): string;
    compile(
      input: string,
      callbacks: { import(path: string): { contents: string } | { error: string } },
    ): string;
  } = require('solc');
  if (!solc.version().startsWith(COMPILER_VERSION)) {
    throw new CroupierError({
      code: 'COMPILER_VERSION_DIFFERS',
      errorClass: 'final',
      message: `got solc ${solc.version()}, expected ${COMPILER_VERSION}`,
    });
  }
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, content]) => [name, { content }]),
    ),
    settings: {
      ...compilerSettings,
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  return JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (path) => {
        try {
          return { contents: readFileSync(require.resolve(path), 'utf8') };
        } catch {
          return { error: `${path} is not installed` };
        }
      },
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const startMs = performance.now();
  const result = await compileContracts({ force: process.argv.includes('--force') });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (result === 'compiled') {
    console.log(`contracts: compiled in ${seconds} s into ${relative(process.cwd(), GENERATED)}`);
  }
}
