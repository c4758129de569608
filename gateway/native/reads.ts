import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { findCall } from '../../ledger/calls.ts';
import { type Bet, findBank, findBet, headroomOf, type Intent } from '../../ledger/reads.ts';
import { CroupierError } from '../../platform/errors.ts';
import type { GatewayContext } from '../context.ts';
import { addResource } from '../http.ts';
import { addressSchema, brandSchema, nameSchema, parseValue } from './body.ts';

const UINT32_MAX = 2 ** 32 - 1;

const numberSchema = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,15})$/, 'expected a whole number')
  .transform(Number);
const betParamsSchema = z.strictObject({ txId: nameSchema });
const betQuerySchema = z.strictObject({ provider: nameSchema, brand: brandSchema.default('') });
const playerSchema = z.strictObject({ address: addressSchema });
const bankSchema = z.strictObject({ bank: numberSchema.pipe(z.int().max(UINT32_MAX)) });
const callSchema = z.strictObject({ call: numberSchema.pipe(z.int()) });

/** What anyone may read: bets, players' seats, banks and the state of relayed grants. */
export function readRoutes(app: FastifyInstance, context: GatewayContext): void {
  const { ledger } = context;

  addResource(app, 'GET', '/v1/bets/:txId', async (request) => {
    const { txId } = parseValue(betParamsSchema, request.params, 'the path');
    const { provider, brand } = parseValue(betQuerySchema, request.query, 'the query');
    const deployment = context.currentDeployment();
    const found = await findBet(ledger, { deployment, provider, brand, txId });
    if (!found) throw unknown('BET', `bet "${txId}" of provider "${provider}", brand "${brand}"`);
    return betView(found.bet, found.intents);
  });

  addResource(app, 'GET', '/v1/players/:address', async (request) => {
    const { address } = parseValue(playerSchema, request.params, 'the path');
    const account = await context.accounts.find(context.currentDeployment(), address);
    if (!account) throw unknown('PLAYER', `player ${address}`);
    return account;
  });

  addResource(app, 'GET', '/v1/banks/:bank', async (request) => {
    const { bank: number } = parseValue(bankSchema, request.params, 'the path');
    const bank = await findBank(ledger, context.currentDeployment(), number);
    if (!bank) throw unknown('BANK', `bank ${number}`);
    return {
      deployment: bank.deployment,
      bank: bank.bank,
      bankroll: bank.bankroll,
      reserved: bank.reserved,
      locked: bank.locked,
      unfinalGains: bank.unfinal_gains,
      hold: bank.hold,
      headroom: headroomOf(bank).toString(),
      maxPayout: bank.max_payout,
    };
  });

  addResource(app, 'GET', '/v1/grants/:call', async (request) => {
    const { call: number } = parseValue(callSchema, request.params, 'the path');
    const call = await findCall(ledger, context.currentDeployment(), number);
    if (!call) throw unknown('CALL', `call ${number}`);
    return {
      call: call.call,
      state: call.state,
      ...(call.error !== null && { error: call.error }),
    };
  });
}

/** `final`: nothing about the bet will change, whatever the chain does. */
function betView(bet: Bet, intents: readonly Intent[]): Record<string, unknown> {
  const settled = intents.every(({ state }) => state === 'final' || state === 'rejected_final');
  return {
    deployment: bet.deployment,
    provider: bet.provider,
    brand: bet.brand,
    txId: bet.tx_id,
    player: bet.player,
    game: bet.game,
    round: bet.round,
    bank: bet.bank,
    state: bet.state,
    stake: bet.stake,
    maxPayout: bet.max_payout,
    payout: bet.payout,
    final: settled && bet.state !== 'open',
    actions: intents.map((intent) => ({
      type: intent.kind,
      txId: intent.tx_id,
      amount: intent.amount,
      ref: intent.ref,
      state: intent.state,
      lane: intent.lane,
      seq: intent.seq,
      block: intent.landed_block,
      transaction: intent.landed_tx,
      rejectionCode: intent.rejection_code,
    })),
  };
}

function unknown(kind: 'BET' | 'PLAYER' | 'BANK' | 'CALL', what: string): CroupierError {
  return new CroupierError({
    code: `${kind}_UNKNOWN`,
    errorClass: 'final',
    message: `got ${what}, expected one that was seen`,
  });
}
