import { Command, InvalidArgumentError, Option } from 'commander';
import { CroupierError } from '../platform/errors.ts';
import { DEFAULT_CONFIG } from './contractsConfig.ts';
import { runDev } from './dev.ts';
import { withOperations } from './remote.ts';
import { formatTrace } from './trace.ts';

const DEFAULT_DATA = '.croupier';
const DEFAULT_PORT = 8610;

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 10_000_000) {
    throw new InvalidArgumentError(`Got ${text}, expected a whole number from 1 to 10,000,000.`);
  }
  return count;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_534) {
    throw new InvalidArgumentError(`Got ${text}, expected a port from 0 to 65,534.`);
  }
  return port;
}

function parseUrl(protocols: readonly string[]): (text: string) => string {
  return (text) => {
    if (!URL.canParse(text) || !protocols.includes(new URL(text).protocol)) {
      throw new InvalidArgumentError(
        `Got ${text}, expected a URL that starts with ${protocols.join('// or ')}//.`,
      );
    }
    return text;
  };
}

function parseAddress(text: string): `0x${string}` {
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) {
    throw new InvalidArgumentError(`Got ${text}, expected an address: 0x and 40 hex digits.`);
  }
  return text.toLowerCase() as `0x${string}`;
}

const dataOption = new Option('--data <dir>', 'data folder').default(DEFAULT_DATA);
const jsonOption = new Option('--json', 'print one line of JSON');

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

const program = new Command('croupier')
  .description('A settlement node and indexer for betting on an EVM chain.')
  .addHelpText('after', '\nWithout a command it is dev: "croupier dev --help" shows its options.')
  .showHelpAfterError('(--help shows what is expected)');

program
  .command('dev', { isDefault: true })
  .description('run everything on embedded defaults, with a demo provider and demo players')
  .option(
    '--bets <n>',
    'play until n bets were accepted and are final, audit every one, exit',
    parseCount,
  )
  .option('--seed <text>', 'what the demo plays depends on it alone', 'croupier')
  .option('--no-demo', 'start the services only')
  .option('--rpc <url>', 'use a chain that runs already', parseUrl(['http:', 'https:']))
  .option(
    '--ws <url>',
    'its WebSocket endpoint (default: the same address)',
    parseUrl(['ws:', 'wss:']),
  )
  .option(
    '--port <p>',
    `port of the gateway; the chain's is the next one; 0: free ones`,
    parsePort,
    DEFAULT_PORT,
  )
  .option('--config <file>', 'names the contracts that are indexed beside our own', DEFAULT_CONFIG)
  .addOption(dataOption)
  .addOption(new Option('--json', 'with --bets: the last line is the summary as JSON'))
  .action(async (options) => {
    process.exitCode = await runDev({
      demo: options.demo,
      seed: options.seed,
      dataFolder: options.data,
      port: options.port,
      configPath: options.config,
      json: options.json === true,
      ...(options.bets === undefined ? {} : { bets: options.bets }),
      ...(options.rpc === undefined ? {} : { rpcUrl: options.rpc }),
      ...(options.ws === undefined ? {} : { wsUrl: options.ws }),
    });
  });

program
  .command('trace')
  .description("show a bet's way hop by hop")
  .argument('<id>', 'txId of the bet, of its win or void, or a ref from an event')
  .addOption(dataOption)
  .addOption(jsonOption)
  .action(async (id, options) => {
    const trace = await withOperations(options.data, (operations) => operations.trace(id));
    print(options.json ? [JSON.stringify(trace)] : formatTrace(trace));
  });

const session = program.command('session').description("players' sessions");
session
  .command('open')
  .description('open a session of a seated player and print its token')
  .requiredOption('--player <address>', 'the player', parseAddress)
  .option('--provider <name>', 'the provider', 'dice')
  .option('--brand <name>', 'its brand', '')
  .option('--ttl <seconds>', 'how long it lasts', parseCount, 3_600)
  .addOption(dataOption)
  .addOption(jsonOption)
  .action(async (options) => {
    const opened = await withOperations(options.data, (operations) =>
      operations.openSession({
        provider: options.provider,
        brand: options.brand,
        player: options.player,
        ttlS: options.ttl,
      }),
    );
    print(
      options.json
        ? [JSON.stringify(opened)]
        : [
            `session ${opened.token}`,
            `player  ${opened.player}, balance ${opened.balance}, until ${new Date(opened.expiresMs).toISOString()}`,
          ],
    );
  });

program
  .command('sql')
  .description('run a query on the warehouse (ClickHouse SQL, read-only)')
  .argument('<query>', 'such as "SELECT count() FROM bet_book_played"')
  .addOption(dataOption)
  .addOption(jsonOption)
  .action(async (query, options) => {
    const rows = await withOperations(options.data, (operations) => operations.sql(query));
    if (options.json) print([JSON.stringify(rows)]);
    else if (rows.length === 0) print(['no rows']);
    else console.table(rows);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CroupierError) {
    process.stderr.write(`croupier: ${error.code}: ${error.message}\n`);
  } else {
    process.stderr.write(`croupier: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
  process.exitCode = 1;
}
