import { buildModule, type ModuleParameterType } from '@nomicfoundation/ignition-core';

/**
 * Makes the sender an operator of a BetBook, with one bank whose admin it is too. Everything named
 * here counts at once, without the notice period. Parameters: `betBook`, its address; `shards`, a
 * power of two; `executors` and `guardian`, addresses; the bank's limits `maxPayoutUnits`,
 * `stopLossUnits`, `dayWonUnits` and `dayCreditUnits`, in the token's smallest unit (`"123n"` in
 * JSON), and `maxHorizonS`, seconds.
 */
export default buildModule('Operator', (m) => {
  const operator = m.getAccount(0);
  const betBook = m.contractAt('BetBook', m.getParameter<string>('betBook'));
  const registered = m.call(betBook, 'registerOperator', [
    m.getParameter<number>('shards'),
    m.getParameter<ModuleParameterType>('executors'),
    m.getParameter<string>('guardian'),
  ]);
  const limits = {
    maxPayout: m.getParameter<bigint>('maxPayoutUnits'),
    stopLoss: m.getParameter<bigint>('stopLossUnits'),
    dayWon: m.getParameter<bigint>('dayWonUnits'),
    dayCredit: m.getParameter<bigint>('dayCreditUnits'),
    maxHorizon: m.getParameter<number>('maxHorizonS'),
  };
  m.call(betBook, 'openBank', [operator, operator, limits], { after: [registered] });
  return { betBook };
});
