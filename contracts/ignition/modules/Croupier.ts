import { buildModule } from '@nomicfoundation/ignition-core';

/**
 * Treasury and BetBook over a token that exists. Parameters: `token`, its address; `noticeS`, the
 * notice period N in seconds, which nobody can change afterwards.
 */
export default buildModule('Croupier', (m) => {
  const treasury = m.contract('Treasury', [m.getParameter<string>('token')]);
  const betBook = m.contract('BetBook', [treasury, m.getParameter<number>('noticeS')]);
  return { treasury, betBook };
});
