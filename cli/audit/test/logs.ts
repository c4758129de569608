import type { AuditedDeployment, ChainLog } from '../chainLogs.ts';

export const OPERATOR = `0x${'a'.repeat(40)}` as const;
/** In shard 1 of 4. */
export const PLAYER = `0x${'b'.repeat(39)}1` as const;

export const auditedDeployment: AuditedDeployment = {
  deployment: `0x${'d'.repeat(32)}`,
  chainId: 31829,
  treasury: `0x${'e'.repeat(40)}`,
  betBook: `0x${'f'.repeat(40)}`,
  operator: OPERATOR,
  operatorNo: 1,
  deployedBlock: 1,
};

/** Id of a bet with bank 1 in lane 1 of an operator. */
export function betId(seq: number, operatorNo = 1): string {
  return ((BigInt(operatorNo) << 96n) | (1n << 80n) | (1n << 48n) | BigInt(seq)).toString();
}

/** Makes events of the BetBook as the node would have them, one block each. */
export function createLogs(): {
  readonly logs: readonly ChainLog[];
  readonly log: (event: string, args: Record<string, string>) => ChainLog;
} {
  const logs: ChainLog[] = [];
  return {
    logs,
    log: (event, args) => {
      const blockNumber = logs.length + 1;
      const blockHash = `0x${blockNumber.toString(16).padStart(64, '0')}` as const;
      const log: ChainLog = {
        id: `${auditedDeployment.chainId}:${blockHash}:0`,
        contract: 'bet_book',
        event,
        args,
        blockNumber,
        blockHash,
        blockTime: 1_700_000_000 + blockNumber,
        txHash: blockHash,
        logIndex: 0,
      };
      logs.push(log);
      return log;
    },
  };
}
