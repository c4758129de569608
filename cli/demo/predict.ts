import type { PlannedAction } from './plan.ts';

/** What an honest house answers. */
export interface Prediction {
  readonly outcome: 'accepted' | 'refused';
  /** The player's balance after the action. */
  readonly balanceUnits: bigint;
}

/** What an action must lead to for a player who holds `balanceUnits`. */
export function predict(balanceUnits: bigint, action: PlannedAction): Prediction {
  const after = balanceUnits + deltaOf(action);
  return after < 0n
    ? { outcome: 'refused', balanceUnits }
    : { outcome: 'accepted', balanceUnits: after };
}

function deltaOf(action: PlannedAction): bigint {
  switch (action.type) {
    case 'bet':
      return -action.stakeUnits;
    case 'win':
      return action.payoutUnits;
    case 'void':
      return action.stakeUnits;
    case 'credit':
      return action.amountUnits;
  }
}

/** What came back over HTTP. */
export interface ReceivedAnswer {
  readonly status: number;
  readonly body: string;
}

/** An answer as the provider reads it. */
export interface Verdict {
  readonly outcome: 'accepted' | 'refused';
  /** The balance that the house states; only of what was accepted. */
  readonly balanceUnits?: bigint;
  /** What is wrong with it, as a sentence. */
  readonly mismatch?: string;
}

/** Compares an answer with its prediction; never throws, whatever the body holds. */
export function judge(
  expected: Prediction & { txId: string; player: string },
  answer: ReceivedAnswer,
): Verdict {
  const body = readObject(answer.body);
  const outcome = answer.status === 200 ? 'accepted' : 'refused';
  if (outcome !== expected.outcome) {
    const got =
      typeof body.code === 'string' ? `${answer.status} ${body.code}` : `${answer.status}`;
    return { outcome, mismatch: `got ${got}, expected ${expected.outcome}` };
  }
  if (outcome === 'refused') {
    return answer.status === 422 && body.code === 'STAKE_ABOVE_BALANCE'
      ? { outcome }
      : {
          outcome,
          mismatch: `got ${answer.status} ${String(body.code)}, expected 422 STAKE_ABOVE_BALANCE`,
        };
  }
  if (typeof body.balance !== 'string' || !/^\d{1,30}$/.test(body.balance)) {
    return { outcome, mismatch: `got balance ${String(body.balance)}, expected a decimal string` };
  }
  const balanceUnits = BigInt(body.balance);
  for (const [field, value] of [
    ['state', 'accepted'],
    ['txId', expected.txId],
    ['player', expected.player],
    ['balance', expected.balanceUnits.toString()],
  ] as const) {
    if (body[field] !== value) {
      const mismatch = `got ${field} ${String(body[field])}, expected ${value}`;
      return { outcome, balanceUnits, mismatch };
    }
  }
  return { outcome, balanceUnits };
}

function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/**
 * What a player holds after an answered request: as predicted, unless the house decided otherwise.
 * So one wrong answer is one mismatch, and not the mismatch of all that follow.
 */
export function balanceAfter(exchange: {
  type: PlannedAction['type'];
  amount: string;
  expectedOutcome: Prediction['outcome'];
  expectedBalance: string;
  outcome: Prediction['outcome'] | null;
}): bigint {
  const expected = BigInt(exchange.expectedBalance);
  if (exchange.outcome === exchange.expectedOutcome) return expected;
  const delta = exchange.type === 'bet' ? -BigInt(exchange.amount) : BigInt(exchange.amount);
  return exchange.outcome === 'accepted' ? expected + delta : expected - delta;
}
