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
const HASH_FILE = '.hash';
/** Raised when the generated files change their form. */
const FORM = 2;
/** Below the sources: what only tests deploy. */
const TEST_FOLDERS = ['test/', 'reference/'];
/** Solidity tests are for Hardhat's own runner. */
const SOLIDITY_TEST = '.t.sol';

const require = createRequire(import.meta.url);

// The names that Hardhat gives to sources. They are hashed into the bytecode's metadata, so that the
// same names make the same bytecode, and `npx hardhat build` proves what a start deployed.
const OWN_UNITS = 'project/';
const LIBRARY = '@openzeppelin/contracts';
const LIBRARY_VERSION: string = require(`${LIBRARY}/package.json`).version;
const LIBRARY_UNITS = `npm/${LIBRARY}@${LIBRARY_VERSION}`;

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

/** Source text by its path below this folder. */
type Sources = Readonly<Record<string, string>>;

/**
 * Compiles the contracts of this folder into `generated/`, one TypeScript file for each that can be
 * deployed: `betBook.ts` exports `betBookAbi` and `betBookBytecode`. With `tests` also what only tests
 * deploy (`test/`, `reference/`), into `generated/test/`. Does nothing for either part when neither its
 * sources nor the settings changed since.
 * @throws CroupierError `CONTRACTS_DO_NOT_COMPILE` (final) with the compiler's sentences
 */
export async function compileContracts(
  args: { force?: boolean; tests?: boolean } = {},
): Promise<'compiled' | 'cached'> {
  const all = await readSources();
  const production = Object.fromEntries(Object.entries(all).filter(([path]) => !isOfTests(path)));
  const parts = [{ sources: production, wanted: Object.keys(production), folder: GENERATED }];
  if (args.tests) {
    const wanted = Object.keys(all).filter(isOfTests);
    parts.push({ sources: all, wanted, folder: join(GENERATED, 'test') });
  }
  let result: 'compiled' | 'cached' = 'cached';
  for (const { sources, wanted, folder } of parts) {
    const hash = hashOf(sources);
    if (!args.force && (await readHash(folder)) === hash) continue;
    await writeContracts(runCompiler(sources, wanted), wanted, folder);
    await writeWhole(join(folder, HASH_FILE), hash);
    result = 'compiled';
  }
  return result;
}

async function writeContracts(
  output: CompilerOutput,
  wanted: readonly string[],
  folder: string,
): Promise<void> {
  const failures = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (failures.length > 0) {
    throw new CroupierError({
      code: 'CONTRACTS_DO_NOT_COMPILE',
      errorClass: 'final',
      message: failures.map((failure) => failure.formattedMessage).join('\n'),
    });
  }
  await mkdir(folder, { recursive: true });
  for (const source of wanted) {
    for (const [name, contract] of Object.entries(output.contracts?.[unitOf(source)] ?? {})) {
      const bytecode = contract.evm.bytecode.object;
      if (bytecode === '' || (contract.abi as unknown[]).length === 0) continue;
      const camel = `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`;
      await writeWhole(
        join(folder, `${camel}.ts`),
        `export const ${camel}Abi = ${JSON.stringify(contract.abi, null, 1)} as const;\n\n` +
          `export const ${camel}Bytecode =\n  '0x${bytecode}' as const;\n`,
      );
    }
  }
}

function isOfTests(path: string): boolean {
  return TEST_FOLDERS.some((folder) => path.startsWith(folder));
}

async function readSources(): Promise<Sources> {
  const paths = (await readdir(SOURCES, { recursive: true }))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.sol') && !path.endsWith(SOLIDITY_TEST))
    .sort();
  const contents = await Promise.all(paths.map((path) => readFile(join(SOURCES, path), 'utf8')));
  return Object.fromEntries(paths.map((path, index) => [path, contents[index] ?? '']));
}

function hashOf(sources: Sources): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([FORM, COMPILER_VERSION, compilerSettings, sources]));
  hash.update(LIBRARY_VERSION);
  return hash.digest('hex');
}

async function readHash(folder: string): Promise<string | undefined> {
  return readFile(join(folder, HASH_FILE), 'utf8').catch(() => undefined);
}

/** Renamed into place, so that a reader never sees half a file. */
async function writeWhole(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

function unitOf(path: string): string {
  return `${OWN_UNITS}contracts/${path}`;
}

function runCompiler(sources: Sources, wanted: readonly string[]): CompilerOutput {
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
      Object.entries(sources).map(([path, content]) => [unitOf(path), { content }]),
    ),
    settings: {
      ...compilerSettings,
      remappings: [`${OWN_UNITS}:${LIBRARY}/=${LIBRARY_UNITS}/`],
      outputSelection: Object.fromEntries(
        wanted.map((path) => [unitOf(path), { '*': ['abi', 'evm.bytecode.object'] }]),
      ),
    },
  };
  return JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (unit) => {
        try {
          const path = require.resolve(unit.replace(LIBRARY_UNITS, LIBRARY));
          return { contents: readFileSync(path, 'utf8') };
        } catch {
          return { error: `${unit} is not installed` };
        }
      },
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const startMs = performance.now();
  const result = await compileContracts({
    force: process.argv.includes('--force'),
    tests: process.argv.includes('--tests'),
  });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (result === 'compiled') {
    console.log(`contracts: compiled in ${seconds} s into ${relative(process.cwd(), GENERATED)}`);
  }
}
