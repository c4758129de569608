import { buildModule } from '@nomicfoundation/ignition-core';

/**
 * A dice on a BetBook, as an operator of its own. Parameters: `betBook`, `house` and `guardian`,
 * addresses; the bank's limits `maxPayoutUnits`, `stopLossUnits` and `dayWonUnits`, and the stakes
 * `minStakeUnits` and `maxStakeUnits`, in the token's smallest unit (`"123n"` in JSON); seconds to bet
 * (`bettingS`) and to reveal (`revealS`), and `maxHorizonS`, at least both together. The house funds the
 * bank afterwards.
 */
export default buildModule('Dice', (m) => {
  const dice = m.contract('Dice', [
    m.getParameter<string>('betBook'),
    m.getParameter<string>('house'),
    m.getParameter<string>('guardian'),
    {
      maxPayout: m.getParameter<bigint>('maxPayoutUnits'),
      stopLoss: m.getParameter<bigint>('stopLossUnits'),
      dayWon: m.getParameter<bigint>('dayWonUnits'),
      // The game credits nothing.
      dayCredit: 0n,
      maxHorizon: m.getParameter<number>('maxHorizonS'),
    },
    {
      minStake: m.getParameter<bigint>('minStakeUnits'),
      maxStake: m.getParameter<bigint>('maxStakeUnits'),
      bettingS: m.getParameter<number>('bettingS'),
      revealS: m.getParameter<number>('revealS'),
    },
  ]);
  return { dice };
});
