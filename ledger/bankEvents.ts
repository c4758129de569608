import type { BankLimits } from '../contracts/deploy.ts';
import type { ChainEventMessage } from '../contracts/encoding/message.ts';
import type { BankState } from './balances.ts';
import { dayOf } from './bankDay.ts';
import { limitsFrom, limitsText, setLimits } from './bankLimits.ts';
import { bankOf, type Fold, textArg, unitsArg } from './fold.ts';
import { move } from './movement.ts';

/** What the bank's admin and guardian set. Its events are all in one partition, so in one order. */
type Settings = Pick<
  BankState,
  'limits' | 'announced' | 'limitsReadyAtS' | 'pausedUntilS' | 'haltedDay' | 'exiting' | 'exitAtS'
>;

/** The same as an entry keeps it. */
interface SettingsText {
  readonly limits: string;
  readonly announced: string | null;
  readonly limitsReadyAtS: number;
  readonly pausedUntilS: number;
  readonly haltedDay: number | null;
  readonly exiting: string;
  readonly exitAtS: number;
}

/**
 * Applies a movement of a bank's money outside of bets, or a change of its settings, or takes it back:
 * `previous` is what the event's entry kept. Other events change nothing.
 * @throws CroupierError `EVENT_MALFORMED` (fatal)
 */
export function applyBankEvent(
  fold: Fold,
  message: ChainEventMessage,
  previous: string | undefined,
): void {
  const number = Number(textArg(message, 'bank'));
  if (message.event === 'BankFunded') {
    const bankroll = unitsArg(message, 'amount');
    move(fold, message, { bank: number, bankroll });
    return;
  }
  const bank = bankOf(fold, number);
  const changed = changeOf(bank, message);
  if (!changed) return;
  const replaced = settingsText(bank);
  const next = message.sign > 0 ? changed : previous && settingsFrom(previous);
  if (!next) return;
  // The movement changes what is exiting, so that the book has it.
  const { exiting = bank.exiting, ...others } = next;
  const exitingUnits = BigInt(message.sign) * (exiting - bank.exiting);
  Object.assign(bank, others);
  move(fold, message, {
    bank: number,
    bankroll: message.event === 'BankExited' ? -unitsArg(message, 'amount') : 0n,
    exiting: exitingUnits,
    replaced,
  });
}

/** What the event sets; undefined where it sets nothing of ours. */
function changeOf(bank: BankState, message: ChainEventMessage): Partial<Settings> | undefined {
  switch (message.event) {
    case 'LimitsSet':
      return setLimits(bank, {
        limits: limitsArg(message),
        readyAtS: Number(textArg(message, 'readyAt')),
        blockTimeS: message.blockTime,
      });
    case 'Paused':
      return { pausedUntilS: Number(textArg(message, 'until')) };
    case 'Halted':
      return { haltedDay: dayOf(message.blockTime) };
    case 'Resumed':
      return { haltedDay: null };
    case 'PayoutSet':
      return { exitAtS: Number(textArg(message, 'exitAt')) };
    case 'ExitRequested':
      return {
        exiting: unitsArg(message, 'amount'),
        exitAtS: Number(textArg(message, 'exitAt')),
      };
    case 'ExitCancelled':
      return { exiting: 0n, exitAtS: 0 };
    case 'BankExited': {
      const exiting = bank.exiting - unitsArg(message, 'amount');
      return { exiting, exitAtS: exiting === 0n ? 0 : bank.exitAtS };
    }
    default:
      return undefined;
  }
}

function limitsArg(message: ChainEventMessage): BankLimits {
  return {
    maxPayoutUnits: unitsArg(message, 'maxPayout'),
    stopLossUnits: unitsArg(message, 'stopLoss'),
    dayWonUnits: unitsArg(message, 'dayWon'),
    dayCreditUnits: unitsArg(message, 'dayCredit'),
    maxHorizonS: Number(textArg(message, 'maxHorizon')),
  };
}

function settingsText(bank: Settings): string {
  const text: SettingsText = {
    limits: limitsText(bank.limits),
    announced: bank.announced && limitsText(bank.announced),
    limitsReadyAtS: bank.limitsReadyAtS,
    pausedUntilS: bank.pausedUntilS,
    haltedDay: bank.haltedDay,
    exiting: String(bank.exiting),
    exitAtS: bank.exitAtS,
  };
  return JSON.stringify(text);
}

function settingsFrom(text: string): Settings {
  const kept = JSON.parse(text) as SettingsText;
  return {
    ...kept,
    limits: limitsFrom(kept.limits),
    announced: kept.announced === null ? null : limitsFrom(kept.announced),
    exiting: BigInt(kept.exiting),
  };
}
