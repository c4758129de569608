import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { BankLimits } from '../../contracts/deploy.ts';
import { bankState } from '../../ledger/balances.ts';
import { type DaySums, dayOf } from '../../ledger/bankDay.ts';
import { limitsAt } from '../../ledger/bankLimits.ts';
import { findCall } from '../../ledger/calls.ts';
import {
  type Bank,
  type Bet,
  findBank,
  findBankDay,
  findBet,
  headroomOf,
  type Intent,
} from '../../ledger/reads.ts';
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
    return betView(found);
  });

  addResource(app, 'GET', '/v1/players/:address', async (request) => {
    const { address } = parseValue(playerSchema, request.params, 'the path');
    const account = await context.accounts.find(context.currentDeployment(), address);
    if (!account) throw unknown('PLAYER', `player ${address}`);
    return account;
  });

  addResource(app, 'GET', '/v1/banks/:bank', async (request) => {
    const { bank: number } = parseValue(bankSchema, request.params, 'the path');
    const deployment = context.currentDeployment();
    const row = await findBank(ledger, deployment, number);
    if (!row) throw unknown('BANK', `bank ${number}`);
    const timeS = Math.floor(ledger.clock.nowMs() / 1000);
    const day = await findBankDay(ledger, { deployment, bank: number, timeS });
    return bankView(row, day, timeS);
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

/** `today.loss` is at least what the contract counts: each partition's drawdown for itself. */
function bankView(row: Bank, day: DaySums, timeS: number): Record<string, unknown> {
  const bank = bankState(row);
  return {
    deployment: row.deployment,
    bank: row.bank,
    bankroll: row.bankroll,
    reserved: row.reserved,
    locked: row.locked,
    exiting: row.exiting,
    exitAtS: row.exit_at_s,
    unfinalGains: row.unfinal_gains,
    hold: row.hold,
    headroom: headroomOf(row).toString(),
    ...limitsView(limitsAt(bank, timeS)),
    announced: bank.announced && {
      ...limitsView(bank.announced),
      readyAtS: bank.limitsReadyAtS,
    },
    pausedUntilS: row.paused_until_s,
    halted: row.halted_day === dayOf(timeS),
    today: {
      loss: day.lossUnits.toString(),
      won: day.wonUnits.toString(),
      credited: day.creditedUnits.toString(),
    },
  };
}

function limitsView(limits: BankLimits): Record<string, unknown> {
  return {
    maxPayout: limits.maxPayoutUnits.toString(),
    stopLoss: limits.stopLossUnits.toString(),
    dayWon: limits.dayWonUnits.toString(),
    dayCredit: limits.dayCreditUnits.toString(),
    maxHorizonS: limits.maxHorizonS,
  };
}

/** `final`: nothing about the bet will change, whatever the chain does. */
function betView({
  bet,
  intents,
  isPageOpen,
}: {
  bet: Bet;
  intents: readonly Intent[];
  isPageOpen: boolean;
}): Record<string, unknown> {
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
    final: settled && bet.state !== 'open' && !isPageOpen,
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
